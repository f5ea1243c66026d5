//! The server against a client that knows no better than to write and read.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::*;

const SIZE: u64 = 50_000;
const SEED: Seed = Seed(5);

/// Sends a request and gives back all that comes, up to the end or the client's patience.
fn get(url: &str, header: &str) -> Vec<u8> {
    let mut connection = ask(url, header);
    let mut answer = Vec::new();
    // A connection that is cut or stalls has sent what it had to send.
    let _ = connection.read_to_end(&mut answer);
    answer
}

fn ask(url: &str, header: &str) -> TcpStream {
    let rest = url.strip_prefix("http://").expect("an http URL");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut connection = TcpStream::connect(host).expect("the server listens");
    connection.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    write!(connection, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\n").expect("the server reads");
    connection
}

/// The head as text, and the body unchanged.
fn split(answer: &[u8]) -> (String, &[u8]) {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("the end of the head");
    (String::from_utf8_lossy(&answer[..end + 2]).into_owned(), &answer[end + 4..])
}

fn whole() -> Vec<u8> {
    content(SEED, SIZE).to_vec()
}

#[test]
fn cuts_and_ranges_give_the_whole_file_together() {
    let server = Server::start().expect("a server");
    let fault = Fault::Cut { times: 2 };
    let url = server.url(&fault, SIZE, SEED);
    let first = get(&url, "");
    let (head, half) = split(&first);
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("Content-Length: 50000\r\n"), "{head}");
    assert_eq!(half, &whole()[..25_000]);

    let second = get(&url, "Range: bytes=25000-\r\n");
    let (head, quarter) = split(&second);
    assert!(head.contains("Content-Range: bytes 25000-49999/50000\r\n"), "{head}");
    assert_eq!(quarter, &whole()[25_000..37_500]);

    let third = get(&url, "Range: bytes=37500-\r\n");
    assert_eq!(split(&third).1, &whole()[37_500..]);
    assert_eq!(
        server.traffic(&fault, SIZE, SEED),
        Traffic { requests: 3, ranges: 2, unconditional: 2, bytes: SIZE }
    );
    assert_eq!(server.traffic(&Fault::Ok, SIZE, SEED), Traffic::default());
}

#[test]
fn answers_are_as_bad_as_asked_for() {
    let server = Server::start().expect("a server");
    let url = |fault| server.url(&fault, SIZE, SEED);
    let starts = |fault, with: &str| {
        let answer = get(&url(fault), "");
        assert!(answer.starts_with(with.as_bytes()), "{fault}: {}", String::from_utf8_lossy(&answer));
    };
    for status in [401, 403, 404, 410, 500] {
        starts(Fault::Status(status), &format!("HTTP/1.1 {status} "));
    }
    let first = Fault::StatusFirst { status: 503, times: 2 };
    for status in [503, 503, 200, 200] {
        starts(first, &format!("HTTP/1.1 {status} "));
    }
    starts(Fault::Garbage(Garbage::StatusLine), "220 ");
    assert_eq!(get(&url(Fault::Hangup { times: 1 }), ""), b"");
    assert_eq!(get(&url(Fault::Stall { at: StallAt::Start, times: 1 }), ""), b"");
    assert_eq!(split(&get(&url(Fault::Stall { at: StallAt::Headers, times: 1 }), "")).1, b"");
    assert_eq!(split(&get(&url(Fault::Stall { at: StallAt::Half, times: 1 }), "")).1, &whole()[..25_000]);

    let more = get(&url(Fault::PromisesMore), "");
    assert!(split(&more).0.contains("Content-Length: 51024\r\n") && split(&more).1 == whole());
    let less = get(&url(Fault::PromisesLess), "");
    assert!(split(&less).0.contains("Content-Length: 50000\r\n") && split(&less).1.len() == 51_024);
    let unranged = get(&url(Fault::NoRanges { cuts: 0 }), "Range: bytes=9-\r\n");
    assert!(split(&unranged).0.starts_with("HTTP/1.1 200 ") && split(&unranged).1 == whole());
    let unsized_ = get(&url(Fault::CloseDelimited), "");
    assert!(!split(&unsized_).0.contains("Content-Length") && split(&unsized_).1 == whole());

    let changed = Fault::Changed { how: Change::ETag, cuts: 1 };
    assert_eq!(split(&get(&url(changed), "")).1, &whole()[..25_000]);
    let new = get(&url(changed), "Range: bytes=25000-\r\nIf-Range: \"5-50000-Old\"\r\n");
    let expected = changed.content(SIZE, SEED).expect("a changed file is a file").to_vec();
    assert!(split(&new).0.starts_with("HTTP/1.1 200 ") && split(&new).1 == expected);
    assert!(expected != whole());
}

#[test]
fn chunks_add_up_and_drips_take_their_time() {
    let server = Server::start().expect("a server");
    let chunked = get(&server.url(&Fault::Chunked { cuts: 0 }, SIZE, SEED), "");
    let (mut rest, mut body) = (split(&chunked).1, Vec::new());
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").expect("a chunk's length");
        let length = std::str::from_utf8(&rest[..line]).expect("ASCII");
        let length = usize::from_str_radix(length, 16).expect("hexadecimal");
        body.extend_from_slice(&rest[line + 2..][..length]);
        rest = &rest[line + 2 + length..];
        assert_eq!(&rest[..2], b"\r\n");
        rest = &rest[2..];
        if length == 0 {
            break;
        }
    }
    assert!(body == whole() && rest.is_empty());

    let begin = Instant::now();
    let dripped = get(&server.url(&Fault::Drip { bytes_per_second: 250_000 }, SIZE, SEED), "");
    assert!(split(&dripped).1 == whole() && begin.elapsed() >= Duration::from_millis(190));
}

#[test]
fn redirects_lead_where_they_say() {
    let server = Server::start().expect("a server");
    let location = |url: &str| {
        let answer = get(url, "");
        let head = split(&answer).0;
        assert!(head.starts_with("HTTP/1.1 3"), "{head}");
        let line = head.lines().find_map(|line| line.strip_prefix("Location: "));
        line.map(str::to_owned)
    };
    let host = server.url(&Fault::Ok, 0, SEED).replace("/ok/0/5", "");
    let mut at = server.url(&Fault::Redirect(Redirect::Chain(4)), SIZE, SEED);
    for _ in 0..4 {
        let next = location(&at).expect("a Location");
        at = if next.starts_with('/') { format!("{host}{next}") } else { next };
    }
    assert_eq!(at, server.url(&Fault::Ok, SIZE, SEED));
    let redirect = |redirect| location(&server.url(&Fault::Redirect(redirect), SIZE, SEED));
    assert_eq!(redirect(Redirect::Loop).as_deref(), Some("/redirect/loop/50000/5"));
    let other = redirect(Redirect::OtherScheme).expect("a Location");
    assert_eq!(other, server.url_over(Scheme::Https, &Fault::Ok, SIZE, SEED));
    assert_eq!(redirect(Redirect::Missing), None);
}

#[test]
fn https_shows_the_certificate_and_gives_the_same_bytes() {
    let server = Server::start().expect("a server");
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate().to_vec().into()).expect("a certificate");
    let get = |roots: RootCertStore| -> io::Result<Vec<u8>> {
        let url = server.url_over(Scheme::Https, &Fault::CloseDelimited, SIZE, SEED);
        let (host, path) = url["https://".len()..].split_once('/').expect("a path");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut stream = StreamOwned::new(connection, TcpStream::connect(host)?);
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
        let mut answer = Vec::new();
        // Without a proper end this is an error, so a cut would not pass for one.
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    assert_eq!(split(&get(roots).expect("an answer")).1, whole());
    assert!(get(RootCertStore::empty()).is_err(), "nobody trusts it by accident");
}

#[test]
fn many_downloads_at_once_are_quick() {
    let server = Server::start().expect("a server");
    let begin = Instant::now();
    thread::scope(|scope| {
        for worker in 0..16 {
            let server = &server;
            scope.spawn(move || {
                for download in 0..20 {
                    let seed = Seed(worker * 100 + download);
                    let answer = get(&server.url(&Fault::Ok, SIZE, seed), "");
                    assert!(split(&answer).1 == content(seed, SIZE).to_vec(), "{seed:?}");
                }
            });
        }
    });
    let elapsed = begin.elapsed();
    assert!(elapsed < Duration::from_secs(5), "320 downloads took {elapsed:?}");
}

#[test]
fn dropping_the_server_ends_whatever_it_is_doing() {
    let server = Server::start().expect("a server");
    let faults = [
        Fault::Stall { at: StallAt::Start, times: u32::MAX },
        Fault::Stall { at: StallAt::Half, times: u32::MAX },
        Fault::Drip { bytes_per_second: 1 },
        Fault::Endless(Endless::Body),
        Fault::Ok,
    ];
    // More than it has threads for; some want the larger part of all bytes there are, and read none.
    let clients: Vec<TcpStream> =
        faults.iter().cycle().take(90).map(|fault| ask(&server.url(fault, u64::MAX / 2, SEED), "")).collect();
    let address = server.shared.addresses.0;
    thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    drop(server);
    let elapsed = begin.elapsed();
    assert!(elapsed < Duration::from_secs(1), "the end took {elapsed:?}");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    drop(clients);
}
