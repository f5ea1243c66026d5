//! What a run does, so that another run can be checked for doing as much.
//!
//! A run passes at once in which the decisive call is not made, the file never arrives or the callback never comes; that shows nothing
//! about the fault. A run that does everything that the failing one does, and breaks nothing, shows the decision that matters.

use std::collections::{BTreeMap, BTreeSet};

use contract::{EventView, JobId, JobState, Method};
use judge::Trace;

/// What is counted of a run.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    Called(Option<JobId>, Method),
    Succeeded(Option<JobId>, Method),
    Entered(JobId, contract::Event),
    Left(JobId, contract::Event),
}

/// The calls and callbacks of a run, and the states that its jobs come to.
struct Doings {
    counts: BTreeMap<Doing, u32>,
    states: BTreeSet<(JobId, JobState)>,
}

impl Doings {
    /// What the run does. The answer at `but` is left out: it may be what is wrong.
    fn of(trace: &Trace, but: Option<u64>) -> Doings {
        let mut doings = Doings { counts: BTreeMap::new(), states: BTreeSet::new() };
        for (seq, event) in trace.events() {
            let doing = match event {
                EventView::Call { job, call, .. } => Doing::Called(job, call.method()),
                EventView::Return { job, call, hr, .. } if hr.succeeded() && Some(seq) != but => {
                    Doing::Succeeded(job, call.method())
                }
                EventView::Enter { job, event, .. } => Doing::Entered(job, event),
                EventView::Leave { job, event, .. } => Doing::Left(job, event),
                EventView::State { job, to, .. } if Some(seq) != but => {
                    doings.states.insert((job, to));
                    continue;
                }
                _ => continue,
            };
            *doings.counts.entry(doing).or_default() += 1;
        }
        doings
    }
}

/// Whether `other` does everything that the failing run does, which breaks something at `broken`.
pub(super) fn does_as_much(failing: &Trace, broken: Option<u64>, other: &Trace) -> bool {
    let (wanted, done) = (Doings::of(failing, broken), Doings::of(other, None));
    let enough = |(doing, count): (&Doing, &u32)| done.counts.get(doing).is_some_and(|done| done >= count);
    wanted.counts.iter().all(enough) && wanted.states.is_subset(&done.states)
}
