//! What goes wrong with a file, written as a path.

use std::fmt;

use super::content::{Content, Seed, content};

/// What the server does to requests for a file. Counts are per URL: the first `times` requests for it.
///
/// Printed, it is the beginning of the URL's path; the size and the seed follow.
///
/// ```
/// use subjects::server::{Fault, StallAt};
/// assert_eq!(Fault::Stall { at: StallAt::Half, times: 2 }.to_string(), "/stall/half/2");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// Nothing: ranges and validators work.
    Ok,
    /// This status, always.
    Status(u16),
    /// This status at first, then the file.
    StatusFirst {
        /// The status.
        status: u16,
        /// For how many requests.
        times: u32,
    },
    /// At first nothing more comes from some point on, until the client gives up.
    Stall {
        /// From where on.
        at: StallAt,
        /// For how many requests.
        times: u32,
    },
    /// At first the connection is closed without an answer.
    Hangup {
        /// For how many requests.
        times: u32,
    },
    /// At first the connection ends after half of what was asked for.
    Cut {
        /// For how many requests.
        times: u32,
    },
    /// The Content-Length is larger than the file, always.
    PromisesMore,
    /// More bytes follow than the Content-Length declares, always.
    PromisesLess,
    /// Ranges are ignored; cut in the middle at first, so that the client requests one.
    NoRanges {
        /// How many requests are cut.
        cuts: u32,
    },
    /// The bytes come slowly.
    Drip {
        /// How slowly.
        bytes_per_second: u32,
    },
    /// The first request is cut in the middle, and then the bytes come slowly.
    CutThenDrip {
        /// How slowly.
        bytes_per_second: u32,
    },
    /// The first request is cut in the middle. The rest comes without its end: chunked, and the last chunk is missing. The next part lacks the
    /// last byte that its Content-Range names, and nothing but that range gives it away.
    EndLost,
    /// The file is encoded as the request allows it, and comes plain where it allows nothing.
    Coded,
    /// Half of the file comes as a part, although the whole was asked for. Asked for the rest, the server sends that.
    UnaskedPart,
    /// The file is elsewhere.
    Redirect(Redirect),
    /// The file is another one after some cuts.
    Changed {
        /// How the client can detect it.
        how: Change,
        /// How many requests get half of the old file.
        cuts: u32,
    },
    /// No size: chunked, without ranges.
    Chunked {
        /// How many requests are cut in the middle of a chunk.
        cuts: u32,
    },
    /// No size: the body ends where the connection ends.
    CloseDelimited,
    /// The answer never ends (in truth after [`super::ENDLESS`]).
    Endless(Endless),
    /// The answer is not HTTP.
    Garbage(Garbage),
    /// Every answer to a range is wrong; without a range the file comes whole, but for the cuts.
    BadRange {
        /// In which way.
        how: BadRange,
        /// How many requests are cut, so that the client requests a range.
        cuts: u32,
    },
}

/// Where the client is led.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Redirect {
    /// To the file, after this number of hops.
    Chain(u32),
    /// In a circle.
    Loop,
    /// To the file, but over the other one of HTTP and HTTPS, where it really is.
    OtherScheme,
    /// To a file on the client's own disk.
    LocalFile,
    /// Nowhere: there is no Location.
    Missing,
    /// The Location is not a URL.
    Garbage,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Each of them.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            fn parse(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($name::$variant => $word,)* })
            }
        }
    )*};
}

words! {
    /// Where an answer stops coming.
    StallAt {
        /// Before its first byte.
        Start = "start",
        /// After the headers.
        Headers = "headers",
        /// In the middle of the body.
        Half = "half",
    }

    /// How a client can detect that a file has changed.
    Change {
        /// By its ETag; If-Range is obeyed.
        ETag = "etag",
        /// By its ETag alone: If-Range is ignored, and the part that comes is of the new file.
        ETagIgnored = "etag-ignored",
        /// By its Last-Modified; there is no ETag. If-Range is obeyed.
        LastModified = "last-modified",
        /// By its size; there are no validators.
        Size = "size",
        /// By its ETag, and it is so small that more bytes than it has are here already. If-Range is obeyed.
        Shrinks = "shrinks",
        /// By nothing: there are no validators, and its size is as before.
        Nothing = "nothing",
        /// By nothing: its entity tag is weak and stays as it was, as it may for equal meaning. A weak tag never makes If-Range true.
        Weak = "weak",
        /// By its ETag alone: its Last-Modified and its size are as before. Conditions are obeyed; a part that was asked for without any
        /// does not repeat the ETag.
        SameDate = "same-date",
    }

    /// What never ends.
    Endless {
        /// Header after header.
        Headers = "headers",
        /// One header.
        HeaderLine = "header-line",
        /// A chunked body.
        Body = "body",
        /// The line with the length of a chunk.
        ChunkLine = "chunk-line",
    }

    /// What is wrong with an answer.
    Garbage {
        /// There is no status line.
        StatusLine = "status-line",
        /// A chunk has no length.
        Chunk = "chunk",
        /// The Content-Length is not a number.
        Length = "length",
        /// The Content-Length is more than a disk can hold; the connection ends after the headers.
        HugeLength = "huge-length",
    }

    /// What is wrong with the answer to a range.
    BadRange {
        /// It is another part: it starts one byte early, as its Content-Range declares. Chunked, so that the length does not give it away.
        OtherStart = "other-start",
        /// It starts and ends one byte early, as its Content-Range declares: as long as what was asked for.
        Earlier = "earlier",
        /// It lacks the first byte, unless that alone was asked for, as its Content-Range declares. Chunked, so that the length does
        /// not give it away.
        Later = "later",
        /// It is the whole file, as its Content-Range declares.
        FromZero = "from-zero",
        /// It has more bytes than its Content-Range names, and the Content-Length counts them.
        Longer = "longer",
        /// Its Content-Range names another size of the whole file, one byte larger.
        OtherTotal = "other-total",
        /// It lacks the last byte, unless that alone was asked for. HTTP allows it, but the file is not whole then.
        Short = "short",
        /// It has no Content-Range.
        Missing = "missing",
        /// Its Content-Range cannot be read.
        Text = "text",
        /// Its Content-Range ends before it starts.
        Backwards = "backwards",
        /// The status is 416, although the file has that range.
        Refused = "refused",
    }
}

impl Fault {
    /// Every fault once and with every way it has, counts small: to try a client on all of them.
    #[must_use]
    pub fn samples() -> Vec<Fault> {
        let mut all = vec![Fault::Ok, Fault::PromisesMore, Fault::PromisesLess, Fault::CloseDelimited];
        all.extend([401, 403, 404, 407, 408, 409, 410, 500, 501, 503, 505].map(Fault::Status));
        all.push(Fault::StatusFirst { status: 503, times: 2 });
        all.extend(StallAt::ALL.iter().map(|&at| Fault::Stall { at, times: 1 }));
        all.extend([Fault::Hangup { times: 1 }, Fault::Cut { times: 2 }, Fault::NoRanges { cuts: 1 }]);
        all.extend([Fault::Drip { bytes_per_second: 100_000 }, Fault::Chunked { cuts: 1 }]);
        all.extend([Fault::CutThenDrip { bytes_per_second: 1_000_000 }, Fault::Coded, Fault::UnaskedPart]);
        all.push(Fault::EndLost);
        all.extend([Redirect::Chain(3), Redirect::Loop, Redirect::OtherScheme].map(Fault::Redirect));
        all.extend([Redirect::LocalFile, Redirect::Missing, Redirect::Garbage].map(Fault::Redirect));
        all.extend(Change::ALL.iter().map(|&how| Fault::Changed { how, cuts: 1 }));
        all.extend(Endless::ALL.iter().map(|&what| Fault::Endless(what)));
        all.extend(Garbage::ALL.iter().map(|&what| Fault::Garbage(what)));
        all.extend(BadRange::ALL.iter().map(|&how| Fault::BadRange { how, cuts: 1 }));
        all
    }

    /// The only bytes that a client may end up with, when it tries as often as it takes. None: it never has the file.
    #[must_use]
    pub fn content(&self, size: u64, seed: Seed) -> Option<Content> {
        match self {
            Fault::Ok
            | Fault::StatusFirst { .. }
            | Fault::Stall { .. }
            | Fault::Hangup { .. }
            | Fault::Cut { .. }
            | Fault::PromisesLess
            | Fault::NoRanges { .. }
            | Fault::Drip { .. }
            | Fault::CutThenDrip { .. }
            | Fault::EndLost
            | Fault::Coded
            | Fault::Redirect(Redirect::Chain(_))
            | Fault::Chunked { .. }
            | Fault::CloseDelimited
            | Fault::BadRange { .. } => Some(content(seed, size)),
            Fault::Changed { how, cuts } => Some(Version::at(*cuts, *cuts).content(*how, size, seed)),
            Fault::Status(_)
            | Fault::PromisesMore
            | Fault::UnaskedPart
            | Fault::Redirect(_)
            | Fault::Endless(_)
            | Fault::Garbage(_) => None,
        }
    }

    /// Whether a connection ends early, or there is a status: what comes gives the client's own disk nothing to do.
    #[must_use]
    pub const fn is_of_the_network(&self) -> bool {
        matches!(
            self,
            Fault::Status(_)
                | Fault::Hangup { .. }
                | Fault::Cut { .. }
                | Fault::Chunked { .. }
                | Fault::PromisesMore
        )
    }

    fn parse(words: &[&str]) -> Option<Fault> {
        Some(match words {
            ["ok"] => Fault::Ok,
            ["status", status] => Fault::Status(parse_status(status)?),
            ["status-first", status, times] => {
                Fault::StatusFirst { status: parse_status(status)?, times: times.parse().ok()? }
            }
            ["stall", at, times] => Fault::Stall { at: StallAt::parse(at)?, times: times.parse().ok()? },
            ["hangup", times] => Fault::Hangup { times: times.parse().ok()? },
            ["cut", times] => Fault::Cut { times: times.parse().ok()? },
            ["promises-more"] => Fault::PromisesMore,
            ["promises-less"] => Fault::PromisesLess,
            ["no-ranges", cuts] => Fault::NoRanges { cuts: cuts.parse().ok()? },
            ["drip", rate] => Fault::Drip { bytes_per_second: rate.parse().ok()? },
            ["cut-then-drip", rate] => Fault::CutThenDrip { bytes_per_second: rate.parse().ok()? },
            ["end-lost"] => Fault::EndLost,
            ["coded"] => Fault::Coded,
            ["unasked-part"] => Fault::UnaskedPart,
            ["redirect", "chain", hops] => Fault::Redirect(Redirect::Chain(hops.parse().ok()?)),
            ["redirect", "loop"] => Fault::Redirect(Redirect::Loop),
            ["redirect", "other-scheme"] => Fault::Redirect(Redirect::OtherScheme),
            ["redirect", "local-file"] => Fault::Redirect(Redirect::LocalFile),
            ["redirect", "missing"] => Fault::Redirect(Redirect::Missing),
            ["redirect", "garbage"] => Fault::Redirect(Redirect::Garbage),
            ["changed", how, cuts] => Fault::Changed { how: Change::parse(how)?, cuts: cuts.parse().ok()? },
            ["chunked", cuts] => Fault::Chunked { cuts: cuts.parse().ok()? },
            ["close-delimited"] => Fault::CloseDelimited,
            ["endless", what] => Fault::Endless(Endless::parse(what)?),
            ["garbage", what] => Fault::Garbage(Garbage::parse(what)?),
            ["bad-range", how, cuts] => {
                Fault::BadRange { how: BadRange::parse(how)?, cuts: cuts.parse().ok()? }
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Ok => f.write_str("/ok"),
            Fault::Status(status) => write!(f, "/status/{status}"),
            Fault::StatusFirst { status, times } => write!(f, "/status-first/{status}/{times}"),
            Fault::Stall { at, times } => write!(f, "/stall/{at}/{times}"),
            Fault::Hangup { times } => write!(f, "/hangup/{times}"),
            Fault::Cut { times } => write!(f, "/cut/{times}"),
            Fault::PromisesMore => f.write_str("/promises-more"),
            Fault::PromisesLess => f.write_str("/promises-less"),
            Fault::NoRanges { cuts } => write!(f, "/no-ranges/{cuts}"),
            Fault::Drip { bytes_per_second } => write!(f, "/drip/{bytes_per_second}"),
            Fault::CutThenDrip { bytes_per_second } => write!(f, "/cut-then-drip/{bytes_per_second}"),
            Fault::EndLost => f.write_str("/end-lost"),
            Fault::Coded => f.write_str("/coded"),
            Fault::UnaskedPart => f.write_str("/unasked-part"),
            Fault::Redirect(Redirect::Chain(hops)) => write!(f, "/redirect/chain/{hops}"),
            Fault::Redirect(Redirect::Loop) => f.write_str("/redirect/loop"),
            Fault::Redirect(Redirect::OtherScheme) => f.write_str("/redirect/other-scheme"),
            Fault::Redirect(Redirect::LocalFile) => f.write_str("/redirect/local-file"),
            Fault::Redirect(Redirect::Missing) => f.write_str("/redirect/missing"),
            Fault::Redirect(Redirect::Garbage) => f.write_str("/redirect/garbage"),
            Fault::Changed { how, cuts } => write!(f, "/changed/{how}/{cuts}"),
            Fault::Chunked { cuts } => write!(f, "/chunked/{cuts}"),
            Fault::CloseDelimited => f.write_str("/close-delimited"),
            Fault::Endless(what) => write!(f, "/endless/{what}"),
            Fault::Garbage(what) => write!(f, "/garbage/{what}"),
            Fault::BadRange { how, cuts } => write!(f, "/bad-range/{how}/{cuts}"),
        }
    }
}

/// A file as its path names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Resource {
    pub(super) fault: Fault,
    pub(super) size: u64,
    pub(super) seed: Seed,
}

impl Resource {
    pub(super) fn parse(path: &str) -> Option<Resource> {
        let words: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let [fault @ .., size, seed] = words.as_slice() else { return None };
        let (size, seed) = (size.parse().ok()?, Seed(seed.parse().ok()?));
        Some(Resource { fault: Fault::parse(fault)?, size, seed })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.fault, self.size, self.seed.0)
    }
}

/// The old or the new file, where a file changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Version {
    Old,
    New,
}

impl Version {
    /// What the request with this number (from 0) gets, when the file changes after this number of cuts.
    pub(super) fn at(nth: u32, cuts: u32) -> Version {
        if nth < cuts { Version::Old } else { Version::New }
    }

    pub(super) fn content(self, how: Change, size: u64, seed: Seed) -> Content {
        match self {
            Version::Old => content(seed, size),
            Version::New => {
                let size = match how {
                    Change::Size => size.saturating_add(1),
                    Change::Shrinks => size / 4,
                    _ => size,
                };
                content(Seed(!seed.0), size)
            }
        }
    }
}

/// Three digits, as HTTP has them.
fn parse_status(word: &str) -> Option<u16> {
    word.parse().ok().filter(|status| (100..=999).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_its_path() {
        let samples = Fault::samples();
        for (i, fault) in samples.iter().enumerate() {
            let resource = Resource { fault: *fault, size: u64::MAX, seed: Seed(9) };
            assert_eq!(Resource::parse(&resource.to_string()), Some(resource));
            assert!(!samples[i + 1..].contains(fault), "{fault} is there twice");
        }
    }

    #[test]
    fn other_paths_are_refused() {
        for path in
            ["", "/", "ok/1/2", "/ok", "/ok/1", "/ok/1/2/3", "/ok/-1/2", "/ok/1/x", "/status/1000/1/2"]
        {
            assert_eq!(Resource::parse(path), None, "{path}");
        }
    }
}
