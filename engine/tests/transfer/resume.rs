//! Files that arrive in parts, and files that change between the parts.

use contract::core::Failure;
use contract::core::TransferEvent::{Connected, FileDone, Restarted, SizeKnown};
use engine::transfer::{Ended, Outcome};

use super::server::{Head, Server, asked_from, bare, response};
use super::{Bench, pattern};

const SIZE: usize = 200_000;
const CUT: usize = 90_000;

/// Sends the first part of a file and hangs up, and leaves the answers to further requests to the closure.
fn cut_then(
    headers: &'static [&'static str],
    then: impl Fn(&Head, &[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> Server {
    let first = std::sync::Once::new();
    Server::start(move |head, out| {
        let bytes = pattern(SIZE);
        let mut answer = None;
        first.call_once(|| {
            let length = format!("content-length: {SIZE}");
            answer = Some(bare("200 OK", &[headers, &[&length]].concat(), &bytes[..CUT]));
        });
        let _ = out.write_all(&answer.unwrap_or_else(|| then(head, &bytes)));
    })
}

/// The rest as requested, as a good server sends it.
fn part(head: &Head, bytes: &[u8], headers: &[&str]) -> Vec<u8> {
    let from = asked_from(head).unwrap_or(0);
    let range = format!("content-range: bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    response("206 Partial Content", &[headers, &[&range]].concat(), &bytes[from..])
}

/// Fetches until the cut, and then the rest.
fn in_two_parts(server: &Server, bench: &mut Bench) -> Ended {
    let first = bench.fetch(&server.url("/file"));
    assert_eq!(first.outcome, Outcome::Failed);
    assert_eq!(bench.last_failure().0, Failure::Transient);
    let here = bench.bytes();
    assert_eq!(here, CUT as u64);
    bench.fetch_rest(&server.url("/file"), here, first.validator)
}

#[test]
fn after_a_break_only_the_rest_is_fetched() {
    let server = cut_then(&["etag: \"v1\""], |head, bytes| part(head, bytes, &["etag: \"v1\""]));
    let mut bench = Bench::new();
    let ended = in_two_parts(&server, &mut bench);
    assert_eq!(ended.outcome, Outcome::Done);
    assert_eq!(bench.steps(), [Connected, SizeKnown(SIZE as u64), FileDone]);
    assert_eq!(bench.completed(), pattern(SIZE));
    let head = &server.heads()[1];
    assert!(head.contains(&format!("range: bytes={CUT}-")), "{head:?}");
    assert!(head.contains(&"if-range: \"v1\"".to_owned()), "{head:?}");
}

#[test]
fn a_date_resumes_without_if_range() {
    const HEADERS: &[&str] = &["etag: W/\"v1\"", "last-modified: Mon"];
    let server = cut_then(HEADERS, |head, bytes| part(head, bytes, HEADERS));
    let mut bench = Bench::new();
    assert_eq!(in_two_parts(&server, &mut bench).outcome, Outcome::Done);
    assert_eq!(bench.completed(), pattern(SIZE));
    assert!(!server.heads()[1].iter().any(|line| line.starts_with("if-range")));
    assert_eq!(asked_from(&server.heads()[1]), Some(CUT));
}

#[test]
fn a_size_or_a_weak_tag_is_no_evidence_and_nothing_is_glued() {
    for headers in [&[][..], &["etag: W/\"v1\""]] {
        // Of equal size, and as weakly equal as can be, but of other bytes.
        let server = cut_then(headers, move |head, bytes| {
            let other: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
            if asked_from(head).is_some() {
                part(head, &other, headers)
            } else {
                response("200 OK", headers, &other)
            }
        });
        let mut bench = Bench::new();
        assert_eq!(in_two_parts(&server, &mut bench).outcome, Outcome::Done);
        assert_eq!(bench.steps(), [Connected, Restarted, SizeKnown(SIZE as u64), FileDone]);
        assert!(bench.completed().iter().zip(pattern(SIZE)).all(|(found, old)| *found == !old));
    }
}

#[test]
fn a_file_that_has_changed_starts_again() {
    type Then = fn(&Head, &[u8]) -> Vec<u8>;
    const NEW: &[u8] = b"quite another file";
    // What the server answers to the request for the rest, and how many requests it takes to see what it means.
    let cases: [(&str, Then, usize); 6] = [
        ("all of it, because the tag differs", |_, _| response("200 OK", &["etag: \"v2\""], NEW), 2),
        ("it does not know ranges", |_, _| response("200 OK", &[], NEW), 2),
        ("a range of another version", |head, bytes| other(head, part(head, bytes, &["etag: \"v2\""])), 3),
        ("a range of a later file", |head, bytes| other(head, part(head, bytes, &["last-modified: Tue"])), 3),
        ("another range", |head, bytes| other(head, wrong_range(bytes)), 3),
        (
            "it is not so long any more",
            |head, _| other(head, response("416 Range Not Satisfiable", &[], b"")),
            3,
        ),
    ];
    fn other(head: &Head, to_a_range: Vec<u8>) -> Vec<u8> {
        if asked_from(head).is_some() { to_a_range } else { response("200 OK", &["etag: \"v2\""], NEW) }
    }
    fn wrong_range(bytes: &[u8]) -> Vec<u8> {
        let range = format!("content-range: bytes 10-{}/{SIZE}", SIZE - 1);
        response("206 Partial Content", &["etag: \"v1\"", &range], &bytes[CUT..])
    }
    for (name, then, requests) in cases {
        let server = cut_then(&["etag: \"v1\"", "last-modified: Mon"], then);
        let mut bench = Bench::new();
        assert_eq!(in_two_parts(&server, &mut bench).outcome, Outcome::Done, "{name}");
        let mut steps = bench.steps();
        // A second question is a second answer.
        steps.dedup();
        assert_eq!(steps, [Connected, Restarted, SizeKnown(NEW.len() as u64), FileDone], "{name}");
        assert_eq!(bench.completed(), NEW, "{name}");
        assert_eq!(server.heads().len(), requests, "{name}");
    }
}

#[test]
fn without_evidence_of_the_version_nothing_is_glued() {
    let server = cut_then(&["etag: \"v1\""], |_, bytes| response("200 OK", &["etag: \"v1\""], bytes));
    let mut bench = Bench::new();
    let _ = bench.fetch(&server.url("/"));
    let ended = bench.fetch_rest(&server.url("/"), CUT as u64, None);
    assert_eq!(ended.outcome, Outcome::Done);
    assert_eq!(bench.steps(), [Connected, Restarted, SizeKnown(SIZE as u64), FileDone]);
    assert_eq!(asked_from(&server.heads()[1]), None);
    assert_eq!(bench.completed(), pattern(SIZE));
}

#[test]
fn bytes_that_somebody_took_away_are_fetched_again() {
    let server = cut_then(&["etag: \"v1\""], |_, bytes| response("200 OK", &["etag: \"v1\""], bytes));
    let mut bench = Bench::new();
    let first = bench.fetch(&server.url("/"));
    std::fs::remove_file(bench.temporary.path()).unwrap();
    let ended = bench.fetch_rest(&server.url("/"), CUT as u64, first.validator);
    assert_eq!(ended.outcome, Outcome::Done);
    assert!(bench.steps().contains(&Restarted));
    assert_eq!(bench.completed(), pattern(SIZE));
}

#[test]
fn a_whole_file_whose_end_was_not_heard_costs_one_byte() {
    let server = Server::start(|head, out| {
        let bytes = pattern(SIZE);
        let answer = match asked_from(head) {
            Some(_) => part(head, &bytes, &["etag: \"v1\""]),
            None => response("200 OK", &["etag: \"v1\""], &bytes),
        };
        let _ = out.write_all(&answer);
    });
    let mut bench = Bench::new();
    bench.heard.stop_at = SIZE as u64;
    let first = bench.fetch(&server.url("/"));
    assert_eq!(first.outcome, Outcome::Stopped);
    bench.heard.stop_at = u64::MAX;
    let ended = bench.fetch_rest(&server.url("/"), SIZE as u64, first.validator);
    assert_eq!(ended.outcome, Outcome::Done);
    assert_eq!(asked_from(&server.heads()[1]), Some(SIZE - 1));
    assert_eq!(bench.completed(), pattern(SIZE));
}

#[test]
fn a_shorter_range_than_asked_for_is_a_cut() {
    let server = cut_then(&["etag: \"v1\""], |_, bytes| {
        let range = format!("content-range: bytes {CUT}-99999/{SIZE}");
        response("206 Partial Content", &["etag: \"v1\"", &range], &bytes[CUT..100_000])
    });
    let mut bench = Bench::new();
    assert_eq!(in_two_parts(&server, &mut bench).outcome, Outcome::Failed);
    assert_eq!(bench.last_failure().0, Failure::Transient);
    assert_eq!(bench.bytes(), 100_000);
}

#[test]
fn a_range_longer_than_it_says_is_not_taken() {
    let server = cut_then(&["etag: \"v1\""], |_, bytes| {
        let range = format!("content-range: bytes {CUT}-{}/{SIZE}", SIZE - 1);
        let mut body = format!("{:x}\r\n", SIZE - CUT + 4).into_bytes();
        body.extend_from_slice(&bytes[CUT..]);
        body.extend_from_slice(b"more\r\n0\r\n\r\n");
        bare("206 Partial Content", &["etag: \"v1\"", &range, "transfer-encoding: chunked"], &body)
    });
    let mut bench = Bench::new();
    assert_eq!(in_two_parts(&server, &mut bench).outcome, Outcome::Failed);
    assert!(bench.bytes() <= SIZE as u64);
    assert!(bench.temporary.length().is_some_and(|length| length <= SIZE as u64));
}
