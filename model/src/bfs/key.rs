//! Keys: what the explorer remembers of a state, and the hashing that places them.
//!
//! **What it is.** A [`Key`] is a plain integer. It is either a state's packed form, then equal keys are equal states, or a
//! fingerprint, then equal keys are equal states but for an improbable collision.
//!
//! **The law it keeps.** The same state has the same key in every run, on every worker and on every machine: no random seeds,
//! no pointers, no native byte order.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An integer that stands for a state.
pub trait Key: Copy + Ord + Send + Sync + fmt::Debug + Serialize + DeserializeOwned + 'static {
    /// A slot of the table that holds no key. The table keeps a key of this value apart, so it may be used.
    const VACANT: Self;
    /// How many bits it has.
    const BITS: u32;

    /// The key of a fingerprint, as many bits of it as fit.
    fn from_fingerprint(fingerprint: u128) -> Self;

    /// Well mixed bits: the high ones place the key in a table, the low ones choose its worker.
    fn mix(self) -> u64;

    /// Appends the key to stored bytes, smallest byte first.
    fn store(self, bytes: &mut Vec<u8>);

    /// Takes a key off the front of stored bytes.
    fn load(bytes: &mut &[u8]) -> Option<Self>;
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

            fn load(bytes: &mut &[u8]) -> Option<Self> {
                let (key, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some($integer::from_le_bytes(*key))
            }
        })*
    };
}

keys! {
    u32: key => fold(u64::from(key) ^ SEED, FACTOR);
    u64: key => fold(key ^ SEED, FACTOR);
    u128: key => fold((key as u64) ^ SEED, ((key >> 64) as u64) ^ FACTOR);
}

/// Digits of pi and of the golden ratio: nothing up the sleeve.
const SEED: u64 = 0x2436_3f84_a885_a308;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const OTHER: u64 = 0xbb67_ae85_84ca_a73b;

/// Multiplies, and adds the two halves of the product into one, so that every bit reaches every other.
#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The fingerprint of a value, 128 bits, the same everywhere.
pub fn fingerprint<T: Hash + ?Sized>(value: &T) -> u128 {
    let mut hasher = Fingerprinter { low: SEED, high: OTHER };
    value.hash(&mut hasher);
    hasher.finish_wide()
}

/// Two lanes that read the same words and mix them with different factors.
struct Fingerprinter {
    low: u64,
    high: u64,
}

impl Fingerprinter {
    #[inline]
    fn word(&mut self, word: u64) {
        self.low = fold(self.low ^ word, FACTOR).wrapping_add(SEED);
        self.high = fold(self.high.rotate_left(23) ^ word, OTHER).wrapping_add(FACTOR);
    }

    fn finish_wide(&self) -> u128 {
        let low = fold(self.low ^ OTHER, self.high | 1);
        let high = fold(self.high ^ SEED, FACTOR);
        (u128::from(high) << 64) | u128::from(low)
    }
}

impl Hasher for Fingerprinter {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        // The length keeps a short rest apart from the same bytes followed by zeros.
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        last[7] = rest.len() as u8;
        self.word(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, value: u8) {
        self.word(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.word(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.word(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }

    fn write_u128(&mut self, value: u128) {
        self.word(value as u64);
        self.word((value >> 64) as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }

    fn finish(&self) -> u64 {
        self.finish_wide() as u64
    }
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
    fn a_fingerprint_is_the_same_everywhere() {
        assert_eq!(fingerprint(&(1u8, "two", [3u64; 3])), fingerprint(&(1u8, "two", [3u64; 3])));
        assert_ne!(fingerprint(&"a"), fingerprint(&"a\0"));
        assert_ne!(fingerprint(&[1u64, 2]), fingerprint(&[2u64, 1]));
    }

    #[test]
    fn small_inputs_do_not_collide_in_half_a_fingerprint() {
        let mut low: Vec<u64> = Vec::new();
        let mut high: Vec<u64> = Vec::new();
        for left in 0..400u32 {
            for right in 0..400u32 {
                let wide = fingerprint(&(left, right));
                low.push(wide as u64);
                high.push((wide >> 64) as u64);
            }
        }
        for half in [&mut low, &mut high] {
            half.sort_unstable();
            half.dedup();
            assert_eq!(half.len(), 160_000);
        }
    }

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
        assert_eq!(u32::load(&mut rest), Some(7));
        assert_eq!(u64::load(&mut rest), Some(u64::MAX));
        assert_eq!(u128::load(&mut rest), Some(1 << 100));
        assert_eq!(u32::load(&mut rest), None);
    }
}
