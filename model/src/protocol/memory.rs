//! What the rules remember of a job, kept once for all states: a state holds its fingerprint.
//!
//! **Why.** The monitors of a job are five times as large as the job, and of their values there are few: thousands, where there are
//! millions of states. So states hold a [`Memory`], which is eight bytes, and what an event makes of a memory is computed once.
//!
//! **The laws it keeps.**
//! 1. A memory is the fingerprint of what is remembered, so it is equal in every run, thread and process; a state's identity
//!    does not depend on who was first.
//! 2. Nothing is confused: two different contents with one fingerprint end the exploration with a panic.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use explorer::fingerprint::{FACTOR, SEED, fingerprint, fold};
use judge::{Monitors, RuleSet};

use super::act::Note;

/// Open calls on one job that its monitors follow: of two clients, of its own callback, and of the other job's.
pub(super) const CALLS: usize = 4;

/// What the rules remember of a job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Memory(u64);

impl Memory {
    fn of(contents: &Monitors<CALLS>) -> Self {
        Memory(fingerprint(contents) as u64)
    }
}

/// What a rule makes of an event, and remembers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) to: Memory,
    pub(super) violated: RuleSet,
}

/// All memories met so far, and the steps between them.
pub(super) struct Memories {
    contents: Mutex<BTreeMap<Memory, Monitors<CALLS>>>,
    steps: Steps,
}

impl Memories {
    /// With one memory, which every job begins with.
    pub(super) fn new(first: Monitors<CALLS>) -> (Self, Memory) {
        let memory = Memory::of(&first);
        (Memories { contents: Mutex::new(BTreeMap::from([(memory, first)])), steps: Steps::new() }, memory)
    }

    /// What comes of a memory when `seen` is seen of its job. `look` shows it to the monitors.
    ///
    /// # Panics
    ///
    /// When the memory is of another slice, and when two contents share a fingerprint.
    pub(super) fn step(
        &self,
        from: Memory,
        seen: Note,
        look: impl FnOnce(&mut Monitors<CALLS>) -> RuleSet,
    ) -> Step {
        let key = StepKey::of(from, &seen);
        if let Some(step) = self.steps.find(&key) {
            return step;
        }
        // Looking while the lock is held would be simpler, and would let one worker wait for another's monitors.
        let found = self.contents().get(&from).copied();
        let mut contents = found.expect("a state's memory is known before the state is expanded");
        let violated = look(&mut contents);
        let step = Step { to: Memory::of(&contents), violated };
        let there = *self.contents().entry(step.to).or_insert(contents);
        assert!(there == contents, "two memories share a fingerprint");
        self.steps.add(key, step);
        step
    }

    fn contents(&self) -> MutexGuard<'_, BTreeMap<Memory, Monitors<CALLS>>> {
        // A thread that panics leaves the map whole.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step's beginning and its cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct StepKey {
    from: Memory,
    seen: Packed,
}

impl StepKey {
    fn of(from: Memory, seen: &Note) -> Self {
        let mut packed = Packed::default();
        seen.hash(&mut packed);
        StepKey { from, seen: packed }
    }

    fn mix(&self) -> u64 {
        let (low, high) = (self.seen.bits as u64, (self.seen.bits >> 64) as u64);
        fold(self.from.0 ^ low ^ SEED, high ^ FACTOR)
    }
}

/// The bytes of a small value, and how many they are: equal only if the values are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Packed {
    bits: u128,
    bytes: u32,
}

impl Hasher for Packed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            assert!(self.bytes < 16, "what is seen of a job fits into sixteen bytes");
            self.bits |= u128::from(*byte) << (8 * self.bytes);
            self.bytes += 1;
        }
    }

    /// The number of a variant, which always fits into a byte.
    fn write_isize(&mut self, number: isize) {
        self.write(&[number as u8]);
    }

    fn finish(&self) -> u64 {
        self.bits as u64
    }
}

/// The steps taken so far, readable without a lock: a table in parts, each twice as large as the one before. A place is filled once.
struct Steps {
    parts: [OnceLock<Box<[Place]>>; PARTS],
}

type Place = OnceLock<(StepKey, Step)>;

/// Parts, the last of which has half a million places. What finds no place in any is computed each time.
const PARTS: usize = 8;
/// Places of the first part, a power of two.
const FIRST: usize = 1 << 12;
/// Places looked at in one part.
const NEAR: usize = 8;

impl Steps {
    fn new() -> Self {
        Steps { parts: [const { OnceLock::new() }; PARTS] }
    }

    fn find(&self, key: &StepKey) -> Option<Step> {
        let mix = key.mix();
        for part in self.parts.iter().map_while(OnceLock::get) {
            for place in near(part, mix) {
                match place.get() {
                    Some((there, step)) if there == key => return Some(*step),
                    Some(_) => {}
                    // It would have been put here.
                    None => return None,
                }
            }
        }
        None
    }

    fn add(&self, key: StepKey, step: Step) {
        let mix = key.mix();
        for (index, part) in self.parts.iter().enumerate() {
            let part = part.get_or_init(|| (0..FIRST << index).map(|_| OnceLock::new()).collect());
            for place in near(part, mix) {
                let (there, _) = place.get_or_init(|| (key, step));
                if *there == key {
                    return;
                }
            }
        }
    }
}

/// The places of a part where a key may be, in order.
fn near(part: &[Place], mix: u64) -> impl Iterator<Item = &Place> {
    let home = (mix >> (u64::BITS - part.len().trailing_zeros())) as usize;
    (0..NEAR).map(move |step| &part[(home + step) & (part.len() - 1)])
}

#[cfg(test)]
mod tests {
    use contract::JobState;

    use super::super::act::Cause;
    use super::super::state::Who;
    use super::*;

    fn note(on: u8, ask: u8) -> Note {
        Note::Call { who: Who::Client(on), on, ask }
    }

    #[test]
    fn a_step_is_found_again_and_no_other() {
        let steps = Steps::new();
        let step = |number: u64| Step { to: Memory(number), violated: RuleSet::EMPTY };
        let key = |number: u64| StepKey::of(Memory(number.wrapping_mul(0x9e37_79b9)), &note(0, number as u8));
        for number in 0..50_000 {
            assert_eq!(steps.find(&key(number)), None);
            steps.add(key(number), step(number));
        }
        for number in 0..50_000 {
            assert_eq!(steps.find(&key(number)), Some(step(number)));
        }
    }

    #[test]
    fn what_differs_is_packed_differently() {
        let packed = |note: &Note| StepKey::of(Memory(0), note).seen;
        let state = |to, by| Note::State { job: 0, from: None, to, by };
        let notes = [
            note(0, 1),
            note(1, 0),
            state(JobState::Error, Cause::Call(Who::Client(0))),
            state(JobState::Error, Cause::Call(Who::Callback(0))),
            state(JobState::Queued, Cause::Call(Who::Client(0))),
        ];
        for (index, left) in notes.iter().enumerate() {
            for right in &notes[index + 1..] {
                assert_ne!(packed(left), packed(right), "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn a_step_is_computed_once() {
        let first = Monitors::new(RuleSet::OF_A_JOB);
        let (memories, memory) = Memories::new(first);
        let other = Monitors::new(RuleSet::EMPTY);
        let step = memories.step(memory, note(0, 0), |contents| {
            *contents = other;
            RuleSet::EMPTY
        });
        assert_ne!(step.to, memory);
        let again = memories.step(memory, note(0, 0), |_| panic!("it was computed before"));
        assert_eq!(again, step);
    }
}
