//! Every rule with runs that keep it and runs that break it, and it alone.
// Not every word of the builder is used by every file that includes it.
#![allow(dead_code)]

mod answers;
mod builder;
mod cases;
mod causes;
mod crowds;
mod files;
mod handed;
mod judging;
mod owed;
mod owners;
mod retries;
mod silence;
mod speed;
mod texts;
mod told;
