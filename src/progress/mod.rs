//! Progress on stderr: a line that moves on a terminal, and now and then a plain line elsewhere.
//!
//! **What it is.** An engine hands over its [`Work`] and a text; a thread of this module writes lines, so that one comes while an engine is
//! silent, too. Each line has what is done, of how much, and about how long it still takes ([`work`]).
//!
//! **What it is not.** A sign of life: only a call by an engine is one, and a line is not.

pub(crate) mod ahead;
pub(crate) mod course;
pub(crate) mod night;
pub(crate) mod took;
pub(crate) mod work;

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use reports::Failure;
use serde_json::{Value, json};

pub(crate) use self::ahead::{Ahead, Guess};
pub(crate) use self::took::{Cost, Took};
pub(crate) use self::work::Work;
use self::work::{Pace, Standing};
use crate::run::millis;
use crate::watch::worker;

/// How often a plain line is written where nothing moves.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// How often a line of JSON is written.
const JSON_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether a line is due, and how old the text of an engine may be.
const BEAT: Duration = Duration::from_millis(100);

/// What is under way; the last one is what this process does right now.
static UNDER_WAY: Mutex<Vec<Arc<Mutex<State>>>> = Mutex::new(Vec::new());

/// Where this process stands, in a line; nothing while nothing is under way.
pub(crate) fn stands() -> Option<String> {
    let newest = newest()?;
    let line = locked(&newest).line();
    Some(line)
}

/// Prints on stderr where this process stands.
#[cfg_attr(not(unix), expect(dead_code, reason = "there is no signal that asks"))]
pub(crate) fn say_where_it_stands() {
    say(stands().as_deref().unwrap_or("getting ready"));
}

/// Whether anything is under way in this process.
#[cfg_attr(not(unix), expect(dead_code, reason = "there is no signal that asks"))]
pub(crate) fn is_under_way() -> bool {
    newest().is_some()
}

fn newest() -> Option<Arc<Mutex<State>>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).last().map(Arc::clone)
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The pace of work that several lines of progress follow one after another.
#[derive(Clone)]
pub(crate) struct Track {
    shared: Arc<Mutex<Shared>>,
    began: Instant,
}

struct Shared {
    pace: Pace,
    /// When a line was written.
    said: Instant,
}

impl Track {
    /// It begins now.
    pub(crate) fn new() -> Track {
        let began = Instant::now();
        Track { shared: Arc::new(Mutex::new(Shared { pace: Pace::default(), said: began })), began }
    }

    /// The time since then.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn standing(&self) -> Standing {
        self.shared().pace.standing(self.elapsed())
    }

    /// Whether a line is due that is written so often. Then it is written now.
    fn is_due(&self, every: Duration) -> bool {
        let mut shared = self.shared();
        let due = shared.said.elapsed() >= every;
        if due {
            shared.said = Instant::now();
        }
        due
    }
}

/// The progress of one engine.
pub(crate) struct Progress(Arc<Mutex<State>>);

struct State {
    label: String,
    text: String,
    track: Track,
    how: How,
    /// When the text was made.
    made: Option<Instant>,
}

enum How {
    Moving(ProgressBar),
    Plain,
    Json,
    Quiet,
}

/// Whether progress is shown at all, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Talk {
    As(Manner),
    Quiet,
}

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum Manner {
    /// A bar on a terminal, and else plain lines.
    #[default]
    Auto,
    /// A line now and then.
    Plain,
    /// A line that moves.
    Bar,
    /// A line of JSON now and then.
    Json,
}

impl Manner {
    /// What was typed for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Manner::Auto => "auto",
            Manner::Plain => "plain",
            Manner::Bar => "bar",
            Manner::Json => "json",
        }
    }
}

impl Progress {
    pub(crate) fn start(talk: Talk, label: &str, track: Track) -> Progress {
        let how = match talk {
            Talk::Quiet => How::Quiet,
            Talk::As(Manner::Json) => How::Json,
            Talk::As(Manner::Bar) => How::Moving(bar(label)),
            Talk::As(Manner::Auto) if std::io::stderr().is_terminal() => How::Moving(bar(label)),
            Talk::As(Manner::Auto | Manner::Plain) => How::Plain,
        };
        let (label, text, made) = (label.to_owned(), String::new(), None);
        let state = Arc::new(Mutex::new(State { label, text, track, how, made }));
        UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&state));
        if talk != Talk::Quiet {
            write_lines();
        }
        Progress(state)
    }

    /// How far it is. The text is only made when the last one is old.
    pub(crate) fn tell(&self, work: Work, text: impl FnOnce() -> String) {
        self.note_work(work);
        let mut state = locked(&self.0);
        if state.made.is_none_or(|made| made.elapsed() >= BEAT) {
            state.text = text();
            state.made = Some(Instant::now());
        }
    }

    /// How far it is, where another line than one of progress shows it.
    pub(crate) fn note_work(&self, work: Work) {
        worker::sign();
        let state = locked(&self.0);
        let at = state.track.elapsed();
        state.track.shared().pace.note(at, work);
    }

    /// Where it stands.
    pub(crate) fn standing(&self) -> Standing {
        locked(&self.0).track.standing()
    }

    /// A failure, at once: the user can look at it while the engine goes on.
    pub(crate) fn found(&self, failure: &Failure) {
        let (label, seconds) = {
            let state = locked(&self.0);
            (state.label.clone(), state.track.elapsed().as_secs())
        };
        self.note(&format!("{label}: found {} after {seconds} s: {}", failure.id, failure.replay_command));
    }

    /// A line for a machine, unchanged.
    pub(crate) fn raw(&self, line: &str) {
        match &locked(&self.0).how {
            How::Moving(bar) => bar.suspend(|| say(line)),
            How::Plain | How::Json => say(line),
            How::Quiet => {}
        }
    }

    /// Something that is worth a line that stays.
    pub(crate) fn note(&self, text: &str) {
        let state = locked(&self.0);
        match &state.how {
            How::Moving(bar) => bar.suspend(|| say(text)),
            How::Plain => say(text),
            How::Json => say(&state.in_json("note", text, &Value::Null)),
            How::Quiet => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).retain(|state| !Arc::ptr_eq(state, &self.0));
        // A thread that still holds the state draws nothing any more.
        if let How::Moving(bar) = std::mem::replace(&mut locked(&self.0).how, How::Quiet) {
            bar.finish_and_clear();
        }
    }
}

impl State {
    fn line(&self) -> String {
        format!("{}: {}", self.label, self.in_words(&self.track.standing()))
    }

    fn in_words(&self, standing: &Standing) -> String {
        let text = if self.text.is_empty() { String::new() } else { format!("{}; ", self.text) };
        let night = night::standing(standing.left).map(night::Night::in_words).unwrap_or_default();
        format!("{text}{}{night}", standing.in_words())
    }

    /// Writes a line, if one is due.
    fn write(&self) {
        let every = match &self.how {
            How::Moving(_) => Duration::ZERO,
            How::Plain => PLAIN_EVERY,
            How::Json => JSON_EVERY,
            How::Quiet => return,
        };
        // Before the first call of `tell` there is nothing to write.
        if self.made.is_none() || !self.track.is_due(every) {
            return;
        }
        let standing = self.track.standing();
        match &self.how {
            How::Moving(bar) => {
                bar.set_position((standing.fraction.unwrap_or_default() * WHOLE as f64) as u64);
                bar.set_message(self.in_words(&standing));
            }
            How::Plain => say(&self.line()),
            How::Json => say(&self.in_json("progress", &self.text, &self.amounts(&standing))),
            How::Quiet => {}
        }
    }

    fn amounts(&self, standing: &Standing) -> Value {
        let (done, of, unit) = match standing.amount {
            Some((done, of, unit)) => (json!(done), json!(of), json!(unit)),
            None => (Value::Null, Value::Null, Value::Null),
        };
        let night = night::standing(standing.left).map(night::Night::in_json);
        json!({ "done": done, "of": of, "unit": unit, "left_ms": standing.left.map(millis), "night": night })
    }

    fn in_json(&self, kind: &str, text: &str, amounts: &Value) -> String {
        let mut line = json!({
            "version": 1, "kind": kind, "what": self.label, "text": text,
            "elapsed_ms": millis(self.track.elapsed()),
        });
        if let (Value::Object(line), Value::Object(amounts)) = (&mut line, amounts) {
            line.extend(amounts.clone());
        }
        line.to_string()
    }
}

/// From now on lines are written when they are due.
fn write_lines() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        // Without the thread there is no progress to read, and the work goes on.
        let _ = std::thread::Builder::new().name("progress".to_owned()).spawn(|| {
            loop {
                std::thread::sleep(BEAT);
                if let Some(newest) = newest() {
                    locked(&newest).write();
                }
            }
        });
    });
}

/// The steps of a bar.
const WHOLE: u64 = 1_000;

fn bar(label: &str) -> ProgressBar {
    let bar = ProgressBar::new(WHOLE).with_prefix(label.to_owned());
    let style = ProgressStyle::with_template("{spinner} {prefix} [{bar:12}] {wide_msg}")
        // The template is a constant, and a test draws with it.
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn say(text: &str) {
    use std::io::Write as _;
    // A reader may be gone, which must not stop the work.
    let _ = writeln!(std::io::stderr(), "{text}");
}
