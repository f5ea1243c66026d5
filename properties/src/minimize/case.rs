//! What can be made small: where it comes from, and whether it can be run again.

use contract::Core as _;
use contract::core::Config;
use engine::core::Core;
use judge::{RuleSet, Trace};

use super::races::{self, Scheduled};
use super::{Failed, Nearest, excerpt, stepped};
use crate::canary::Canary;
use crate::program::Program;
use crate::race;
use crate::run;

/// Does something with the constructor of a core.
macro_rules! on_core {
    ($core:expr, $make:ident => $what:expr) => {
        match $core {
            CoreName::Core => {
                let $make: fn(&Config) -> Core = Core::new;
                $what
            }
            CoreName::Canary => {
                let $make: fn(&Config) -> Canary<Core> = Canary::new;
                $what
            }
        }
    };
}

/// The core that a program runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CoreName {
    /// The engine's own.
    #[default]
    Core,
    /// The one that is broken on purpose.
    Canary,
}

impl CoreName {
    /// Its name in traces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CoreName::Core => "core",
            CoreName::Canary => "canary",
        }
    }

    /// Runs a program on it.
    #[must_use]
    pub fn run(self, program: &Program) -> run::Outcome {
        on_core!(self, make => run::run(program, make))
    }

    /// The core of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<CoreName> {
        [CoreName::Core, CoreName::Canary].into_iter().find(|core| core.name() == name)
    }
}

/// Something that may fail.
#[derive(Clone, PartialEq, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and never a list of them")]
pub enum Case {
    /// A program on a core.
    Stepped(CoreName, Program),
    /// A race on the service, with its schedule.
    Race(Scheduled),
    /// A run that cannot be repeated, as it was recorded.
    Recorded(Trace),
}

/// The case breaks nothing that was asked for, so there is nothing to make small.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it breaks nothing")]
pub struct NotAFailure;

impl Case {
    /// What a trace was written by, if that can be run again; else the trace.
    #[must_use]
    pub fn of_trace(trace: &Trace) -> Case {
        if let Ok((race, schedule)) = race::from_trace(trace) {
            return Case::Race(Scheduled { race, schedule });
        }
        let core = CoreName::named(&trace.header.subject);
        let program = core.and_then(|core| Some((core, Case::program_of(trace)?)));
        program.map_or_else(|| Case::Recorded(trace.clone()), |(core, program)| Case::Stepped(core, program))
    }

    /// The calls and steps of a trace as a program on a core, when it has any.
    #[must_use]
    pub fn on_core(trace: &Trace, core: CoreName) -> Option<Case> {
        Some(Case::Stepped(core, Case::program_of(trace)?))
    }

    /// The run.
    #[must_use]
    pub fn trace(&self) -> Trace {
        match self {
            Case::Stepped(core, program) => {
                let mut trace = on_core!(*core, make => run::trace(program, make, "", None));
                core.name().clone_into(&mut trace.header.subject);
                trace
            }
            Case::Race(Scheduled { race, schedule }) => race::trace(race, schedule, None),
            Case::Recorded(trace) => trace.clone(),
        }
    }

    fn program_of(trace: &Trace) -> Option<Program> {
        run::from_trace(trace).ok().filter(|program| !program.steps.is_empty())
    }

    /// How it fails, by one of these rules or, with all of them, in any other way.
    #[must_use]
    pub fn failure(&self, rules: RuleSet) -> Option<Failed> {
        match self {
            Case::Stepped(core, program) => {
                let mut failed = on_core!(*core, make => stepped::failure(program, rules, make))?;
                core.name().clone_into(&mut failed.trace.header.subject);
                Some(failed)
            }
            Case::Race(scheduled) => races::failure(scheduled, rules),
            Case::Recorded(trace) => excerpt::failure(trace, rules),
        }
    }

    /// As small as it gets while it fails so, and what it took for each tape.
    #[must_use]
    pub(super) fn smallest(&self, failed: &Failed) -> (Case, Vec<(&'static str, super::Effort)>) {
        match self {
            Case::Stepped(core, program) => {
                let (small, effort) = on_core!(*core, make => stepped::smallest(program, failed, make));
                (Case::Stepped(*core, small), vec![("steps", effort)])
            }
            Case::Race(scheduled) => {
                let (small, [steps, choices]) = races::smallest(scheduled, failed);
                (Case::Race(small), vec![("steps", steps), ("choices", choices)])
            }
            Case::Recorded(trace) => {
                let (small, effort) = excerpt::smallest(trace, failed);
                (Case::Recorded(small), vec![("events", effort)])
            }
        }
    }

    /// Whether it fails so when it is run once more; nothing where it cannot be.
    pub(super) fn fails_again(&self, failed: &Failed) -> Option<bool> {
        match self {
            Case::Stepped(core, program) => {
                Some(on_core!(*core, make => stepped::fails_so(program, failed, make)))
            }
            Case::Race(scheduled) => Some(races::fails_so(scheduled, failed)),
            Case::Recorded(_) => None,
        }
    }

    pub(super) fn nearest(&self, failed: &Failed) -> Option<Nearest> {
        match self {
            Case::Stepped(core, program) => {
                let mut nearest = on_core!(*core, make => stepped::nearest(program, failed, make))?;
                core.name().clone_into(&mut nearest.trace.header.subject);
                Some(nearest)
            }
            Case::Race(scheduled) => races::nearest(scheduled, failed),
            Case::Recorded(_) => None,
        }
    }

    /// The program as a reader wants it; none of a recorded run.
    #[must_use]
    pub fn program(&self) -> Option<String> {
        match self {
            Case::Stepped(_, program) => Some(program.to_string()),
            Case::Race(scheduled) => Some(scheduled.race.to_string()),
            Case::Recorded(_) => None,
        }
    }
}
