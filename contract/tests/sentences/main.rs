//! The sentences of the documents: the file is in order, and everything in it is followed or explained.
#![cfg(feature = "sentences")]

mod citations;
mod coverage;
mod file;
mod words;
