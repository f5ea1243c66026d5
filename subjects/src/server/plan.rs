//! What part of a file an answer has, under which headers, and where it ends.

use super::content::{Content, content};
use super::fault::{BadRange, Change, Fault, Resource, StallAt, Version};
use super::request::{Range, Request};

/// By how many bytes a wrong Content-Length is wrong.
pub(super) const WRONG_BY: u64 = 1024;

/// An answer that has a file, or part of one.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) status: u16,
    pub(super) headers: Vec<String>,
    pub(super) framing: Framing,
    /// What is sent, if nothing cuts it.
    pub(super) part: Content,
    pub(super) end: End,
    /// How fast, when it is slow.
    pub(super) bytes_per_second: Option<u32>,
}

/// How the client can detect where the body ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    Close,
}

/// Where the body ends in truth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// At its end.
    Whole,
    /// Behind its end, by this number of bytes.
    More(u64),
    /// In the middle, by the end of the connection.
    Cut,
    /// At its end, but nothing marks it.
    Unfinished,
    /// In the middle, and the connection stays open.
    StallHalf,
    /// Before its first byte, and the connection stays open.
    StallHeaders,
}

impl Plan {
    /// The answer to the request with this number (from 0) for a file.
    pub(super) fn of(resource: &Resource, request: &Request, nth: u32) -> Plan {
        let version = Validators::of(resource, nth);
        let whole = version_content(resource, nth);
        let mut plan = Plan {
            status: 200,
            headers: version.headers(),
            framing: framing(resource.fault, whole.remaining()),
            part: whole.clone(),
            end: end(resource.fault, nth),
            bytes_per_second: match resource.fault {
                Fault::Drip { bytes_per_second } => Some(bytes_per_second.max(1)),
                Fault::CutThenDrip { bytes_per_second } if nth > 0 => Some(bytes_per_second.max(1)),
                _ => None,
            },
        };
        if version.are_refused_by(request) {
            plan.is_not(412);
        } else if serves_ranges(resource.fault) {
            plan.headers.push("Accept-Ranges: bytes".to_owned());
            let unasked = (resource.fault == Fault::UnaskedPart)
                .then(|| Range { from: 0, last: (whole.remaining() / 2).checked_sub(1) });
            let range = request.range.filter(|_| version.allow(resource.fault, request));
            if let Some(range) = range.or(unasked) {
                plan.take_range(range, &whole, resource.fault);
                plan.lose_the_end(resource.fault, nth);
            }
            if version.is_kept_back_from(resource.fault, request) {
                plan.headers.retain(|header| !header.starts_with("ETag"));
            }
        }
        plan
    }

    /// There is no file in it.
    fn is_not(&mut self, status: u16) {
        self.status = status;
        self.part = self.part.part(0, 0);
        self.framing = Framing::Length(0);
        self.end = End::Whole;
    }

    /// What becomes of a part whose end is lost.
    fn lose_the_end(&mut self, fault: Fault, nth: u32) {
        if self.status != 206 || fault != Fault::EndLost || !(1..=2).contains(&nth) {
            return;
        }
        self.framing = Framing::Chunked;
        if nth == 1 {
            self.end = End::Unfinished;
        } else {
            self.part = self.part.part(0, self.part.remaining() - 1);
        }
    }

    fn take_range(&mut self, range: Range, whole: &Content, fault: Fault) {
        // The size that the Content-Range declares; with PromisesMore it is as wrong here as in the Content-Length.
        let told = whole.remaining().saturating_add(if fault == Fault::PromisesMore { WRONG_BY } else { 0 });
        let bad = match fault {
            Fault::BadRange { how, .. } => Some(how),
            _ => None,
        };
        if range.from >= told
            || bad == Some(BadRange::Refused)
            || range.last.is_some_and(|last| last < range.from)
        {
            return self.refuse(told);
        }
        let (mut from, mut last) = (range.from, range.last.unwrap_or(u64::MAX).min(told - 1));
        match bad {
            Some(BadRange::OtherStart) => from = from.checked_sub(1).unwrap_or(1),
            Some(BadRange::Earlier) if from > 0 && from < last => (from, last) = (from - 1, last - 1),
            Some(BadRange::Later) if from < last => from += 1,
            Some(BadRange::FromZero) => from = 0,
            Some(BadRange::Short) if from < last => last -= 1,
            _ => {}
        }
        self.status = 206;
        self.part = whole.part(from, last.saturating_add(1));
        self.framing = match bad {
            Some(BadRange::OtherStart | BadRange::Later) => Framing::Chunked,
            Some(BadRange::Longer) if self.end == End::Whole => {
                self.end = End::More(WRONG_BY);
                Framing::Length((last + 1).saturating_sub(from).saturating_add(WRONG_BY))
            }
            _ => Framing::Length((last + 1).saturating_sub(from)),
        };
        match bad {
            Some(BadRange::Missing) => {}
            Some(BadRange::Text) => self.headers.push("Content-Range: the rest".to_owned()),
            Some(BadRange::Backwards) => self.headers.push(format!("Content-Range: bytes {last}-{from}/0")),
            Some(BadRange::OtherTotal) => {
                self.headers.push(format!("Content-Range: bytes {from}-{last}/{}", told.saturating_add(1)));
            }
            _ => self.headers.push(format!("Content-Range: bytes {from}-{last}/{told}")),
        }
    }

    fn refuse(&mut self, told: u64) {
        self.headers.push(format!("Content-Range: bytes */{told}"));
        self.is_not(416);
    }
}

/// When the old version was made.
const EARLIER: &str = "Mon, 06 Jan 2025 08:00:00 GMT";

/// What an answer declares about which file it is of.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Validators {
    etag: Option<String>,
    modified: Option<&'static str>,
}

impl Validators {
    fn of(resource: &Resource, nth: u32) -> Validators {
        let etag = |version: Version| Some(format!("\"{}-{}-{version:?}\"", resource.seed.0, resource.size));
        let modified = |version| {
            Some(match version {
                Version::Old => EARLIER,
                Version::New => "Tue, 07 Jan 2025 08:00:00 GMT",
            })
        };
        let Fault::Changed { how, cuts } = resource.fault else {
            return Validators { etag: etag(Version::Old), modified: modified(Version::Old) };
        };
        let version = Version::at(nth, cuts);
        match how {
            Change::Weak => {
                Validators { etag: etag(Version::Old).map(|tag| format!("W/{tag}")), modified: None }
            }
            Change::SameDate => Validators { etag: etag(version), modified: modified(Version::Old) },
            Change::ETag | Change::ETagIgnored | Change::Shrinks => {
                Validators { etag: etag(version), modified: None }
            }
            Change::LastModified => Validators { etag: None, modified: modified(version) },
            Change::Size | Change::Nothing => Validators { etag: None, modified: None },
        }
    }

    fn headers(&self) -> Vec<String> {
        let etag = self.etag.iter().map(|etag| format!("ETag: {etag}"));
        etag.chain(self.modified.map(|date| format!("Last-Modified: {date}"))).collect()
    }

    /// Whether a range may be served: there is no If-Range, or it names this very file.
    fn allow(&self, fault: Fault, request: &Request) -> bool {
        let Some(wanted) = request.if_range.as_deref() else { return true };
        let ignored = matches!(fault, Fault::Changed { how: Change::ETagIgnored, .. });
        let strong = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        ignored || strong == Some(wanted) || self.modified == Some(wanted)
    }

    /// Whether the request is for another version only, by If-Match or If-Unmodified-Since. If-Match requires equal bytes, which no weak
    /// tag promises.
    fn are_refused_by(&self, request: &Request) -> bool {
        let mine = |tag: &str| tag.trim() == "*" || self.etag.as_deref() == Some(tag.trim());
        let strong = |tag: &str| mine(tag) && !tag.trim().starts_with("W/");
        match (request.header("if-match"), request.header("if-unmodified-since"), self.modified) {
            (Some(tags), ..) => !tags.split(',').any(strong),
            // The server's dates are two: another one than this is an older or a later one.
            (None, Some(date), Some(modified)) => date == EARLIER && modified != EARLIER,
            _ => false,
        }
    }

    /// Whether a part hides of which version it is.
    fn is_kept_back_from(&self, fault: Fault, request: &Request) -> bool {
        let hides = matches!(fault, Fault::Changed { how: Change::SameDate, .. });
        hides && request.range.is_some() && !request.is_conditional()
    }
}

fn version_content(resource: &Resource, nth: u32) -> Content {
    match resource.fault {
        Fault::Changed { how, cuts } => Version::at(nth, cuts).content(how, resource.size, resource.seed),
        _ => content(resource.seed, resource.size),
    }
}

fn serves_ranges(fault: Fault) -> bool {
    !matches!(fault, Fault::NoRanges { .. } | Fault::Chunked { .. } | Fault::CloseDelimited)
}

fn framing(fault: Fault, size: u64) -> Framing {
    match fault {
        Fault::Chunked { .. } => Framing::Chunked,
        Fault::CloseDelimited => Framing::Close,
        Fault::PromisesMore => Framing::Length(size.saturating_add(WRONG_BY)),
        _ => Framing::Length(size),
    }
}

fn end(fault: Fault, nth: u32) -> End {
    match fault {
        Fault::PromisesLess => End::More(WRONG_BY),
        Fault::CutThenDrip { .. } | Fault::EndLost if nth == 0 => End::Cut,
        Fault::Stall { at: StallAt::Half, times } if nth < times => End::StallHalf,
        Fault::Stall { at: StallAt::Headers, times } if nth < times => End::StallHeaders,
        Fault::Cut { times: cuts }
        | Fault::NoRanges { cuts }
        | Fault::Changed { cuts, .. }
        | Fault::Chunked { cuts }
        | Fault::BadRange { cuts, .. }
            if nth < cuts =>
        {
            End::Cut
        }
        _ => End::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Seed;
    use super::*;

    fn plan(fault: Fault, from: u64, if_range: Option<&str>, nth: u32) -> Plan {
        let request = Request {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            range: Some(Range { from, last: None }),
            if_range: if_range.map(str::to_owned),
            headers: Vec::new(),
        };
        Plan::of(&Resource { fault, size: 100, seed: Seed(1) }, &request, nth)
    }

    fn says(plan: &Plan, header: &str) -> bool {
        plan.headers.iter().any(|line| line == header)
    }

    #[test]
    fn a_range_is_served_only_of_the_file_that_if_range_names() {
        let good = plan(Fault::Ok, 40, None, 0);
        assert_eq!((good.status, good.framing), (206, Framing::Length(60)));
        assert_eq!(good.part, content(Seed(1), 100).part(40, 100));
        assert!(says(&good, "Content-Range: bytes 40-99/100") && says(&good, "ETag: \"1-100-Old\""));

        let changed = |how, nth| plan(Fault::Changed { how, cuts: 1 }, 40, Some("\"1-100-Old\""), nth);
        assert_eq!(changed(Change::ETag, 0).status, 206);
        assert_eq!(changed(Change::ETag, 1).status, 200);
        let ignored = changed(Change::ETagIgnored, 1);
        assert!(ignored.status == 206 && says(&ignored, "ETag: \"1-100-New\""));
        let changed = |condition: Option<&str>| {
            plan(Fault::Changed { how: Change::SameDate, cuts: 1 }, 40, condition, 1)
        };
        assert_eq!(changed(Some("\"1-100-Old\"")).status, 200);
        let unasked = changed(None);
        assert!(unasked.status == 206 && !unasked.headers.iter().any(|line| line.starts_with("ETag")));
        assert_eq!(unasked.part, content(Seed(!1), 100).part(40, 100));
        let weak = plan(Fault::Changed { how: Change::Weak, cuts: 1 }, 40, Some("W/\"1-100-Old\""), 1);
        assert_eq!(weak.status, 200);
        let grown = plan(Fault::Changed { how: Change::Size, cuts: 1 }, 40, None, 1);
        assert!(says(&grown, "Content-Range: bytes 40-100/101"), "{grown:?}");
    }

    #[test]
    fn bad_ranges_are_bad_in_their_own_way_only() {
        let bad = |how, from| plan(Fault::BadRange { how, cuts: 0 }, from, None, 0);
        let early = bad(BadRange::OtherStart, 40);
        assert!(says(&early, "Content-Range: bytes 39-99/100") && early.part.remaining() == 61, "{early:?}");
        let short = bad(BadRange::Short, 40);
        assert!(says(&short, "Content-Range: bytes 40-98/100") && short.part.remaining() == 59, "{short:?}");
        assert_eq!(bad(BadRange::Short, 99).part, content(Seed(1), 100).part(99, 100));
        for (how, range) in
            [(BadRange::Earlier, (39, 98)), (BadRange::Later, (41, 99)), (BadRange::FromZero, (0, 99))]
        {
            let (first, last) = range;
            let other = bad(how, 40);
            assert!(says(&other, &format!("Content-Range: bytes {first}-{last}/100")), "{other:?}");
            assert_eq!(other.part, content(Seed(1), 100).part(first, last + 1), "{how}");
        }
        assert!(!bad(BadRange::Missing, 40).headers.iter().any(|line| line.starts_with("Content-Range")));
    }

    #[test]
    fn a_range_that_is_not_there_is_refused() {
        for (fault, from) in [(Fault::Ok, 100), (Fault::BadRange { how: BadRange::Refused, cuts: 0 }, 1)] {
            let refused = plan(fault, from, None, 0);
            assert_eq!((refused.status, refused.part.remaining()), (416, 0));
            assert!(says(&refused, "Content-Range: bytes */100"));
        }
    }
}
