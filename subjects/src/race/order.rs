//! In which order tasks met at what they share: two schedules with one order are one schedule, up to independent steps.
//!
//! **What it is.** A hash of who came to each object, in turn: a mutex that is taken, a condition variable that is waited for or notified,
//! what is recorded, the clock, and what stands around the service. Steps of two tasks are independent where they touch no object in common, and
//! exchanging them leaves the turns at each object as they were. So schedules that differ in the order of independent steps have one hash.
//!
//! **What it is not.** The digest of a moment (`digest.rs`): that is about the future, and this is about the past.

/// What tasks share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shared {
    /// A mutex, by its number.
    Lock(usize),
    /// A condition variable, by its number.
    Condvar(usize),
    /// The record of what happens: rules see the order in it.
    Record,
    /// The clock.
    Clock,
    /// Clients' own locks, disk, network and programs.
    Around,
}

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Order {
    /// By object.
    turns: Vec<u64>,
}

/// Objects that are neither mutexes nor condition variables come first, then these in turn.
const OTHERS: usize = 3;

impl Order {
    /// The task is next at this object.
    pub(super) fn touch(&mut self, shared: Shared, task: usize) {
        let at = match shared {
            Shared::Record => 0,
            Shared::Clock => 1,
            Shared::Around => 2,
            Shared::Lock(number) => OTHERS + 2 * number,
            Shared::Condvar(number) => OTHERS + 2 * number + 1,
        };
        if self.turns.len() <= at {
            self.turns.resize(at + 1, 0);
        }
        self.turns[at] = mixed(self.turns[at], task as u64 + 1);
    }

    /// The hash of all turns.
    pub(super) fn hash(&self) -> u64 {
        self.turns.iter().fold(0, |all, turns| mixed(all, *turns))
    }
}

/// Two numbers as one, as SplitMix64 mixes.
const fn mixed(before: u64, next: u64) -> u64 {
    let mut mixed = before.rotate_left(23).wrapping_add(next).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(turns: &[(Shared, usize)]) -> u64 {
        let mut order = Order::default();
        turns.iter().for_each(|(shared, task)| order.touch(*shared, *task));
        order.hash()
    }

    #[test]
    fn independent_steps_have_one_order_and_dependent_ones_two() {
        use Shared::{Condvar, Lock, Record};
        assert_eq!(of(&[(Lock(0), 1), (Lock(1), 2)]), of(&[(Lock(1), 2), (Lock(0), 1)]));
        assert_ne!(of(&[(Lock(0), 1), (Lock(0), 2)]), of(&[(Lock(0), 2), (Lock(0), 1)]));
        assert_ne!(of(&[(Record, 1), (Condvar(0), 2)]), of(&[(Record, 2), (Condvar(0), 1)]));
        assert_ne!(of(&[(Lock(0), 1)]), of(&[(Condvar(0), 1)]));
    }
}
