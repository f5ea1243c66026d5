//! The records of the jobs, by number.
//!
//! **What it is.** A list in the order of the numbers. A record that is dropped leaves a hole, and holes are closed when they are
//! as many as the records: memory follows the records that are here, not the jobs that ever were. Numbers are never used again.
//!
//! **What it is not.** A scheduler. Which of the records the core looks for is in [`Index`]. The table only notes which of them
//! the index has to look at again.
//!
//! **The law it keeps.** Two tables are equal, and hash equally, when they have equal jobs and an equal number for the next one.
//! Neither the places of the holes nor the index count.

use std::hash::{Hash, Hasher};

use contract::JobId;
use contract::core::Jobs;

use super::index::Index;
use super::job::Job;

/// Holes that are not worth closing.
const FEW: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Table {
    slots: Vec<(JobId, Option<Job>)>,
    holes: usize,
    next: u32,
    /// How many it is to be ready for.
    pub(super) jobs: Jobs,
    /// None while the records are so few that looking at each of them is faster.
    pub(super) index: Option<Box<Index>>,
    /// For the test that compares a core with an index to one without.
    #[cfg(test)]
    pub(super) stays_plain: bool,
}

impl Table {
    pub(super) const fn new(jobs: Jobs) -> Table {
        Table {
            slots: Vec::new(),
            holes: 0,
            next: 0,
            jobs,
            index: None,
            #[cfg(test)]
            stays_plain: false,
        }
    }

    pub(super) fn get(&self, id: JobId) -> Option<&Job> {
        self.slots.get(self.place(id)?)?.1.as_ref()
    }

    /// The record, to be changed.
    pub(super) fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        let place = self.place(id)?;
        if let Some(index) = &mut self.index {
            index.look_again(id);
        }
        self.slots.get_mut(place)?.1.as_mut()
    }

    /// Adds a record under the next number.
    pub(super) fn push(&mut self, job: Job) -> JobId {
        let id = JobId(self.next);
        self.next += 1;
        self.slots.push((id, Some(job)));
        if let Some(index) = &mut self.index {
            index.look_again(id);
        }
        id
    }

    /// Drops a record. Costs what the record costs, taken over many.
    pub(super) fn remove(&mut self, id: JobId) {
        let Some(slot) = self.place(id).and_then(|place| self.slots.get_mut(place)) else { return };
        if slot.1.take().is_none() {
            return;
        }
        self.holes += 1;
        if let Some(index) = &mut self.index {
            index.look_again(id);
        }
        if self.holes > FEW && self.holes > self.len() {
            self.slots.retain(|(_, job)| job.is_some());
            self.holes = 0;
            if self.slots.capacity() / 4 > self.slots.len() + FEW {
                self.slots.shrink_to(2 * self.slots.len());
            }
        }
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.holes
    }

    /// The number of the next job.
    #[cfg(test)]
    pub(super) const fn next(&self) -> u32 {
        self.next
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (JobId, &Job)> {
        self.slots.iter().filter_map(|(id, job)| Some((*id, job.as_ref()?)))
    }

    /// Every record, to be changed behind the index's back: of a table that has none.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Job> {
        self.slots.iter_mut().filter_map(|(_, job)| job.as_mut())
    }

    /// Where a number would stand. As long as no hole was closed, that is the number itself.
    fn place(&self, id: JobId) -> Option<usize> {
        match self.slots.get(id.index()) {
            Some((there, _)) if *there == id => Some(id.index()),
            _ => self.slots.binary_search_by_key(&id, |(there, _)| *there).ok(),
        }
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.next == other.next && self.iter().eq(other.iter())
    }
}

impl Eq for Table {}

impl Hash for Table {
    /// As a list of all numbers, with the record of each that has one.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.next as usize);
        (0..self.next).for_each(|id| self.get(JobId(id)).hash(state));
    }
}

#[cfg(test)]
mod tests {
    use contract::{Dialect, Time, UserId};

    use super::*;

    fn job() -> Job {
        Job::new(UserId(0), "job".into(), Dialect::Bits.profile(), Time::ZERO)
    }

    #[test]
    fn memory_follows_the_records_that_are_here() {
        let mut table = Table::new(Jobs::Few);
        let kept = table.push(job());
        for _ in 0..10_000 {
            let id = table.push(job());
            assert!(table.get(id).is_some());
            table.remove(id);
            table.remove(id);
            assert!(table.get(id).is_none() && table.get_mut(id).is_none());
        }
        assert_eq!((table.len(), table.next()), (1, 10_001));
        assert!(table.slots.capacity() < 100, "{} places for one record", table.slots.capacity());
        assert!(table.get(kept).is_some());
        assert_eq!(table.iter().map(|(id, _)| id).collect::<Vec<_>>(), [kept]);
    }

    #[test]
    fn tables_are_equal_when_their_jobs_are() {
        let (mut one, mut other) = (Table::new(Jobs::Few), Table::new(Jobs::Few));
        for table in [&mut one, &mut other] {
            (0..3).for_each(|_| _ = table.push(job()));
        }
        one.remove(JobId(1));
        assert!(one != other);
        other.remove(JobId(1));
        other.slots.retain(|(_, job)| job.is_some());
        other.holes = 0;
        assert!(one == other);
        assert_eq!(hashed(&one), hashed(&other));
        one.push(job());
        one.remove(JobId(3));
        assert!(one != other, "the next job gets another number");
    }

    fn hashed(table: &Table) -> u64 {
        let mut state = std::hash::DefaultHasher::new();
        table.hash(&mut state);
        state.finish()
    }
}
