//! Has a file written to the disk while it grows, so that little is left to be written at its end.
//!
//! **What it is not.** A promise: it waits for nothing, and what is on the disk is known only once the file was synchronised.

use std::fs::File;

/// Bytes that are handed to the disk at once.
const STRETCH: u64 = 8 << 20;

/// How far a file was handed to the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteBack {
    begun: u64,
}

impl WriteBack {
    /// Of a file whose bytes up to here are not handed to the disk by this value.
    pub(super) fn from(begun: u64) -> WriteBack {
        WriteBack { begun }
    }

    /// The file has grown to this length.
    pub(super) fn reaches(&mut self, file: &File, length: u64) {
        if length.saturating_sub(self.begun) >= STRETCH {
            begin(file, self.begun, length - self.begun);
            self.begun = length;
        }
    }
}

/// Declares that these bytes are not read again soon, upon which Linux begins to write them. Advice: it may be ignored.
#[cfg(target_os = "linux")]
fn begin(file: &File, from: u64, length: u64) {
    let length = std::num::NonZeroU64::new(length);
    let _ = rustix::fs::fadvise(file, from, length, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn begin(_: &File, _: u64, _: u64) {}
