//! Answering one request, well or as badly as its path demands.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use super::coding::Coding;
use super::content::{Content, content};
use super::fault::{Endless, Fault, Garbage, Redirect, Resource, StallAt};
use super::feed;
use super::live::Paused;
use super::plan::{End, Framing, Plan};
use super::request::Request;
use super::script;
use super::wire::Wire;
use super::{Scheme, Shared};

/// How long an endless answer lasts, so that a client that bears it ends, too.
pub const ENDLESS: Duration = Duration::from_secs(10);
/// How long a stalled connection stays open when the client does not close it.
pub const STALL: Duration = Duration::from_secs(30);

/// Bytes written at once.
const PIECE: usize = 16 * 1024;
/// How often a slow answer sends something.
const DRIP: Duration = Duration::from_millis(10);

/// Answers the one request of a connection.
pub(super) fn answer(mut wire: Wire, scheme: Scheme, shared: &Shared) -> io::Result<()> {
    let Some(request) = Request::read(&mut wire)? else { return Ok(()) };
    if feed::number_of(&request.path).is_some() {
        return feed::answer(wire, &request, shared);
    }
    if request.method == "GET" && script::split(&request.path).is_some() {
        return script::play(wire, scheme, &request, shared).unwrap_or(Ok(()));
    }
    let resource = Resource::parse(&request.path);
    let sends = if request.method == "HEAD" { Sends::Head } else { Sends::All };
    let answer = Answer { wire, scheme, shared, sends };
    let Some(resource) = resource else { return answer.status(400) };
    if request.method != "GET" && sends == Sends::All {
        return answer.status(405);
    }
    let nth = shared.with_traffic(&request.path, |traffic| {
        let (nth, is_rest) = (traffic.requests, request.range.is_some() && sends == Sends::All);
        // Who asks for the head has not asked for the file.
        traffic.requests += u32::from(sends == Sends::All);
        traffic.ranges += u32::from(is_rest);
        traffic.unconditional += u32::from(is_rest && !request.is_conditional());
        nth
    });
    answer.resource(&resource, &request, nth)
}

struct Answer<'a> {
    wire: Wire,
    scheme: Scheme,
    shared: &'a Shared,
    sends: Sends,
}

/// What of an answer is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sends {
    All,
    /// What comes before the body: the request was HEAD.
    Head,
}

impl Answer<'_> {
    fn resource(self, resource: &Resource, request: &Request, nth: u32) -> io::Result<()> {
        match resource.fault {
            Fault::Status(status) => self.status(status),
            Fault::StatusFirst { status, times } if nth < times => self.status(status),
            Fault::Hangup { times } if nth < times => Ok(()),
            Fault::Stall { at: StallAt::Start, times } if nth < times => self.wire.wait_for_client(STALL),
            Fault::Redirect(redirect) if redirect != Redirect::Chain(0) => self.redirect(redirect, resource),
            Fault::Endless(what) => self.endless(what),
            Fault::Garbage(what) => self.garbage(what),
            Fault::Coded => self.coded(resource, request),
            _ => self.plan(&Plan::of(resource, request, nth), &request.path),
        }
    }

    /// A status without a file.
    fn status(mut self, status: u16) -> io::Result<()> {
        let mut headers = vec!["Content-Type: text/plain".to_owned(), "Content-Length: 6".to_owned()];
        if status == 401 {
            headers.push("WWW-Authenticate: Basic realm=\"files\"".to_owned());
        }
        self.head(status, &headers)?;
        if self.sends == Sends::All {
            self.wire.write_all(b"fault\n")?;
        }
        self.wire.close()
    }

    /// The file in the first coding that the request allows, or plain.
    fn coded(mut self, resource: &Resource, request: &Request) -> io::Result<()> {
        let bytes = content(resource.seed, resource.size).to_vec();
        let coding = Coding::allowed(request.header("accept-encoding"));
        let body = coding.map_or(Ok(bytes.clone()), |coding| coding.encode(&bytes))?;
        let mut headers = vec![format!("Content-Length: {}", body.len()), "Vary: Accept-Encoding".to_owned()];
        headers.extend(coding.map(|coding| format!("Content-Encoding: {coding}")));
        self.head(200, &headers)?;
        if self.sends == Sends::All {
            self.wire.write_all(&body)?;
        }
        self.wire.close()
    }

    fn redirect(mut self, redirect: Redirect, resource: &Resource) -> io::Result<()> {
        let to = |fault| Resource { fault, ..*resource };
        let location = match redirect {
            // Absolute and relative references take turns, because both are common.
            Redirect::Chain(hops) if hops % 2 == 0 => {
                self.shared.url(self.scheme, &to(Fault::Redirect(Redirect::Chain(hops - 1))))
            }
            Redirect::Chain(1) => to(Fault::Ok).to_string(),
            Redirect::Chain(hops) => to(Fault::Redirect(Redirect::Chain(hops - 1))).to_string(),
            Redirect::Loop => resource.to_string(),
            Redirect::OtherScheme => self.shared.url(self.scheme.other(), &to(Fault::Ok)),
            Redirect::LocalFile => "file:///etc/hosts".to_owned(),
            Redirect::Garbage => "http://[not an address/".to_owned(),
            Redirect::Missing => String::new(),
        };
        let status = match redirect {
            Redirect::Chain(hops) => [308, 301, 302, 303, 307][(hops % 5) as usize],
            _ => 302,
        };
        let mut headers = vec!["Content-Length: 0".to_owned()];
        if redirect != Redirect::Missing {
            headers.push(format!("Location: {location}"));
        }
        self.head(status, &headers)?;
        self.wire.close()
    }

    /// Writes until the client has had enough, slowly enough to leave the machine to others.
    fn endless(mut self, what: Endless) -> io::Result<()> {
        let chunk = format!("1000\r\n{}\r\n", "more".repeat(0x400));
        let (start, again) = match what {
            Endless::Headers => ("HTTP/1.1 200 OK\r\n", "X-More: there is always one more header\r\n"),
            Endless::HeaderLine => ("HTTP/1.1 200 OK\r\nX-Long: ", "and so on "),
            Endless::Body => ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk.as_str()),
            Endless::ChunkLine => ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8;", "x=00000000;"),
        };
        let until = Instant::now() + ENDLESS;
        let piece = again.repeat(PIECE / again.len());
        self.wire.write_all(start.as_bytes())?;
        while Instant::now() < until && self.shared.live.pause(Duration::from_millis(1)) == Paused::Over {
            self.wire.write_all(piece.as_bytes())?;
            self.wire.flush()?;
        }
        Ok(())
    }

    fn garbage(mut self, what: Garbage) -> io::Result<()> {
        let text = match what {
            Garbage::StatusLine => "220 mail.example ESMTP\r\n250 OK\r\n\r\n".to_owned(),
            Garbage::Chunk => {
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\nfive\r\nfives".to_owned()
            }
            Garbage::Length => "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nbytes".to_owned(),
            Garbage::HugeLength => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", u64::MAX),
        };
        self.wire.write_all(text.as_bytes())?;
        self.wire.close()
    }

    /// Sends a file, or part of one.
    fn plan(mut self, plan: &Plan, path: &str) -> io::Result<()> {
        if plan.end == End::Cut && plan.part.remaining() == 0 {
            // An empty body has no middle, and with its head it would be whole.
            return Ok(());
        }
        let mut headers = plan.headers.clone();
        headers.push("Content-Type: application/octet-stream".to_owned());
        match plan.framing {
            Framing::Length(length) => headers.push(format!("Content-Length: {length}")),
            Framing::Chunked => headers.push("Transfer-Encoding: chunked".to_owned()),
            Framing::Close => {}
        }
        self.head(plan.status, &headers)?;
        if self.sends == Sends::Head {
            return self.wire.close();
        }
        let whole = plan.part.remaining();
        let sent = match plan.end {
            End::Whole | End::More(_) | End::Unfinished => whole,
            End::Cut | End::StallHalf => whole / 2,
            End::StallHeaders => 0,
        };
        self.body(plan, plan.part.part(0, sent), path)?;
        match plan.end {
            End::Cut => {
                if plan.framing == Framing::Chunked {
                    self.wire.write_all(b"1000\r\ncut")?;
                }
                self.wire.flush()
            }
            End::Unfinished => self.wire.flush(),
            End::StallHalf | End::StallHeaders => self.wire.wait_for_client(STALL),
            End::Whole => self.finish(plan.framing, 0),
            End::More(bytes) => self.finish(plan.framing, bytes),
        }
    }

    fn finish(mut self, framing: Framing, more: u64) -> io::Result<()> {
        io::copy(&mut io::repeat(b'+').take(more), &mut self.wire)?;
        if framing == Framing::Chunked {
            self.wire.write_all(b"0\r\n\r\n")?;
        }
        self.wire.close()
    }

    fn body(&mut self, plan: &Plan, mut part: Content, path: &str) -> io::Result<()> {
        let mut buffer = vec![0; plan.bytes_per_second.map_or(PIECE, piece_of)];
        loop {
            let count = part.read(&mut buffer)?;
            if count == 0 {
                return self.wire.flush();
            }
            let piece = &buffer[..count];
            if plan.framing == Framing::Chunked {
                write!(self.wire, "{count:x}\r\n")?;
                self.wire.write_all(piece)?;
                self.wire.write_all(b"\r\n")?;
            } else {
                self.wire.write_all(piece)?;
            }
            self.shared.with_traffic(path, |traffic| traffic.bytes += count as u64);
            if let Some(rate) = plan.bytes_per_second {
                self.wire.flush()?;
                let pause = Duration::from_secs_f64(count as f64 / f64::from(rate));
                if self.shared.live.pause(pause) == Paused::Stopped {
                    return Ok(());
                }
            }
        }
    }

    fn head(&mut self, status: u16, headers: &[String]) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        for header in headers.iter().map(String::as_str).chain(["Connection: close"]) {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.wire.write_all(head.as_bytes())?;
        self.wire.flush()
    }
}

impl Scheme {
    fn other(self) -> Scheme {
        match self {
            Scheme::Http => Scheme::Https,
            Scheme::Https => Scheme::Http,
        }
    }
}

/// Bytes per drip at this rate, in bytes per second.
fn piece_of(rate: u32) -> usize {
    let bytes = f64::from(rate) * DRIP.as_secs_f64();
    (bytes as usize).clamp(1, PIECE)
}

/// Clients go by the number; the words are for humans who look at the wire.
fn reason(status: u16) -> &'static str {
    match status {
        200..=299 => "OK",
        300..=399 => "Elsewhere",
        400..=499 => "Refused",
        _ => "Failed",
    }
}
