//! What a row of the table is made of: what the server sends, what else happens, and what must come of it.

use std::time::Duration;

use contract::core::Failure;
use contract::{ErrorContext, HResult};

use crate::server::{Page, Piece, Reply, Scheme};

/// One row: one job with one file, and everything that a client, a server and a disk can see of its transfer.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Its name, which findings carry.
    pub(super) name: String,
    /// Where it is written that it has to be so.
    pub(super) because: &'static str,
    pub(super) scheme: Scheme,
    /// The file's path below the script, as the client names it.
    pub(super) path: &'static str,
    pub(super) pages: Vec<Page>,
    pub(super) trouble: Trouble,
    pub(super) limits: Limits,
    pub(super) retries: Retries,
    /// The least number of reports of bytes that the core has to receive.
    pub(super) heard: usize,
    pub(super) asks: Vec<Ask>,
    pub(super) says: Vec<Said>,
    pub(super) end: End,
}

/// What happens beside the conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    None,
    /// The client suspends the job when this number of bytes has arrived, and resumes it when the transfer has stopped.
    SuspendAt(u64),
    /// The client cancels the job when this number of bytes has arrived.
    CancelAt(u64),
    /// The temporary file is taken away before the second attempt.
    TemporaryLost,
    /// The temporary file is made shorter before the second attempt.
    TemporaryShorter,
    /// The temporary file's name is taken by another file.
    TemporaryTaken,
    /// The destination is in a directory that is not there.
    NoDirectory,
    /// Another file stands at the destination.
    Foreign,
    /// A directory stands at the destination until Complete has failed.
    Directory,
    /// A service that has died has left files beside the destination, and another program has one whose name is like theirs.
    Leftovers,
    /// No server listens at the URL.
    NoServer,
    /// The URL has a host name that no system looks up: a part of it is too long.
    NoHost,
    /// The client does not trust the server's certificate.
    NotTrusted,
}

/// The limits of the HTTP client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Limits {
    /// Longer than a loaded machine takes for anything.
    Usual,
    /// Silence is noticed soon.
    Impatient,
    /// Bytes have to come fast.
    Brisk,
    /// One byte at a time is enough, however soon it is looked at.
    Least,
    /// No file is longer than this.
    Short(u64),
}

/// Whether a transient error is tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Retries {
    Yes,
    /// The no-progress timeout is 0: every error is final (semantics m).
    No,
}

/// The requests that the server has to receive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ask {
    /// For the whole file.
    Whole,
    /// For the bytes from this one on, on condition of this entity tag.
    Rest(u64, Option<&'static str>),
    /// For the bytes from some byte on, on condition of this entity tag.
    SomeRest(Option<&'static str>),
    /// For the whole of another path.
    At(&'static str),
}

/// What a transfer has to report. Of bytes the last report before something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Connected,
    Size(u64),
    Restarted,
    Here(u64),
    /// Some bytes; their number depends on the machine.
    SomeHere,
    Done,
    Failed(Failure, HResult, ErrorContext),
    /// A report was answered with Stop.
    Stopped,
}

/// How the job has to stand at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// TRANSFERRED, and these are the bytes.
    Whole(Vec<u8>),
    /// ERROR.
    Error,
    /// CANCELLED.
    Cancelled,
}

impl Case {
    /// A file that is fetched over HTTP from one page.
    pub(super) fn new(name: impl Into<String>, because: &'static str, replies: Vec<Reply>) -> Case {
        Case {
            name: name.into(),
            because,
            scheme: Scheme::Http,
            path: "/file",
            pages: vec![Page { path: "/file", replies }],
            trouble: Trouble::None,
            limits: Limits::Usual,
            retries: Retries::Yes,
            heard: 0,
            asks: Vec::new(),
            says: Vec::new(),
            end: End::Error,
        }
    }

    /// The requests and reports that have to come, attempt after attempt, and how it ends.
    pub(super) fn expect(self, asks: impl Into<Vec<Ask>>, says: impl Into<Vec<Said>>, end: End) -> Case {
        Case { asks: asks.into(), says: says.into(), end, ..self }
    }

    pub(super) fn trouble(self, trouble: Trouble) -> Case {
        Case { trouble, ..self }
    }

    pub(super) fn limits(self, limits: Limits) -> Case {
        Case { limits, ..self }
    }

    pub(super) fn once(self) -> Case {
        Case { retries: Retries::No, ..self }
    }

    /// The attempts that fail, by their reports.
    pub(super) fn failures(&self) -> impl Iterator<Item = (Failure, HResult, ErrorContext)> {
        self.says.iter().filter_map(|said| match *said {
            Said::Failed(class, hr, context) => Some((class, hr, context)),
            _ => None,
        })
    }
}

/// An answer without a length: `bare("200 OK", &["etag: \"x\""], b"...")`.
pub(super) fn bare(status: &str, headers: &[&str], body: &[u8]) -> Reply {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for header in headers.iter().copied().chain(["connection: close"]) {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    Reply(vec![Piece::Text(head), Piece::Bytes(body.to_vec())])
}

/// An answer with the length of its body.
pub(super) fn response(status: &str, headers: &[&str], body: &[u8]) -> Reply {
    let length = format!("content-length: {}", body.len());
    bare(status, &[headers, &[&length]].concat(), body)
}

/// A good answer to a request for the whole file.
pub(super) fn whole(headers: &[&str], body: &[u8]) -> Reply {
    response("200 OK", headers, body)
}

/// A good answer to a request for the bytes from `from` on.
pub(super) fn rest(headers: &[&str], from: usize, bytes: &[u8]) -> Reply {
    let range = format!("content-range: bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    response("206 Partial Content", &[headers, &[&range]].concat(), &bytes[from..])
}

/// The first bytes of a file of this length; then the connection ends.
pub(super) fn cut(headers: &[&str], bytes: &[u8], at: usize) -> Reply {
    let length = format!("content-length: {}", bytes.len());
    bare("200 OK", &[headers, &[&length]].concat(), &bytes[..at])
}

/// Bytes in which every position differs from its neighbours and from those a chunk away.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31) ^ (at >> 8).wrapping_mul(17)) as u8).collect()
}

/// A short moment, for what comes slowly.
pub(super) const MOMENT: Duration = Duration::from_millis(100);
