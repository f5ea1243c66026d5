//! How the protocol grows with jobs, clients, calls and nested calls: the table of `docs/scale.md`.
//!
//! `cargo run --release -p model --example growth`

use contract::Dialect;
use contract::defect::Design;
use model::explore::{Engine, Options, Resources};
use model::protocol::{Law, Reduction, Slice, check, slices};
use model::scope::ScopeName;

fn main() -> Result<(), explorer::Error> {
    let profile = Dialect::Bits.profile();
    let Some(base) =
        slices(ScopeName::Default, profile).into_iter().find(|slice| slice.name == "default/nested")
    else {
        return Ok(());
    };
    println!("| jobs | clients | calls | nested calls | states | edges | depth | bytes a state |");
    println!("|---|---|---|---|---|---|---|---|");
    for slice in varied(&base) {
        let options = Options {
            engine: Engine::Own,
            threads: 2,
            budget: None,
            progress: &|_| (),
            resources: Resources::none(),
        };
        let report = check(Design::Barrier, profile, &slice, Law::ALL, Reduction::Fewest, &options)?;
        let bytes = report.visited.bytes.unwrap_or(0) as f64 / report.states as f64;
        let Slice { jobs, clients, calls, nested, .. } = slice;
        println!(
            "| {jobs} | {clients} | {calls} | {nested} | {} | {} | {} | {bytes:.0} |",
            report.states, report.edges, report.depth
        );
    }
    Ok(())
}

/// One thing more at a time, from one job that one client calls once.
fn varied(base: &Slice) -> Vec<Slice> {
    let with = |jobs, clients, calls, nested| Slice { jobs, clients, calls, nested, ..base.clone() };
    let calls = (1..=4).map(|calls| with(1, 1, calls, 0));
    let clients = std::iter::once(with(1, 2, 3, 0));
    let nested = std::iter::once(with(1, 2, 3, 1));
    let jobs = [(2, 1), (2, 2), (2, 3), (3, 1), (3, 2)].map(|(jobs, calls)| with(jobs, 2, calls, 0));
    calls.chain(clients).chain(nested).chain(jobs).collect()
}
