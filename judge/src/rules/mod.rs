//! The rules, a file each. Every one is a monitor of one job: a few bits, and a step.

mod r01_cancelled;
mod r02_masked;
mod r03_unregistered;
mod r04_completed;
mod r05_caused;
mod r06_once;
mod r07_order;
mod r08_quiet_change;
mod r09_slots;
mod r10_final;
mod r11_atomic;
mod r12_answers;
mod r13_edges;
mod r14_progress;
mod r15_files;
mod r18_robust;
mod r19_told;

pub(super) use self::r01_cancelled::R1;
pub(super) use self::r02_masked::R2;
pub(super) use self::r03_unregistered::R3;
pub(super) use self::r04_completed::R4;
pub(super) use self::r05_caused::R5;
pub(super) use self::r06_once::R6;
pub(super) use self::r07_order::R7;
pub(super) use self::r08_quiet_change::R8;
pub(super) use self::r09_slots::R9;
pub(super) use self::r10_final::R10;
pub(super) use self::r11_atomic::R11;
pub(super) use self::r12_answers::R12;
pub(super) use self::r13_edges::R13;
pub(super) use self::r14_progress::R14;
pub(super) use self::r15_files::R15;
pub(super) use self::r18_robust::R18;
pub(super) use self::r19_told::R19;

use contract::dialect::Profile;
use contract::event::Leave;
use contract::mutation::{Left, Mutant};
use contract::notify::Event;

/// Whether a delivery that ended like this settled its event (contract section 2, "acknowledged").
fn settles(profile: &Profile, event: Event, leave: Leave) -> bool {
    let settled = match leave {
        Leave::Returned(hr) => profile.acknowledges(event, hr).is_yes(),
        Leave::Exited(code) => code == 0,
        Leave::Panicked => false,
    };
    profile.mutation.turns(Mutant::JudgedLeave(event, Left::of(leave)), settled)
}
