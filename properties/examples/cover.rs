//! Makes seeds for the fuzz target `lockstep` that together reach every edge of the model, from what a fuzzer has found.
//!
//! `cargo run --release -p properties --example cover -- fuzz/corpus/lockstep` reads the inputs of these directories, chooses some
//! that together reach what all reach, lengthens each by steps that reach more and so spare another one, and writes
//! `fuzz/corpus/lockstep/reach-000` and so on. Exit 1 when an edge of the index is not reached: then the fuzzer has to run longer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use engine::core::Core;
use judge::RuleSet;
use model::drive::Stimulus;
use model::lockstep::Lockstep;
use properties::edges::{Edge, Reached};
use properties::program::{JOBS, Program};

/// Steps of a seed at most: a fuzzer changes long inputs more slowly than short ones.
const LONGEST: usize = 120;

fn main() -> std::io::Result<ExitCode> {
    let mut candidates = Vec::new();
    for directory in std::env::args().skip(1) {
        for file in std::fs::read_dir(directory)? {
            let bytes = std::fs::read(file?.path())?;
            // This input with things that come too late, and calls of other users.
            let late = bytes.split_first().map(|(head, rest)| [&[head | LATE], rest].concat());
            candidates.extend(late.map(|bytes| Input::of(&bytes)));
            candidates.push(Input::of(&bytes));
        }
    }
    candidates.retain(|input| input.steps <= LONGEST);
    // A directory has no order.
    candidates.sort_by(|one, other| one.bytes.cmp(&other.bytes));
    let seeds = seeds(&candidates);
    let mut reached = Reached::none();
    for (number, seed) in seeds.iter().enumerate() {
        reached.run(seed);
        std::fs::write(place(number), seed)?;
    }
    // Those of an earlier time that were more.
    let _more = (seeds.len()..).map(place).take_while(|old| std::fs::remove_file(old).is_ok()).count();
    println!("{} seeds, {} bytes: {reached}", seeds.len(), seeds.iter().map(Vec::len).sum::<usize>());
    Ok(if reached.missing().next().is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn place(number: usize) -> PathBuf {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/lockstep");
    Path::new(directory).join(format!("reach-{number:03}"))
}

/// Always the candidate that adds most, of several the shortest, and what can be added to it.
fn seeds(candidates: &[Input]) -> Vec<Vec<u8>> {
    let words = [words(WITHOUT_JOB), words(WITHOUT_JOB | LATE)];
    let mut reached = BTreeSet::new();
    let mut seeds = Vec::new();
    loop {
        let adds = |input: &Input| input.edges.difference(&reached).count();
        let best = candidates.iter().max_by_key(|input| (adds(input), usize::MAX - input.bytes.len()));
        let Some(best) = best.filter(|best| adds(best) > 0) else { return seeds };
        let late = usize::from(best.bytes.first().is_some_and(|head| head & LATE != 0));
        let seed = lengthened(best, &words[late], &mut reached);
        seeds.push(seed);
    }
}

/// The input and as many steps as reach something. Notes what is reached.
fn lengthened(input: &Input, words: &[Word], reached: &mut BTreeSet<Edge>) -> Vec<u8> {
    let mut input = Input::of(&ended(&input.bytes));
    reached.extend(&input.edges);
    while input.steps < LONGEST {
        let news = words.iter().filter(|word| input.edges_of(word).any(|edge| !reached.contains(&edge)));
        // What changes nothing comes first: afterwards everything can still be reached.
        let Some(word) = news.min_by_key(|word| input.is_changed_by(word)) else { break };
        input = Input::of(&[&input.bytes[..], &word.bytes].concat());
        reached.extend(&input.edges);
    }
    input.bytes
}

/// The program with all operands of its last step: after the last byte an input reads zeros.
fn ended(bytes: &[u8]) -> Vec<u8> {
    let steps = |bytes: &[u8]| Program::read(bytes).1.count();
    let mut bytes = bytes.to_vec();
    // No step has more operands.
    for _ in 0..3 {
        let more = [&bytes[..], &[0]].concat();
        if steps(&more) == steps(&bytes) {
            bytes = more;
        }
    }
    bytes
}

/// An input that has been run.
struct Input {
    bytes: Vec<u8>,
    program: Program,
    end: Lockstep<Core, JOBS>,
    steps: usize,
    edges: BTreeSet<Edge>,
}

impl Input {
    fn of(bytes: &[u8]) -> Input {
        let (program, steps) = Program::read(bytes);
        let config = program.config();
        let end = Lockstep::new(&config, program.users.owners(), RuleSet::EMPTY);
        let mut input = Input { bytes: bytes.to_vec(), program, end, steps: 0, edges: BTreeSet::new() };
        for stimulus in steps {
            let (end, edges) = input.after(&stimulus);
            (input.end, input.steps) = (end, input.steps + 1);
            input.edges.extend(edges);
        }
        input
    }

    fn after(&self, stimulus: &Stimulus) -> (Lockstep<Core, JOBS>, Vec<Edge>) {
        let (mut end, mut edges) = (self.end.clone(), Vec::new());
        let profile = self.program.config().profile;
        let _applied = end.apply_telling(&profile, stimulus, &mut |_| (), &mut |edge| edges.push(edge));
        (end, edges)
    }

    fn edges_of(&self, word: &Word) -> impl Iterator<Item = Edge> {
        self.after(&word.stimulus).1.into_iter()
    }

    fn is_changed_by(&self, word: &Word) -> bool {
        self.after(&word.stimulus).0.spec() != self.end.spec()
    }
}

/// A stimulus, and bytes that mean it.
struct Word {
    bytes: Vec<u8>,
    stimulus: Stimulus,
}

/// Stimuli of the first job, each once: every choice of a step and of a call, with some operands.
fn words(head: u8) -> Vec<Word> {
    const OPERANDS: [u8; 17] = [0, 1, 2, 3, 4, 5, 6, 8, 0x10, 0x13, 0x1B, 0x20, 0x21, 0x40, 0x41, 0x7F, 0xFF];
    let plain = (0..0x40).flat_map(|choice| OPERANDS.map(|operand| vec![choice, 0, operand, 0]));
    let calls = (0..0x40).flat_map(|call| OPERANDS.map(|operand| vec![CALL, 0, call | 0x80, operand]));
    let nested = (0..0x40).map(|call| vec![NESTED, 0, 7, call]);
    let mut words: Vec<Word> = Vec::new();
    for bytes in plain.chain(calls).chain(nested) {
        let mut input = vec![head];
        input.extend(&bytes);
        let read = |length: usize| Program::read(&input[..=length]).1.collect::<Vec<_>>();
        let Some(stimulus) = read(bytes.len()).into_iter().next() else { continue };
        // As few of the bytes as mean it, with nothing after it.
        let length = (1..=bytes.len()).rev().find(|length| read(*length).len() == 1);
        if let Some(length) = length.filter(|_| words.iter().all(|word| word.stimulus != stimulus)) {
            words.push(Word { bytes: bytes[..length].to_vec(), stimulus });
        }
    }
    words
}

/// The choice of a call by a client, and of one by a callback.
const CALL: u8 = 63;
const NESTED: u8 = 56;

/// The first byte of a program that does not begin with a job on its way.
const WITHOUT_JOB: u8 = 0x40;

/// In the first byte: things come too late.
const LATE: u8 = 0x10;
