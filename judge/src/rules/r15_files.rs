//! R15: files appear through Complete alone, and Cancel cleans up after its own job alone.
//!
//! `disk` steps record what the engine did, `observed` steps what an outside observer found. A whole file at the destination
//! must have been renamed, or be about to be recorded so by a Complete that is still running; a file with other bytes
//! has no excuse; a file that stood there before stays until a rename replaces it. After a rename that failed, nothing more is
//! done until the next Complete or Cancel. A job that has ended leaves no temporary file: at once when the call that ended it reports
//! so, at the end of the run when it expired. Of a file there is one fetch at a time, and none begins after the job has ended.
//! That a file is done by one, where fetches are recorded, is decided over the whole run (`fetched.rs`).

use contract::Rule;
use contract::call::{Call, Method};
use contract::dialect::Profile;
use contract::env::{DiskAct, EnvStep, Found};
use contract::event::{By, EventView};
use contract::hresult::HResult;
use contract::ids::FileId;
use contract::state::JobState;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::small::FileSet;

/// What was done to each file, and how the job ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R15 {
    renamed: FileSet,
    foreign: FileSet,
    /// Temporary files that could not be removed.
    stuck: FileSet,
    /// Temporary files that stood there when they were last looked at.
    left: FileSet,
    /// Files that are being fetched.
    fetching: FileSet,
    end: End,
    /// A rename has failed, and no call to end the job has been made since.
    failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum End {
    #[default]
    No,
    /// By itself, because it was too old.
    Expired,
    /// By a Cancel or Complete that admits to files left behind.
    LeftBehind,
    /// By a Complete, with everything done.
    Completed,
    /// By a Complete of a part of the files. One code has no room for a file left behind as well.
    CompletedInPart,
    /// By a Cancel, with everything done.
    Cancelled,
}

impl End {
    /// How a call ended the job that was back with this success.
    fn by(profile: &Profile, call: &Call, hr: HResult) -> End {
        match call {
            _ if hr == profile.unable_to_delete && hr != HResult::S_OK => End::LeftBehind,
            Call::Cancel => End::Cancelled,
            _ if hr == profile.partial_complete && hr != HResult::S_OK => End::CompletedInPart,
            _ => End::Completed,
        }
    }
}

impl<const CALLS: usize> Monitor<CALLS> for R15 {
    const RULE: Rule = Rule::R15;
    const SEES: &'static [Kind] = &[Kind::Call, Kind::Return, Kind::Env, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Call { call: Call::Cancel | Call::Complete, .. } => {
                self.failed = false;
                Outcome::Held
            }
            EventView::Return { call: call @ (Call::Cancel | Call::Complete), hr, .. } if hr.succeeded() => {
                self.end = End::by(cx.profile, call, hr);
                Outcome::Held
            }
            EventView::State { to: JobState::Cancelled, by: By::Env(_), .. } => {
                self.end = End::Expired;
                Outcome::Held
            }
            EventView::Env { step, file: Some(file), .. } if FileSet::knows(file) => match step {
                EnvStep::Disk { act } => self.disk(cx, act, file),
                EnvStep::FetchBegins { .. } => self.fetch_begins(file),
                EnvStep::FetchEnds { .. } => {
                    self.fetching.remove(file);
                    Outcome::Held
                }
                EnvStep::Observed { destination, temporary } => {
                    let good =
                        self.destination(cx, destination, file) & self.temporary(cx.profile, temporary, file);
                    Outcome::check(good)
                }
                _ => Outcome::Held,
            },
            _ => Outcome::Held,
        }
    }
}

impl R15 {
    /// Whether a job that ended by itself has left something, as far as an observer looked.
    pub(crate) fn has_left_files(self) -> bool {
        self.end == End::Expired && !self.left.is_empty()
    }

    fn fetch_begins(&mut self, file: FileId) -> Outcome {
        let alone = !self.fetching.contains(file);
        let wanted = self.end == End::No;
        self.fetching.insert(file);
        Outcome::check(alone && wanted)
    }

    fn disk<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, act: DiskAct, file: FileId) -> Outcome {
        let had_failed = self.failed;
        let outcome = self.disk_act(cx, act, file);
        if had_failed { Outcome::Violated } else { outcome }
    }

    fn disk_act<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, act: DiskAct, file: FileId) -> Outcome {
        match act {
            DiskAct::Renamed => {
                let cancelled = matches!(self.end, End::Cancelled | End::LeftBehind);
                let completing = cx.facts.is_open(Method::Complete) && !cancelled;
                let done = cx.facts.done.contains(file);
                self.renamed.insert(file);
                self.foreign.remove(file);
                Outcome::check(completing && done)
            }
            DiskAct::RemoveFailed => {
                self.stuck.insert(file);
                Outcome::Held
            }
            DiskAct::Removed => {
                self.stuck.remove(file);
                Outcome::Held
            }
            DiskAct::RenameFailed => {
                // Another call that ends the job may be waiting already: what follows may be its work.
                let ending = |method: &Method| matches!(method, Method::Complete | Method::Cancel);
                self.failed = cx.facts.open_methods().filter(ending).count() == 1;
                Outcome::Held
            }
        }
    }

    fn destination<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, found: Found, file: FileId) -> bool {
        let renamed = self.renamed.contains(file);
        match found {
            Found::Wrong => false,
            Found::Whole => renamed || (cx.facts.is_open(Method::Complete) && cx.facts.done.contains(file)),
            Found::Absent => !renamed && !self.foreign.contains(file),
            Found::Foreign => {
                if !renamed {
                    self.foreign.insert(file);
                }
                true
            }
        }
    }

    fn temporary(&mut self, profile: &Profile, found: Found, file: FileId) -> bool {
        if found == Found::Absent {
            self.left.remove(file);
            return true;
        }
        self.left.insert(file);
        // A dialect without a code for files left behind answers S_OK nevertheless (facts G30).
        let silent = profile.unable_to_delete == HResult::S_OK || self.end == End::CompletedInPart;
        let excused = silent && self.stuck.contains(file);
        let clean = matches!(self.end, End::Cancelled | End::Completed | End::CompletedInPart);
        !clean || excused
    }
}
