//! What clients may have set, for a reader: the registers of the rules in words.
//!
//! **What it is.** [`Possible`] has the values that a register may hold now. With one value the matter is certain; calls that overlap leave
//! several.
//!
//! **What it is not.** Exact for times: a register has a bucket of each, which names only the default.

use std::fmt;

use contract::call::Priority;
use contract::ids::ReceiverId;
use contract::notify::NotifyFlags;

use super::registers::{DEFAULT_TIME, NO_OBJECT, Register, Registers};

/// A property, and the values that clients may have set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Possible {
    /// The property, such as `mask`.
    pub register: &'static str,
    /// The values, in the order of their numbers. None where a call has set what no number stands for.
    pub values: Vec<Value>,
}

/// One value of a property.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// Notification flags.
    Flags(NotifyFlags),
    /// A registered object.
    Object(ReceiverId),
    /// No object, or no program.
    Nothing,
    /// A program.
    Program,
    /// A priority.
    Priority(Priority),
    /// The time that the dialect has when no call has set one.
    DefaultTime,
    /// A time that a call has set.
    SetTime,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flags(flags) if flags.is_empty() => f.write_str("no flag"),
            Value::Flags(flags) => write!(f, "{flags}"),
            Value::Object(object) => write!(f, "{object}"),
            Value::Nothing => f.write_str("nothing"),
            Value::Program => f.write_str("a program"),
            Value::Priority(priority) => write!(f, "{priority:?}"),
            Value::DefaultTime => f.write_str("the default"),
            Value::SetTime => f.write_str("a time that was set"),
        }
    }
}

/// Every register of a job, in order. `object` gives an object its name in the run.
pub(crate) fn possible<const CALLS: usize>(
    registers: &Registers<CALLS>,
    object: impl Fn(ReceiverId) -> ReceiverId,
) -> Vec<Possible> {
    let named = |register: Register, number: u8| {
        Some(match register {
            Register::Mask => Value::Flags(NotifyFlags::from_bits_retain(number.into())),
            Register::Registration if number == NO_OBJECT => Value::Nothing,
            Register::Registration => Value::Object(object(ReceiverId(number.into()))),
            Register::CommandLine if number == 0 => Value::Nothing,
            Register::CommandLine => Value::Program,
            Register::Priority => Value::Priority(Priority::from_raw(number.into())?),
            Register::RetryDelay | Register::NoProgress if number == DEFAULT_TIME => Value::DefaultTime,
            Register::RetryDelay | Register::NoProgress => Value::SetTime,
        })
    };
    let one = |register: Register| {
        let bits = registers.possible(register);
        let numbers = (0..64).filter(|number| bits & (1 << number) != 0 && bits != u64::MAX);
        let mut values: Vec<Value> = numbers.filter_map(|number| named(register, number)).collect();
        values.dedup();
        Possible { register: Register::NAMES[register as usize], values }
    };
    Register::ALL.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use contract::event::{Caller, EventView};
    use contract::ids::{CallId, JobId, ThreadId, UserId};
    use contract::{Call, Dialect, HResult, Out, RuleSet};

    use super::super::Monitors;
    use super::*;

    /// While a setter is open, its value and the old one are possible; when it has succeeded, its own alone.
    #[test]
    fn a_setter_that_is_open_leaves_two_values_and_one_that_is_back_one() {
        let profile = Dialect::Bits.profile();
        let mut monitors = Monitors::<4>::new(RuleSet::ALL);
        let mask = |monitors: &Monitors<4>| monitors.possible()[0].clone();
        let (id, job, call) = (CallId(0), Some(JobId(0)), Call::SetNotifyFlags { flags: 0x8 });
        let old = Value::Flags(NotifyFlags::DEFAULT);
        let new = Value::Flags(NotifyFlags::JOB_MODIFICATION);
        assert_eq!(mask(&monitors), Possible { register: "mask", values: vec![old] });
        let caller = Caller { thread: ThreadId(0), user: UserId(0), inside: None };
        let _none = monitors.step(profile, &EventView::Call { id, caller, job, call: &call });
        assert_eq!(mask(&monitors).values, [old, new]);
        let back = EventView::Return { id, job, call: &call, hr: HResult::S_OK, out: &Out::None };
        let _none = monitors.step(profile, &back);
        assert_eq!(mask(&monitors).values, [new]);
        assert_eq!(new.to_string(), "JOB_MODIFICATION");
    }
}
