//! Values that are known by numbers: each is kept once.
//!
//! **What it is.** [`Numbers`] gives a value the number that it was given when it came first, counting from 0. So two values are equal where their
//! numbers are, and what is made of several values is compared, hashed and kept as a few integers.
//!
//! **The law it keeps.** Numbers depend on the order in which values come, and on nothing else: no random seed, and nothing iterates over the table.

use std::borrow::Borrow;
use std::hash::Hash;

use explorer::fingerprint::fingerprint;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// See the module's documentation.
pub(super) struct Numbers<T> {
    all: Vec<T>,
    table: HashTable<u32>,
}

/// What is known by the number of its key.
pub(super) struct Table<K, T> {
    keys: Numbers<K>,
    all: Vec<T>,
}

/// Whether a value came before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Added {
    New,
    Known,
}

impl<T: Hash + Eq> Numbers<T> {
    pub(super) fn new() -> Numbers<T> {
        Numbers { all: Vec::new(), table: HashTable::new() }
    }

    /// The number of a value that was added.
    pub(super) fn find<Q>(&self, value: &Q) -> Option<u32>
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.find(hash(value), |number| self.get(*number).borrow() == value).copied()
    }

    pub(super) fn add(&mut self, value: T) -> (u32, Added) {
        let Numbers { all, table } = self;
        let get = |number: &u32| &all[*number as usize];
        match table.entry(hash(&value), |number| *get(number) == value, |number| hash(get(number))) {
            Entry::Occupied(known) => (*known.get(), Added::Known),
            Entry::Vacant(place) => {
                let number = all.len() as u32;
                place.insert(number);
                all.push(value);
                (number, Added::New)
            }
        }
    }

    pub(super) fn get(&self, number: u32) -> &T {
        &self.all[number as usize]
    }
}

impl<K: Hash + Eq, T> Table<K, T> {
    pub(super) fn new() -> Table<K, T> {
        Table { keys: Numbers::new(), all: Vec::new() }
    }

    /// The number of a key that was added.
    pub(super) fn find<Q>(&self, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.keys.find(key)
    }

    /// The number of a key. What is known by it is made when it is new.
    pub(super) fn add(&mut self, key: K, value: impl FnOnce() -> T) -> u32 {
        let (number, added) = self.keys.add(key);
        if added == Added::New {
            self.all.push(value());
        }
        number
    }

    pub(super) fn key(&self, number: u32) -> &K {
        self.keys.get(number)
    }

    pub(super) fn get(&self, number: u32) -> &T {
        &self.all[number as usize]
    }
}

/// The hash of a value, equal on every machine.
pub(super) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    fingerprint(value) as u64
}
