//! The errors of a run's files against what their server does: a file has no error that nothing can have caused.

use std::collections::BTreeMap;

use contract::core::Failure;
use contract::{EnvStep, FileId, HResult, JobId};
use judge::Trace;
use judge::trace::Kind;

use super::plan::Before;
use super::stage::Placed;
use crate::outcomes::{Attempt, LATE, attempts};
use crate::wrong::Wrong;

/// What a directory that is not there is called.
const NO_PATH: HResult = HResult::from_win32(3);

/// The errors that nothing explains, one of each kind.
pub(super) fn unexplained(trace: &Trace, placed: &[Placed]) -> Vec<Wrong> {
    let files: BTreeMap<(JobId, FileId), &Placed> =
        placed.iter().map(|file| ((file.job, file.file), file)).collect();
    let mut wrong: Vec<Wrong> = Vec::new();
    for line in &trace.lines {
        let Kind::Env(env) = &line.what else { continue };
        let error = match env.step {
            EnvStep::TransientError { hr } => (Failure::Transient, hr),
            EnvStep::FatalError { hr } => (Failure::Fatal, hr),
            _ => continue,
        };
        let (Some(job), file) = (env.job, env.file) else { continue };
        // An error of the transport is about no file.
        let mut candidates = files.range((job, FileId(0))..=(job, FileId(u32::MAX)));
        let explains = |placed: &Placed| may_fail_with(placed, error);
        let explained = match file {
            Some(file) => files.get(&(job, file)).is_none_or(|placed| explains(placed)),
            None => candidates.clone().next().is_none() || candidates.any(|(_, placed)| explains(placed)),
        };
        let what = format!("an error that nothing explains: {:?} {}", error.0, error.1);
        if !explained && !wrong.iter().any(|other| other.what == what) {
            let faults =
                file.and_then(|file| files.get(&(job, file))).map(|placed| placed.plan.fault.to_string());
            wrong.push(Wrong {
                case: "live".to_owned(),
                what,
                owed: format!("an error of {}", faults.as_deref().unwrap_or("one of the job's files")),
                found: format!("{:?} {} of {job}", error.0, error.1),
                because: "facts D2, D4".to_owned(),
                trace: None,
            });
        }
    }
    wrong
}

fn may_fail_with(placed: &Placed, (class, hr): (Failure, HResult)) -> bool {
    let found = Attempt::Failed(class, hr);
    // A machine that is busy is late now and then, whatever the server does.
    let anybodys = found == LATE;
    let no_directory =
        placed.plan.before == Before::NoDirectory && found == Attempt::Failed(Failure::Fatal, NO_PATH);
    anybodys || no_directory || attempts(placed.plan.fault, placed.plan.size.max(3)).contains(&found)
}
