//! Measures what a fuzz target reaches from nothing, to compare one way to guide libFuzzer with another.
//!
//! `cargo run --release -p properties --example guidance -- lockstep 60 5 fuzz/target/x86_64-unknown-linux-gnu/release/lockstep
//! -use_counters=0` runs that program for 60 s of processor time with each of the seeds 1 to 5, from an empty corpus, with the
//! options at the end; then it runs the corpus again and counts the edges (`lockstep`) or the windows (`schedule`) it reaches. A program
//! with `UNGUIDED` in its environment, or built with `--features pairs`, is what it is compared with.
//!
//! When everything is reached it prints after how many runs: at the latest, since libFuzzer replaces inputs by shorter ones.

#![expect(clippy::disallowed_methods, reason = "a file knows the wall time it was written at")]

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

use contract::Core as _;
use engine::core::Core;
use properties::edges::{Edge, Index};
use properties::race::{self, Window};
use properties::run;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, seconds, seeds, program, options @ ..] = &arguments[..] else { return Ok(usage()) };
    let (Some(target), Ok(seconds), Ok(seeds)) = (Target::named(target), seconds.parse(), seeds.parse())
    else {
        return Ok(usage());
    };
    for seed in 1..=seeds {
        let corpus = tempfile::tempdir()?;
        let beats = fuzz(Path::new(program), options, seconds, seed, corpus.path())?;
        let runs = beats.last().map_or(0, |(_, runs)| *runs);
        println!("seed {seed}: {runs} runs, {}", reached(target, corpus.path(), &beats)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn usage() -> ExitCode {
    eprintln!("usage: guidance lockstep|schedule SECONDS SEEDS PROGRAM [LIBFUZZER-OPTION...]");
    ExitCode::from(64)
}

#[derive(Clone, Copy)]
enum Target {
    Lockstep,
    Schedule,
}

impl Target {
    fn named(name: &str) -> Option<Target> {
        match name {
            "lockstep" => Some(Target::Lockstep),
            "schedule" => Some(Target::Schedule),
            _ => None,
        }
    }

    /// Places there are.
    fn size(self) -> usize {
        match self {
            Target::Lockstep => Index::committed().edges().len(),
            Target::Schedule => Window::ALL,
        }
    }

    /// The places that an input reaches.
    fn places(self, bytes: &[u8]) -> BTreeSet<usize> {
        match self {
            Target::Lockstep => {
                let mut places = BTreeSet::new();
                let mut note = |edge: Edge| places.extend(Index::committed().place(edge));
                let _outcome = run::run_bytes_telling(bytes, Core::new, &mut note);
                places
            }
            Target::Schedule => {
                let (race, tape) = race::from_bytes(bytes);
                race::run(&race, tape.choices()).windows.into_iter().map(Window::place).collect()
            }
        }
    }
}

/// When how many runs had been made.
type Beat = (SystemTime, u64);

fn fuzz(program: &Path, options: &[String], seconds: u64, seed: u64, corpus: &Path) -> io::Result<Vec<Beat>> {
    // The wall clock counts what others do on this machine, too.
    let limited = format!("ulimit -t {seconds}; exec \"$0\" \"$@\"");
    let mut child = Command::new("sh")
        .args(["-c", &limited])
        .arg(program)
        .arg(corpus)
        .args([format!("-seed={seed}"), "-max_len=1024".to_owned()])
        .args(options)
        .current_dir(corpus.parent().unwrap_or(corpus))
        .stderr(Stdio::piped())
        .spawn()?;
    let lines = child.stderr.take().map(|stderr| BufReader::new(stderr).lines()).into_iter().flatten();
    let runs = |line: &str| line.strip_prefix('#')?.split_whitespace().next()?.parse().ok();
    let beats =
        lines.map_while(Result::ok).filter_map(|line| Some((SystemTime::now(), runs(&line)?))).collect();
    child.wait()?;
    Ok(beats)
}

/// Runs the corpus in the order in which it was found.
fn reached(target: Target, corpus: &Path, beats: &[Beat]) -> io::Result<String> {
    let mut inputs = Vec::new();
    for file in std::fs::read_dir(corpus)? {
        let file = file?;
        inputs.push((file.metadata()?.modified()?, std::fs::read(file.path())?));
    }
    inputs.sort();
    let (mut places, mut whole) = (BTreeSet::new(), None);
    for (when, bytes) in &inputs {
        places.extend(target.places(bytes));
        if places.len() == target.size() && whole.is_none() {
            whole = beats.iter().find(|(beat, _)| beat >= when).map(|(_, runs)| *runs);
        }
    }
    let reached = format!("{} inputs, {} of {} reached", inputs.len(), places.len(), target.size());
    Ok(whole.map_or(reached.clone(), |runs| format!("{reached}, all after {runs} runs")))
}
