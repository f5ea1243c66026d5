//! A verb that runs a subject, watched: what it writes is passed on, and its results so far are printed when it cannot do so itself.

use std::ffi::OsString;

use judge::{Rule, RuleSet};
use reports::{ExitCode, Results, Status};

use crate::cli::Cli;
use crate::error::Error;
use crate::finish::{self, Reader};
use crate::output::Output;
use crate::place::{self, Place};
use crate::watch::{self, End, Input, Known, Listener, Order, Stopping, Watched};
use crate::{run, signals};

/// Runs the verb in a process of its own.
pub(crate) fn verb(cli: &Cli, input: Input, output: &mut Output) -> Result<ExitCode, Error> {
    signals::collect();
    let order = order(std::env::args_os().skip(1).collect(), input, output);
    let mut passed_on = PassedOn { output, failed: None };
    let watched = watch::run(&order, &mut passed_on).map_err(not_started)?;
    let failed = passed_on.failed.take();
    let code = match watched {
        // A code that is not in the table, such as that of a panic that was not caught, counts as internal.
        Watched { end: End::Exited(code), .. } => ExitCode::of(code).unwrap_or(ExitCode::Internal),
        watched => tell(watched, cli, output),
    };
    if let Some(error) = failed {
        output.warn(&error);
        output.note(&format!("verdict: {}, exit code {}", code.verdict(), code.code()));
    }
    Ok(code)
}

/// An order of a worker that writes as this process would.
pub(crate) fn order(args: Vec<OsString>, input: Input, output: &Output) -> Order {
    let mut env = output.as_env();
    let temporary = place::temporary();
    if temporary != std::env::temp_dir() {
        let named = std::env::temp_dir();
        output.note(&format!(
            "warning: {} takes no temporary files, so they go to {}",
            named.display(),
            temporary.display()
        ));
        env.push(("TMPDIR", temporary.display().to_string()));
    }
    Order { args, input, limit: watch::limit(), memory: memory(), env }
}

pub(crate) fn not_started(source: std::io::Error) -> Error {
    Error::Program { program: "a second process of bgcheck".to_owned(), why: source.to_string() }
}

/// Prints what is known of a verb that did not end by itself.
fn tell(watched: Watched, cli: &Cli, output: &mut Output) -> ExitCode {
    let Watched { end, mut known } = watched;
    let mut results = frame(&mut known);
    results.engines.extend(known.cut_off(&end, cli.verb.name()));
    results.run.partial = Some(why(&end));
    results.run.stopped_by = signals::first();
    name_rules(&mut results);
    let code = results.outcome().exit_code;
    let text = match Reader::of_json(wants_json()) {
        Reader::Machine => reports::json(&results),
        Reader::Person => reports::terminal(&results, output.style()),
    };
    finish::print(&text, code, output)
}

/// Whether results are for a machine, whichever the verb is.
fn wants_json() -> bool {
    std::env::args_os().any(|arg| arg == "--json")
}

/// What a worker had finished.
fn frame(known: &mut Known) -> Results {
    let results = known.results.take().map(|results| *results);
    results.unwrap_or_else(|| run::results(&Place::here(), RuleSet::EMPTY, 0, None))
}

/// Why a run is only a part.
pub(crate) fn why(end: &End) -> String {
    match end {
        End::Exited(_) => "it ended early".to_owned(),
        End::Hung { .. } => "an engine did not come back, and was ended".to_owned(),
        End::Killed => "an engine was killed from outside".to_owned(),
        End::Died(_) => "an engine died".to_owned(),
        End::Memory(_) => "an engine took too much memory, and was ended".to_owned(),
        End::Stopped => STOPPED.to_owned(),
    }
}

/// Why a run is only a part that was stopped from outside.
pub(crate) const STOPPED: &str = "it was stopped from outside";

/// A report carries the words of the rules that it cites.
pub(crate) fn name_rules(results: &mut Results) {
    let cited: RuleSet = results
        .engines
        .iter()
        .filter_map(|engine| match &engine.status {
            Status::Ran(ran) => Some(ran.findings.iter().filter_map(|result| result.rule.0.parse().ok())),
            _ => None,
        })
        .flatten()
        .collect();
    let known = |rule: &Rule| results.rules.iter().any(|text| text.id.0 == rule.to_string());
    let missing: RuleSet = cited.iter().filter(|rule| !known(rule)).collect();
    results.rules.extend(run::rule_texts(missing));
}

/// The most memory that a worker may take: what leaves the machine able to go on.
fn memory() -> u64 {
    const OF_A_HUNDRED: u64 = 85;
    let typed = std::env::var("BGCHECK_MEMORY").ok().and_then(|text| text.parse::<u64>().ok());
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse::<u64>().ok());
    let machine = run::memory_bytes();
    let least = machine.into_iter().chain(group).min().map(|bytes| bytes / 100 * OF_A_HUNDRED);
    typed.or(least).unwrap_or(u64::MAX)
}

/// Passes on what a verb writes.
struct PassedOn<'a> {
    output: &'a mut Output,
    failed: Option<Error>,
}

impl Listener for PassedOn<'_> {
    fn line(&mut self, line: &[u8]) {
        let written = self.output.bytes(line);
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    fn stopping(&mut self) -> Stopping {
        signals::stopping()
    }

    fn stands(&mut self, where_it_stands: &str) {
        self.output.note(where_it_stands);
    }
}
