//! A run beside the protocol: each of its steps is a step of `model::protocol`, or changes nothing there.
//!
//! **What it is.** A run of a race feeds a [`Trail`] with what is recorded, and with what stands under the service's lock whenever that is given
//! back. The trail has every state in which the protocol may be. In a complete exploration it is a part of the digest, so two moments
//! are merged only where the protocol may be in equal states.
//!
//! **What it is not.** A choice of races: [`Session::beside`] is given the map of the protocol, or none.
//!
//! **The law it keeps.** What is [`Lost`] here is no run of the protocol, whatever happened unseen; or it is at rest where the protocol is not.
//!
//! [`Session::beside`]: super::subject::Session::beside

use std::hash::Hasher;

use contract::core::Core as _;
use contract::{EventView, JobId};
use model::protocol::{Begun, Lost, Map, Shown, TRAIL_JOBS as JOBS, Trail};

/// What stands of the jobs that a trail can have.
pub(super) type AllShown = [Option<Shown>; JOBS];

/// A run beside the protocol.
#[derive(Clone)]
pub struct Refined {
    /// None once it is lost.
    trail: Option<Trail>,
    pub(super) lost: Option<Lost>,
}

impl Refined {
    pub(super) fn on(map: &Map) -> Refined {
        Refined { trail: Some(Trail::new(map)), lost: None }
    }

    pub(super) fn sees(&mut self, event: &EventView<'_>) {
        self.follow(|trail| trail.sees(event));
    }

    pub(super) fn shown(&mut self, shown: &AllShown) {
        self.follow(|trail| trail.shown(shown));
    }

    /// Nothing moves any more.
    pub(super) fn rests(&mut self) {
        self.follow(Trail::rests);
    }

    fn follow(&mut self, step: impl FnOnce(&mut Trail) -> Result<(), Lost>) {
        if let Some(Err(lost)) = self.trail.as_mut().map(step) {
            (self.trail, self.lost) = (None, Some(lost));
        }
    }

    pub(super) fn digest<H: Hasher>(&self, state: &mut H) {
        if let Some(trail) = &self.trail {
            trail.digest(state);
        }
    }
}

/// The part of the service's state that the protocol has, too.
pub(super) fn shown(core: &engine::core::Core) -> AllShown {
    let of = |job: JobId| {
        let begun = core.begun(job).map_or(Begun::No, |delivery| match core.is_released(delivery) {
            true => Begun::Released,
            false => Begun::Awaited,
        });
        let (ending, ready) = (core.is_finalising(job).into(), core.is_ready(job).into());
        Some(Shown { state: core.state(job)?, ending, begun, ready })
    };
    std::array::from_fn(|job| of(JobId(job as u32)))
}
