//! Our explorer against stateright's, in one run, and our service against curl (`download.rs`).
//!
//! **Why processes.** What is asked for are ratios, and memory as the machine sees it. So every measurement is a process of its own, the
//! engines take turns, and each process prints the most memory it ever held.
//!
//! **What is left out.** stateright's depth-first search on the counters: a path through all ten million states, kept whole in each
//! entry of its stack, eats all memory of any machine. It runs on the others.

pub(crate) mod download;

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use contract::Dialect;
use contract::defect::Design;
use explorer::reference::counters::Counters;
use explorer::reference::two_phase::TwoPhase;
use explorer::{Explorer, Hashed, Pack};
use model::protocol::{Law, Protocol, Reduction, slices};
use model::scope::ScopeName;
use serde_json::json;
use stateright::{Checker, HasDiscoveries, Model};

use crate::error::Error;
use crate::output::Output;
use crate::progress::Work;
use crate::watch::worker;

/// A model, and the counts that every engine must come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Subject {
    /// Seven counters modulo ten.
    Counters,
    /// Two-phase commit with eight participants.
    Commit,
    /// The protocol in slice `default/together`, BITS, under the barrier.
    Protocol,
}

impl Subject {
    const fn name(self) -> &'static str {
        match self {
            Subject::Counters => "counters",
            Subject::Commit => "commit",
            Subject::Protocol => "protocol",
        }
    }

    /// States and edges. The published 18,507,778 transitions of two-phase commit are states generated, the first one among them:
    /// one more than edges.
    const fn counts(self) -> (u64, u64) {
        match self {
            Subject::Counters => (10_000_000, 70_000_000),
            Subject::Commit => (1_745_408, 18_507_777),
            Subject::Protocol => (746_235, 2_487_239),
        }
    }

    /// The engines that can explore it: not every subject has a packed form, and a depth-first search is not for deep graphs.
    fn engines(self) -> impl Iterator<Item = &'static str> {
        ENGINES.into_iter().filter(move |engine| match self {
            Subject::Counters => !engine.ends_with("dfs"),
            Subject::Commit => true,
            Subject::Protocol => !engine.ends_with("packed"),
        })
    }
}

const ENGINES: [&str; 6] = [
    "stateright bfs",
    "stateright dfs",
    "ours, 1 worker, packed",
    "ours, 2 workers, packed",
    "ours, 1 worker",
    "ours, 2 workers",
];

/// The figures from the output of a measuring process.
#[derive(Clone, Copy)]
struct Sample {
    states_per_second: f64,
    bytes_per_state: f64,
}

/// The figures of one engine on one model.
pub(crate) struct Figures {
    engine: &'static str,
    /// States per second.
    rates: Spread,
    bytes_per_state: f64,
}

impl Figures {
    fn of(engine: &'static str, samples: &[Sample]) -> Self {
        Figures {
            engine,
            rates: Spread::of(samples.iter().map(|sample| sample.states_per_second)),
            bytes_per_state: Spread::of(samples.iter().map(|sample| sample.bytes_per_state)).median(),
        }
    }

    fn median(&self) -> f64 {
        self.rates.median()
    }
}

/// The figures of several rounds, from the least to the most.
struct Spread(Vec<f64>);

impl Spread {
    fn of(figures: impl IntoIterator<Item = f64>) -> Spread {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Spread(figures)
    }

    /// The one in the middle; 0 of no rounds.
    fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or_default()
    }

    fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or_default()
    }
}

/// All engines on one model, taking turns.
pub(crate) fn compare(subject: Subject, rounds: u32, output: &Output) -> Result<Vec<Figures>, Error> {
    let progress = output.progress(&format!("bench {}", subject.name()));
    let mut samples = vec![Vec::new(); subject.engines().count()];
    let of = u64::from(rounds) * samples.len() as u64;
    let mut done = 0;
    for round in 1..=rounds {
        for (engine, samples) in subject.engines().zip(&mut samples) {
            let work = Work::counted(done, of, "measurements");
            progress.tell(work, || format!("{engine}, round {round} of {rounds}"));
            done += 1;
            samples.push(measure_apart(engine, subject)?);
        }
    }
    Ok(subject.engines().zip(&samples).map(|(engine, samples)| Figures::of(engine, samples)).collect())
}

/// The first engine is what the others are held against.
fn ratio(figures: &[Figures], of: &Figures) -> f64 {
    figures.first().map_or(1.0, |base| of.median() / base.median())
}

pub(crate) fn in_text(subject: Subject, rounds: u32, figures: &[Figures]) -> String {
    let (states, edges) = subject.counts();
    let mut text = format!("{}: {states} states, {edges} edges, {rounds} rounds\n", subject.name());
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{:<26} {:>8} {:>17} {:>12} {:>7}",
        "", "M/s", "least to most", "bytes/state", "ratio"
    );
    for each in figures {
        let [least, most] = [each.rates.least(), each.rates.most()].map(|rate| rate / 1e6);
        let (median, spread) = (each.median() / 1e6, format!("{least:.2} to {most:.2}"));
        let _ = writeln!(
            text,
            "{:<26} {median:>8.2} {spread:>17} {:>12.1} {:>7.1}",
            each.engine,
            each.bytes_per_state,
            ratio(figures, each)
        );
    }
    text.push('\n');
    text
}

pub(crate) fn in_json(subject: Subject, figures: &[Figures]) -> serde_json::Value {
    let (states, edges) = subject.counts();
    let engine = |each: &Figures| {
        json!({
            "engine": each.engine,
            "states_per_second": each.rates.0,
            "median_states_per_second": each.median(),
            "bytes_per_state": each.bytes_per_state,
            "ratio": ratio(figures, each),
        })
    };
    let engines: Vec<_> = figures.iter().map(engine).collect();
    json!({ "model": subject.name(), "states": states, "edges": edges, "engines": engines })
}

/// One measurement in a process of its own.
fn measure_apart(engine: &str, subject: Subject) -> Result<Sample, Error> {
    let what = format!("{engine} on {}", subject.name());
    let numbers = apart(&what, &["bench", "--measure", engine, subject.name()])?;
    let counted = |why: String| Error::Program { program: what, why };
    let [states, edges, seconds, bytes] = numbers[..] else {
        return Err(counted("it printed no figures".to_owned()));
    };
    if (states as u64, edges as u64) != subject.counts() {
        return Err(counted(format!("it counts {states} states and {edges} edges")));
    }
    Ok(Sample { states_per_second: states / seconds, bytes_per_state: bytes / states })
}

/// The numbers that this program prints, in a process of its own.
fn apart(what: &str, args: &[&str]) -> Result<Vec<f64>, Error> {
    let failed = |why: String| Error::Program { program: what.to_owned(), why };
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    let child = worker::alone(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.map_err(|error| failed(error.to_string()))?;
    let group = child.id();
    worker::group(group);
    let run = child.wait_with_output();
    worker::ended(group);
    let run = run.map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    if !run.status.success() {
        return Err(failed(String::from_utf8_lossy(&run.stderr).trim().to_owned()));
    }
    Ok(text.split_whitespace().filter_map(|word| word.parse().ok()).collect())
}

/// Measures here: states, edges, seconds, and the most bytes held.
pub(crate) fn measure(engine: &str, subject: Subject) -> String {
    let started = Instant::now();
    let (states, edges) = match subject {
        Subject::Counters => explore(engine, Counters { count: 7, modulus: 10 }),
        Subject::Commit => explore(engine, TwoPhase::new(8)),
        Subject::Protocol => by_fingerprint(engine, protocol()),
    };
    format!("{states} {edges} {} {}\n", started.elapsed().as_secs_f64(), most_bytes_held())
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
    M: Pack + Send + Sync + 'static,
    M::State: Clone + PartialEq + std::fmt::Debug + std::hash::Hash + Send + Sync + 'static,
    M::Action: Clone + PartialEq + std::fmt::Debug,
{
    if !engine.ends_with("packed") {
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

/// The most memory this process ever held, in bytes; zero where the system does not report it.
fn most_bytes_held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim_end_matches("kB").trim().parse::<u64>().map_or(0, |kib| kib * 1024)
}
