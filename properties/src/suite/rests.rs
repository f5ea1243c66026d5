//! Where on a path of a suite everything rests: there a subject that runs by itself is where the path is.

use std::collections::BTreeSet;

use contract::{Core as _, Profile};
use engine::core::Core;
use judge::RuleSet;
use model::drive::{From, Stimulus};
use model::lockstep::Lockstep;
use model::suite::goes_on;

use super::{Case, JOBS, slice_of, steps_of};

/// Whether a timer that runs may go off by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Time {
    /// It may: a path that ends while one runs does not end at rest.
    Passes,
    /// It goes off later than anything that is looked at.
    Stands,
}

/// The rests of a path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rests {
    /// The calls of clients, by number from 0 on, before which everything rests.
    calls: BTreeSet<usize>,
    ends: bool,
}

impl Rests {
    /// The rests of a file's path.
    pub(super) fn of(case: &Case, time: Time) -> Option<Rests> {
        let header = &case.trace.header;
        let slice = slice_of(header)?;
        let config = slice.config(&header.profile());
        let path = steps_of(&case.trace).ok()?;
        let core = <Core as contract::Core>::new(&config);
        let mut lockstep = Lockstep::<_, JOBS>::around(core, &config, slice.users.owners(), RuleSet::EMPTY);
        Some(Rests::on(&mut lockstep, &config.profile, &path, time))
    }

    fn on(lockstep: &mut Lockstep<Core, JOBS>, profile: &Profile, path: &[Stimulus], time: Time) -> Rests {
        let mut rests = Rests::default();
        let mut calls = 0;
        for stimulus in path {
            if let Stimulus::Call { from: From::Client(_) | From::User(_), .. } = stimulus {
                if !goes_on(lockstep) {
                    rests.calls.insert(calls);
                }
                calls += 1;
            }
            let _ = lockstep.apply(profile, stimulus, &mut |_| ());
        }
        let timer = lockstep.driver().core().poll_timeout().is_some_and(|_| time == Time::Passes);
        rests.ends = !goes_on(lockstep) && !timer;
        rests
    }

    /// Whether everything rests before this call of a client.
    pub(super) fn is_before_call(&self, number: usize) -> bool {
        self.calls.contains(&number)
    }

    /// Whether the path ends at rest: nothing comes after it then.
    pub(super) const fn ends_at_rest(&self) -> bool {
        self.ends
    }
}
