//! What the designs of contract section 4 do in the protocol.

use contract::defect::Design;

/// Whether a dispatcher checks again, under the lock, before it calls.
pub(super) const fn begins(design: Design) -> bool {
    !matches!(design, Design::ClaimThenCall)
}

/// Whether a call takes claims back that have not begun.
pub(super) const fn revokes(design: Design) -> bool {
    !matches!(design, Design::ClaimThenCall | Design::Recheck)
}

/// Whether calls wait at all.
pub(super) const fn waits(design: Design) -> bool {
    revokes(design) && !matches!(design, Design::GateNoWait)
}

/// Whether a delivery that has called the engine is waited for no more (clause 4).
pub(super) const fn releases_callers(design: Design) -> bool {
    waits(design) && !matches!(design, Design::GateAndWait | Design::WaitUnlessOwn | Design::WaitUnlessAny)
}

/// When a delivery takes its slot.
pub(super) const fn slot(design: Design) -> SlotAt {
    match design {
        Design::BeginBeforeSlot => SlotAt::Enter,
        Design::ClaimBeforeSlot => SlotAt::Begin,
        _ => SlotAt::Claim,
    }
}

/// The step that needs a free slot, and takes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SlotAt {
    Claim,
    Begin,
    Enter,
}
