//! The processes of an adapter beside the first one, and work that all of them do at once.
//!
//! **What it is.** They are started when they are needed first, and ended with the campaign. Each has a number, a file server and a directory of its
//! own. Work is what a process takes from a common store until there is no more; each takes down what it met in a tally of its own.
//!
//! **The law it keeps.** What becomes of a path or of a race does not depend on the process that takes it, nor on how many there are.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use adapter::Fault;

use super::Stage;
use super::tally::Tally;

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Crew {
    others: Vec<Stage>,
    /// How many were asked for. What could not be started once is not started again.
    asked: usize,
}

impl Crew {
    /// Starts what is missing of this number of processes, the first one counted.
    pub(super) fn enlist(&mut self, first: &Stage, processes: usize) {
        for number in self.asked.max(1)..processes {
            // What the first process shows is shown by it alone, where there can be no other one.
            self.others.extend(first.another(number as u64).ok());
        }
        self.asked = self.asked.max(processes);
    }

    /// Has the first process and these others work at once, up to this number of processes. What they met is in the tally then.
    ///
    /// Results are in the order of the processes. `first` runs on this thread, so it may report how far it is.
    pub(super) fn at_once<R: Send>(
        &mut self,
        processes: usize,
        (stage, tally): (&mut Stage, &mut Tally),
        first: impl FnOnce(&mut Stage, &mut Tally) -> R,
        other: impl Fn(u64, &mut Stage, &mut Tally) -> R + Sync,
    ) -> Vec<R> {
        self.enlist(stage, processes);
        let begun = tally.beside();
        std::thread::scope(|scope| {
            let (begun, other) = (&begun, &other);
            let others: Vec<_> = { self.others.iter_mut().take(processes.saturating_sub(1)).zip(1..) }
                .map(|(stage, number)| {
                    scope.spawn(move || {
                        let mut tally = begun.clone();
                        let result = other(number, stage, &mut tally);
                        tally.take_leftovers(std::mem::take(&mut stage.leftovers));
                        stage.litter.note(&stage.session);
                        (result, tally)
                    })
                })
                .collect();
            let mut results = vec![first(stage, tally)];
            for other in others {
                // A thread that panics has shown a mistake of ours.
                let (result, theirs) = other.join().unwrap_or_else(|panic| resume_unwind(panic));
                tally.merge(theirs);
                results.push(result);
            }
            results
        })
    }

    /// Has the first process and these others take these items, in their order, each item once, until it is over. Returns the number of each item that
    /// was taken, and what came of it; an item of which nothing came is missing. `tell` is called for the items of the first process.
    pub(super) fn share_out<T: Sync, R: Send>(
        &mut self,
        processes: usize,
        (stage, tally): (&mut Stage, &mut Tally),
        items: &[T],
        (is_over, tell): (impl Fn(&Tally) -> bool + Sync, impl Fn(usize, &Tally)),
        take: impl Fn(&mut Stage, &mut Tally, &T) -> Result<Option<R>, Fault> + Sync,
    ) -> Result<Vec<(usize, R)>, Fault> {
        let next = AtomicUsize::new(0);
        let taken = |stage: &mut Stage, tally: &mut Tally, tell: &dyn Fn(usize, &Tally)| {
            let mut results = Vec::new();
            while !is_over(tally) {
                let number = next.fetch_add(1, Ordering::SeqCst);
                let Some(item) = items.get(number) else { break };
                tell(number, tally);
                results.extend(take(stage, tally, item)?.map(|result| (number, result)));
            }
            Ok(results)
        };
        let all = self.at_once(
            processes,
            (stage, tally),
            |stage, tally| taken(stage, tally, &tell),
            |_, stage, tally| taken(stage, tally, &|_, _| ()),
        );
        let all: Result<Vec<_>, Fault> = all.into_iter().collect();
        Ok(all?.into_iter().flatten().collect())
    }

    /// Ends the processes. Returns the calls that they have made, and what one of them did wrong at its end.
    pub(super) fn end(self) -> (u64, Option<Fault>) {
        let calls = self.others.iter().map(|stage| stage.session.calls()).sum();
        // Each of them is ended, whatever another one did wrong.
        let faults: Vec<Fault> = self.others.into_iter().filter_map(|stage| stage.session.end()).collect();
        (calls, faults.into_iter().next())
    }
}
