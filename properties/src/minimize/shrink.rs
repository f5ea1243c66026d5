//! Delta debugging: the one loop by which everything here is made small.
//!
//! **What it is.** Zeller's ddmin in the form that only tries complements: ranges of parts are left out, halves first, then
//! quarters, down to single parts; then every single part once more until none can go; then every value is tried in a simpler
//! form; and all of it again until nothing changes.
//!
//! **What it is not.** A search for the smallest failure there is: two parts that only go together and do not stand together stay.
//!
//! **The law it keeps.** What comes out still fails, by the test that was given. It is *1-minimal* when the end was reached: leaving
//! out any one part, or making any one value simpler, loses the failure. Nothing depends on chance or on the clock.

use std::ops::Range;

/// Something made of parts that can be left out, and of values that can be simpler.
pub trait Smaller: Sized {
    /// Parts that can be left out.
    fn parts(&self) -> usize;

    /// Without these parts, which are some of [`Smaller::parts`].
    fn without(&self, parts: Range<usize>) -> Self;

    /// Places that hold a value.
    fn places(&self) -> usize {
        0
    }

    /// With the value at a place replaced by a simpler one, the simplest first. What is simpler is an order without circles.
    fn simpler(&self, place: usize) -> Vec<Self> {
        let _ = place;
        Vec::new()
    }
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effort {
    /// Parts at the beginning.
    pub before: usize,
    /// Parts at the end.
    pub after: usize,
    /// How often something smaller was tried.
    pub tests: u64,
    /// Whether the end was reached.
    pub end: End,
}

impl Effort {
    /// This one, and then another one on what had come out.
    #[must_use]
    pub fn and(self, then: Effort) -> Effort {
        let end = if self.end == End::Stopped { End::Stopped } else { then.end };
        Effort { before: self.before, after: then.after, tests: self.tests + then.tests, end }
    }
}

/// Whether [`shrink`] came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// What came out is 1-minimal.
    Minimal,
    /// It tried as often as it may, and stopped.
    Stopped,
}

/// Makes `start` small while `fails` returns that it still fails.
///
/// The test gives back what failed, which may be what it was given or something near it: a race is tried with other schedules,
/// too. `most` is how often it is called at most.
pub fn shrink<S: Smaller>(start: S, most: u64, fails: &mut dyn FnMut(S) -> Option<S>) -> (S, Effort) {
    let mut shrinking = Shrinking { before: start.parts(), small: start, fails, left: most, most };
    loop {
        shrinking.leave_out();
        if !shrinking.simplify() {
            return shrinking.end();
        }
    }
}

struct Shrinking<'a, S> {
    small: S,
    fails: &'a mut dyn FnMut(S) -> Option<S>,
    before: usize,
    left: u64,
    most: u64,
}

impl<S: Smaller> Shrinking<'_, S> {
    /// Leaves out ever smaller ranges, and single parts until none can go.
    fn leave_out(&mut self) {
        let mut size = self.small.parts().div_ceil(2);
        while size > 0 {
            let gone = self.leave_out_ranges(size);
            // Parts that go make others superfluous, which only a pass that takes none away can rule out.
            if size > 1 || !gone {
                size /= 2;
            }
        }
    }

    /// One pass from the end, because what comes late depends on what comes early. Returns whether something went.
    fn leave_out_ranges(&mut self, size: usize) -> bool {
        let before = self.small.parts();
        let mut end = before;
        while end > 0 {
            let start = end.saturating_sub(size);
            self.tries(self.small.without(start..end));
            // The test may have given back something else, and shorter.
            end = start.min(self.small.parts());
        }
        self.small.parts() < before
    }

    /// Tries every value in every simpler form. Returns whether one was good enough.
    fn simplify(&mut self) -> bool {
        let mut changed = false;
        let mut place = 0;
        while place < self.small.places() {
            let simpler = self.small.simpler(place);
            changed |= simpler.into_iter().any(|candidate| self.tries(candidate));
            place += 1;
        }
        changed
    }

    fn tries(&mut self, candidate: S) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        let Some(failed) = (self.fails)(candidate) else { return false };
        self.small = failed;
        true
    }

    fn end(self) -> (S, Effort) {
        let effort = Effort {
            before: self.before,
            after: self.small.parts(),
            tests: self.most - self.left,
            end: if self.left == 0 { End::Stopped } else { End::Minimal },
        };
        (self.small, effort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers, of which some are needed and must reach a value.
    #[derive(Clone, Debug, PartialEq)]
    struct Numbers(Vec<u32>);

    impl Smaller for Numbers {
        fn parts(&self) -> usize {
            self.0.len()
        }

        fn without(&self, parts: Range<usize>) -> Numbers {
            let mut numbers = self.clone();
            numbers.0.drain(parts);
            numbers
        }

        fn places(&self) -> usize {
            self.0.len()
        }

        fn simpler(&self, place: usize) -> Vec<Numbers> {
            let with = |value| {
                let mut numbers = self.clone();
                numbers.0[place] = value;
                numbers
            };
            (0..self.0[place]).map(with).collect()
        }
    }

    #[test]
    fn what_is_left_is_all_needed_and_as_simple_as_can_be() {
        let start = Numbers((0..200).collect());
        // It fails while at least three of the numbers are at least 7.
        let mut fails = |numbers: Numbers| {
            let large = numbers.0.iter().filter(|number| **number >= 7).count();
            (large >= 3).then_some(numbers)
        };
        let (small, effort) = shrink(start, u64::MAX, &mut fails);
        assert_eq!(small, Numbers(vec![7, 7, 7]));
        assert_eq!((effort.before, effort.after, effort.end), (200, 3, End::Minimal));
        assert!(effort.tests < 1_000, "halves go first: {}", effort.tests);
    }

    #[test]
    fn it_stops_when_it_may_not_try_again() {
        let (small, effort) = shrink(Numbers(vec![1; 64]), 3, &mut |_| None);
        assert_eq!((small.0.len(), effort.tests, effort.end), (64, 3, End::Stopped));
    }
}
