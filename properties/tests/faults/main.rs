//! Seeded faults: which engine finds which, and under which name. They need a build with faults.
//!
//! One binary: each more is linked with everything once more.

#[path = "../inputs/mod.rs"]
mod inputs;

mod agreement_names;
mod bites;
mod blind_spots;
mod fault_names;
mod kill;
mod live_lock;
mod oracle_faults;
mod race_faults;
