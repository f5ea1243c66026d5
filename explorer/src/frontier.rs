//! The frontier: a level's states that wait to be expanded, in memory, and on disk what does not fit there.
//!
//! **What it is.** A list of wires that is filled once and read once. When it has grown beyond its share of the memory, it is put into a
//! file as a *block*, and begins anew. The file has no name, so it vanishes with the process, however that ends.
//!
//! **The law it keeps.** What is in it comes out of it, once. The order has no effect on the result: a level is a set.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use stateright::Model;

use super::form::Form;
use super::stored;

/// Bytes of a file read or written together.
const BUFFER: usize = 1 << 18;

/// A level's states on one worker.
pub(super) struct Frontier<M: Model, F: Form<M>> {
    here: Vec<F::Wire>,
    /// The bytes beside the wires in memory.
    heap_bytes: usize,
    file: Option<File>,
    blocks: Vec<Block>,
    spilled: u64,
    /// Keys of what is in it and should not be, sorted.
    struck: Vec<F::Key>,
}

/// Wires in the file, one after another.
struct Block {
    wires: u64,
    bytes: u64,
}

impl<M: Model, F: Form<M>> Default for Frontier<M, F> {
    fn default() -> Self {
        Frontier {
            here: Vec::new(),
            heap_bytes: 0,
            file: None,
            blocks: Vec::new(),
            spilled: 0,
            struck: Vec::new(),
        }
    }
}

impl<M: Model, F: Form<M>> Frontier<M, F> {
    #[inline]
    pub(super) fn push(&mut self, wire: F::Wire) {
        self.heap_bytes += F::heap_bytes(&wire);
        self.here.push(wire);
    }

    /// How many states.
    pub(super) fn len(&self) -> u64 {
        self.here.len() as u64 + self.spilled - self.struck.len() as u64
    }

    /// Strikes off the states of these keys, all of which are in it, once each.
    pub(super) fn strike(&mut self, mut keys: Vec<F::Key>) {
        keys.sort_unstable();
        self.struck = keys;
    }

    /// The bytes it takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        (size_of_val(&self.here[..]) + self.heap_bytes) as u64
    }

    /// The bytes it takes on disk.
    pub(super) fn bytes_on_disk(&self) -> u64 {
        self.blocks.iter().map(|block| block.bytes).sum()
    }

    /// Puts what is in memory into a file of this directory.
    pub(super) fn spill(&mut self, directory: &Path) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(directory)?,
        };
        F::sort(&mut self.here);
        let mut out = BufWriter::with_capacity(BUFFER, file);
        let mut bytes = 0;
        for wire in &self.here {
            let stored = stored::to_bytes(wire)?;
            out.write_all(&stored)?;
            bytes += stored.len() as u64;
        }
        self.file = Some(out.into_inner().map_err(io::IntoInnerError::into_error)?);
        self.blocks.push(Block { wires: self.here.len() as u64, bytes });
        self.spilled += self.here.len() as u64;
        // A new list, because the old one's memory is what was to be given back.
        self.here = Vec::new();
        self.heap_bytes = 0;
        Ok(())
    }

    /// The states, batch by batch: first those in memory, then block by block.
    pub(super) fn into_batches(mut self) -> io::Result<Batches<M, F>> {
        F::sort(&mut self.here);
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(0))?;
        }
        Ok(Batches {
            here: self.here.into_iter(),
            file: self.file.map(|file| BufReader::with_capacity(BUFFER, file)),
            blocks: self.blocks.into_iter(),
            left: 0,
            struck: self.struck,
        })
    }

    /// Passes every state to `show`, which stores it.
    pub(super) fn each(&mut self, mut show: impl FnMut(&F::Wire) -> io::Result<()>) -> io::Result<()> {
        let struck = &self.struck;
        let mut show = |wire: &F::Wire| if is_in(struck, F::key(wire)) { Ok(()) } else { show(wire) };
        self.here.iter().try_for_each(&mut show)?;
        let Some(file) = &mut self.file else { return Ok(()) };
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(BUFFER, file);
        (0..self.spilled).try_for_each(|_| show(&stored::read(&mut reader)?))
    }
}

/// What is left of a frontier while it is expanded.
pub(super) struct Batches<M: Model, F: Form<M>> {
    here: std::vec::IntoIter<F::Wire>,
    file: Option<BufReader<File>>,
    blocks: std::vec::IntoIter<Block>,
    /// Wires of the present block that are still in the file.
    left: u64,
    struck: Vec<F::Key>,
}

/// Whether a sorted list has the key. Most lists are empty.
fn is_in<K: Ord>(sorted: &[K], key: K) -> bool {
    !sorted.is_empty() && sorted.binary_search(&key).is_ok()
}

impl<M: Model, F: Form<M>> Batches<M, F> {
    /// The next states, at most this number; none at the end.
    pub(super) fn next(&mut self, most: usize) -> io::Result<Vec<F::Wire>> {
        let mut batch = Vec::with_capacity(most);
        while batch.len() < most {
            let Some(wire) = self.one()? else { break };
            if !is_in(&self.struck, F::key(&wire)) {
                batch.push(wire);
            }
        }
        Ok(batch)
    }

    #[inline]
    fn one(&mut self) -> io::Result<Option<F::Wire>> {
        if let Some(wire) = self.here.next() {
            return Ok(Some(wire));
        }
        if self.left == 0 {
            // All that was in memory has been given away: its place is free for what comes from the disk.
            self.here = Vec::new().into_iter();
            let Some(block) = self.blocks.next() else { return Ok(None) };
            self.left = block.wires;
        }
        let Some(file) = &mut self.file else { return Ok(None) };
        self.left -= 1;
        stored::read(file).map(Some)
    }
}
