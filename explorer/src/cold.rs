//! The cold part of the visited set: keys that did not fit into memory, sorted, in files that vanish with the process.
//!
//! **What it is.** A few *runs*, each a file of keys in their order. Nothing is looked up in them one by one: at a level's end the keys
//! that are new to the memory are sorted and held against every run in one reading, and those that are there were no news.
//!
//! **Why no filter in memory before the reading.** The search is level by level, so a run is read once a level, in order, as fast as the
//! disk gives it; a filter would take memory away from the table that it serves.
//!
//! **The law it keeps.** No key is in two runs.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::key::Key;

/// Bytes of a file read or written together.
const BUFFER: usize = 1 << 18;
/// Runs kept apart; more are made into one, so that a level's end does not read too many.
const MOST_RUNS: usize = 6;

/// Sorted keys on disk.
pub(super) struct Cold<K> {
    /// Where files are made.
    directory: PathBuf,
    runs: Vec<Run>,
    marker: std::marker::PhantomData<K>,
}

/// A file of sorted keys.
struct Run {
    file: File,
    keys: u64,
}

impl<K: Key> Cold<K> {
    pub(super) fn new(directory: PathBuf) -> Self {
        Cold { directory, runs: Vec::new(), marker: std::marker::PhantomData }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many keys it holds.
    pub(super) fn len(&self) -> u64 {
        self.runs.iter().map(|run| run.keys).sum()
    }

    /// The bytes it takes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.len() * u64::from(K::BITS / u8::BITS)
    }

    /// Takes sorted keys, none of which it has.
    pub(super) fn add(&mut self, keys: impl Iterator<Item = K>) -> io::Result<()> {
        let run = self.write(keys.map(Ok))?;
        self.runs.push(run);
        if self.runs.len() > MOST_RUNS {
            let merged = self.write(Merged::of(&self.runs)?)?;
            self.runs = vec![merged];
        }
        Ok(())
    }

    /// Which of these sorted keys it has, in their order.
    pub(super) fn known(&self, keys: &[K]) -> io::Result<Vec<K>> {
        let mut known = Vec::new();
        for run in &self.runs {
            let mut there = Reading::<K>::of(run)?;
            let mut at = there.next().transpose()?;
            for key in keys {
                while at.is_some_and(|at| at < *key) {
                    at = there.next().transpose()?;
                }
                if at == Some(*key) {
                    known.push(*key);
                }
            }
        }
        known.sort_unstable();
        Ok(known)
    }

    /// All keys, run by run.
    pub(super) fn keys(&self) -> impl Iterator<Item = io::Result<K>> + '_ {
        self.runs.iter().flat_map(|run| {
            let (keys, trouble) = match Reading::of(run) {
                Ok(keys) => (Some(keys), None),
                Err(error) => (None, Some(Err(error))),
            };
            trouble.into_iter().chain(keys.into_iter().flatten())
        })
    }

    fn write(&self, keys: impl Iterator<Item = io::Result<K>>) -> io::Result<Run> {
        // A file without a name is gone when the process is, however that ends.
        let mut out = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(&self.directory)?);
        let mut count = 0;
        let mut bytes = Vec::new();
        for key in keys {
            bytes.clear();
            key?.store(&mut bytes);
            out.write_all(&bytes)?;
            count += 1;
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Run { file, keys: count })
    }
}

/// The keys of a run, one after another.
struct Reading<K> {
    file: BufReader<File>,
    left: u64,
    marker: std::marker::PhantomData<K>,
}

impl<K: Key> Reading<K> {
    /// Two readings of one run would share a place in the file: there is never more than one at a time.
    fn of(run: &Run) -> io::Result<Self> {
        let mut file = run.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Reading {
            file: BufReader::with_capacity(BUFFER, file),
            left: run.keys,
            marker: std::marker::PhantomData,
        })
    }
}

impl<K: Key> Iterator for Reading<K> {
    type Item = io::Result<K>;

    fn next(&mut self) -> Option<io::Result<K>> {
        self.left = self.left.checked_sub(1)?;
        Some(K::read(&mut self.file))
    }
}

/// The keys of several runs in their order. There are few runs, so the smallest key is looked for among all.
struct Merged<K> {
    runs: Vec<Reading<K>>,
    heads: Vec<Option<K>>,
}

impl<K: Key> Merged<K> {
    fn of(runs: &[Run]) -> io::Result<Self> {
        let mut runs: Vec<_> = runs.iter().map(Reading::of).collect::<io::Result<_>>()?;
        let heads = runs.iter_mut().map(|run| run.next().transpose()).collect::<io::Result<_>>()?;
        Ok(Merged { runs, heads })
    }
}

impl<K: Key> Iterator for Merged<K> {
    type Item = io::Result<K>;

    fn next(&mut self) -> Option<io::Result<K>> {
        let heads = self.heads.iter().enumerate();
        let (run, key) = heads.filter_map(|(run, head)| Some((run, (*head)?))).min_by_key(|(_, key)| *key)?;
        match self.runs[run].next().transpose() {
            Ok(head) => self.heads[run] = head,
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_a_set(batches in prop::collection::vec(prop::collection::btree_set(0u32..300, 0..40), 0..20)) {
            let directory = tempfile::tempdir().expect("a directory");
            let mut cold = Cold::<u32>::new(directory.path().to_owned());
            let mut set = BTreeSet::new();
            for batch in batches {
                let sorted: Vec<u32> = batch.iter().copied().collect();
                let known = cold.known(&sorted).expect("a reading");
                prop_assert_eq!(&known, &batch.intersection(&set).copied().collect::<Vec<_>>());
                let news: Vec<u32> = batch.difference(&set).copied().collect();
                cold.add(news.iter().copied()).expect("a run");
                set.extend(news);
            }
            prop_assert_eq!(cold.len(), set.len() as u64);
            let mut keys: Vec<u32> = cold.keys().collect::<io::Result<_>>().expect("keys");
            keys.sort_unstable();
            prop_assert_eq!(keys, set.into_iter().collect::<Vec<_>>());
        }
    }
}
