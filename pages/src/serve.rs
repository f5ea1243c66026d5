//! The site on a socket of this machine.
//!
//! **What it is not.** A web server: it closes each connection after one answer, and serves one person.
//!
//! **The law it keeps.** Whatever is sent, it costs a bounded time and memory, and another request is answered after it. A request that names
//! another host is refused: a page from elsewhere could have bound its own name to this address.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::site::{Method, Reply, Request, Site};

/// The longest head of a request, in bytes. A path of 16,384 characters fits, whatever they are.
pub const MOST_HEAD: usize = 64 << 10;

/// The longest body of a request, in bytes.
pub const MOST_BODY: usize = 16 << 20;

/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests that are answered at once.
const AT_ONCE: usize = 16;

/// Headers of a request at most.
const HEADERS: usize = 64;

/// Why serving has ended: the socket is of no use any more.
#[derive(Debug, thiserror::Error)]
#[error("the socket is closed")]
pub struct Served(#[source] io::Error);

/// Serves until the socket fails, or the process ends.
///
/// # Errors
/// The socket fails.
pub fn serve(listener: &TcpListener, site: &Arc<Site>) -> Result<(), Served> {
    let busy = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) if is_passing(&error) => continue,
            Err(error) => return Err(Served(error)),
        };
        let (site, busy) = (Arc::clone(site), Arc::clone(&busy));
        if busy.fetch_add(1, Ordering::SeqCst) >= AT_ONCE {
            busy.fetch_sub(1, Ordering::SeqCst);
            refuse(stream);
            continue;
        }
        let counted = Counted(busy);
        // A thread that cannot be started drops the connection, and the browser asks again.
        let _started = std::thread::Builder::new().name("page".to_owned()).spawn(move || {
            let _counted = counted;
            // A client that has gone takes nothing with it.
            let _gone = answer(stream, &site);
        });
    }
    Ok(())
}

/// Counts a request as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An error of one connection, and not of the socket.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted | Kind::WouldBlock
    )
}

fn refuse(mut stream: TcpStream) {
    let wrong = Wrong { status: 503, what: "too much is asked at once: try again" };
    let _ = stream.set_write_timeout(Some(Duration::from_millis(200)));
    let _gone = write(&mut stream, &wrong.reply(), Body::Sent);
}

/// Why a request is not passed on.
struct Wrong {
    status: u16,
    what: &'static str,
}

impl Wrong {
    fn reply(&self) -> Reply {
        Reply {
            status: self.status,
            content_type: "text/plain; charset=utf-8",
            location: None,
            policy: "default-src 'none'",
            body: format!("{}\n", self.what),
        }
    }
}

const fn wrong(status: u16, what: &'static str) -> Wrong {
    Wrong { status, what }
}

/// Whether the body of an answer is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Sent,
    LeftOut,
}

fn answer(mut stream: TcpStream, site: &Site) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut wire = Wire { stream: &mut stream, until: Instant::now() + PATIENCE };
    let read = Incoming::read(&mut wire)?;
    let (reply, body) = match &read {
        Ok(incoming) => {
            let body = if incoming.method == "HEAD" { Body::LeftOut } else { Body::Sent };
            match incoming.request() {
                // A page that panics is a defect: it is reported on stderr, and this request alone ends.
                Ok(request) => (
                    catch_unwind(AssertUnwindSafe(|| site.reply(&request))).unwrap_or_else(|_| {
                        wrong(500, "a defect of bgcheck: please report the address").reply()
                    }),
                    body,
                ),
                Err(wrong) => (wrong.reply(), body),
            }
        }
        Err(wrong) => (wrong.reply(), Body::Sent),
    };
    write(&mut stream, &reply, body)?;
    stream.shutdown(Shutdown::Write)?;
    // What was not read would make the system throw the answer away. So a little more is read, and no end is waited for.
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    let _rest = io::copy(&mut stream.take(1 << 20), &mut io::sink());
    Ok(())
}

/// A stream from which is read up to a moment.
struct Wire<'a> {
    stream: &'a mut TcpStream,
    until: Instant,
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

/// A request as it came.
struct Incoming {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Incoming {
    /// Reads it. An error of the connection is one; what is wrong with the request is answered.
    fn read(wire: &mut impl Read) -> io::Result<Result<Incoming, Wrong>> {
        let mut head = Vec::with_capacity(4096);
        let mut chunk = [0; 4096];
        loop {
            let count = match wire.read(&mut chunk) {
                Ok(count) => count,
                Err(error) if is_late(&error) => return Ok(Err(wrong(408, "the request took too long"))),
                Err(error) => return Err(error),
            };
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            head.extend_from_slice(&chunk[..count]);
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&head) {
                Ok(httparse::Status::Complete(end)) => {
                    let Some(incoming) = Incoming::of(&parsed) else {
                        return Ok(Err(wrong(400, "this is no request")));
                    };
                    return incoming.with_body(head.split_off(end), wire);
                }
                Ok(httparse::Status::Partial) if head.len() > MOST_HEAD => {
                    return Ok(Err(wrong(
                        431,
                        "the head of the request is too long: save the walk, and load it as a trace",
                    )));
                }
                Ok(httparse::Status::Partial) => {}
                Err(httparse::Error::TooManyHeaders) => {
                    return Ok(Err(wrong(431, "the request has too many headers")));
                }
                Err(_) => return Ok(Err(wrong(400, "this is no request"))),
            }
        }
    }

    fn of(parsed: &httparse::Request<'_, '_>) -> Option<Incoming> {
        let text = |header: &httparse::Header<'_>| {
            let value = String::from_utf8_lossy(header.value).trim().to_owned();
            (header.name.to_ascii_lowercase(), value)
        };
        Some(Incoming {
            method: parsed.method?.to_owned(),
            target: parsed.path?.to_owned(),
            headers: parsed.headers.iter().map(text).collect(),
            body: Vec::new(),
        })
    }

    fn with_body(mut self, begun: Vec<u8>, wire: &mut impl Read) -> io::Result<Result<Incoming, Wrong>> {
        if self.header("transfer-encoding").is_some() {
            return Ok(Err(wrong(411, "the length of the body has to be in its header")));
        }
        let length = match self.header("content-length").map(str::parse::<usize>) {
            None => return Ok(Ok(self)),
            Some(Err(_)) => return Ok(Err(wrong(400, "the length of the body is no number"))),
            Some(Ok(length)) if length > MOST_BODY => {
                return Ok(Err(wrong(
                    413,
                    "a trace has 16 MiB at most here: `bgcheck minimize` makes an excerpt",
                )));
            }
            Some(Ok(length)) => length,
        };
        self.body = begun;
        self.body.truncate(length);
        let missing = (length - self.body.len()) as u64;
        match wire.take(missing).read_to_end(&mut self.body) {
            Ok(_) if self.body.len() < length => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(Ok(self)),
            Err(error) if is_late(&error) => Ok(Err(wrong(408, "the request took too long"))),
            Err(error) => Err(error),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The request for the site, if it may be passed on.
    fn request(&self) -> Result<Request<'_>, Wrong> {
        let hosts = self.headers.iter().filter(|(name, _)| name == "host").count();
        let host =
            self.header("host").filter(|_| hosts == 1).ok_or(wrong(400, "the request names no host"))?;
        if !is_this_machine(host) {
            return Err(wrong(403, "this is served to this machine alone, as http://127.0.0.1"));
        }
        let method = match self.method.as_str() {
            "GET" | "HEAD" => Method::Get,
            "POST" => Method::Post,
            _ => return Err(wrong(405, "the methods are GET, HEAD and POST")),
        };
        // A form of a page from elsewhere states where it comes from.
        let own = format!("http://{host}");
        if method == Method::Post && self.header("origin").is_some_and(|origin| origin != own) {
            return Err(wrong(403, "a page from elsewhere may not load a trace here"));
        }
        if !self.target.starts_with('/') {
            return Err(wrong(400, "the address does not begin with a slash"));
        }
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        Ok(Request {
            method,
            path,
            query,
            content_type: self.header("content-type").unwrap_or_default(),
            body: &self.body,
        })
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Whether a `Host` is this machine by a name that no one else can have. The port may be another one: of a tunnel.
fn is_this_machine(host: &str) -> bool {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    matches!(name, "127.0.0.1" | "localhost") && port.parse::<u16>().is_ok()
}

fn write(stream: &mut TcpStream, reply: &Reply, body: Body) -> io::Result<()> {
    let reason = match reply.status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", reply.status);
    let mut put = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        // An address is percent-encoded where it is written, so nothing here ends a header.
        head.extend(value.chars().filter(|each| !each.is_control()));
        head.push_str("\r\n");
    };
    put("Content-Type", reply.content_type);
    put("Content-Length", &reply.body.len().to_string());
    put("Content-Security-Policy", reply.policy);
    put("X-Content-Type-Options", "nosniff");
    put("Referrer-Policy", "no-referrer");
    put("Cross-Origin-Resource-Policy", "same-origin");
    put("Cross-Origin-Opener-Policy", "same-origin");
    put("Cache-Control", "no-store");
    put("Connection", "close");
    if reply.status == 405 {
        put("Allow", "GET, HEAD, POST");
    }
    if let Some(location) = &reply.location {
        put("Location", location);
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    if body == Body::Sent {
        stream.write_all(reply.body.as_bytes())?;
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_hosts_are_refused() {
        for host in ["127.0.0.1", "127.0.0.1:3000", "localhost:1"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1:x",
            "localhost.:80",
            "evil@127.0.0.1:",
            "0.0.0.0",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn no_bytes_are_a_request_by_mistake_and_none_panics() {
        let sent: [&[u8]; 9] = [
            b"\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"\x16\x03\x01\x02\x00",
            b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"POST /trace HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
            b"POST /trace HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
            b"POST /trace HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        ];
        for bytes in sent {
            let read = Incoming::read(&mut &*bytes);
            let passed = matches!(&read, Ok(Ok(incoming)) if incoming.request().is_ok());
            assert!(!passed, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
