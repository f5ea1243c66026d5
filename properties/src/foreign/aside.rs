//! What waits for long and does little: it goes on beside everything else, on a process of its own.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use adapter::Fault;

use super::Stage;
use super::abilities::Abilities;
use super::campaign::{Plan, interrupted};
use super::patience::{PLACE, patience, takes};
use super::tally::Tally;
use crate::oracle::Stop;

/// See the module's documentation.
#[derive(Clone, Copy)]
pub(super) struct Aside<'a> {
    pub(super) plan: &'a Plan<'a>,
    /// When it ends at the latest.
    pub(super) until: Instant,
    /// Whether it has found something at which the campaign ends.
    pub(super) found: &'a AtomicBool,
    /// Whether everything else is done.
    pub(super) is_done: &'a AtomicBool,
}

/// Where it goes on.
pub(super) enum Place {
    /// On this process.
    Beside(Box<Stage>),
    /// On the one process that there is, among everything else.
    Inside,
    /// There is nothing to try.
    Nowhere,
    /// There is not enough time for it.
    TooLate,
}

impl Aside<'_> {
    pub(super) fn place(self, stage: &Stage, abilities: &Abilities) -> Place {
        match takes(stage, abilities) {
            None => Place::Nowhere,
            Some(takes) if Instant::now() + takes >= self.until => Place::TooLate,
            Some(_) if !self.has_room(stage) => Place::Inside,
            Some(_) => {
                let number = self.plan.workers.get() as u64;
                stage.another(number).map_or(Place::Inside, |stage| Place::Beside(Box::new(stage)))
            }
        }
    }

    /// Whether there may be one process more than those that work at once.
    fn has_room(self, stage: &Stage) -> bool {
        let most = stage.session.manifest().workers;
        self.plan.workers > NonZeroUsize::MIN && most.is_none_or(|most| self.plan.workers < most)
    }

    /// Tries it, and returns how many of it were not decided.
    pub(super) fn go(self, mut stage: Stage) -> (Tally, Result<usize, Fault>) {
        let mut tally = Tally::new();
        let abilities = Abilities::of(&stage.session);
        let is_over = |_: &Tally| {
            self.is_done.load(Ordering::SeqCst) || (self.plan.enough)() || Instant::now() >= self.until
        };
        let ended = match patience(&mut stage, &abilities, &is_over, &mut tally) {
            Ok(left) => {
                if left == 0 {
                    tally.finish(PLACE);
                }
                Ok(left)
            }
            Err(fault) => interrupted(&mut stage, &mut tally, (PLACE, None), fault).map(|()| 1),
        };
        if self.plan.stop == Stop::AtFirst && self.plan.has_new(&tally) {
            self.found.store(true, Ordering::SeqCst);
        }
        tally.calls += stage.session.calls();
        tally.take_leftovers(std::mem::take(&mut stage.leftovers));
        let _fault = stage.session.end();
        (tally, ended)
    }
}
