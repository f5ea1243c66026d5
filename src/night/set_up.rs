//! What has to be installed and built before a night.

use std::time::Duration;

use reports::Status;

use super::Night;
use crate::engines::fuzz::{self, Fuzz, Target};
use crate::engines::registry::{Fuzzer, Named};
use crate::engines::tools;
use crate::output::Output;
use crate::progress::Work;
use crate::signals;

/// Why a fuzz target cannot run.
pub(super) type Obstacle = Status;

impl Night<'_> {
    /// Installs and builds what the fuzz targets of these engines need. Gives what is in the way of those that cannot run.
    pub(super) fn set_up(&mut self, engines: &[Named], output: &Output) -> Vec<(Target, Obstacle)> {
        let targets: Vec<Target> = engines.iter().filter_map(|engine| engine.0.target()).collect();
        if targets.is_empty() {
            return Vec::new();
        }
        let place = self.plan.task.place;
        let can = place.has_fuzz_targets() && tools::has_cargo() && !self.plan.task.offline;
        if can && tools::cargo_fuzz(place).is_none() {
            let progress = output.progress("install cargo-fuzz");
            progress
                .note("cargo-fuzz is missing: installing it into target/tools (once, apart from the budget)");
            let step = tools::install(place, &|line| progress.tell(Work::UNKNOWN, || line));
            self.results.set_up.push(step);
        }
        let built =
            targets.into_iter().filter_map(|target| Some((target, self.build_target(target, output)?)));
        built.collect()
    }

    /// Builds the fuzz target that is broken on purpose, if those that are not could be built.
    pub(super) fn set_up_canary(
        &mut self,
        engines: &[Named],
        obstacles: &[(Target, Obstacle)],
        output: &Output,
    ) -> Fuzzer {
        let others = engines.iter().any(|engine| engine.0.target().is_some()) && obstacles.is_empty();
        let wanted = others && engines.iter().any(|engine| !engine.0.is_about_subject());
        let built = wanted && self.build_target(Target::Canary, output).is_none();
        if built { Fuzzer::Built } else { Fuzzer::Missing }
    }

    fn build_target(&mut self, target: Target, output: &Output) -> Option<Obstacle> {
        let task = &self.plan.task;
        if let Some((why, install_hint)) = fuzz::obstacle(task.place) {
            return Some(Status::Skipped { why, install_hint });
        }
        let built = fuzz::build(&Fuzz::plan(task, target, Duration::ZERO), output);
        let failed = built.failed.clone();
        self.results.set_up.push(built);
        failed.map(|why| match fuzz::is_about_this_machine(&why) || signals::has_come() {
            true => Status::Skipped { why, install_hint: Some("bgcheck doctor".to_owned()) },
            false => Status::Failed { why },
        })
    }
}
