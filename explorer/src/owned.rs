//! What a worker owns: its part of the visited set and of the next frontier, in memory, and on disk what does not fit there.
//!
//! **The laws it keeps.**
//! 1. Between levels a key is in the frontier only if it was never visited before. While a level is under way it may be there although
//!    it is on disk. At the level's end it is struck off, before the worker counts the frontier.
//! 2. What goes to the disk is never in two of its runs.
//! 3. The memory is kept to but for the keys of one level: a frontier goes to the disk at once, a table only when a level is complete.

use std::io;

use stateright::Model;

use super::checkpoint::Shown;
use super::cold::Cold;
use super::form::Form;
use super::frontier::Frontier;
use super::key::Key;
use super::table::{Inserted, Mark, Parent, Table};
use super::worker::Sums;
use super::{Memory, Plan, Stop};

/// Arrivals whose slots are read together.
const WINDOW: usize = 32;

/// A state on its way to its owner.
pub(super) type Arrival<W, T> = (W, T);

/// What arrives: the owned part of the visited set, and the next frontier.
pub(super) struct Owned<M: Model, F: Form<M>, T> {
    table: Table<F::Key, T>,
    next: Frontier<M, F>,
    /// Where that goes which does not fit, if the memory is bounded.
    disk: Option<Disk<F::Key>>,
    /// The first trouble with the disk.
    trouble: Option<Stop>,
}

/// What is on the disk, and what it takes to keep it from being counted twice.
struct Disk<K> {
    /// What this worker may take of the memory.
    share: u64,
    memory: Memory,
    cold: Cold<K>,
    /// The keys of the next frontier, when there are keys on disk.
    fresh: Vec<K>,
    /// Keys of the table that are on disk, too, sorted. They stay: what was met again may well be met once more.
    twice: Vec<K>,
}

impl<K: Key> Disk<K> {
    fn new(memory: &Memory, workers: usize) -> Self {
        Disk {
            share: memory.bytes / workers as u64,
            memory: memory.clone(),
            cold: Cold::new(memory.directory.clone()),
            fresh: Vec::new(),
            twice: Vec::new(),
        }
    }

    /// Beyond this a table goes to the disk at the level's end. Until then it may grow once, which doubles it.
    fn room_of_table(&self) -> u64 {
        self.share / 4
    }

    /// Beyond this a frontier is put on the disk at once. There are two.
    fn room_of_frontier(&self) -> u64 {
        self.share / 8
    }

    /// Which keys that came in this level are there already.
    fn known(&mut self) -> io::Result<Vec<K>> {
        self.fresh.sort_unstable();
        let known = self.cold.known(&self.fresh)?;
        self.fresh = Vec::new();
        self.twice.extend_from_slice(&known);
        self.twice.sort_unstable();
        Ok(known)
    }

    /// Takes the keys of a table, those that it has left out.
    fn take<T: Mark>(&mut self, table: Table<K, T>) -> io::Result<()> {
        let twice = std::mem::take(&mut self.twice);
        let once = table.into_sorted_keys().into_iter().filter(|key| twice.binary_search(key).is_err());
        self.cold.add(once)
    }
}

impl<M, F, T> Owned<M, F, T>
where
    M: Model,
    F: Form<M>,
    T: Parent<F::Key>,
{
    pub(super) fn new(plan: &Plan<M, F>) -> Self {
        let disk = plan.memory.as_ref().map(|memory| Disk::new(memory, plan.workers));
        Owned { table: Table::new(), next: Frontier::default(), disk, trouble: None }
    }

    /// How many keys were visited. While a level is under way, some of them may be counted twice.
    pub(super) fn len(&self) -> u64 {
        let on_disk = self.disk.as_ref().map_or(0, |disk| disk.cold.len() - disk.twice.len() as u64);
        self.table.len() as u64 + on_disk
    }

    /// The bytes that the visited set takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.table.bytes() as u64
    }

    /// The bytes that it takes on disk.
    pub(super) fn bytes_on_disk(&self) -> u64 {
        self.disk.as_ref().map_or(0, |disk| disk.cold.bytes())
    }

    /// Passes every visited key to `show`, which stores it.
    pub(super) fn each_key(&self, mut show: impl FnMut(F::Key) -> io::Result<()>) -> io::Result<()> {
        let Some(disk) = &self.disk else { return self.table.keys().try_for_each(show) };
        let once = self.table.keys().filter(|key| disk.twice.binary_search(key).is_err());
        once.map(Ok).chain(disk.cold.keys()).try_for_each(|key| show(key?))
    }

    /// What arrived since it was taken last.
    pub(super) fn take_next(&mut self) -> Frontier<M, F> {
        std::mem::take(&mut self.next)
    }

    /// The keys in memory, when all is over.
    pub(super) fn take_table(&mut self) -> Table<F::Key, T> {
        std::mem::replace(&mut self.table, Table::new())
    }

    pub(super) fn arrive(&mut self, batch: &mut Vec<Arrival<F::Wire, T>>) {
        self.table.reserve(batch.len());
        let mut fresh = self.disk.as_mut().filter(|disk| !disk.cold.is_empty()).map(|disk| &mut disk.fresh);
        let mut arrivals = batch.drain(..);
        while !arrivals.as_slice().is_empty() {
            for (wire, _) in arrivals.as_slice().iter().take(WINDOW) {
                std::hint::black_box(self.table.touch(F::key(wire)));
            }
            for (wire, mark) in arrivals.by_ref().take(WINDOW) {
                let key = F::key(&wire);
                if self.table.insert(key, mark) == Inserted::New {
                    if let Some(fresh) = &mut fresh {
                        fresh.push(key);
                    }
                    self.next.push(wire);
                }
            }
        }
        drop(arrivals);
        let spilled = self.spill_frontier();
        self.fails(spilled);
    }

    fn spill_frontier(&mut self) -> io::Result<()> {
        match &self.disk {
            Some(disk) if self.next.bytes() > disk.room_of_frontier() => {
                self.next.spill(&disk.memory.directory)
            }
            _ => Ok(()),
        }
    }

    /// Remembers the first trouble.
    fn fails(&mut self, result: io::Result<()>) {
        if let (Err(error), None) = (result, &self.trouble) {
            self.trouble = Some(Stop::disk(&error));
        }
    }

    /// At a level's end: strikes off what was known on disk, and puts the table there when it is too large.
    pub(super) fn settle(&mut self) -> Option<Stop> {
        let settled = self.strike_known().and_then(|()| self.spill_table());
        self.fails(settled);
        self.trouble.take()
    }

    fn strike_known(&mut self) -> io::Result<()> {
        if let Some(disk) = &mut self.disk {
            self.next.strike(disk.known()?);
        }
        Ok(())
    }

    fn spill_table(&mut self) -> io::Result<()> {
        match &mut self.disk {
            Some(disk) if !self.table.is_small() && self.table.bytes() as u64 > disk.room_of_table() => {
                disk.take(std::mem::replace(&mut self.table, Table::new()))
            }
            _ => Ok(()),
        }
    }
}

/// What a worker makes of a checkpoint: it takes what it owns.
pub(super) struct Restored<'a, M: Model, F: Form<M>, T> {
    pub(super) index: u64,
    pub(super) peers: u64,
    pub(super) owned: &'a mut Owned<M, F, T>,
    pub(super) sums: &'a mut Sums<F::Key>,
}

impl<M, F, T> Restored<'_, M, F, T>
where
    M: Model,
    F: Form<M>,
{
    fn is_mine(&self, key: F::Key) -> bool {
        key.mix() % self.peers == self.index
    }
}

impl<M, F, T> Shown<F::Key, F::Wire> for Restored<'_, M, F, T>
where
    M: Model,
    F: Form<M>,
    T: Parent<F::Key>,
{
    fn sums(&mut self, sums: &Sums<F::Key>) {
        if self.index == 0 {
            self.sums.add(sums);
        }
    }

    fn visited(&mut self, key: F::Key) -> io::Result<()> {
        if !self.is_mine(key) {
            return Ok(());
        }
        self.owned.table.reserve(1);
        self.owned.table.insert(key, T::NONE);
        self.owned.spill_table()
    }

    fn waiting(&mut self, wire: F::Wire) -> io::Result<()> {
        if !self.is_mine(F::key(&wire)) {
            return Ok(());
        }
        self.owned.next.push(wire);
        self.owned.spill_frontier()
    }
}
