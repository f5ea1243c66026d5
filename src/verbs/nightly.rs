//! `bgcheck nightly`: every engine, for a budget, and the report.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contract::Dialect;
use contract::fault::Fault;
use contract::judge::RuleSet;
use model::product::property_names;
use model::protocol::{Design, Law};
use model::scope::ScopeName;
use properties::kill::Engine;
use reports::{Canary, EngineResult, ExitCode, Kills, Results, Status};

use super::report::explained;
use crate::cli::{self, CoreChoice};
use crate::clock::Clock;
use crate::engines::canary::Fuzzer;
use crate::engines::counterexample::Traces;
use crate::engines::explored::Explored;
use crate::engines::fuzz::{self, Sanitizer, Target};
use crate::engines::search::Search;
use crate::engines::{canary, check, kill, last_night, live, liveness, protocol, race, sample, tools};
use crate::error::Error;
use crate::output::Output;
use crate::place::Place;
use crate::run;

/// Run everything for a budget, and write the report.
///
/// Set-up comes first and is timed apart: cargo-fuzz is installed below target/tools when it is missing, and the fuzz targets
/// are built. The exhaustive engines always run to their end; what is left of the budget is shared by fuzzer, races, random programs
/// and live run. The report goes to reports/out, into a directory named after the day.
///
/// A night that did nothing new ends with 4: an engine without a run; a fuzzer of which more than 90 % of the runs were of inputs it had,
/// that found no new input for three nights while edges of the model are missing, or that reaches fewer edges than
/// the night before; an engine that does not find what is broken on purpose (a canary, for a few seconds each night).
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck nightly                       three minutes
  bgcheck nightly --budget 10m --seed 7
  bgcheck nightly --kill                also: are the seeded faults still found? (builds itself once more)
  bgcheck nightly --offline             installs nothing; without cargo-fuzz it ends with 6
  bgcheck nightly --canary              a subject that is broken on purpose: ends with 2 and names R1 and R2")]
pub(crate) struct Args {
    /// How long in all, without set-up; the exhaustive engine may take longer.
    #[arg(long, value_parser = cli::budget, default_value = "3m", value_name = "TIME")]
    budget: Duration,
    /// The seed of everything that is left to chance; from the clock when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Put the subject under test that is broken on purpose, without the fuzzer.
    #[arg(long)]
    canary: bool,
    /// Let the engines loose on the seeded faults that they are known to see, too: a build, and some forty seconds.
    #[arg(long, conflicts_with = "canary")]
    kill: bool,
    /// Where the report goes; a new directory below reports/out when left out.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Install and download nothing.
    #[arg(long)]
    offline: bool,
    /// How much the exhaustive engine explores; `default`, or `tiny` with `--canary`, when left out.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<ScopeName>,
    /// The results for a machine instead of the table.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    let out = directory(args, &place)?;
    let mut night = Night {
        args,
        core: CoreChoice::canary(args.canary),
        seed: args.seed.unwrap_or_else(|| Clock::now().seed()),
        traces: Traces { dir: out.join("traces"), from_report: PathBuf::from("traces") },
        place,
        engines: Vec::new(),
    };
    let mut results = run::results(&night.place, RuleSet::ALL, night.seed, Some(args.budget));
    results.rules.push(run::law_text(Law::BoundedWait));
    results.rules.extend(run::duty_texts());
    results.sentences = Some(run::sentences().counts);
    if let Some(name) = out.file_name() {
        results.run.id = name.to_string_lossy().into_owned();
    }
    let fuzzes = night.set_up(&mut results, output);
    let fuzzer = night.set_up_canary(&fuzzes, &mut results, output);
    let started = Instant::now();
    night.check(output);
    night.check_protocol(output);
    results.kills = night.kills(output)?;
    results.canaries = night.canaries(fuzzer, output)?;
    night.sample(&fuzzes, args.budget.saturating_sub(started.elapsed()), output);
    results.engines = night.engines;
    // Read late: another night may have ended meanwhile.
    last_night::carry_on(&mut results.engines, &last_night::nights(&night.place.reports(), &out));
    let written = reports::write_all(&out, &results).map_err(explained)?;
    match args.json {
        true => output.text(&reports::json(&results))?,
        false => {
            output.text(&reports::terminal(&results, output.style()))?;
            output.text(&format!("\nreport: {}", written.html.display()))?;
        }
    }
    Ok(results.outcome().exit_code)
}

/// The directory of the report: the one named, or a new one named after the day.
fn directory(args: &Args, place: &Place) -> Result<PathBuf, Error> {
    let made = |path: &Path, made: std::io::Result<()>| {
        made.map_err(|source| Error::Write { path: path.to_owned(), source })
    };
    if let Some(dir) = &args.out {
        made(dir, std::fs::create_dir_all(dir))?;
        return Ok(dir.clone());
    }
    let above = place.reports();
    made(&above, std::fs::create_dir_all(&above))?;
    let day = Clock::now().day();
    let mut number = 1;
    loop {
        let dir = above.join(if number == 1 { day.clone() } else { format!("{day}-{number}") });
        match std::fs::create_dir(&dir) {
            // Another night of the same day, perhaps one that runs right now.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            result => {
                made(&dir, result)?;
                return Ok(dir);
            }
        }
    }
}

/// A night while it runs.
struct Night<'a> {
    args: &'a Args,
    core: CoreChoice,
    seed: u64,
    traces: Traces,
    place: Place,
    engines: Vec<EngineResult>,
}

/// A fuzz target, and why it cannot run when it cannot.
type Built = (Target, Option<Status>);

impl Night<'_> {
    /// Installs and builds what the fuzzer needs.
    fn set_up(&self, results: &mut Results, output: &Output) -> Vec<Built> {
        // The fuzz targets have the engine's own core inside, so there is nothing broken for them to find.
        if self.core == CoreChoice::Canary {
            return Vec::new();
        }
        if self.place.has_fuzz_targets() && !self.args.offline && tools::cargo_fuzz(&self.place).is_none() {
            let progress = output.progress("install cargo-fuzz");
            progress
                .note("cargo-fuzz is missing: installing it into target/tools (once, apart from the budget)");
            results.set_up.push(tools::install(&self.place, &|line| progress.tell(|| line)));
        }
        let build = |target| (target, self.build(target, results, output));
        Target::ALL.map(build).into()
    }

    /// Builds the fuzz target that is broken on purpose, if those that are not could be built.
    fn set_up_canary(&self, fuzzes: &[Built], results: &mut Results, output: &Output) -> Fuzzer {
        let others = !fuzzes.is_empty() && fuzzes.iter().all(|(_, obstacle)| obstacle.is_none());
        let built = others && self.build(Target::Canary, results, output).is_none();
        if built { Fuzzer::Built } else { Fuzzer::Missing }
    }

    fn build(&self, target: Target, results: &mut Results, output: &Output) -> Option<Status> {
        if let Some((why, install_hint)) = fuzz::obstacle(&self.place) {
            return Some(Status::Skipped { why, install_hint });
        }
        let built = fuzz::build(&self.fuzz_plan(target, Duration::ZERO), output);
        let failed = built.failed.clone();
        results.set_up.push(built);
        failed.map(|why| match fuzz::is_about_this_machine(&why) {
            true => Status::Skipped { why, install_hint: Some("bgcheck doctor".to_owned()) },
            false => Status::Failed { why },
        })
    }

    fn fuzz_plan(&self, target: Target, budget: Duration) -> fuzz::Plan<'_> {
        fuzz::Plan {
            place: &self.place,
            target,
            sanitizer: Sanitizer::None,
            budget,
            seed: self.seed,
            offline: self.args.offline,
            traces: &self.traces,
        }
    }

    /// The exhaustive engine, to its end.
    fn check(&mut self, output: &mut Output) {
        let scope = self.args.scope.unwrap_or(match self.core {
            CoreChoice::Core => ScopeName::Default,
            CoreChoice::Canary => ScopeName::Tiny,
        });
        let search = Search::whole(scope, &self.traces);
        let rules = RuleSet::HERE.iter().filter(|rule| property_names(*rule).is_some()).collect();
        let plan = check::Plan { search: &search, rules, core: self.core };
        let engines = &mut self.engines;
        let explored = check::run(&plan, output, &mut |explored, _| {
            engines.push(explored.result());
            Ok(())
        });
        if let Err(error) = explored {
            engines.push(EngineResult::failed("check product", &error));
        }
    }

    /// The same for the protocol, which has no core that could be broken on purpose.
    fn check_protocol(&mut self, output: &mut Output) {
        if self.core == CoreChoice::Canary {
            return;
        }
        let search = Search::whole(self.args.scope.unwrap_or(ScopeName::Default), &self.traces);
        let plan = protocol::Plan { search: &search, laws: Law::ALL, design: Design::Barrier };
        let engines = &mut self.engines;
        let mut take = |explored: Explored, _: &mut Output| {
            engines.push(explored.result());
            Ok(())
        };
        let explored = protocol::run(&plan, output, &mut take);
        let live = liveness::run(&plan, output, &mut take);
        for (name, done) in [("check protocol", explored), ("check liveness", live)] {
            if let Err(error) = done {
                engines.push(EngineResult::failed(name, &error));
            }
        }
    }

    /// Whether the engines can find anything. A night of the canary is itself the answer.
    fn canaries(&self, fuzzer: Fuzzer, output: &mut Output) -> Result<Vec<Canary>, Error> {
        let plan = canary::Plan { place: &self.place, seed: self.seed, fuzzer, offline: self.args.offline };
        match self.core {
            CoreChoice::Core => canary::run(&plan, output),
            CoreChoice::Canary => Ok(Vec::new()),
        }
    }

    /// Whether the engines still see the seeded faults that they used to see.
    fn kills(&self, output: &Output) -> Result<Option<Kills>, Error> {
        if !self.args.kill {
            return Ok(None);
        }
        let expected = kill::expected(&self.place)?;
        let plan = kill::Plan {
            place: &self.place,
            faults: Fault::ALL,
            engines: Engine::ALL,
            pairs: kill::Pairs::Due,
            expected: &expected,
            budget: KILL_BUDGET,
            seed: self.seed,
            offline: self.args.offline,
            command_line: run::command_line(),
        };
        let mut kills = kill::run(&plan, output)?;
        kills.lost = expected.lost(&kills);
        Ok(Some(kills))
    }

    /// Races of the real service; a canary is a core, which they do not exchange.
    fn race(&mut self, budget: Duration, output: &Output) {
        let plan = race::Plan {
            kinds: &super::race::USUAL,
            design: properties::race::Design::Barrier,
            seed: self.seed,
            budget,
            schedules: None,
            before: race::schedules_before(&self.place.reports()),
            traces: &self.traces,
        };
        let raced = race::run(&plan, output);
        self.engines.push(raced.unwrap_or_else(|error| EngineResult::failed("race", &error)));
    }

    /// The samplers, each with its share of what is left.
    fn sample(&mut self, fuzzes: &[Built], left: Duration, output: &Output) {
        // Lockstep is worth most, the parser of traces least.
        let of_target = |target| match target {
            Target::Lockstep | Target::Schedule => 3,
            Target::Trace | Target::Canary => 1,
        };
        let fuzzing: u32 =
            fuzzes.iter().filter(|(_, no)| no.is_none()).map(|(target, _)| of_target(*target)).sum();
        let races = if self.core == CoreChoice::Core { RACE_SHARE } else { 0 };
        let shares = SAMPLE_SHARE + LIVE_SHARE + races + fuzzing;
        let share = |of: u32| (left * of / shares).max(LEAST);
        for (target, obstacle) in fuzzes {
            let engine = match obstacle {
                Some(status) => fuzz::result(*target, status.clone()),
                None => {
                    let share = share(of_target(*target));
                    let run = fuzz::run(&self.fuzz_plan(*target, share), output);
                    run.unwrap_or_else(|error| EngineResult::failed(target.name(), &error))
                }
            };
            self.engines.push(engine);
        }
        if races > 0 {
            self.race(share(races), output);
        }
        let sampled = sample::run(self.core, self.seed, share(SAMPLE_SHARE), &self.traces, output);
        self.engines.push(sampled.unwrap_or_else(|error| EngineResult::failed("properties", &error)));
        for (dialect, number) in Dialect::ALL.into_iter().zip(0..) {
            let plan = live::Plan {
                dialect,
                core: self.core,
                seed: self.seed.wrapping_add(number),
                budget: share(LIVE_SHARE) / 2,
                traces: &self.traces,
            };
            let run = live::run(&plan, output);
            self.engines.push(run.unwrap_or_else(|error| EngineResult::failed("live", &error)));
        }
    }
}

/// For each seeded fault and engine: four times what it took the slowest of those that are run.
const KILL_BUDGET: Duration = Duration::from_secs(4);

const SAMPLE_SHARE: u32 = 1;

const RACE_SHARE: u32 = 4;

/// Both dialects together.
const LIVE_SHARE: u32 = 3;

/// What an engine gets even when the exhaustive one took the whole budget.
const LEAST: Duration = Duration::from_secs(5);
