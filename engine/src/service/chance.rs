//! The one place of the engine that draws from chance, once for each number that a service is not given.
//!
//! What must be equal in two runs gets its numbers from the builder; nothing that a job does depends on these.

use std::hash::{BuildHasher as _, RandomState};

/// A number that no other service has: the standard library seeds its hashers from the system's source of chance.
pub(super) fn number() -> u64 {
    RandomState::new().hash_one("a service")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_numbers_are_equal() {
        let mut numbers: Vec<u64> = (0..1_000).map(|_| number()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 1_000);
    }
}
