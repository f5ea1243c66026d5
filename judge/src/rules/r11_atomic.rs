//! R11: a call that fails changes nothing.
//!
//! Seen in two ways: the state did not change on behalf of a call that then fails, and no getter gives back a value that
//! only a failed setter can have set. Flags, object, program, priority and times are registers that models carry; texts and the
//! number of files are judged over whole runs (`judge::texts`). A Complete that fails leaves renamed files behind, which is allowed and is not a
//! change of state.

use contract::Rule;
use contract::call::{Call, Out};
use contract::event::{By, EventView};

use crate::facts::may_be_default;
use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::registers::{NO_OBJECT, Register, bit, bucket};
use crate::small::CallSet;

/// The open calls that have changed the state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R11 {
    changed: CallSet,
}

impl R11 {
    /// The calls that were open are gone.
    pub(crate) fn restart(&mut self) {
        self.changed = CallSet::default();
    }
}

impl<const CALLS: usize> Monitor<CALLS> for R11 {
    const RULE: Rule = Rule::R11;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::State { by: By::Call(id), .. } => {
                self.changed.insert(id.0);
                Outcome::Held
            }
            EventView::Return { id, call: Call::Other { .. }, .. } => {
                self.changed.take(id.0);
                Outcome::Held
            }
            EventView::Return { id, call, hr, out, .. } => {
                let changed = self.changed.take(id.0);
                if hr.failed() {
                    return Outcome::check(!changed);
                }
                let Some((register, seen)) = cx.facts.registers.seen(id.index()) else {
                    return Outcome::Held;
                };
                is_possible(cx, call, register, seen, out).map_or(Outcome::Held, Outcome::check)
            }
            _ => Outcome::Held,
        }
    }
}

/// Whether a getter may have seen what it gave back; none when the answer is not one of those followed.
fn is_possible<const CALLS: usize>(
    cx: &Cx<'_, CALLS>,
    call: &Call,
    register: Register,
    seen: u64,
    out: &Out,
) -> Option<bool> {
    let number = |number: u32| u8::try_from(number).ok().filter(|number| *number < 64);
    let value = match (call, out) {
        (Call::GetNotifyFlags, Out::Flags(flags)) => number(flags.bits())?,
        (Call::GetNotifyInterface, Out::Receiver(None)) => NO_OBJECT,
        (Call::GetNotifyInterface, Out::Receiver(Some(receiver))) => {
            number(receiver.0).filter(|receiver| *receiver < NO_OBJECT)?
        }
        (Call::GetNotifyCmdLine, Out::CommandLine(line)) => u8::from(line.is_some()),
        (Call::GetPriority, Out::Priority(priority)) => *priority as u8,
        (Call::GetMinimumRetryDelay | Call::GetNoProgressTimeout, Out::Delay(delay)) => {
            if may_be_default(cx.profile, register, seen, *delay) {
                return Some(true);
            }
            bucket(delay.0)
        }
        _ => return None,
    };
    Some(seen & bit(value) != 0)
}
