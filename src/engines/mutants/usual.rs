//! What it takes to judge a mutant, by room: most mutants of the core are noticed in milliseconds, and many of the transfers by a live run alone.

use std::collections::BTreeMap;

use reports::{JudgedMutant, MutantFate};

use super::list::Room;

/// The mean time by room, of all results that are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Usual(BTreeMap<String, Total>);

#[derive(Clone, Copy, Debug, Default)]
struct Total {
    ms: u64,
    mutants: u64,
}

impl Usual {
    /// Adds a result. One without a judgement took no time.
    pub(super) fn note(&mut self, row: &JudgedMutant) {
        if let MutantFate::Survived { time_ms } | MutantFate::Noticed { time_ms, .. } = &row.fate {
            let total = self.0.entry(row.room.clone()).or_default();
            total.ms += time_ms;
            total.mutants += 1;
        }
    }

    /// In milliseconds; none of a room without results.
    pub(super) fn of(&self, room: Room) -> Option<f64> {
        self.0.get(room.name()).map(|total| total.ms as f64 / total.mutants as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_takes_what_its_mutants_took() {
        let row = |room: &str, fate| JudgedMutant {
            id: "id".to_owned(),
            at: "at".to_owned(),
            room: room.to_owned(),
            fate,
            diff: String::new(),
            survivor: None,
        };
        let mut usual = Usual::default();
        for fate in [MutantFate::Survived { time_ms: 60_000 }, MutantFate::Survived { time_ms: 20_000 }] {
            usual.note(&row("core", fate));
        }
        usual.note(&row("transfer", MutantFate::Unviable));
        assert_eq!(usual.of(Room::Core), Some(40_000.0));
        assert_eq!(usual.of(Room::Transfer), None);
    }
}
