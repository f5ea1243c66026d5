//! Servers that fail, stall or mean harm, and disks that refuse.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use contract::core::Failure::{Fatal, Transient};
use contract::{ErrorContext, FileId, HResult, JobId};
use engine::store::{Instance, Temporary};
use engine::transfer::{ClientConfig, Outcome, Slowest};

use super::server::{Server, bare, response};
use super::{Bench, pattern, quick};

const TIMEOUT: HResult = HResult::from_win32(12002);
const ABORTED: HResult = HResult::from_win32(12030);
const NONSENSE: HResult = HResult::from_win32(12152);
const REDIRECT: HResult = HResult::from_win32(12156);

#[test]
fn statuses_are_failures_of_the_remote_file() {
    let server = Server::start(|head, out| {
        let status = head[0].split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
        let _ = out.write_all(&response(&format!("{status} Whatever"), &[], b"not the file"));
    });
    let mut bench = Bench::new();
    for (status, class) in [(404, Fatal), (401, Fatal), (407, Fatal), (503, Transient), (408, Transient)] {
        let expected = (class, HResult::from_http(status), ErrorContext::RemoteFile);
        assert_eq!(bench.failure(&server.url(&format!("/{status}"))), expected);
    }
    // A part is no answer to a request without a range.
    let unasked = HResult::BG_E_INSUFFICIENT_HTTP_SUPPORT;
    assert_eq!(bench.failure(&server.url("/206")), (Fatal, unasked, ErrorContext::RemoteFile));
    assert_eq!(bench.temporary.length(), None, "an error page is not written down");
}

#[test]
fn a_body_that_breaks_off_or_makes_no_sense_may_be_better_next_time() {
    let chunked = ["transfer-encoding: chunked"];
    let cases = [
        (bare("200 OK", &["content-length: 10"], b"short"), ABORTED),
        (bare("200 OK", &chunked, b"5\r\nshort\r\n"), ABORTED),
        (bare("200 OK", &chunked, b"5\r\nshort\r\nnonsense\r\n"), NONSENSE),
        (bare("200 OK", &chunked, b"ffffffffffffffffff\r\nx"), NONSENSE),
        (bare("200 OK", &["content-length: 5", "content-length: 6"], b"short"), NONSENSE),
        (bare("200 OK", &["content-length: -5"], b"short"), NONSENSE),
        (b"SMTP ready\r\n\r\n".to_vec(), NONSENSE),
        (Vec::new(), ABORTED),
    ];
    for (bytes, hr) in cases {
        let server = Server::fixed(bytes.clone());
        let (class, found, _) = Bench::new().failure(&server.url("/"));
        assert_eq!((class, found), (Transient, hr), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn silence_is_a_timeout_and_a_slow_drip_is_not() {
    let stall_early = Server::start(|_, _| thread::sleep(Duration::from_secs(9)));
    let stall_late = Server::start(|_, out| {
        let _ = out.write_all(&bare("200 OK", &["content-length: 10"], b"five!"));
        let _ = out.flush();
        thread::sleep(Duration::from_secs(9));
    });
    for server in [stall_early, stall_late] {
        let began = Instant::now();
        let mut bench = Bench::with(ClientConfig { read_timeout: Duration::from_millis(300), ..quick() });
        assert_eq!(bench.failure(&server.url("/")).1, TIMEOUT);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    let drip = Server::start(|_, out| {
        let _ = out.write_all(&bare("200 OK", &["content-length: 10"], b""));
        for byte in b"drop after" {
            let _ = out.write_all(&[*byte]).and_then(|()| out.flush());
            thread::sleep(Duration::from_millis(150));
        }
    });
    // The whole takes longer than a read may.
    let mut bench = Bench::with(ClientConfig { read_timeout: Duration::from_secs(1), ..quick() });
    assert_eq!(bench.fetch(&drip.url("/")).outcome, Outcome::Done);
    assert_eq!(bench.completed(), b"drop after");
}

#[test]
fn nobody_at_home_may_come_back() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().port();
    let mut bench = Bench::new();
    let (class, hr, context) = bench.failure(&format!("http://127.0.0.1:{port}/"));
    assert_eq!((class, hr), (Transient, HResult::from_win32(12029)));
    assert_eq!(context, ErrorContext::GeneralTransport);
    for remote in ["", "file", "ftp://127.0.0.1/", "http://", "data:,x"] {
        assert_eq!(bench.failure(remote).1, HResult::INET_E_INVALID_URL, "{remote}");
    }
}

#[test]
fn redirects_lead_nowhere_bad() {
    let server = Server::start(|head, out| {
        let path = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
        let step = path.trim_start_matches("/step").parse::<u32>();
        let location = match (path.as_str(), step) {
            (_, Ok(step)) => format!("location: /step{}", step + 1),
            ("/self", _) => "location: /self".to_owned(),
            ("/there", _) => "location: /back".to_owned(),
            ("/back", _) => "location: /there".to_owned(),
            ("/secure", _) => "location: https://127.0.0.1/".to_owned(),
            ("/secret", _) => format!("location: http://user:secret@{}/", &head[1]["host: ".len()..]),
            ("/local", _) => "location: file:///etc/passwd".to_owned(),
            ("/broken", _) => "location: http://[::".to_owned(),
            _ => "x-location: /".to_owned(),
        };
        let _ = out.write_all(&response("302 Found", &[&location], b""));
    });
    let mut bench = Bench::new();
    for path in ["/self", "/there", "/secure", "/secret", "/local", "/broken", "/nowhere"] {
        let expected = (Fatal, REDIRECT, ErrorContext::RemoteFile);
        assert_eq!(bench.failure(&server.url(path)), expected, "{path}");
    }
    // One request each, but two for the loop of two.
    assert_eq!(server.heads().len(), 8);
    let before = server.heads().len();
    assert_eq!(bench.failure(&server.url("/step0")).1, REDIRECT);
    assert_eq!(server.heads().len() - before, 11, "ten redirects are followed");
}

#[test]
fn endless_headers_and_endless_bodies_end() {
    let forever = |out: &mut dyn Write, line: &[u8]| while out.write_all(line).is_ok() {};
    let one_long = Server::start(move |_, out| {
        let _ = out.write_all(b"HTTP/1.1 200 OK\r\nx: ");
        forever(out, &[b'a'; 4096]);
    });
    let many = Server::start(move |_, out| {
        let _ = out.write_all(b"HTTP/1.1 200 OK\r\n");
        forever(out, b"x: y\r\n");
    });
    let interim = Server::start(move |_, out| forever(out, b"HTTP/1.1 103 Early Hints\r\n\r\n"));
    for server in [one_long, many, interim] {
        let began = Instant::now();
        let _ = Bench::new().failure(&server.url("/"));
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
    let announced = Server::fixed(bare("200 OK", &["content-length: 100001"], b""));
    let unannounced = Server::start(move |_, out| {
        let _ = out.write_all(&bare("200 OK", &[], b""));
        forever(out, &pattern(4096));
    });
    for server in [announced, unannounced] {
        let mut bench = Bench::with(ClientConfig { max_body_bytes: 100_000, ..quick() });
        let expected = (Fatal, HResult::BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED, ErrorContext::RemoteFile);
        assert_eq!(bench.failure(&server.url("/")), expected);
        assert!(bench.temporary.length().unwrap_or(0) <= 100_000);
    }
}

/// What a server can send for ever around a body, none of which is a byte of the file.
#[test]
fn framing_without_an_end_is_a_timeout() {
    let (quick_limit, pause) = (Duration::from_millis(300), Duration::from_millis(100));
    let cases: [(&str, &[u8], &[u8]); 4] = [
        ("a chunk's extension", b"5;x=", b"a"),
        ("a chunk's size", b"", b"0"),
        ("trailers", b"5\r\nhello\r\n0\r\n", b"a: b\r\n"),
        ("trailers in a hurry", b"5\r\nhello\r\n0\r\n", &b"a: b\r\n".repeat(1000)),
    ];
    for (name, begin, forever) in cases {
        let (begin, forever) = (begin.to_owned(), forever.to_owned());
        let server = Server::start(move |_, out| {
            let _ = out.write_all(&bare("200 OK", &["transfer-encoding: chunked"], &begin));
            while out.write_all(&forever).and_then(|()| out.flush()).is_ok() {
                thread::sleep(if forever.len() > 100 { Duration::ZERO } else { pause });
            }
        });
        let began = Instant::now();
        let mut bench = Bench::with(ClientConfig { read_timeout: quick_limit, ..quick() });
        let (class, hr, _) = bench.failure(&server.url("/"));
        assert_eq!((class, hr), (Transient, TIMEOUT), "{name}");
        assert!(began.elapsed() < Duration::from_secs(3), "{name}: {:?}", began.elapsed());
    }
}

/// Each read is short, and each brings a byte of the file.
#[test]
fn a_body_that_drips_is_a_timeout_and_what_came_is_kept() {
    let server = Server::start(|_, out| {
        let _ = out.write_all(&bare("200 OK", &["content-length: 1000000"], &pattern(2_000)));
        while out.write_all(b"x").and_then(|()| out.flush()).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let slowest = Slowest { bytes: 1_000, within: Duration::from_millis(300) };
    let mut bench = Bench::with(ClientConfig { slowest, ..quick() });
    let began = Instant::now();
    let (class, hr, _) = bench.failure(&server.url("/"));
    assert_eq!((class, hr), (Transient, TIMEOUT));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(bench.temporary.length().is_some_and(|length| length > 2_000));
}

#[test]
fn a_directory_that_is_not_there_is_the_local_files_fault() {
    let server = Server::fixed(response("200 OK", &[], b"bytes"));
    let mut bench = Bench::new();
    let destination = bench.directory.path().join("nowhere").join("file.bin");
    bench.temporary = Temporary::beside(&destination, Instance(1), JobId(0), FileId(0));
    let expected = (Fatal, HResult::from_win32(3), ErrorContext::LocalFile);
    assert_eq!(bench.failure(&server.url("/")), expected);
}
