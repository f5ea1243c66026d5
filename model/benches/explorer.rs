//! The explorer against stateright's, in one run: `cargo bench -p model --bench explorer -- [--rounds N] [MODEL]`.
//!
//! **Why no harness.** What is asked for are ratios, and memory as the machine sees it. So every measurement is a process of its own,
//! the engines take turns, and each process says the most memory it ever held.
//!
//! **What is left out.** stateright's DFS on the counters: a path through all ten million states, kept whole in each entry of its
//! stack, eats all memory of any machine. It runs on two-phase commit.
//!
//! **The columns.** Median rate in million distinct states per second, with the least and the most of the rounds; the most memory
//! the process held, divided by the distinct states, in bytes; and the median rate over the first line's.

use std::process::{Command, ExitCode};
use std::time::Instant;

use contract::Dialect;
use model::bfs::{Explorer, Hashed};
use model::protocol::{Design, Law, Protocol, Reduction, slices};
use model::reference::counters::Counters;
use model::reference::two_phase::TwoPhase;
use model::scope::ScopeName;
use stateright::{Checker, HasDiscoveries, Model};

/// The word that makes this program a measuring process.
const MEASURE: &str = "measure";
/// Rounds if nothing is said.
const ROUNDS: usize = 3;

/// The published 18,507,778 transitions of two-phase commit are states generated, the first one among them: one more than edges.
const MODELS: [Subject; 3] = [
    Subject {
        name: "counters 7 modulo 10",
        states: 10_000_000,
        edges: 70_000_000,
        is_shallow: false,
        packs: true,
    },
    Subject {
        name: "two-phase commit 8",
        states: 1_745_408,
        edges: 18_507_777,
        is_shallow: true,
        packs: true,
    },
    // Slice `default/together` under the barrier, in BITS: as in docs/check-protocol.txt.
    Subject { name: "protocol", states: 746_235, edges: 2_487_239, is_shallow: true, packs: false },
];

const ENGINES: [&str; 6] = [
    "stateright bfs",
    "stateright dfs",
    "ours, 1 worker",
    "ours, 2 workers",
    "ours, 1 worker, 64-bit fingerprints",
    "ours, 2 workers, 64-bit fingerprints",
];

/// A model, and the counts that every engine must come to.
struct Subject {
    name: &'static str,
    states: u64,
    edges: u64,
    /// Whether a path without a repeated state is short.
    is_shallow: bool,
    /// Whether its states have a packed form.
    packs: bool,
}

/// What a measuring process says.
#[derive(Clone, Copy)]
struct Sample {
    states_per_second: f64,
    bytes_per_state: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, engine, model] = &arguments[..]
        && word == MEASURE
    {
        println!("{}", measure(engine, model));
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` runs this too; then it only proves that the engines run and agree.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("a benchmark: run it with `cargo bench -p model --bench explorer`");
        return ExitCode::SUCCESS;
    }
    let after = |flag: &str| arguments.iter().skip_while(|argument| *argument != flag).nth(1);
    let rounds = after("--rounds").and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let only =
        arguments.iter().rfind(|argument| argument.parse::<usize>().is_err() && !argument.starts_with("--"));
    for subject in
        MODELS.iter().filter(|subject| only.is_none_or(|name| subject.name.contains(name.as_str())))
    {
        compare(subject, rounds);
    }
    ExitCode::SUCCESS
}

/// All engines on one model, taking turns.
fn compare(subject: &Subject, rounds: usize) {
    println!("{}: {} states, {} edges, {rounds} rounds", subject.name, subject.states, subject.edges);
    println!("{:<38} {:>8} {:>17} {:>12} {:>7}", "", "M/s", "least to most", "bytes/state", "ratio");
    let fits = |engine: &&&str| {
        let packed = engine.starts_with("ours") && !engine.ends_with("fingerprints");
        (subject.is_shallow || !engine.ends_with("dfs")) && (subject.packs || !packed)
    };
    let engines = ENGINES.iter().filter(fits);
    let mut samples = vec![Vec::new(); engines.clone().count()];
    for _ in 0..rounds {
        for (engine, samples) in engines.clone().zip(&mut samples) {
            samples.push(measure_apart(engine, subject));
        }
    }
    let mut base = None;
    for (engine, samples) in engines.zip(samples) {
        let sorted = |of: fn(&Sample) -> f64| {
            let mut values: Vec<f64> = samples.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let rates = sorted(|sample| sample.states_per_second / 1e6);
        let bytes = sorted(|sample| sample.bytes_per_state);
        let (least, median, most) = (rates[0], rates[rounds / 2], rates[rounds - 1]);
        let ratio = median / *base.get_or_insert(median);
        let spread = format!("{least:.2} to {most:.2}");
        println!("{engine:<38} {median:>8.2} {spread:>17} {:>12.1} {ratio:>7.1}", bytes[rounds / 2]);
    }
    println!();
}

/// One measurement in a process of its own.
fn measure_apart(engine: &str, subject: &Subject) -> Sample {
    let program = std::env::current_exe().expect("this program's path");
    let output = Command::new(program).args([MEASURE, engine, subject.name]).output().expect("a process");
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [states, edges, seconds, bytes] = numbers[..] else {
        panic!("{engine} did not finish: {}", String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(
        (states as u64, edges as u64),
        (subject.states, subject.edges),
        "{engine} on {}",
        subject.name
    );
    Sample { states_per_second: states / seconds, bytes_per_state: bytes / states }
}

/// Measures here: states, edges, seconds, and the most bytes held.
fn measure(engine: &str, model: &str) -> String {
    let started = Instant::now();
    let (states, edges) = if model == MODELS[0].name {
        explore(engine, Counters { count: 7, modulus: 10 })
    } else if model == MODELS[1].name {
        explore(engine, TwoPhase::new(8))
    } else {
        by_fingerprint(engine, protocol())
    };
    format!("{states} {edges} {} {}", started.elapsed().as_secs_f64(), most_bytes_held())
}

fn protocol() -> Protocol<2> {
    let profile = Dialect::Bits.profile();
    let together =
        slices(ScopeName::Default, profile).into_iter().find(|slice| slice.name == "default/together");
    Protocol::new(
        Design::Barrier,
        profile,
        &together.expect("the slice is there"),
        Law::ALL,
        Reduction::Fewest,
    )
}

fn explore<M>(engine: &str, model: M) -> (u64, u64)
where
    M: model::bfs::Pack + Send + Sync + 'static,
    M::State: Clone + PartialEq + std::fmt::Debug + std::hash::Hash + Send + Sync + 'static,
    M::Action: Clone + PartialEq + std::fmt::Debug,
{
    if engine.starts_with("stateright") || engine.ends_with("fingerprints") {
        return by_fingerprint(engine, model);
    }
    let report = Explorer::exact(model).workers(workers(engine)).explore().expect("an exploration");
    (report.states, report.edges)
}

/// Explores a model whose states need no packed form.
fn by_fingerprint<M>(engine: &str, model: M) -> (u64, u64)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + PartialEq + std::fmt::Debug + std::hash::Hash + Send + Sync + 'static,
    M::Action: Clone + PartialEq + std::fmt::Debug,
{
    if let Some(search) = engine.strip_prefix("stateright ") {
        // Waiting for a property that does not exist keeps stateright going to the end.
        let builder = model.checker().threads(1).finish_when(HasDiscoveries::AllOf(["none"].into()));
        return match search {
            "dfs" => counts(builder.spawn_dfs().join()),
            _ => counts(builder.spawn_bfs().join()),
        };
    }
    let report = Explorer::<_, Hashed<u64>>::hashed(model).workers(workers(engine)).explore();
    let report = report.expect("an exploration");
    (report.states, report.edges)
}

fn workers(engine: &str) -> usize {
    if engine.contains("2 workers") { 2 } else { 1 }
}

/// The models have one first state, and stateright counts it as generated.
fn counts<M: Model>(checker: impl Checker<M>) -> (u64, u64) {
    (checker.unique_state_count() as u64, checker.state_count() as u64 - 1)
}

/// The most memory this process ever held, in bytes; zero where the system does not say.
fn most_bytes_held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim_end_matches("kB").trim().parse::<u64>().map_or(0, |kib| kib * 1024)
}
