//! The process of a night that runs one engine.

use judge::RuleSet;
use reports::ExitCode;

use super::not_run;
use crate::engines::registry::{Named, Sink, Task};
use crate::error::Error;
use crate::output::Output;
use crate::{guard, run};

/// Runs an engine, and sends what it finds to the process that waits.
///
/// # Errors
///
/// A subject that panicked: the process that waits finds out which engine it was.
pub(crate) fn part(engine: Named, task: &Task<'_>, output: &mut Output) -> Result<ExitCode, Error> {
    let mut results = run::results(task.place, RuleSet::ALL, task.seed, Some(task.budget));
    if let Err(error) = engine.0.run(task, &mut Sink(&mut results), output) {
        if guard::subject_panicked() {
            return Err(error);
        }
        Sink(&mut results).take(not_run(engine.0.in_results(), &error));
    }
    Ok(ExitCode::Held)
}
