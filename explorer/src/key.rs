//! Keys: what the explorer remembers of a state, and the hashing that places them.
//!
//! **What it is.** A [`Key`] is a plain integer. It is either a state's packed form, then equal keys are equal states, or a
//! fingerprint, then equal keys are equal states but for an improbable collision.
//!
//! **The law it keeps.** A state has one key in every run, on every worker and on every machine: no random seeds,
//! no pointers, no native byte order.

use std::fmt;
use std::hash::Hash;
use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fingerprint::{FACTOR, SEED, fingerprint, fold};

/// An integer that stands for a state.
pub trait Key: Copy + Ord + Send + Sync + fmt::Debug + Serialize + DeserializeOwned + 'static {
    /// A slot of the table that holds no key. The table keeps a key of this value apart, so it may be used.
    const VACANT: Self;
    /// How many bits it has.
    const BITS: u32;

    /// The key of a fingerprint, as many bits of it as fit.
    fn from_fingerprint(fingerprint: u128) -> Self;

    /// The key of a state that is not packed.
    fn of(state: &impl Hash) -> Self {
        Self::from_fingerprint(fingerprint(state))
    }

    /// Well mixed bits: the high ones place the key in a table, the low ones choose its worker.
    fn mix(self) -> u64;

    /// Appends the key to stored bytes, smallest byte first.
    fn store(self, bytes: &mut Vec<u8>);

    /// Reads a stored key.
    ///
    /// # Errors
    ///
    /// When there is none.
    fn read(from: &mut impl Read) -> io::Result<Self>;
}

macro_rules! keys {
    ($($integer:ident: $key:ident => $mix:expr;)*) => {
        $(impl Key for $integer {
            const VACANT: Self = $integer::MAX;
            const BITS: u32 = $integer::BITS;

            fn from_fingerprint(fingerprint: u128) -> Self {
                fingerprint as $integer
            }

            #[inline]
            fn mix(self) -> u64 {
                let $key = self;
                $mix
            }

            fn store(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read(from: &mut impl Read) -> io::Result<Self> {
                let mut bytes = [0; size_of::<$integer>()];
                from.read_exact(&mut bytes)?;
                Ok($integer::from_le_bytes(bytes))
            }
        })*
    };
}

keys! {
    u32: key => fold(u64::from(key) ^ SEED, FACTOR);
    u64: key => fold(key ^ SEED, FACTOR);
    u128: key => fold((key as u64) ^ SEED, ((key >> 64) as u64) ^ FACTOR);
}

/// The probability that among `states` fingerprints of `bits` bits at least two states share one: the birthday bound.
#[must_use]
pub fn collision_probability(states: u64, bits: u32) -> f64 {
    let pairs = states as f64 * (states as f64 - 1.0).max(0.0) / 2.0;
    -f64::exp_m1(-pairs / 2f64.powi(bits as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_birthday_bound_has_its_textbook_values() {
        assert_eq!(collision_probability(1, 64), 0.0);
        assert!((collision_probability(77_163, 32) - 0.5).abs() < 1e-3);
        let billion = collision_probability(1_000_000_000, 64);
        assert!((billion - 0.0267).abs() < 1e-3, "{billion}");
    }

    #[test]
    fn keys_survive_storing() {
        let mut bytes = Vec::new();
        7u32.store(&mut bytes);
        u64::MAX.store(&mut bytes);
        (1u128 << 100).store(&mut bytes);
        let mut rest = &bytes[..];
        assert_eq!(u32::read(&mut rest).ok(), Some(7));
        assert_eq!(u64::read(&mut rest).ok(), Some(u64::MAX));
        assert_eq!(u128::read(&mut rest).ok(), Some(1 << 100));
        assert_eq!(u32::read(&mut rest).ok(), None);
    }
}
