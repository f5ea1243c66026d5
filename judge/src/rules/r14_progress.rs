//! R14: progress adds up.
//!
//! Files of a job are transferred one after another, so the bytes of one file are remembered at a time. A file goes back
//! only when it starts again: because the server's copy changed, or once after its URL was changed. A job that is not being
//! transferred makes no progress: what is reported then is of an attempt that is over.

use contract::Rule;
use contract::call::{Call, Completed, FileProgress, Out, Progress};
use contract::env::EnvStep;
use contract::event::EventView;
use contract::ids::FileId;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::small::FileSet;

/// The file in transfer, and the files that may start again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct R14 {
    transferred: u64,
    /// [`UNKNOWN`] until it is known.
    total: u64,
    /// [`NO_FILE`] between files. Not an `Option`, which would be twice as large.
    file: FileId,
    may_restart: FileSet,
}

/// As the API has it: `BG_SIZE_UNKNOWN`.
const UNKNOWN: u64 = u64::MAX;
const NO_FILE: FileId = FileId(u32::MAX);

impl Default for R14 {
    fn default() -> R14 {
        R14 { transferred: 0, total: UNKNOWN, file: NO_FILE, may_restart: FileSet::default() }
    }
}

impl<const CALLS: usize> Monitor<CALLS> for R14 {
    const RULE: Rule = Rule::R14;
    const SEES: &'static [Kind] = &[Kind::Call, Kind::Return, Kind::Env];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Env { step, file: Some(file), .. } => {
                let late = is_progress(step) && is_over(cx);
                let outcome = self.transfer(step, file);
                if late { Outcome::Violated } else { outcome }
            }
            EventView::Return { out: Out::Progress(progress), .. } => Outcome::check(job_adds_up(progress)),
            EventView::Return { out: Out::FileProgress(progress), .. } => {
                Outcome::check(file_adds_up(progress))
            }
            EventView::Call { call: Call::FileSetRemoteName { file, .. }, .. } => {
                self.may_restart.insert(*file);
                Outcome::Held
            }
            _ => Outcome::Held,
        }
    }
}

impl R14 {
    fn transfer(&mut self, step: EnvStep, file: FileId) -> Outcome {
        match step {
            EnvStep::SizeKnown { total } => {
                self.turn_to(file);
                self.total = total;
                // A file that may start again has perhaps done so, and not reported it yet.
                let fits = self.transferred <= total || self.may_restart.contains(file);
                Outcome::check(fits)
            }
            EnvStep::Bytes { transferred, total } => {
                self.turn_to(file);
                self.bytes(file, transferred, total.unwrap_or(UNKNOWN))
            }
            EnvStep::FileRestarted => {
                self.forget();
                Outcome::Exercised
            }
            EnvStep::FileDone => {
                self.may_restart.remove(file);
                let followed = self.file == file && self.total != UNKNOWN;
                let whole = self.transferred == self.total;
                self.forget();
                if followed { Outcome::check(whole) } else { Outcome::Held }
            }
            _ => Outcome::Held,
        }
    }

    fn bytes(&mut self, file: FileId, transferred: u64, total: u64) -> Outcome {
        let back = transferred < self.transferred;
        let excused = back && self.may_restart.contains(file);
        if excused {
            self.may_restart.remove(file);
        }
        self.transferred = transferred;
        if total != UNKNOWN {
            self.total = total;
        }
        let fits = transferred <= self.total;
        Outcome::check(fits && (!back || excused))
    }

    fn turn_to(&mut self, file: FileId) {
        if self.file != file {
            self.forget();
            self.file = file;
        }
    }

    fn forget(&mut self) {
        *self = R14 { may_restart: self.may_restart, ..R14::default() };
    }
}

fn is_progress(step: EnvStep) -> bool {
    matches!(
        step,
        EnvStep::SizeKnown { .. } | EnvStep::Bytes { .. } | EnvStep::FileRestarted | EnvStep::FileDone
    )
}

/// Whether the job is known to be in a state in which nothing is transferred.
fn is_over<const CALLS: usize>(cx: &Cx<'_, CALLS>) -> bool {
    cx.facts.state.is_some_and(|state| !state.is_running())
}

fn job_adds_up(progress: &Progress) -> bool {
    let Progress { bytes_total, bytes_transferred, files_total, files_transferred } = *progress;
    let all_files = files_total == files_transferred;
    files_transferred <= files_total
        && bytes_total
            .is_none_or(|total| bytes_transferred <= total && (!all_files || bytes_transferred == total))
}

fn file_adds_up(progress: &FileProgress) -> bool {
    let FileProgress { bytes_total, bytes_transferred, completed } = *progress;
    bytes_total.is_none_or(|total| {
        bytes_transferred <= total && (completed == Completed::No || bytes_transferred == total)
    })
}
