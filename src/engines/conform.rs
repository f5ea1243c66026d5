//! Engine "suites": generated suites on a subject.
//!
//! Plan a suite, run it on a subject, and say what became of it.

use std::time::Duration;

use contract::Core;
use contract::core::Config;
use model::suite::{Error as Unplanned, Progress, UnknownCover};
use properties::suite::{Case, Conformed, Order, Outcome, Suite, generate, on_core, on_other as on_another};

use super::counterexample::{Traces, named};
use crate::error::Error;
use crate::output::{Output, counted};
use crate::watch::{Limit, worker};

/// Steps of a path at which it ends, unless another number is given.
pub(crate) const LONGEST: usize = 200;

/// Generates a suite on the engine's own core.
pub(crate) fn planned(order: &Order, output: &Output) -> Result<Suite, Error> {
    worker::begin("generate", None, "", Limit::Silence(PATIENCE * 5));
    let label = format!("generate {} ({})", order.cover, named(order.dialect, ""));
    let progress = output.progress(&label);
    let tell = |slice: &str, now: Progress| {
        progress.tell(|| match now {
            Progress::Exploring(states) => format!("{slice}: {} explored", counted(states as u64, "state")),
            Progress::Covering { left, of } => {
                format!("{slice}: {} of {} to be covered", left, counted(of as u64, "item"))
            }
        });
    };
    generate(order, engine::core::Core::new, &tell).map_err(|error| match error {
        Unplanned::TooWide(_) => Error::usage(error.to_string(), "take a smaller scope: `--scope default`"),
        _ => {
            let help = "run `bgcheck check` on the same scope for the shortest counterexample".to_owned();
            Error::Broken { what: error.to_string(), help }
        }
    })
}

/// Runs a suite on a core.
pub(crate) fn on<C: Core>(
    suite: &Suite,
    make: fn(&Config) -> C,
    output: &Output,
) -> Result<Conformed, Error> {
    conformed(suite, output, |tell| on_core(suite, make, tell))
}

/// Runs a suite in another way: on the service, or as somebody has recorded it.
pub(crate) fn on_other(
    suite: &Suite,
    outcome: &dyn Fn(&Case) -> Outcome,
    output: &Output,
) -> Result<Conformed, Error> {
    conformed(suite, output, |tell| on_another(suite, engine::core::Core::new, tell, outcome))
}

/// Runs a suite while it is said how many files are done.
fn conformed(
    suite: &Suite,
    output: &Output,
    run: impl FnOnce(&dyn Fn(usize)) -> Result<Conformed, UnknownCover>,
) -> Result<Conformed, Error> {
    worker::begin("conform", None, "", Limit::Silence(PATIENCE));
    let progress = output.progress("conform");
    let files = suite.cases.len();
    run(&|done| progress.tell(|| format!("{done} of {}", counted(files as u64, "file"))))
        .map_err(of_another_version)
}

/// How long one file of a suite may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The manifest names a cover that this version does not know.
pub(crate) fn of_another_version(error: UnknownCover) -> Error {
    Error::usage(error.to_string(), "generate the suite again with this version: `bgcheck generate`")
}

/// Writes down the failure of a suite that is to be read: the shortest that breaks a rule, or else the shortest.
pub(crate) fn keep(
    conformed: &Conformed,
    traces: &Traces,
) -> Result<Option<(String, reports::Failure)>, Error> {
    let shortest =
        conformed.failures().min_by_key(|(_, failed)| (failed.rule.is_none(), failed.trace.lines.len()));
    let Some((name, failed)) = shortest else { return Ok(None) };
    let story = format!("then: {}", failed.what);
    Ok(Some((name.to_owned(), traces.keep(&failed.trace, failed.rule, &story)?)))
}
