//! What a suite runs on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use contract::Core as _;
use contract::defect::Design;
use judge::Trace;
use model::suite::Pace;
use properties::canary::Canary;
use properties::foreign::{Stage, play};
use properties::minimize::CoreName;
use properties::server::Server;
use properties::suite::{Case, Conformed, Judged, MANIFEST, Suite, on_live, on_race, recorded};

use super::{Turn, on, on_other};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::input;
use crate::output::{Output, printable};

/// What a suite runs on.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// A core, stepped by hand.
    Core(CoreChoice),
    /// The engine's service, led along each path under the race runtime.
    Race(Design),
    /// The engine's service on real threads, with real HTTP and files.
    Live,
    /// Traces that another implementation has recorded, in this directory, with the names of the suite's files.
    Recorded(&'a Path),
    /// Another implementation, through its adapter.
    Adapter(&'a adapter::Manifest),
}

impl Subject<'_> {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Subject::Core(CoreChoice::Core) => "core",
            Subject::Core(CoreChoice::Canary) => "canary",
            Subject::Race(Design::Barrier) => "race",
            Subject::Race(_) => "race, without the barrier",
            Subject::Live => "live",
            Subject::Recorded(_) => "recorded traces",
            Subject::Adapter(_) => "another implementation",
        }
    }

    /// When clients call in the suites that it can follow.
    pub(crate) const fn pace(self) -> Pace {
        match self {
            Subject::Live | Subject::Adapter(_) => Pace::AtRest,
            Subject::Core(_) | Subject::Race(_) | Subject::Recorded(_) => Pace::AnyTime,
        }
    }

    /// Runs a suite on it.
    pub(crate) fn run(self, suite: &Suite, turn: Turn<'_>, output: &Output) -> Result<Conformed, Error> {
        match self {
            Subject::Core(CoreChoice::Core) => on(suite, engine::core::Core::new, turn, output),
            Subject::Core(CoreChoice::Canary) => {
                let conformed = on(suite, Canary::<engine::core::Core>::new, turn, output)?;
                Ok(conformed.of_subject(CoreName::Canary.name()))
            }
            Subject::Race(design) => on_other(suite, &|case| on_race(case, design), turn, output),
            Subject::Live => live(suite, turn, output),
            Subject::Recorded(dir) => {
                let traces = recorded_in(dir, suite)?;
                on_other(suite, &|case| as_recorded(case, &traces), turn, output)
            }
            Subject::Adapter(manifest) => through(manifest, suite, turn, output),
        }
    }
}

fn as_recorded(case: &Case, traces: &BTreeMap<&str, Trace>) -> Judged {
    match traces.get(&*case.name) {
        Some(trace) => recorded(case, trace.clone()),
        None => Judged::not_runnable("no trace of this name was recorded"),
    }
}

/// The traces that were recorded for files of a suite, by the names of the files. Where nothing was recorded there is no verdict, and a
/// file that is no trace is a usage error.
fn recorded_in<'a>(dir: &Path, suite: &'a Suite) -> Result<BTreeMap<&'a str, Trace>, Error> {
    let shown = printable(&dir.display().to_string());
    let help = "record a trace for each file of the suite, with the file's name, and name their directory";
    if !dir.is_dir() {
        return Err(Error::usage(format!("{shown} is not a directory"), help));
    }
    let names = suite.cases.iter().map(|case| &*case.name).filter(|name| dir.join(name).is_file());
    let traces: BTreeMap<&str, Trace> =
        names.map(|name| Ok((name, input::trace_in(&dir.join(name))?))).collect::<Result<_, Error>>()?;
    if traces.is_empty() {
        let first = suite.cases.first().map_or(MANIFEST, |case| &case.name);
        let what = format!("{shown} has no trace for any file of the suite, such as {}", printable(first));
        return Err(Error::usage(what, help));
    }
    Ok(traces)
}

/// Runs a suite on the service with its threads, HTTP and files. Each file gets a directory of its own, which is thrown away.
fn live(suite: &Suite, turn: Turn<'_>, output: &Output) -> Result<Conformed, Error> {
    let missing = |source: std::io::Error| Error::Program {
        program: "the file server of the live run".to_owned(),
        why: source.to_string(),
    };
    let server = Server::start().map_err(missing)?;
    let one = |case: &Case| match tempfile::tempdir() {
        Ok(directory) => on_live(case, &server, directory.path()),
        Err(error) => Judged::not_runnable(format!("there is no directory for its files: {error}")),
    };
    on_other(suite, &one, turn, output)
}

/// Runs a suite on another implementation. Files whose paths wait for a timer cannot be run on it.
fn through(
    manifest: &adapter::Manifest,
    suite: &Suite,
    turn: Turn<'_>,
    output: &Output,
) -> Result<Conformed, Error> {
    let stage = Stage::open(manifest, 1, None).map_err(super::super::adapter::not_opened)?;
    let (stage, fault) = (RefCell::new(stage), RefCell::new(None));
    let one = |case: &Case| match fault.borrow().is_some() {
        true => Judged::not_runnable("the adapter was at fault before"),
        false => match play(case, &mut stage.borrow_mut()) {
            Ok((judged, _)) => judged,
            Err(error) => {
                let why = error.to_string();
                *fault.borrow_mut() = Some(error);
                Judged::not_runnable(why)
            }
        },
    };
    let conformed = on_other(suite, &one, turn, output)?;
    let failed = conformed.failures().next().is_some();
    match (fault.into_inner(), failed) {
        (Some(fault), false) => Err(super::super::adapter::not_opened(fault.into())),
        _ => Ok(conformed),
    }
}
