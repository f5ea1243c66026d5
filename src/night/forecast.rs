//! How long the engines of a night take, so that each can show how long the night still lasts.
//!
//! **What it is.** A guess before each engine: explorations take what they took in the last night with this budget, samplers their share of
//! what is left and what they went beyond it then.
//!
//! **What it is not.** The budget: no engine gets more or less by it.

use std::time::Duration;

use crate::engines::registry::{self, Named, Share, Task};
use crate::progress::night::OfNight;
use crate::progress::{Cost, Took};
use crate::run::millis;

/// What is known of the engines.
pub(super) struct Forecast {
    took: Took,
    whole: Duration,
    /// What the seeded faults take behind the engines, where they are wanted.
    kill: Option<Duration>,
}

impl Forecast {
    pub(super) fn of(task: &Task<'_>, kill: Option<Duration>) -> Forecast {
        Forecast { took: Took::of(task.place), whole: task.budget, kill }
    }

    /// Which part of the night an engine is, when so much is left of the budget.
    pub(super) fn part(&self, engines: &[Named], at: usize, left: Duration) -> OfNight {
        let (mut spare, mut takes) = (left, Vec::new());
        for engine in at..engines.len() {
            let budget = registry::budget(&engines[engine..], self.whole, spare);
            let time = self.takes(engines[engine], budget);
            spare = spare.saturating_sub(time);
            takes.push(time);
        }
        let later = takes.iter().skip(1).sum::<Duration>() + self.kill.unwrap_or_default();
        let samples = |engine: &Named| matches!(engine.0.share(), Share::Weight(_));
        let spends_all = engines[at..].iter().any(samples);
        OfNight {
            engine: at as u64 + 1,
            of: self.parts(engines),
            own: takes.first().copied().unwrap_or_default(),
            later,
            budget: spends_all.then(|| left + self.kill.unwrap_or_default()),
        }
    }

    /// The part behind all engines, if there is one: the seeded faults.
    pub(super) fn last(&self, engines: &[Named]) -> Option<OfNight> {
        let (own, parts) = (self.kill?, self.parts(engines));
        Some(OfNight { engine: parts, of: parts, own, later: Duration::ZERO, budget: None })
    }

    /// An engine with this budget has taken so long.
    pub(super) fn learn(&mut self, engine: Named, budget: Duration, time: Duration) {
        let cost = Cost { amount: millis(budget), ms: millis(time), ..Cost::default() };
        let name = self.name(engine);
        // Engines of the night learn, too, and write into the file.
        self.took.read_again();
        self.took.learn([(name, cost)]);
    }

    fn parts(&self, engines: &[Named]) -> u64 {
        engines.len() as u64 + u64::from(self.kill.is_some())
    }

    fn takes(&self, engine: Named, budget: Duration) -> Duration {
        let Some(before) = self.took.known(&self.name(engine)) else { return budget };
        let (then, took) = (Duration::from_millis(before.amount), Duration::from_millis(before.ms));
        match engine.0.share() {
            Share::Weight(_) => budget + took.saturating_sub(then),
            Share::UntilPercent(_) | Share::Part(_) => took,
        }
    }

    fn name(&self, engine: Named) -> String {
        format!("night {} {}", self.whole.as_secs(), engine.0.id())
    }
}
