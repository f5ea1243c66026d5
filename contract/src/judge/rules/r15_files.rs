//! R15: files appear through Complete alone, and Cancel cleans up after its own job alone.
//!
//! `disk` steps say what the engine did, `observed` steps what somebody else found. A whole file at the destination
//! must have been renamed, or be about to be recorded so by a Complete that is still running; a file with other bytes
//! has no excuse; a file that stood there before stays until a rename replaces it.

use crate::call::{Call, Method};
use crate::dialect::Profile;
use crate::env::{DiskAct, EnvStep, Found};
use crate::event::EventView;
use crate::hresult::HResult;
use crate::ids::FileId;
use crate::judge::monitor::{Cx, Kind, Monitor, Outcome};
use crate::judge::rule::Rule;
use crate::judge::small::FileSet;
use crate::mutant;

/// What was done to each file, and how the job was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R15 {
    renamed: FileSet,
    foreign: FileSet,
    /// Temporary files that could not be removed.
    stuck: FileSet,
    cancel: Cancel,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Cancel {
    #[default]
    No,
    /// With a success that admits to files left behind.
    LeftBehind,
    /// With S_OK.
    Clean,
}

impl<const CALLS: usize> Monitor<CALLS> for R15 {
    const RULE: Rule = Rule::R15;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Env];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Return { call: Call::Cancel, hr, .. } if hr.succeeded() => {
                self.cancel = if hr == HResult::S_OK { Cancel::Clean } else { Cancel::LeftBehind };
                Outcome::Held
            }
            EventView::Env { step, file: Some(file), .. } if FileSet::knows(file) => match step {
                EnvStep::Disk { act } => self.disk(cx, act, file),
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
    fn disk<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, act: DiskAct, file: FileId) -> Outcome {
        match act {
            DiskAct::Renamed => {
                let completing = cx.facts.is_open(Method::Complete) && self.cancel == Cancel::No
                    || mutant!(cx.profile, R15RenamedAnyTime);
                let done = cx.facts.done.contains(file) || mutant!(cx.profile, R15RenamedUnfinished);
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
            DiskAct::RenameFailed => Outcome::Held,
        }
    }

    fn destination<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, found: Found, file: FileId) -> bool {
        let renamed = self.renamed.contains(file);
        match found {
            Found::Wrong => mutant!(cx.profile, R15WrongBytes),
            Found::Whole => renamed || (cx.facts.is_open(Method::Complete) && cx.facts.done.contains(file)),
            Found::Absent => !renamed && !self.foreign.contains(file) || mutant!(cx.profile, R15Absent),
            Found::Foreign => {
                if !renamed {
                    self.foreign.insert(file);
                }
                true
            }
        }
    }

    fn temporary(self, profile: &Profile, found: Found, file: FileId) -> bool {
        // A dialect without a code for files left behind says S_OK all the same (facts G30).
        let excused = profile.unable_to_delete == HResult::S_OK && self.stuck.contains(file);
        found == Found::Absent || self.cancel != Cancel::Clean || excused || mutant!(profile, R15Temporary)
    }
}
