//! The visited set: an open-addressing table of plain integers, and beside each, if asked for, where it was come from.
//!
//! **What it is not.** It is no map: nothing is removed, nothing is looked up but to be inserted, and no order is promised.
//!
//! **Why by hand.** A key is its own entry, eight bytes where a general set with its control bytes takes nine and an own hash; and a
//! batch is placed in two passes, first reading the slots all together, so that their cache misses overlap.

use serde::{Deserialize, Serialize};

use super::key::Key;

/// What is remembered beside each key.
pub(super) trait Mark: Copy + Send + Sync + 'static {
    /// The mark of an empty slot.
    const NONE: Self;
    /// Whether a state met again can change what is remembered.
    const COUNTS_AGAIN: bool;

    /// Whether this mark, of a state met again, takes the place of the one that is there.
    fn replaces(self, there: Self) -> bool;
}

/// Nothing.
impl Mark for () {
    const NONE: Self = ();
    const COUNTS_AGAIN: bool = false;

    fn replaces(self, (): Self) -> bool {
        false
    }
}

/// Where a state of the second run was come from.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
pub(super) struct Trail<K> {
    /// The smallest key of the level before that leads here.
    pub(super) parent: K,
    /// The state's level.
    pub(super) level: u32,
}

/// A mark that can be made of a parent.
pub(super) trait Parent<K>: Mark + Serialize + for<'de> Deserialize<'de> {
    /// The mark of a state of `level` come from `parent`.
    fn of(parent: K, level: u32) -> Self;
}

impl<K> Parent<K> for () {
    #[inline]
    fn of(_: K, _: u32) {}
}

impl<K: Key> Mark for Trail<K> {
    const NONE: Self = Trail { parent: K::VACANT, level: 0 };
    const COUNTS_AGAIN: bool = true;

    fn replaces(self, there: Self) -> bool {
        self.level == there.level && self.parent < there.parent
    }
}

impl<K: Key> Parent<K> for Trail<K> {
    fn of(parent: K, level: u32) -> Self {
        Trail { parent, level }
    }
}

/// Whether a key was there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inserted {
    /// It is new.
    New,
    /// It was there.
    Known,
}

/// A set of keys, each with a mark.
pub(super) struct Table<K, T> {
    slots: Vec<K>,
    marks: Vec<T>,
    /// The key that means an empty slot, when it was inserted, with its mark.
    apart: Option<T>,
    filled: usize,
    /// The slot of a key is its mixed bits shifted right by this.
    shift: u32,
}

/// Slots of a new table, a power of two.
const FIRST_SLOTS: usize = 1 << 10;

impl<K: Key, T: Mark> Table<K, T> {
    pub(super) fn new() -> Self {
        Self::with_slots(FIRST_SLOTS)
    }

    fn with_slots(slots: usize) -> Self {
        debug_assert!(slots.is_power_of_two());
        let shift = u64::BITS - slots.trailing_zeros();
        Table { slots: vec![K::VACANT; slots], marks: vec![T::NONE; slots], apart: None, filled: 0, shift }
    }

    /// How many keys it holds.
    pub(super) fn len(&self) -> usize {
        self.filled + usize::from(self.apart.is_some())
    }

    /// The bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<K>() + self.marks.capacity() * size_of::<T>()
    }

    /// Whether it is as small as a table gets.
    pub(super) fn is_small(&self) -> bool {
        self.slots.len() == FIRST_SLOTS
    }

    /// Makes room for this number of further keys, so that no key moves while a batch is placed.
    pub(super) fn reserve(&mut self, more: usize) {
        // Three quarters full, a linear probe still ends within a cache line or two.
        while (self.filled + more) * 4 > self.slots.len() * 3 {
            self.grow();
        }
    }

    /// Reads the slot where the search for the key begins. Reading a batch of them first lets the cache misses overlap.
    #[inline]
    pub(super) fn touch(&self, key: K) -> K {
        self.slots[self.home(key)]
    }

    /// Inserts a key into a table with room.
    #[inline]
    pub(super) fn insert(&mut self, key: K, mark: T) -> Inserted {
        if key == K::VACANT {
            return self.insert_apart(mark);
        }
        let mask = self.slots.len() - 1;
        let mut slot = self.home(key);
        loop {
            let there = self.slots[slot];
            if there == key {
                if mark.replaces(self.marks[slot]) {
                    self.marks[slot] = mark;
                }
                return Inserted::Known;
            }
            if there == K::VACANT {
                self.slots[slot] = key;
                self.marks[slot] = mark;
                self.filled += 1;
                return Inserted::New;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The mark of a key.
    pub(super) fn mark(&self, key: K) -> Option<T> {
        if key == K::VACANT {
            return self.apart;
        }
        let mask = self.slots.len() - 1;
        let mut slot = self.home(key);
        while self.slots[slot] != K::VACANT {
            if self.slots[slot] == key {
                return Some(self.marks[slot]);
            }
            slot = (slot + 1) & mask;
        }
        None
    }

    /// The keys, in no useful order.
    pub(super) fn keys(&self) -> impl Iterator<Item = K> {
        let filled = self.slots.iter().copied().filter(|key| *key != K::VACANT);
        filled.chain(self.apart.map(|_| K::VACANT))
    }

    /// The keys in their order, in the memory that the table has.
    pub(super) fn into_sorted_keys(self) -> Vec<K> {
        let mut keys = self.slots;
        keys.retain(|key| *key != K::VACANT);
        keys.extend(self.apart.map(|_| K::VACANT));
        keys.sort_unstable();
        keys
    }

    #[inline]
    fn home(&self, key: K) -> usize {
        (key.mix() >> self.shift) as usize
    }

    fn insert_apart(&mut self, mark: T) -> Inserted {
        match self.apart {
            None => {
                self.apart = Some(mark);
                Inserted::New
            }
            Some(there) => {
                if mark.replaces(there) {
                    self.apart = Some(mark);
                }
                Inserted::Known
            }
        }
    }

    fn grow(&mut self) {
        let larger = Self::with_slots(self.slots.len() * 2);
        let smaller = std::mem::replace(self, larger);
        self.apart = smaller.apart;
        for (key, mark) in smaller.slots.into_iter().zip(smaller.marks) {
            if key != K::VACANT {
                self.insert(key, mark);
            }
        }
    }
}

/// The keys sent lately, as far as they were not pushed out by others: most states are come to several times in short order.
///
/// Small enough to stay in the cache of one core, where the visited set is not.
pub(super) struct Recent<K> {
    slots: Vec<K>,
}

/// Keys that are remembered as sent lately.
const RECENT_SLOTS: usize = 1 << 15;

impl<K: Key> Recent<K> {
    pub(super) fn new() -> Self {
        Recent { slots: vec![K::VACANT; RECENT_SLOTS] }
    }

    /// Remembers the key, and returns whether it was there. It may have been forgotten; it is never made up.
    #[inline]
    pub(super) fn insert(&mut self, key: K) -> Inserted {
        let slot = &mut self.slots[(key.mix() >> (u64::BITS - RECENT_SLOTS.trailing_zeros())) as usize];
        // The key that stands for an empty slot is new each time.
        if *slot == key && key != K::VACANT {
            return Inserted::Known;
        }
        *slot = key;
        Inserted::New
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(keys in prop::collection::vec(prop_oneof![0u32..500, Just(u32::MAX), any::<u32>()], 0..3000)) {
            let mut table = Table::<u32, ()>::new();
            let mut set = BTreeSet::new();
            for key in keys {
                table.reserve(1);
                prop_assert_eq!(table.insert(key, ()) == Inserted::New, set.insert(key));
                prop_assert_eq!(table.mark(key), Some(()));
            }
            prop_assert_eq!(table.len(), set.len());
            let mut found: Vec<u32> = table.keys().collect();
            found.sort_unstable();
            prop_assert_eq!(&found, &set.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(table.into_sorted_keys(), found);
        }
    }

    #[test]
    fn what_is_recent_was_sent() {
        let mut recent = Recent::<u32>::new();
        let mut sent = BTreeSet::new();
        for key in (0..200_000).map(|step: u32| step.wrapping_mul(7_919) % 60_000).chain([u32::MAX, u32::MAX])
        {
            let known = recent.insert(key) == Inserted::Known;
            assert!(!known || sent.contains(&key));
            assert!(!known || key != u32::MAX);
            sent.insert(key);
        }
    }

    #[test]
    fn the_vacant_key_is_a_key_like_any_other() {
        let mut table = Table::<u64, ()>::new();
        assert_eq!(table.mark(u64::MAX), None);
        assert_eq!(table.insert(u64::MAX, ()), Inserted::New);
        assert_eq!(table.insert(u64::MAX, ()), Inserted::Known);
        assert_eq!(table.len(), 1);
    }
}
