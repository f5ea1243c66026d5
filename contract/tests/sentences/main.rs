//! The sentences of the documents: the file is in order, and everything in it is followed or explained.
#![cfg(feature = "schema")]

mod citations;
mod coverage;
mod file;
mod words;
