//! Transfers stream. Alone in its binary, because it measures the memory of the whole process.
#![cfg(all(feature = "live", target_os = "linux"))]

mod transfer;

use std::fs;
use std::thread;

use engine::transfer::ClientConfig;
use properties::server::{Fault, Seed, Server};

use crate::transfer::{End, LIMITS, Target, client_with};

const TRANSFERS: u64 = 8;
const SIZE: u64 = 8 << 20;
/// What one transfer may need, the server's side of it and the thread's stack included.
const BUDGET: u64 = 1 << 20;

#[test]
fn a_transfer_needs_a_mebibyte_at_most_whatever_the_size() {
    let server = Server::start().expect("a server");
    let client = client_with(&server, ClientConfig { max_body_bytes: SIZE, ..LIMITS });
    let fetch = |size, seed| {
        let mut target = Target::new(server.url(&Fault::Ok, size, seed));
        assert_eq!(target.attempt(&client), End::Done, "{:?}", target.ear);
        assert!(target.ear.steps >= size >> 16, "{} reports of bytes", target.ear.steps);
        target.check(Fault::Ok.content(size, seed));
    };
    // What is needed once in a process is there before it is measured.
    fetch(SIZE / 16, Seed(0));
    let before = peak_bytes();
    thread::scope(|scope| {
        for number in 1..=TRANSFERS {
            scope.spawn(move || fetch(SIZE, Seed(number)));
        }
    });
    let grown = peak_bytes() - before;
    println!("{TRANSFERS} transfers of {SIZE} bytes at once: {grown} bytes more at the peak");
    assert!(grown <= TRANSFERS * BUDGET, "{grown} bytes for {TRANSFERS} transfers");
}

/// The most memory the process ever had, in bytes.
fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak is a line of it");
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kibibytes * 1024
}
