//! The part of a trace that is drawn, also of one that is too long to be held in memory.

use std::collections::{BTreeMap, VecDeque};

use contract::{DeliveryId, JobId};
use judge::trace::Kind;
use judge::{FailureId, Header, Line, Rule, Trace, Verdicts, Violation, failure_id};

use super::played::Played;
use crate::findings::{draw, draw_difference};
use crate::output::counted;

/// The part of a trace that is drawn.
#[derive(Clone, Copy)]
pub(crate) enum Window {
    /// All of a short one; of a long one what the first violation is about, or its end.
    Usual,
    /// `EITHER_SIDE` lines on either side of the line with this number.
    Around(u64),
    /// This number of lines at the end.
    Last(usize),
}

/// Lines drawn on either side of a number.
const EITHER_SIDE: usize = 20;

/// Lines kept of what a violation in a long trace is about, and lines drawn at the end of one without.
const KEPT: usize = 2_000;
const AT_END: usize = 100;

/// What is printed of a trace's lines.
pub(super) struct Shown {
    pub(super) drawn: String,
    pub(super) ids: BTreeMap<Rule, FailureId>,
}

impl Shown {
    pub(super) fn whole(played: &Played, verdicts: &Verdicts, window: Window) -> Shown {
        let trace = &played.trace;
        let ids = verdicts.violations().map(|violation| (violation.rule, failure_id(trace, &violation)));
        let ids = ids.collect();
        let at = |seq| trace.lines.partition_point(|line| line.seq < seq);
        let all = trace.lines.len();
        let range = match window {
            Window::Usual => {
                // A rule that is broken comes first; where specification and core part, both sides stand above the timeline.
                let drawn = match (&played.difference, verdicts.first()) {
                    (Some(difference), None) => draw_difference(trace, difference),
                    (_, first) => draw(trace, first),
                };
                return Shown { drawn, ids };
            }
            Window::Around(seq) => at(seq).saturating_sub(EITHER_SIDE)..(at(seq) + EITHER_SIDE + 1).min(all),
            Window::Last(lines) => all.saturating_sub(lines)..all,
        };
        let part = Trace { header: trace.header.clone(), lines: trace.lines[range].to_vec() };
        Shown { drawn: drawn_part(&part, all as u64), ids }
    }
}

/// A part of a trace as a timeline, with how much it is of.
fn drawn_part(part: &Trace, all: u64) -> String {
    let lines = indicatif::HumanCount(part.lines.len() as u64);
    format!("{lines} of {}:\n\n{}", counted(all, "line"), draw(part, None))
}

/// Lines of a long trace that are worth to be kept: of each violation what is about its job, and those that are to be drawn.
pub(super) struct Excerpts {
    window: Window,
    /// Each violation, and the lines before it.
    violations: Vec<(Violation, VecDeque<Line>)>,
    first: Option<Violation>,
    drawn: VecDeque<Line>,
    /// The job of each open delivery: its end does not name it.
    deliveries: BTreeMap<DeliveryId, JobId>,
}

impl Excerpts {
    pub(super) fn of(verdicts: &Verdicts, window: Window) -> Excerpts {
        Excerpts {
            window,
            violations: verdicts.violations().map(|violation| (violation, VecDeque::new())).collect(),
            first: verdicts.first(),
            drawn: VecDeque::new(),
            deliveries: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, line: Line) {
        let job = self.job(&line);
        for (violation, lines) in &mut self.violations {
            let about = violation.job.is_none() || job.is_none() || job == violation.job;
            if about && line.seq <= violation.seq {
                push(lines, line.clone(), KEPT);
            }
        }
        match self.window {
            Window::Usual => push(&mut self.drawn, line, AT_END),
            Window::Last(most) => push(&mut self.drawn, line, most),
            Window::Around(seq) if line.seq <= seq => push(&mut self.drawn, line, EITHER_SIDE + 1),
            Window::Around(_) if self.drawn.len() <= 2 * EITHER_SIDE => self.drawn.push_back(line),
            Window::Around(_) => {}
        }
    }

    fn job(&mut self, line: &Line) -> Option<JobId> {
        match &line.what {
            Kind::Call(call) => call.job,
            Kind::Return(back) => back.job,
            Kind::Begin(begin) => Some(begin.job),
            Kind::Wait(wait) => Some(wait.job),
            Kind::Enter(enter) => {
                self.deliveries.insert(enter.delivery, enter.job);
                Some(enter.job)
            }
            Kind::Given(given) => self.deliveries.get(&given.delivery).copied(),
            Kind::Leave(leave) => self.deliveries.remove(&leave.delivery),
            Kind::Env(env) => env.job,
            Kind::State(state) => Some(state.job),
            Kind::Unknown(unknown) => unknown.job,
            Kind::Choose(_) | Kind::Crash {} | Kind::Restart {} => None,
        }
    }

    pub(super) fn shown(self, header: &Header, all: u64) -> Shown {
        let trace = |lines: VecDeque<Line>| Trace { header: header.clone(), lines: lines.into() };
        let mut ids = BTreeMap::new();
        let mut usual = None;
        for (violation, lines) in self.violations {
            let about = trace(lines);
            ids.insert(violation.rule, failure_id(&about, &violation));
            if Some(violation) == self.first {
                usual = Some(draw(&about, Some(violation)));
            }
        }
        let drawn = match (self.window, usual) {
            (Window::Usual, Some(usual)) => usual,
            _ => drawn_part(&trace(self.drawn), all),
        };
        Shown { drawn, ids }
    }
}

fn push(lines: &mut VecDeque<Line>, line: Line, most: usize) {
    if lines.len() >= most {
        lines.pop_front();
    }
    lines.push_back(line);
}
