//! Files that arrive in one go.

use std::thread;
use std::time::{Duration, Instant};

use contract::core::TransferEvent::{Connected, FileDone, SizeKnown};
use contract::core::{Failure, TransferEvent};
use contract::{ErrorContext, HResult};
use engine::transfer::{ClientConfig, Outcome, Roots};

use super::server::{Server, bare, response};
use super::{Bench, pattern, quick};

#[test]
fn a_file_arrives_whole_and_every_step_is_reported() {
    let bytes = pattern(300_000);
    let server = Server::fixed(response("200 OK", &["etag: \"v1\""], &bytes));
    let mut bench = Bench::new();
    let ended = bench.fetch(&server.url("/file?x#fragment"));
    assert_eq!(ended.outcome, Outcome::Done);
    assert_eq!(ended.validator.and_then(|validator| validator.size()), Some(300_000));
    assert_eq!(bench.steps(), [Connected, SizeKnown(300_000), FileDone]);
    let growing = bench.heard.events.iter().filter_map(|event| match event {
        TransferEvent::Bytes(bytes) => Some(*bytes),
        _ => None,
    });
    let growing: Vec<_> = growing.collect();
    assert!(growing.windows(2).all(|two| two[0] < two[1] && two[1] - two[0] <= 65_536), "{growing:?}");
    assert_eq!(bench.completed(), bytes);
    let head = &server.heads()[0];
    assert_eq!(head[0], "get /file?x http/1.1");
    assert!(head.contains(&"accept-encoding: identity".to_owned()), "{head:?}");
    assert!(!head.iter().any(|line| line.starts_with("range:")), "{head:?}");
}

#[test]
fn a_size_nobody_said_is_known_at_the_end() {
    let chunked = bare("200 OK", &["transfer-encoding: chunked"], b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
    let until_closed = bare("200 OK", &[], b"abcde");
    for bytes in [chunked, until_closed] {
        let server = Server::fixed(bytes);
        let mut bench = Bench::new();
        assert_eq!(bench.fetch(&server.url("/")).outcome, Outcome::Done);
        assert_eq!(bench.steps(), [Connected, SizeKnown(5), FileDone]);
        assert_eq!(bench.completed(), b"abcde");
    }
}

#[test]
fn an_empty_file_is_a_file() {
    for bytes in [response("200 OK", &[], b""), bare("200 OK", &["transfer-encoding: chunked"], b"0\r\n\r\n")]
    {
        let server = Server::fixed(bytes);
        let mut bench = Bench::new();
        assert_eq!(bench.fetch(&server.url("/")).outcome, Outcome::Done);
        assert_eq!(bench.steps(), [Connected, SizeKnown(0), FileDone]);
        assert_eq!(bench.completed(), b"");
    }
}

#[test]
fn what_comes_after_the_announced_length_is_not_taken() {
    let mut bytes = response("200 OK", &[], b"right");
    bytes.extend_from_slice(b" and wrong");
    let server = Server::fixed(bytes);
    let mut bench = Bench::new();
    assert_eq!(bench.fetch(&server.url("/")).outcome, Outcome::Done);
    assert_eq!(bench.completed(), b"right");
}

/// A scheme that AddFile takes is fetched (facts B2).
#[test]
fn a_scheme_in_capitals_is_fetched() {
    let server = Server::fixed(response("200 OK", &[], b"here"));
    let mut bench = Bench::new();
    let url = server.url("/").replacen("http://", "HTTP://", 1);
    assert!(url.starts_with("HTTP://"), "{url}");
    assert_eq!(bench.fetch(&url).outcome, Outcome::Done);
    assert_eq!(bench.completed(), b"here");
}

#[test]
fn redirects_are_followed_within_their_scheme() {
    let server = Server::start(|head, out| {
        let answer = match head[0].split(' ').nth(1) {
            Some("/a/first") => response("302 Found", &["location: ../second?x=1#frag"], b"moved"),
            Some("/second?x=1") => response("308 Permanent Redirect", &["location: /third"], b""),
            _ => response("200 OK", &[], b"here"),
        };
        let _ = out.write_all(&answer);
    });
    let mut bench = Bench::new();
    assert_eq!(bench.fetch(&server.url("/a/first")).outcome, Outcome::Done);
    assert_eq!(server.heads().len(), 3);
    assert_eq!(bench.completed(), b"here");
}

#[test]
fn a_stop_ends_the_transfer_at_once_and_nothing_is_reported_after_it() {
    let server = Server::start(|_, out| {
        let _ = out.write_all(&bare("200 OK", &["content-length: 1000000000"], b""));
        // Endless enough: the client hangs up first.
        while out.write_all(&[7; 4096]).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let mut bench = Bench::new();
    bench.heard.stop_at = 10_000;
    let began = Instant::now();
    assert_eq!(bench.fetch(&server.url("/")).outcome, Outcome::Stopped);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(matches!(bench.heard.events.last(), Some(TransferEvent::Bytes(10_000..200_000))));
    assert_eq!(bench.temporary.length(), Some(bench.bytes()));
    assert!(bench.temporary.rename_to(&bench.destination).is_err(), "a part is never renamed");
    bench.temporary.remove().unwrap();
    assert_eq!(bench.directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn https_needs_an_authority_that_vouches() {
    let (server, certificate) = Server::secure(response("200 OK", &[], b"secret"));
    let mut bench = Bench::with(ClientConfig { roots: Roots::Only(vec![certificate]), ..quick() });
    assert_eq!(bench.fetch(&server.url("/")).outcome, Outcome::Done, "{:?}", bench.heard.events);
    assert_eq!(bench.completed(), b"secret");

    let (class, hr, context) = Bench::new().failure(&server.url("/"));
    assert_eq!((class, context), (Failure::Fatal, ErrorContext::GeneralTransport));
    assert_eq!(hr, HResult::from_win32(12175));
}
