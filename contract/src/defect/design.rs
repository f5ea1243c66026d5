//! The designs of contract section 4: the barrier, and what was tried before it and is wrong.
//!
//! What each does stands where it is made: `model::protocol`, `engine::service` (feature `designs`), `properties::simulate`.

use std::fmt;
use std::str::FromStr;

use super::Reach::EveryEngine;
use super::{Fault, HARMLESS, Place, also, defects, duty, rule};
use crate::Rule::{R1, R9, R16};

defects! {
    /// What keeps a callback from starting after the call that forbids it has returned, from the most naive one to the engine's.
    Design:

    ClaimThenCall = "claim-then-call", Protocol | Service | AroundCore, rule(R1, Some(3)), EveryEngine,
        "A dispatcher claims a delivery under the lock, lets go, and calls; no call waits.";
    Recheck = "recheck", Protocol | Service | AroundCore, rule(R1, Some(3)), EveryEngine,
        "A dispatcher looks once more under the lock whether the delivery is still wanted, then calls; no call waits.";
    GateNoWait = "gate-no-wait", Protocol | Service | AroundCore, rule(R1, Some(3)), EveryEngine,
        "A call takes back what it forbids and what has not begun, and waits for nothing.";
    GateAndWait = "gate-and-wait", Protocol | Service | AroundCore, also(Fault::CalledIsWaitedFor), EveryEngine,
        "A call waits until the delivery that it forbids has left, always.";
    WaitUnlessOwn = "wait-unless-own", Protocol | Service | AroundCore, rule(R16, Some(4)), EveryEngine,
        "A call waits until the delivery that it forbids has left, except inside that very delivery.";
    WaitUnlessAny = "wait-unless-any", Protocol | Service | AroundCore, rule(R1, Some(4)), EveryEngine,
        "A call waits until the delivery that it forbids has left, except inside any delivery.";
    NothingNew = "nothing-new", Protocol | Service | AroundCore, also(Fault::MaskNothingNew), EveryEngine,
        "The barrier, but a SetNotifyFlags that masks nothing new does not wait.";
    ResumeNoWait = "resume-no-wait", Protocol | Service | AroundCore, also(Fault::ResumeReturnsEarly), EveryEngine,
        "The barrier, but Resume does not wait.";
    BeginBeforeSlot = "begin-before-slot", Protocol | Service, rule(R16, Some(2)), EveryEngine,
        "The barrier, but a delivery begins before it holds its slot.";
    ClaimBeforeSlot = "claim-before-slot", Protocol, rule(R9, Some(2)), EveryEngine,
        "The barrier, but a dispatcher claims a delivery and then waits for its slot.";
    WaitAnyRunning = "wait-any-running", Protocol | Service, duty(3, Some(3)), EveryEngine,
        "The barrier, but a call waits until no delivery of the job runs, later ones included.";
    ExpireAnyway = "expire-anyway", Protocol, also(Fault::ExpiryIgnoresDelivery), EveryEngine,
        "The barrier, but a job expires although a delivery of it has begun.";
    Barrier = "barrier", Protocol | Service, HARMLESS, EveryEngine,
        "Clauses 1 to 7: a call waits for the begun delivery that it forbids, until that has left or has called the engine.";
}

impl Design {
    /// The design of this name, where this place can have it.
    ///
    /// # Errors
    /// It cannot, or no design has the name.
    pub fn read(place: Place, text: &str) -> Result<Design, UnknownDesign> {
        let named = Design::of(place).find(|design| design.name() == text);
        named.ok_or_else(|| UnknownDesign { text: text.to_owned(), place })
    }
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The protocol can have every one.
impl FromStr for Design {
    type Err = UnknownDesign;

    fn from_str(text: &str) -> Result<Design, UnknownDesign> {
        Design::read(Place::Protocol, text)
    }
}

/// The text is no design, or none that a place can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a design{}: expected {}{}", of_place(*place), expected(*place), elsewhere(text))]
pub struct UnknownDesign {
    text: String,
    place: Place,
}

fn of_place(place: Place) -> &'static str {
    match place {
        Place::Protocol => "",
        Place::Service => " of the service",
        _ => " of a core",
    }
}

fn expected(place: Place) -> String {
    crate::named::expected(Design::of(place).map(Design::name))
}

/// Where it is one, if it is.
fn elsewhere(text: &str) -> String {
    let design = Design::ALL.iter().find(|design| design.name() == text);
    design.map_or_else(String::new, |design| format!("; `{design}` is one of: {}", design.defect().sits_in()))
}
