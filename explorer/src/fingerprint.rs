//! Fingerprints: a value as 128 well mixed bits, equal in every run and on every machine.
//!
//! **What it is.** A [`Hasher`] for `derive(Hash)`, wide enough that equal fingerprints may be taken for equal values, and cheap on states, which
//! are made of many small fields: these are packed into words first, and only words are mixed.
//!
//! **The law it keeps.** No random seeds, no pointers, no native byte order. What is packed can be separated again: a number is written
//! as wide as its type is, and a length or the number of a variant as one byte, or as nine if it is large.

use std::hash::{Hash, Hasher};

/// Where mixing starts: digits of pi, so that nothing is hidden in it.
pub const SEED: u64 = 0x2436_3f84_a885_a308;
/// What words are multiplied by: digits of the golden ratio.
pub const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const OTHER: u64 = 0xbb67_ae85_84ca_a73b;

/// Multiplies, and adds the two halves of the product into one, so that every bit reaches every other.
#[inline]
#[must_use]
pub fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The fingerprint of a value, 128 bits, equal everywhere.
#[must_use]
pub fn fingerprint<T: Hash + ?Sized>(value: &T) -> u128 {
    let mut hasher = Fingerprinter { low: SEED, high: OTHER, pending: 0, filled: 0 };
    value.hash(&mut hasher);
    hasher.finish_wide()
}

/// Two lanes that each read every word; they mix the words with different factors.
struct Fingerprinter {
    low: u64,
    high: u64,
    /// Bits that do not make a word yet.
    pending: u64,
    /// How many they are, less than a word's.
    filled: u32,
}

impl Fingerprinter {
    #[inline]
    fn word(&mut self, word: u64) {
        self.low = fold(self.low ^ word, FACTOR).wrapping_add(SEED);
        self.high = fold(self.high.rotate_left(23) ^ word, OTHER).wrapping_add(FACTOR);
    }

    /// Appends the lowest `bits` bits, between 1 and 64 of them, of a value that has no more.
    #[inline]
    fn push(&mut self, value: u64, bits: u32) {
        self.pending |= value << self.filled;
        self.filled += bits;
        if self.filled >= u64::BITS {
            let full = std::mem::take(&mut self.pending);
            self.word(full);
            self.filled -= u64::BITS;
            // What did not fit; a shift by all bits would be none.
            self.pending = value.checked_shr(bits - self.filled).unwrap_or(0);
        }
    }

    fn finish_wide(&self) -> u128 {
        let last = fold(self.pending ^ SEED, OTHER ^ u64::from(self.filled));
        let low = fold(self.low ^ OTHER ^ last, self.high | 1);
        let high = fold(self.high ^ SEED ^ last.rotate_left(32), FACTOR);
        (u128::from(high) << 64) | u128::from(low)
    }
}

impl Hasher for Fingerprinter {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.push(u64::from_le_bytes(*word), 64);
        }
        for byte in rest {
            self.push(u64::from(*byte), 8);
        }
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.push(u64::from(value), 8);
    }

    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.push(u64::from(value), 16);
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.push(u64::from(value), 32);
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.push(value, 64);
    }

    #[inline]
    fn write_u128(&mut self, value: u128) {
        self.push(value as u64, 64);
        self.push((value >> 64) as u64, 64);
    }

    /// A length.
    #[inline]
    fn write_usize(&mut self, value: usize) {
        const LARGE: u64 = 0xff;
        match value as u64 {
            small @ 0..LARGE => self.push(small, 8),
            large => {
                self.push(LARGE, 8);
                self.push(large, 64);
            }
        }
    }

    /// The number of a variant.
    #[inline]
    fn write_isize(&mut self, value: isize) {
        self.write_usize(value as usize);
    }

    fn finish(&self) -> u64 {
        self.finish_wide() as u64
    }
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
    fn fields_of_any_width_are_told_apart() {
        assert_ne!(fingerprint(&(1u8, 0u8)), fingerprint(&(0u8, 1u8)));
        assert_ne!(fingerprint(&(0u8, [0u64; 9])), fingerprint(&(0u8, [1u64, 0, 0, 0, 0, 0, 0, 0, 0])));
        assert_ne!(fingerprint(&(7u8, u64::MAX, 1u8)), fingerprint(&(7u8, u64::MAX, 2u8)));
        assert_ne!(fingerprint(&(7u8, u64::MAX)), fingerprint(&(7u8, u64::MAX >> 1)));
        assert_ne!(fingerprint(&(usize::MAX, 1u8)), fingerprint(&(usize::MAX, 2u8)));
        assert_ne!(fingerprint(&[Some(3u8), None]), fingerprint(&[None, Some(3u8)]));
        let lengths = (0..600usize).map(|length| fingerprint(&vec![0u8; length]));
        assert_eq!(lengths.collect::<std::collections::BTreeSet<_>>().len(), 600);
    }
}
