//! A run beside the protocol: each of its steps is a step of `model::protocol`, or changes nothing there.
//!
//! **What it is.** A run of a race feeds a [`Trail`] with what is recorded, and with what stands under the service's lock whenever that is given
//! back. The trail has every state in which the protocol may be. In a complete exploration it is a part of the digest, so two moments
//! are merged only where the protocol may be in equal states.
//!
//! **What it is not.** A choice of races: [`Session::beside`] is given the map of the protocol, or none.
//!
//! **The law it keeps.** What is [`Lost`] here is no run of the protocol, whatever happened unseen.
//!
//! [`Session::beside`]: super::subject::Session::beside

use std::hash::Hasher;
use std::sync::Arc;

use contract::core::Core as _;
use contract::{EventView, JobId, JobState};
use model::protocol::{Begun, Lost, Map, Shown, Trail};

/// A run beside the protocol.
#[derive(Clone)]
pub struct Refined {
    map: Arc<Map>,
    /// From when the transfer of the job begins.
    trail: Option<Trail>,
    pub(super) lost: Option<Lost>,
}

impl Refined {
    pub(super) fn on(map: &Arc<Map>) -> Refined {
        Refined { map: Arc::clone(map), trail: None, lost: None }
    }

    pub(super) fn sees(&mut self, event: &EventView<'_>) {
        match (&mut self.trail, event) {
            (Some(trail), event) => self.lost = trail.sees(event).err(),
            (None, EventView::State { to: JobState::Transferring, .. }) if self.lost.is_none() => {
                self.trail = Some(Trail::new(&self.map));
            }
            (None, _) => {}
        }
        self.end_where_lost();
    }

    pub(super) fn shown(&mut self, shown: Shown) {
        if let Some(trail) = &mut self.trail {
            self.lost = trail.shown(shown).err();
        }
        self.end_where_lost();
    }

    fn end_where_lost(&mut self) {
        if self.lost.is_some() {
            self.trail = None;
        }
    }

    pub(super) fn digest<H: Hasher>(&self, state: &mut H) {
        if let Some(trail) = &self.trail {
            trail.digest(state);
        }
    }
}

/// The part of the service's state that the protocol has, too.
pub(super) fn shown(core: &engine::core::Core) -> Option<Shown> {
    let job = JobId(0);
    let begun = core.begun(job).map_or(Begun::No, |delivery| match core.is_released(delivery) {
        true => Begun::Released,
        false => Begun::Awaited,
    });
    let (ending, ready) = (core.is_finalising(job).into(), core.is_ready(job).into());
    Some(Shown { state: core.state(job)?, ending, begun, ready })
}
