//! The verbs, a thin file each: what is asked is turned into a plan, an engine runs it, and what came of it is shown.

pub(crate) mod adapter;
pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod conform;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod explore;
pub(crate) mod fuzz;
pub(crate) mod generate;
pub(crate) mod graph;
pub(crate) mod kill;
pub(crate) mod live;
pub(crate) mod minimize;
pub(crate) mod mutate;
pub(crate) mod nightly;
pub(crate) mod properties;
pub(crate) mod race;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod simulate;

use reports::ExitCode;

use crate::cli::Verb;
use crate::error::Error;
use crate::output::Output;

/// Does what was asked.
pub(crate) fn run(verb: &Verb, output: &mut Output) -> Result<ExitCode, Error> {
    match verb {
        Verb::Check(args) => check::run(args, output),
        Verb::Fuzz(args) => fuzz::run(args, output),
        Verb::Properties(args) => properties::run(args, output),
        Verb::Race(args) => race::run(args, output),
        Verb::Generate(args) => generate::run(args, output),
        Verb::Conform(args) => conform::run(args, output),
        Verb::Live(args) => live::run(args, output),
        Verb::Adapter(args) => adapter::run(args, output),
        Verb::Replay(args) => replay::run(args, output),
        Verb::Minimize(args) => minimize::run(args, output),
        Verb::Graph(args) => graph::run(args, output),
        Verb::Explain(args) => explain::run(args, output),
        Verb::Simulate(args) => simulate::run(args, output),
        Verb::Explore(args) => explore::run(args, output),
        Verb::Kill(args) => kill::run(args, output),
        Verb::Mutate(args) => mutate::run(args, output),
        Verb::Bench(args) => bench::run(args, output),
        Verb::Nightly(args) => nightly::run(args, output),
        Verb::Report(args) => report::run(args, output),
        Verb::Doctor(args) => doctor::run(args, output),
        Verb::Completions(args) => completions::run(args, output),
    }
}
