//! Answers that are written down: what a server sends to the first request for a path, to the second, and so on.
//!
//! A [`Fault`](super::Fault) is a habit of a server; a script is one conversation, byte by byte. What the client asked in it is
//! kept ([`Heard`]), so that a test can compare both sides.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::answer::STALL;
use super::live::Paused;
use super::request::Request;
use super::wire::Wire;
use super::{Scheme, Shared};

/// The answers to the requests for one path, in order. The last one is given again to every request after it.
#[derive(Clone, Debug)]
pub struct Page {
    /// The path below the script, with its query.
    pub path: &'static str,
    /// What is sent.
    pub replies: Vec<Reply>,
}

/// What is sent to one request. The connection is closed behind it.
#[derive(Clone, Debug, Default)]
pub struct Reply(pub Vec<Piece>);

/// A part of what is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Text. `{base}` stands for the script's own URL, `{host}` for the server's address.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Nothing for so long.
    Pause(Duration),
    /// These bytes again and again, so long after each other, until the client closes.
    ForEver(Vec<u8>, Duration),
    /// Nothing more, until the client closes.
    Silence,
}

impl Reply {
    /// This reply, followed by a further piece.
    #[must_use]
    pub fn then(mut self, piece: Piece) -> Reply {
        self.0.push(piece);
        self
    }
}

/// A script that a server plays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    number: u32,
    bases: [String; 2],
}

/// A request that came for a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// The path below the script, with its query.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// When it had been read.
    pub asked: Instant,
    /// When the answer had been sent, or the client had closed; none while it is being sent.
    pub over: Option<Instant>,
}

/// The scripts of a server, by number.
#[derive(Debug)]
pub(super) struct Playing {
    pages: Vec<(Page, usize)>,
    heard: Vec<Heard>,
}

impl Script {
    pub(super) fn new(number: u32, shared: &Shared) -> Script {
        let base = |scheme| shared.base(scheme) + &format!("{PREFIX}{number}");
        Script { number, bases: [base(Scheme::Http), base(Scheme::Https)] }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The URL of a path of it.
    #[must_use]
    pub fn url(&self, scheme: Scheme, path: &str) -> String {
        let [http, https] = &self.bases;
        format!("{}{path}", if scheme == Scheme::Http { http } else { https })
    }
}

impl Heard {
    /// The value of a header, if it was sent.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(header, _)| header == name);
        named.next().map(|(_, value)| value.as_str())
    }
}

impl Playing {
    pub(super) fn new(pages: Vec<Page>) -> Playing {
        Playing { pages: pages.into_iter().map(|page| (page, 0)).collect(), heard: Vec::new() }
    }

    pub(super) fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// Notes a request, and gives its number and the answer to it.
    fn ask(&mut self, path: &str, request: &Request) -> (usize, Option<Reply>) {
        let heard = Heard {
            path: path.to_owned(),
            headers: request.headers.clone(),
            asked: Instant::now(),
            over: None,
        };
        self.heard.push(heard);
        let page = self.pages.iter_mut().find(|(page, _)| page.path == path);
        let reply = page.and_then(|(page, asked)| {
            let nth = (*asked).min(page.replies.len().saturating_sub(1));
            *asked += 1;
            page.replies.get(nth).cloned()
        });
        (self.heard.len() - 1, reply)
    }

    fn over(&mut self, number: usize) {
        if let Some(heard) = self.heard.get_mut(number) {
            heard.over = Some(Instant::now());
        }
    }
}

/// The beginning of a script's path; its number follows.
const PREFIX: &str = "/script/";

/// The script of a path, and the path below it.
pub(super) fn split(path: &str) -> Option<(u32, &str)> {
    let rest = path.strip_prefix(PREFIX)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((rest[..end].parse().ok()?, &rest[end..]))
}

/// Plays the answer to one request. None when there is no such script or no such page.
pub(super) fn play(
    mut wire: Wire,
    scheme: Scheme,
    request: &Request,
    shared: &Shared,
) -> Option<io::Result<()>> {
    let (number, path) = split(&request.path)?;
    let (nth, reply) = shared.with_script(number, |playing| playing.ask(path, request))?;
    let Reply(pieces) = reply?;
    let played = pieces.iter().try_for_each(|piece| send(&mut wire, piece, scheme, number, shared));
    let closed = played.and_then(|()| wire.close());
    shared.with_script(number, |playing| playing.over(nth));
    Some(closed)
}

fn send(wire: &mut Wire, piece: &Piece, scheme: Scheme, number: u32, shared: &Shared) -> io::Result<()> {
    match piece {
        Piece::Text(text) => {
            let base = shared.base(scheme);
            let (_, host) = base.split_once("://").unwrap_or_default();
            let text = text.replace("{base}", &format!("{base}{PREFIX}{number}")).replace("{host}", host);
            wire.write_all(text.as_bytes())
        }
        Piece::Bytes(bytes) => wire.write_all(bytes),
        Piece::Pause(time) => {
            wire.flush()?;
            let _: Paused = shared.live.pause(*time);
            Ok(())
        }
        Piece::ForEver(bytes, pause) => loop {
            wire.write_all(bytes)?;
            wire.flush()?;
            if !pause.is_zero() && shared.live.pause(*pause) == Paused::Stopped {
                return Ok(());
            }
        },
        Piece::Silence => {
            wire.flush()?;
            wire.wait_for_client(STALL)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_script_and_what_is_below_it() {
        assert_eq!(split("/script/12/file?x=1"), Some((12, "/file?x=1")));
        assert_eq!(split("/script/12"), Some((12, "")));
        for other in ["/script/", "/script/x", "/ok/1/2", "/script/99999999999/file"] {
            assert_eq!(split(other), None, "{other}");
        }
    }
}
