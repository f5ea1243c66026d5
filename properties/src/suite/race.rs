//! A suite on the engine's real service, led along each path in the race runtime ([`crate::race::follow`]).
//!
//! A file passes when the service can be led along its whole path, when everything that clients see and every change of state comes
//! as the file has it, and when no rule is broken. Two kinds of paths are not led. One has two jobs: which of them the service serves is its
//! own choice. The other leaves a timer that is over: the service looks at the time whenever it takes its lock, so no call comes before it.

use std::collections::BTreeSet;

use adapter::SuspendAtEnd;
use contract::core::{Config, Core as _};
use contract::defect::Design;
use contract::{JobId, UserId};
use engine::core::Core;
use judge::{Header, RuleSet, Trace};
use model::drive::Stimulus;
use model::lockstep::Lockstep;

use super::compare::{Led, compare};
use super::core::not_followed;
use super::recorded::broken_rules;
use super::{Case, Finding, Judged, slice_of, steps_of};
use crate::race::follow;

/// What became of a file on the service, with this design in the place of the barrier.
#[must_use]
pub fn on_race(case: &Case, design: Design) -> Judged {
    let header = &case.trace.header;
    let Some(slice) = slice_of(header) else {
        return Judged::not_runnable(format!("there is no slice {:?} any more", header.scope));
    };
    if slice.jobs > 1 {
        return Judged::not_runnable("of several jobs the service chooses itself which it serves");
    }
    let path = match steps_of(&case.trace) {
        Ok(path) => path,
        Err(error) => return Judged::not_runnable(error.to_string()),
    };
    let config = slice.config(&header.profile());
    if leaves_a_timer_that_is_over(&config, &path) {
        return Judged::not_runnable("a timer is over, and something else comes first");
    }
    let followed = follow(&config, design, &path);
    let header = Header { subject: "service, led".to_owned(), ..header.clone() };
    let trace = Trace { header, lines: followed.lines };
    let steps = followed.stuck.map_or(path.len(), |(number, _)| number + 1);
    let compared = compare(&case.trace, &trace, Led::Stepwise { steps }, SuspendAtEnd::Stays);
    let differences = compared.differences.into_iter().map(Finding::Differs);
    let stuck = followed.stuck.and_then(|(number, why)| {
        let difference = not_followed(&trace, path.get(number)?);
        Some(Finding::Differs(crate::difference::Difference { subject: why.to_owned(), ..difference }))
    });
    // What differs is the cause, and where it gets stuck often only follows from it.
    let findings: Vec<Finding> = broken_rules(&trace).into_iter().chain(differences).chain(stuck).collect();
    Judged::of(trace, findings, BTreeSet::from_iter(0..path.len()))
}

/// Whether something else happens on the path when a timer is already over. A job that was without progress in the queue is given up as
/// soon as the network is lost; in the model a call may still come first.
fn leaves_a_timer_that_is_over(config: &Config, path: &[Stimulus]) -> bool {
    let owner = |_: JobId| UserId(0);
    let mut lockstep = Lockstep::<_, 1>::around(Core::new(config), config, owner, RuleSet::EMPTY);
    path.iter().any(|stimulus| {
        let core = lockstep.driver().core();
        let is_over = core.poll_timeout().is_some_and(|at| at <= core.now());
        let _ = lockstep.apply(&config.profile, stimulus, &mut |_| ());
        is_over && *stimulus != Stimulus::Timeout
    })
}
