//! What parts of the work took when they were last done to their end, so that the next run can estimate how much is left.
//!
//! **What it is not.** A result: only estimates depend on it, so a file that cannot be read or written is no error.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::place::Place;

/// What a part had, and how long it took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// In a unit of the part's own, such as edges or files.
    pub(crate) amount: u64,
    pub(crate) ms: u64,
    /// Runs that were measured.
    #[serde(default)]
    pub(crate) runs: u32,
    /// Of an exploration.
    #[serde(default)]
    pub(crate) states: u64,
}

/// The costs by the names of the parts, as a file has them.
pub(crate) struct Took {
    path: PathBuf,
    known: BTreeMap<String, Cost>,
}

impl Took {
    pub(crate) fn of(place: &Place) -> Took {
        let path = place.target().join("took.json");
        let mut took = Took { path, known: BTreeMap::new() };
        took.read_again();
        took
    }

    /// Takes over what other processes have learned since.
    pub(crate) fn read_again(&mut self) {
        let known = fs::read(&self.path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        self.known = known.unwrap_or_default();
    }

    pub(crate) fn known(&self, part: &str) -> Option<Cost> {
        self.known.get(part).copied()
    }

    /// Remembers these parts, which were done to their end. Of a part that is as large as before the quicker run counts, because other
    /// programs only take time away; each run adds a tenth to what was known, so that a part may become slower.
    pub(crate) fn learn(&mut self, parts: impl IntoIterator<Item = (String, Cost)>) {
        for (part, now) in parts {
            let before = self.known.get(&part).filter(|before| before.amount == now.amount);
            let ms = before.map_or(now.ms, |before| now.ms.min(before.ms + before.ms / 10 + 1));
            let runs = before.map_or(0, |before| before.runs).saturating_add(1);
            self.known.insert(part, Cost { ms, runs, ..now });
        }
        let _only_an_estimate =
            serde_json::to_vec_pretty(&self.known).map(|bytes| fs::write(&self.path, bytes));
    }
}
