//! A trace as a picture in text: who did what while what else was going on.
//!
//! A column per client thread, one for the service, one for each of the callbacks that run at once; a bar from the start of
//! a call or callback to its end, so that overlaps can be seen; and on the right what happened, in words.
//!
//! ```text
//!     seq  t0  service  callbacks
//! >>    8  ┌            │          t0: j0.Cancel()
//!       9  │   ●        │          j0: TRANSFERRED -> CANCELLED, by Cancel
//! >>   10  └            │          t0: j0.Cancel -> S_OK
//! ```

mod decisive;
mod slots;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use contract::Rule;
use contract::ids::{CallId, DeliveryId, JobId, ThreadId};

use super::trace::{Kind, Line, Trace};
use super::verdict::Violation;

/// How to draw a timeline.
#[derive(Clone, Debug, Default)]
pub struct TimelineOptions {
    /// The violation to explain: its sentence stands above, and the lines that matter for it are marked.
    pub violation: Option<Violation>,
    /// Draw only this job's events, and those of no job.
    pub job: Option<JobId>,
    /// Cut lines to this number of characters.
    pub width: Option<usize>,
    /// Lines to mark beside those that matter for the violation, by their numbers.
    pub marked: BTreeSet<u64>,
}

/// Draws a trace.
#[must_use]
pub fn timeline(trace: &Trace, options: &TimelineOptions) -> String {
    let decisive = options.violation.map(|violation| decisive::lines(trace, &violation)).unwrap_or_default();
    let mut lanes = Lanes::of(trace);
    let digits = trace.lines.last().map_or(1, |line| line.seq).to_string().len().max(3);
    let mut picture = String::new();
    if let Some(violation) = &options.violation {
        put(&mut picture, options, format_args!("{violation}: {}", violation.rule.sentence()));
        if violation.rule == Rule::R9
            && let Some(words) = slots::words(trace, violation)
        {
            put(&mut picture, options, format_args!("{words}"));
        }
        picture.push('\n');
    }
    put(&mut picture, options, format_args!("   {:>digits$}  {}", "seq", lanes.heading()));
    for line in &trace.lines {
        let bars = lanes.draw(line);
        let text = lanes.words.of(line);
        if !is_shown(options, lanes.words.job_of(line)) {
            lanes.close(line);
            continue;
        }
        let is_marked = decisive.contains(&line.seq) || options.marked.contains(&line.seq);
        let mark = if is_marked { ">>" } else { "  " };
        put(&mut picture, options, format_args!("{mark} {:>digits$}  {bars}{text}", line.seq));
        lanes.close(line);
    }
    picture
}

fn is_shown(options: &TimelineOptions, job: Option<JobId>) -> bool {
    options.job.is_none() || job.is_none() || job == options.job
}

/// Adds a line, cut to the width, without white space at its end.
fn put(picture: &mut String, options: &TimelineOptions, line: std::fmt::Arguments<'_>) {
    let mut line = line.to_string();
    if let Some((end, _)) = options.width.and_then(|width| line.char_indices().nth(width)) {
        line.truncate(end);
        line.pop();
        line.push('…');
    }
    picture.push_str(line.trim_end());
    picture.push('\n');
}

/// The columns, and what is open in each.
struct Lanes<'a> {
    threads: Vec<ThreadId>,
    /// The open call of each thread. Calls from inside callbacks are drawn with their callback.
    calls: BTreeMap<CallId, ThreadId>,
    /// The callback that runs in each column.
    callbacks: Vec<Option<DeliveryId>>,
    words: words::Words<'a>,
}

/// The column of a line.
#[derive(Clone, Copy)]
enum Place {
    Thread(ThreadId, Glyph),
    Service,
    Callback(usize, Glyph),
    /// There is no room for it.
    Nowhere,
}

/// What a line does in its column.
#[derive(Clone, Copy)]
enum Glyph {
    Begins,
    Ends,
    Happens,
}

impl<'a> Lanes<'a> {
    fn of(trace: &'a Trace) -> Lanes<'a> {
        let mut threads: Vec<ThreadId> = trace.lines.iter().filter_map(client_of).collect();
        threads.sort_unstable();
        threads.dedup();
        let columns = most_callbacks(trace);
        Lanes {
            threads,
            calls: BTreeMap::new(),
            callbacks: vec![None; columns],
            words: words::Words::default(),
        }
    }

    fn heading(&self) -> String {
        let mut heading = String::new();
        for thread in &self.threads {
            let _ = write!(heading, "{:<width$}", thread.to_string(), width = thread_width(*thread));
        }
        let callbacks = if self.callbacks.is_empty() { "" } else { "callbacks" };
        let _ =
            write!(heading, "{:<SERVICE$}{:<width$}", "service", callbacks, width = self.callbacks_width());
        heading
    }

    fn callbacks_width(&self) -> usize {
        if self.callbacks.is_empty() { 0 } else { (2 * self.callbacks.len() + 1).max("callbacks".len() + 2) }
    }

    /// The bars of a line, and opens what the line opens.
    fn draw(&mut self, line: &'a Line) -> String {
        let place = self.place(line);
        let mut bars = String::new();
        for lane in &self.threads {
            let open = self.calls.values().any(|open| open == lane);
            let here =
                if let Place::Thread(at, glyph) = place { (at == *lane).then_some(glyph) } else { None };
            let _ = write!(bars, "{:<width$}", symbol(here, open), width = thread_width(*lane));
        }
        let _ = write!(bars, "{:<SERVICE$}", if matches!(place, Place::Service) { "●" } else { "" });
        let mut columns = String::new();
        for (column, open) in self.callbacks.iter().enumerate() {
            let here =
                if let Place::Callback(at, glyph) = place { (at == column).then_some(glyph) } else { None };
            let _ = write!(columns, "{:<2}", symbol(here, open.is_some()));
        }
        let _ = write!(bars, "{columns:<width$}", width = self.callbacks_width());
        bars
    }

    /// Where a line is drawn; opens and closes columns on the way.
    fn place(&mut self, line: &'a Line) -> Place {
        self.words.open(line);
        match &line.what {
            Kind::Call(call) => match call.inside {
                Some(delivery) => self.inside(delivery),
                None => {
                    self.calls.insert(call.id, call.thread);
                    Place::Thread(call.thread, Glyph::Begins)
                }
            },
            Kind::Return(back) => match self.calls.remove(&back.call) {
                Some(thread) => Place::Thread(thread, Glyph::Ends),
                None => self.words.inside(back.call).map_or(Place::Nowhere, |delivery| self.inside(delivery)),
            },
            Kind::Wait(wait) => match self.words.inside(wait.call) {
                Some(delivery) => self.inside(delivery),
                None => match self.calls.get(&wait.call) {
                    Some(thread) => Place::Thread(*thread, Glyph::Happens),
                    None => Place::Service,
                },
            },
            Kind::Given(told) => self.inside(told.delivery),
            Kind::Enter(enter) => {
                let Some(free) = self.callbacks.iter().position(Option::is_none) else {
                    return Place::Nowhere;
                };
                self.callbacks[free] = Some(enter.delivery);
                Place::Callback(free, Glyph::Begins)
            }
            Kind::Leave(leave) => {
                let Some(at) = self.column(leave.delivery) else { return Place::Nowhere };
                self.callbacks[at] = None;
                Place::Callback(at, Glyph::Ends)
            }
            _ => Place::Service,
        }
    }

    /// A call from inside a callback is drawn in the callback's column.
    fn inside(&self, delivery: DeliveryId) -> Place {
        self.column(delivery).map_or(Place::Nowhere, |at| Place::Callback(at, Glyph::Happens))
    }

    /// Forgets what the line ended.
    fn close(&mut self, line: &Line) {
        self.words.close(line);
    }

    fn column(&self, delivery: DeliveryId) -> Option<usize> {
        self.callbacks.iter().position(|open| *open == Some(delivery))
    }
}

const SERVICE: usize = "service".len() + 2;

fn thread_width(thread: ThreadId) -> usize {
    thread.to_string().len() + 2
}

fn symbol(here: Option<Glyph>, open: bool) -> &'static str {
    match (here, open) {
        (Some(Glyph::Begins), _) => "┌",
        // Another call of this thread may be open still, when a trace is odd.
        (Some(Glyph::Ends), _) => "└",
        (Some(Glyph::Happens), _) => "├",
        (None, true) => "│",
        (None, false) => "",
    }
}

fn client_of(line: &Line) -> Option<ThreadId> {
    match &line.what {
        Kind::Call(call) if call.inside.is_none() => Some(call.thread),
        _ => None,
    }
}

/// The most callbacks that run at once; more than a screen's worth share what columns there are.
fn most_callbacks(trace: &Trace) -> usize {
    const MOST: usize = 12;
    let (mut running, mut most) = (0_usize, 0);
    for line in &trace.lines {
        match line.what {
            Kind::Enter(_) => running += 1,
            Kind::Leave(_) => running = running.saturating_sub(1),
            _ => {}
        }
        most = most.max(running);
    }
    most.min(MOST)
}
