//! A file whose requests end as they are ordered to, one after the other.
//!
//! **What it is.** A [`Feed`] is a part of the server with files of its own. What becomes of requests for them is a queue of [`Served`],
//! filled while the client under test runs. It answers HEAD and ranges, because other people's clients ask for them.
//!
//! **The laws it keeps.** An error takes one answer from the queue. A whole file takes one when its last byte was sent, so a client that
//! asks for the head first, or for ranges, takes no more than one. Where the queue is empty the last answer is given again.
//! A file that stalls takes one when its download begins. The rest comes when the feed is ordered to go on, or never.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use super::content::{Seed, content};
use super::live::Paused;
use super::request::Request;
use super::wire::Wire;
use super::{Scheme, Shared};

/// What becomes of a download.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// The file comes whole.
    Whole,
    /// Instead of the file there is this status.
    Status(u16),
    /// The file begins to come, and its rest waits for [`Server::go_on`](super::Server::go_on).
    Stalls,
}

/// Files of a server whose downloads end as ordered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Feed {
    number: u32,
    base: String,
}

impl Feed {
    pub(super) fn new(number: u32, shared: &Shared) -> Feed {
        Feed { number, base: format!("{}{PREFIX}{number}", shared.base(Scheme::Http)) }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Where a file of it is.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }
}

/// The size of each file in bytes, and the seed of its content.
pub const SIZE: u64 = 1000;
/// See [`SIZE`].
pub const SEED: Seed = Seed(7);

/// The orders of a feed.
#[derive(Debug)]
pub(super) struct Orders {
    queue: VecDeque<Served>,
    last: Served,
    pub(super) requests: u32,
    stalled: Option<Stalled>,
}

/// A download whose rest waits.
#[derive(Debug)]
struct Stalled {
    /// The request, by its number.
    request: u32,
    goes_on: Option<GoesOn>,
}

/// How a download that stalls ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GoesOn {
    /// The rest comes.
    Rest,
    /// The connection is closed.
    Closed,
}

impl Default for Orders {
    fn default() -> Orders {
        Orders { queue: VecDeque::new(), last: Served::Whole, requests: 0, stalled: None }
    }
}

impl Orders {
    pub(super) fn add(&mut self, served: Served) {
        self.queue.push_back(served);
    }

    /// What a request gets now, and its number. An error is taken from the queue.
    fn next(&mut self) -> (Served, u32) {
        self.requests += 1;
        let next = self.queue.front().copied().unwrap_or(self.last);
        if matches!(next, Served::Status(_)) {
            self.take();
        }
        (next, self.requests)
    }

    /// The request stalls. What it was to get is taken, and asked for again it is whole.
    fn stall(&mut self, request: u32) {
        self.take();
        self.last = Served::Whole;
        self.stalled = Some(Stalled { request, goes_on: None });
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a download stalls now.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.as_ref().is_some_and(|stalled| stalled.goes_on.is_none())
    }

    /// What stalls goes on.
    pub(super) fn go_on(&mut self, how: GoesOn) {
        if let Some(stalled) = &mut self.stalled {
            stalled.goes_on = Some(how);
        }
    }

    /// How this request goes on, when it is to. A later one that stalls takes its place.
    fn goes_on(&self, request: u32) -> Option<GoesOn> {
        match &self.stalled {
            Some(stalled) if stalled.request == request => stalled.goes_on,
            _ => Some(GoesOn::Closed),
        }
    }

    fn take(&mut self) {
        if let Some(taken) = self.queue.pop_front() {
            self.last = taken;
        }
    }
}

const PREFIX: &str = "/feed/";

/// The feed of a path.
pub(super) fn number_of(path: &str) -> Option<u32> {
    let (number, _) = path.strip_prefix(PREFIX)?.split_once('/')?;
    number.parse().ok()
}

/// Answers one request for a file of a feed.
pub(super) fn answer(mut wire: Wire, request: &Request, shared: &Shared) -> io::Result<()> {
    let next = number_of(&request.path).and_then(|number| shared.with_feed(number, Orders::next));
    let status = match next {
        None => 404,
        Some((Served::Status(status), _)) => status,
        Some((Served::Whole, _)) => return whole(wire, request, shared, None),
        Some((Served::Stalls, number)) => return whole(wire, request, shared, Some(number)),
    };
    write!(wire, "HTTP/1.1 {status} Ordered\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    wire.close()
}

/// How often a download that stalls looks whether it goes on.
const LOOKS: Duration = Duration::from_millis(1);

/// Waits until a download that stalls goes on.
fn stall(request: &Request, number: u32, shared: &Shared) -> GoesOn {
    let Some(feed) = number_of(&request.path) else { return GoesOn::Closed };
    let _ = shared.with_feed(feed, |orders| orders.stall(number));
    loop {
        // A feed that is forgotten has no more to send.
        let how = shared.with_feed(feed, |orders| orders.goes_on(number)).unwrap_or(Some(GoesOn::Closed));
        match how {
            Some(how) => return how,
            None if shared.live.pause(LOOKS) == Paused::Stopped => return GoesOn::Closed,
            None => {}
        }
    }
}

fn whole(mut wire: Wire, request: &Request, shared: &Shared, stalls: Option<u32>) -> io::Result<()> {
    let range = request.range.filter(|range| range.from < SIZE);
    let (from, until) = match range {
        None => (0, SIZE),
        Some(range) => (range.from, range.last.map_or(SIZE, |last| SIZE.min(last.saturating_add(1)))),
    };
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n\
         ETag: \"feed\"\r\nLast-Modified: Sat, 01 Aug 2026 00:00:00 GMT\r\nConnection: close\r\n",
        until.saturating_sub(from)
    );
    if range.is_some() {
        head += &format!("Content-Range: bytes {from}-{}/{SIZE}\r\n", until.saturating_sub(1));
    }
    wire.write_all(head.as_bytes())?;
    wire.write_all(b"\r\n")?;
    if request.method == "HEAD" {
        return wire.close();
    }
    let mut from = from;
    if let Some(number) = stalls {
        let half = from + (until - from) / 2;
        io::copy(&mut content(SEED, SIZE).part(from, half), &mut wire)?;
        wire.flush()?;
        if stall(request, number, shared) == GoesOn::Closed {
            return wire.close();
        }
        from = half;
    } else if until == SIZE {
        // Taken before the last byte is there, so that what comes next finds the next answer.
        let _ = number_of(&request.path).and_then(|number| shared.with_feed(number, Orders::take));
    }
    io::copy(&mut content(SEED, SIZE).part(from, until), &mut wire)?;
    wire.close()
}
