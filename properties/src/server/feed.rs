//! A file whose requests end as they are ordered to, one after the other.
//!
//! **What it is.** A [`Feed`] is a part of the server with files of its own. What becomes of requests for them is a queue of [`Served`],
//! filled while the client under test runs. It answers HEAD and ranges, because other people's clients ask for them.
//!
//! **The laws it keeps.** An error takes one answer from the queue. A whole file takes one when its last byte was sent, so a client that
//! asks for the head first, or for ranges, takes no more than one. Where the queue is empty the last answer is given again.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::content::{Seed, content};
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
}

impl Default for Orders {
    fn default() -> Orders {
        Orders { queue: VecDeque::new(), last: Served::Whole, requests: 0 }
    }
}

impl Orders {
    pub(super) fn add(&mut self, served: Served) {
        self.queue.push_back(served);
    }

    /// What a request gets now. An error is taken from the queue.
    fn next(&mut self) -> Served {
        self.requests += 1;
        let next = self.queue.front().copied().unwrap_or(self.last);
        if next != Served::Whole {
            self.take();
        }
        next
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
        Some(Served::Status(status)) => status,
        Some(Served::Whole) => return whole(wire, request, shared),
    };
    write!(wire, "HTTP/1.1 {status} Ordered\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    wire.close()
}

fn whole(mut wire: Wire, request: &Request, shared: &Shared) -> io::Result<()> {
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
    // Taken before the last byte is there, so that what comes next finds the next answer.
    if until == SIZE {
        let _ = number_of(&request.path).and_then(|number| shared.with_feed(number, Orders::take));
    }
    io::copy(&mut content(SEED, SIZE).part(from, until), &mut wire)?;
    wire.close()
}
