//! Random programs from a seed, on the stepped core: the sampler of `nightly` that needs no fuzzer.
//!
//! The seed determines the programs and their order on any machine; the budget decides how many.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::Core;
use contract::core::Config;
use judge::{Rule, RuleSet};

use crate::findings::Raw;
use crate::minimize::CoreName;
use crate::program::Program;
use crate::random::split_mix;
use crate::run::{Broken, run_watched};
pub use crate::stop::Stop;

/// How to sample.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The first program's seed; the next one's is one more.
    pub seed: u64,
    /// When to stop starting new programs.
    pub budget: Duration,
    /// Stop after this number of programs, whatever the budget.
    pub runs: Option<u64>,
    /// Whether to go on after something broke.
    pub stop: Stop,
    /// Set from outside when it is to end.
    pub enough: Option<&'a AtomicBool>,
    /// Called now and then with the number of programs that have run.
    pub progress: &'a dyn Fn(u64),
    /// Called with the seed of each program before it runs: it identifies a program that does not come back.
    pub at: &'a dyn Fn(u64),
    /// Called with each failure at once.
    pub found: &'a dyn Fn(&Failure),
}

impl<'a> Options<'a> {
    /// Programs from this seed on for the budget. The callbacks do nothing.
    #[must_use]
    pub fn new(seed: u64, budget: Duration) -> Options<'a> {
        Options {
            seed,
            budget,
            runs: None,
            stop: Stop::Never,
            enough: None,
            progress: &|_| (),
            at: &|_| (),
            found: &|_| (),
        }
    }

    fn is_over(&self, started: Instant, sampled: &Sampled) -> bool {
        let enough = self.enough.is_some_and(|enough| enough.load(Ordering::Relaxed));
        let found = self.stop == Stop::AtFirst && !sampled.failures.is_empty();
        let done = self.runs.is_some_and(|runs| sampled.runs >= runs);
        enough || found || done || started.elapsed() >= self.budget
    }
}

/// A program that broke something, as it was found.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed of the program.
    pub seed: u64,
    /// What it breaks.
    pub broken: Broken,
    /// The program.
    pub program: Program,
}

impl Failure {
    /// What it breaks on this core, one by one.
    pub fn raws(&self, core: CoreName) -> impl Iterator<Item = Raw> {
        let seed = Some(self.seed);
        Raw::of_program(core, &self.program, &self.broken, "properties").map(move |raw| Raw { seed, ..raw })
    }
}

/// What sampling did.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// Programs run.
    pub runs: u64,
    /// Stimuli that did something.
    pub steps: u64,
    /// Stimuli at which each rule had something to decide, by [`Rule::ALL`]'s order.
    pub decisions: Vec<(Rule, u64)>,
    /// At most one failure for each way of failing.
    pub failures: Vec<Failure>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Sampled {
    fn knows(&self, broken: &Broken) -> bool {
        self.failures.iter().any(|known| known.broken.is_like(broken))
    }
}

/// Bytes a program is made of: some 40 stimuli.
pub const BYTES: usize = 56;

/// Programs between two looks at the clock.
const BATCH: u64 = 32;

/// Runs random programs until the budget is spent.
pub fn sample<C: Core>(make: fn(&Config) -> C, options: &Options<'_>) -> Sampled {
    let started = Instant::now();
    let mut counts = vec![0_u64; Rule::ALL.len()];
    let mut sampled =
        Sampled { runs: 0, steps: 0, decisions: Vec::new(), failures: Vec::new(), elapsed: Duration::ZERO };
    while !options.is_over(started, &sampled) {
        for _ in 0..BATCH.min(options.runs.map_or(BATCH, |runs| runs - sampled.runs)) {
            let seed = options.seed.wrapping_add(sampled.runs);
            (options.at)(seed);
            let program = program(seed);
            let outcome = run_watched(&program, make, &mut |_, exercised: RuleSet| {
                for (count, rule) in counts.iter_mut().zip(Rule::ALL) {
                    *count += u64::from(exercised.contains(*rule));
                }
            });
            sampled.runs += 1;
            sampled.steps += outcome.steps as u64;
            let new = outcome.broken.filter(|broken| !sampled.knows(broken));
            if let Some(broken) = new {
                let failure = Failure { seed, broken, program };
                (options.found)(&failure);
                sampled.failures.push(failure);
                if options.stop == Stop::AtFirst {
                    break;
                }
            }
        }
        (options.progress)(sampled.runs);
    }
    sampled.decisions = Rule::ALL.iter().copied().zip(counts).collect();
    sampled.elapsed = started.elapsed();
    sampled
}

/// One seed in this number gives a program of two jobs in step.
const IN_STEP: u64 = 8;

/// The program of a seed.
#[must_use]
pub fn program(seed: u64) -> Program {
    let program = Program::from_bytes(&bytes(seed));
    if seed % IN_STEP == IN_STEP - 1 { program.in_step() } else { program }
}

/// The bytes of the program of a seed.
#[must_use]
pub fn bytes(seed: u64) -> [u8; BYTES] {
    let mut state = seed;
    std::array::from_fn(|at| (split_mix(&mut state) >> (at % 8)) as u8)
}
