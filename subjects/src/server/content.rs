//! What the server's files contain: bytes that follow from a seed, at any offset, without being kept anywhere.

use std::io::{self, Read};

/// Which file it is. Files with different seeds differ from their first bytes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Seed(pub u64);

/// The bytes of the file with this seed and this size.
///
/// ```
/// use std::io::Read;
/// use subjects::server::{Compared, Seed, content};
///
/// let mut file = Vec::new();
/// content(Seed(7), 1000).read_to_end(&mut file)?;
/// assert_eq!(content(Seed(7), 1000).compare(file.as_slice())?, Compared::Same);
/// file[500] ^= 1;
/// assert_eq!(content(Seed(7), 1000).compare(file.as_slice())?, Compared::Differs { at: 500 });
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn content(seed: Seed, size: u64) -> Content {
    Content { seed, at: 0, until: size }
}

/// Bytes of one file, from where it stands to its end. Read it, or compare something with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    seed: Seed,
    at: u64,
    until: u64,
}

/// What a comparison found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Compared {
    /// Equal bytes, and as many.
    Same,
    /// They differ first at this byte, or one of the two ends there.
    Differs {
        /// The offset in bytes.
        at: u64,
    },
}

impl Content {
    /// The bytes that are left.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.until - self.at
    }

    /// The part from byte `from` on, up to but without byte `until`, as far as there is one.
    #[must_use]
    pub fn part(&self, from: u64, until: u64) -> Content {
        let until = self.at.saturating_add(until).min(self.until);
        Content { seed: self.seed, at: self.at.saturating_add(from).min(until), until }
    }

    /// All bytes that are left, in memory: for small files.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Reading content never fails, and a vector takes everything.
        let _ = self.clone().read_to_end(&mut bytes);
        bytes
    }

    /// Compares byte by byte, in constant memory.
    ///
    /// # Errors
    /// What reading `other` gave.
    pub fn compare(mut self, mut other: impl Read) -> io::Result<Compared> {
        let (mut mine, mut theirs) = ([0; 8192], [0; 8192]);
        loop {
            let (start, count) = (self.at, self.read(&mut mine)?);
            let got = read_full(&mut other, &mut theirs[..count.max(1)])?;
            if mine[..count] != theirs[..got] {
                let same = mine[..count].iter().zip(&theirs[..got]).take_while(|(a, b)| a == b).count();
                return Ok(Compared::Differs { at: start + same as u64 });
            }
            if count == 0 {
                return Ok(Compared::Same);
            }
        }
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The smaller of the two fits into both types.
        let count = self.remaining().min(buffer.len() as u64) as usize;
        let mut rest = &mut buffer[..count];
        while !rest.is_empty() {
            let word = word(self.seed, self.at / 8).to_le_bytes();
            let word = &word[(self.at % 8) as usize..];
            let (now, later) = rest.split_at_mut(word.len().min(rest.len()));
            now.copy_from_slice(&word[..now.len()]);
            self.at += now.len() as u64;
            rest = later;
        }
        Ok(count)
    }
}

/// Reads until the buffer is full or the reader has ended.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match reader.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Eight bytes of the file: a mix of the seed and the offset (the finaliser of splitmix64), so that neither a shift nor a
/// repetition nor another file's part passes for the right bytes.
fn word(seed: Seed, index: u64) -> u64 {
    let mut mixed = seed.0.wrapping_mul(0xD134_2543_DE82_EF95) ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_where_they_belong_and_seeds_differ() {
        let whole = content(Seed(3), 20_000).to_vec();
        assert_eq!(content(Seed(3), 20_000).part(777, 12_345).to_vec(), whole[777..12_345]);
        assert_eq!(content(Seed(3), 20_000).part(19_999, u64::MAX).to_vec(), whole[19_999..]);
        assert_eq!(content(Seed(3), 20_000).part(30_000, 40_000).remaining(), 0);
        for other in [0, 1, 2, 4, u64::MAX] {
            let other = content(Seed(other), 20_000).to_vec();
            let same = other.iter().zip(&whole).filter(|(a, b)| a == b).count();
            assert!(same < 200, "{same} of 20000 bytes agree by chance");
        }
    }

    #[test]
    fn a_comparison_notices_every_kind_of_difference() {
        for size in [0, 1, 8191, 8192, 8193, 20_000] {
            let (good, file) = (content(Seed(3), size), content(Seed(3), size).to_vec());
            let compare = |file: &[u8]| good.clone().compare(file).expect("memory reads without errors");
            assert_eq!(compare(&file), Compared::Same, "{size}");
            assert_eq!(compare(&[file.as_slice(), &[0]].concat()), Compared::Differs { at: size });
            if let Some(last) = file.len().checked_sub(1) {
                assert_eq!(compare(&file[..last]), Compared::Differs { at: last as u64 }, "{size}");
                let mut flipped = file.clone();
                flipped[last] ^= 0x80;
                assert_eq!(compare(&flipped), Compared::Differs { at: last as u64 }, "{size}");
            }
        }
    }
}
