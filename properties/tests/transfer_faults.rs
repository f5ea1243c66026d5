//! The engine's downloads against every fault the server has, attempt after attempt, as a job would make them.
#![cfg(feature = "live")]

mod transfer;

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use contract::HResult;
use contract::core::Failure;
use engine::transfer::{Client, ClientConfig, Roots};
use properties::oracle::{Attempt, attempts};
use properties::server::{Fault, Scheme, Seed, Server, StallAt};

use crate::transfer::{Ear, End, LIMITS, Target, client};

const SIZE: u64 = 50_000;
const SEED: Seed = Seed(11);

/// The numbers of Windows' HTTP stacks, where a job reports one of them.
const TIMEOUT: HResult = HResult::from_win32(12002);
const CANNOT_CONNECT: HResult = HResult::from_win32(12029);
const ABORTED: HResult = HResult::from_win32(12030);
const NOT_TRUSTED: HResult = HResult::from_win32(12175);

/// Longer than any limit of the client even on a busy machine, and shorter than any patience of the server.
const PROMPT: Duration = Duration::from_secs(6);

const CUT: End = End::Failed(Failure::Transient, ABORTED);
const LATE: End = End::Failed(Failure::Transient, TIMEOUT);
/// How the attempts at a file with this fault and this size in bytes end, one after another.
fn expected(fault: Fault, size: u64) -> Vec<End> {
    let end = |attempt| match attempt {
        Attempt::Done => End::Done,
        Attempt::Failed(class, hr) => End::Failed(class, hr),
    };
    attempts(fault, size).into_iter().map(end).collect()
}

#[test]
fn every_fault_ends_as_it_should_and_whole_files_are_right() {
    let server = Server::start().expect("a server");
    let client = client(&server);
    let mut cases = VecDeque::new();
    for fault in Fault::samples() {
        cases.extend([(Scheme::Http, fault), (Scheme::Https, fault)]);
    }
    in_parallel(cases, |(scheme, fault)| {
        // The server counts requests by path, whatever the scheme.
        let seed = Seed(SEED.0 + u64::from(scheme == Scheme::Https));
        let mut target = Target::new(server.url_over(scheme, &fault, SIZE, seed));
        for (attempt, end) in expected(fault, SIZE).into_iter().enumerate() {
            let begin = Instant::now();
            let found = target.attempt(&client);
            let elapsed = begin.elapsed();
            assert_eq!(found, end, "{scheme:?} {fault}, attempt {attempt}: {:?}", target.ear);
            assert!(elapsed < PROMPT, "{scheme:?} {fault}, attempt {attempt} took {elapsed:?}");
        }
        target.check(fault.content(SIZE, seed));
    });
}

#[test]
fn files_of_every_size_survive_every_fault_that_passes() {
    let server = Server::start().expect("a server");
    let client = client(&server);
    // Around nothing, and around the size of a piece at the server (16 KiB) and at the client (64 KiB).
    let sizes = [0, 1, 2, 3, 16_384, 65_535, 65_536, 65_537, 131_073];
    let waits = |fault: &Fault| matches!(fault, Fault::Stall { .. } | Fault::Drip { .. });
    let faults = Fault::samples().into_iter().filter(|fault| !waits(fault));
    let cases = faults.flat_map(|fault| sizes.map(|size| (fault, size)));
    in_parallel(cases.collect(), |(fault, size)| {
        let Some(content) = fault.content(size, SEED) else { return };
        let mut target = Target::new(server.url(&fault, size, SEED));
        for end in expected(fault, size) {
            assert_eq!(target.attempt(&client), end, "{fault} {size}: {:?}", target.ear);
        }
        target.check(Some(content));
    });
}

#[test]
fn nothing_that_is_here_is_fetched_again() {
    let server = Server::start().expect("a server");
    let client = client(&server);
    let fault = Fault::Cut { times: 4 };
    let mut target = Target::new(server.url(&fault, SIZE, SEED));
    while target.attempt(&client) != End::Done {}
    let traffic = server.traffic(&fault, SIZE, SEED);
    assert_eq!((traffic.requests, traffic.ranges, traffic.bytes), (5, 4, SIZE));

    // A whole file that is requested again costs no more than the proof that it has not changed.
    assert_eq!(target.attempt(&client), End::Done);
    assert_eq!(server.traffic(&fault, SIZE, SEED).bytes, SIZE + 1);
    target.check(fault.content(SIZE, SEED));
}

#[test]
fn bytes_without_evidence_of_their_version_are_fetched_again() {
    let server = Server::start().expect("a server");
    let client = client(&server);
    let fault = Fault::Cut { times: 1 };
    let mut target = Target::new(server.url(&fault, SIZE, SEED));
    assert_eq!(target.attempt(&client), CUT);
    target.forget_version();
    assert_eq!(target.attempt(&client), End::Done);
    assert_eq!(target.ear.restarts, 1);
    assert_eq!(server.traffic(&fault, SIZE, SEED).ranges, 0);
    target.check(fault.content(SIZE, SEED));
}

#[test]
fn a_transfer_that_nobody_wants_stops_at_once_and_says_no_more() {
    let server = Server::start().expect("a server");
    let client = client(&server);
    let slow = Fault::Drip { bytes_per_second: 2_000 };
    for stop_after in 1..=4 {
        let mut target = Target::new(server.url(&slow, SIZE, SEED));
        target.ear = Ear::stopping_after(stop_after);
        let begin = Instant::now();
        assert_eq!(target.attempt(&client), End::Stopped);
        assert!(begin.elapsed() < PROMPT, "{stop_after}: {:?}", begin.elapsed());
        assert_eq!(target.ear.events.len(), stop_after, "{:?}", target.ear);
    }
}

#[test]
fn a_server_that_is_not_there_or_not_trusted_ends_the_attempt_before_it_connects() {
    let server = Server::start().expect("a server");
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}/ok/1/1", listener.local_addr().expect("an address"))
    };
    let mut target = Target::new(nobody);
    assert_eq!(target.attempt(&client(&server)), End::Failed(Failure::Transient, CANNOT_CONNECT));
    assert_eq!(target.ear.connects, 0);

    let other = Server::start().expect("another server");
    let mut target = Target::new(server.url_over(Scheme::Https, &Fault::Ok, SIZE, SEED));
    assert_eq!(target.attempt(&client(&other)), End::Failed(Failure::Fatal, NOT_TRUSTED));
    let web = Client::new(ClientConfig { roots: Roots::Web, ..LIMITS });
    assert_eq!(target.attempt(&web), End::Failed(Failure::Fatal, NOT_TRUSTED));
    assert_eq!((target.ear.connects, server.traffic(&Fault::Ok, SIZE, SEED).requests), (0, 0));
}

#[test]
fn a_stall_takes_no_longer_than_the_limits_say_and_keeps_what_came() {
    let server = Server::start().expect("a server");
    let client = client(&server);
    in_parallel([StallAt::Start, StallAt::Headers, StallAt::Half].into(), |at| {
        let fault = Fault::Stall { at, times: 1 };
        let mut target = Target::new(server.url(&fault, SIZE, SEED));
        let begin = Instant::now();
        assert_eq!(target.attempt(&client), LATE);
        let elapsed = begin.elapsed();
        let limit = if at == StallAt::Start { LIMITS.response_timeout } else { LIMITS.read_timeout };
        assert!(elapsed >= limit && elapsed < PROMPT, "{at}: {elapsed:?}");
        assert_eq!(target.attempt(&client), End::Done);
        assert_eq!(server.traffic(&fault, SIZE, SEED).bytes, SIZE, "{at}: what came is not fetched again");
        target.check(fault.content(SIZE, SEED));
    });
}

#[test]
fn sixteen_workers_fetch_hundreds_of_files_quickly() {
    let server = Server::start().expect("a server");
    let client = client(&server);
    let begin = Instant::now();
    in_parallel((0..320).collect(), |number| {
        let fault = Fault::Cut { times: 1 };
        let mut target = Target::new(server.url(&fault, SIZE, Seed(number)));
        assert_eq!(target.attempt(&client), CUT);
        assert_eq!(target.attempt(&client), End::Done);
        target.check(fault.content(SIZE, Seed(number)));
    });
    let elapsed = begin.elapsed();
    println!("320 files of {SIZE} bytes in two attempts each: {elapsed:?}");
    assert!(elapsed < Duration::from_secs(20), "320 files in two attempts each took {elapsed:?}");
}

/// Runs all cases on as many workers as a service has at most.
fn in_parallel<T: Send>(cases: VecDeque<T>, run: impl Fn(T) + Sync) {
    let cases = Mutex::new(cases);
    let next = || cases.lock().expect("no worker panics with the lock").pop_front();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(case) = next() {
                    run(case);
                }
            });
        }
    });
}
