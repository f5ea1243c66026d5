//! What a client may have set: one linearizable register per property (contract section 2, "possible value").
//!
//! Several threads set one property at once, and a trace records when each call started and ended, not when it took
//! effect. A value is possible while some setter of it has started, has not failed, and has not been superseded for
//! certain: superseding takes a successful setter that started after this one had returned.
//!
//! A register keeps the values of returned setters that are still possible. Each open setter remembers which of
//! them it will supersede if it succeeds: those that stood when it started, less those set again since. Two setters
//! of one value need not be distinguished, because the one that returned later is superseded later. Each open
//! getter remembers every value it may see. A slot of open calls is one or the other, so both use one field.

/// A property that is followed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub(crate) enum Register {
    /// The notification flags, as their number.
    Mask,
    /// The registered object by its id, or [`NO_OBJECT`].
    Registration,
    /// The notification program: 0 for none, 1 for one.
    CommandLine,
    /// The priority by its number.
    Priority,
    /// The minimum retry delay, by [`bucket`].
    RetryDelay,
    /// The no-progress timeout, by [`bucket`].
    NoProgress,
}

impl Register {
    /// Every register.
    pub(crate) const ALL: [Register; 6] = [
        Register::Mask,
        Register::Registration,
        Register::CommandLine,
        Register::Priority,
        Register::RetryDelay,
        Register::NoProgress,
    ];

    /// Every register's name, by its number.
    pub(crate) const NAMES: [&'static str; 6] =
        ["mask", "registration", "command-line", "priority", "retry-delay", "no-progress"];
}

/// The value of [`Register::Registration`] for "no object".
pub(crate) const NO_OBJECT: u8 = 62;
/// The value of a register of times before a call has set it: the dialect's default.
pub(crate) const DEFAULT_TIME: u8 = 63;
/// A value that has no number here; a call that sets it ought to fail.
pub(crate) const NO_VALUE: u8 = u8::MAX;

/// One of 63 buckets for a time. Equal times share a bucket, so a wrong bucket proves a wrong time.
pub(crate) fn bucket(millis: u64) -> u8 {
    let mixed = millis.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    (mixed % 63) as u8
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Use {
    Nothing,
    Sets(Register, u8),
    Gets(Register),
}

/// All registers of one job, and the open calls that use them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Registers<const CALLS: usize> {
    settled: [u64; 6],
    /// Of a setter the values it will supersede, of a getter those it may see.
    sets: [u64; CALLS],
    uses: [Use; CALLS],
}

impl<const CALLS: usize> Registers<CALLS> {
    pub(crate) fn new() -> Self {
        let initial = [0x03, NO_OBJECT, 0, 2, DEFAULT_TIME, DEFAULT_TIME];
        Registers { settled: initial.map(bit), sets: [0; CALLS], uses: [Use::Nothing; CALLS] }
    }

    /// The values possible now, a bit each.
    pub(crate) fn possible(&self, register: Register) -> u64 {
        self.uses.iter().fold(self.settled[register as usize], |values, open| match *open {
            Use::Sets(set, value) if set == register => values | bit(value),
            _ => values,
        })
    }

    /// Whether a setter of the register is open.
    pub(crate) fn is_being_set(&self, register: Register) -> bool {
        self.uses.iter().any(|open| matches!(*open, Use::Sets(set, _) if set == register))
    }

    /// Every value an open call may still turn up: the possible ones, and those a getter may have seen.
    pub(crate) fn in_use(&self, register: Register) -> u64 {
        self.uses.iter().zip(&self.sets).fold(self.possible(register), |values, (open, seen)| match *open {
            Use::Gets(got) if got == register => values | seen,
            _ => values,
        })
    }

    /// The service died and started again: no object is registered, every other value survives, and a setter that was open may
    /// have taken effect.
    pub(crate) fn restart(&mut self) {
        for register in Register::ALL {
            self.settled[register as usize] = self.possible(register);
        }
        self.settled[Register::Registration as usize] = bit(NO_OBJECT);
        self.uses = [Use::Nothing; CALLS];
        self.sets = [0; CALLS];
    }

    /// A setter starts.
    pub(crate) fn set_called(&mut self, slot: usize, register: Register, value: u8) {
        if slot >= CALLS {
            return;
        }
        self.uses[slot] = Use::Sets(register, value);
        self.sets[slot] = self.settled[register as usize];
        for (open, seen) in self.uses.iter().zip(&mut self.sets) {
            if matches!(*open, Use::Gets(got) if got == register) {
                *seen |= bit(value);
            }
        }
    }

    /// A getter starts.
    pub(crate) fn get_called(&mut self, slot: usize, register: Register) {
        if slot < CALLS {
            self.uses[slot] = Use::Gets(register);
            self.sets[slot] = self.possible(register);
        }
    }

    /// The values the open getter may give back.
    pub(crate) fn seen(&self, slot: usize) -> Option<(Register, u64)> {
        match *self.uses.get(slot)? {
            Use::Gets(register) => Some((register, self.sets[slot])),
            _ => None,
        }
    }

    /// The call is back, whatever it was.
    pub(crate) fn returned(&mut self, slot: usize, success: Success) {
        let Some(open) = self.uses.get_mut(slot) else { return };
        let was = std::mem::replace(open, Use::Nothing);
        let superseded = std::mem::take(&mut self.sets[slot]);
        if let (Use::Sets(register, value), Success::Yes) = (was, success) {
            self.settle(register, value, superseded);
        }
    }

    fn settle(&mut self, register: Register, value: u8, superseded: u64) {
        // A value without a number was accepted nevertheless: from here on nothing is known.
        let set = match value {
            NO_VALUE => u64::MAX,
            value => bit(value),
        };
        let settled = (self.settled[register as usize] & !superseded) | set;
        self.settled[register as usize] = settled;
        for (open, snapshot) in self.uses.iter().zip(&mut self.sets) {
            if matches!(*open, Use::Sets(other, _) if other == register) {
                // Set after that setter started, so it does not supersede it. What has gone is
                // dropped too, so that equal futures have equal states.
                *snapshot &= settled & !set;
            }
        }
    }
}

/// Whether a call succeeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Success {
    Yes,
    No,
}

impl From<contract::HResult> for Success {
    fn from(hr: contract::HResult) -> Success {
        if hr.succeeded() { Success::Yes } else { Success::No }
    }
}

pub(crate) const fn bit(value: u8) -> u64 {
    if value < 64 { 1 << value } else { 0 }
}

#[cfg(test)]
mod tests;
