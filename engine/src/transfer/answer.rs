//! Reading an answer: is it the file, the rest that was requested, or neither?

use contract::defect::{Fault, Seeded};
use ureq::Body;
use ureq::http::header::CONTENT_RANGE;
use ureq::http::{HeaderMap, Response};

use super::failed::Failed;
use super::validator::Validator;

/// What a response to a request for a file, or for the rest of it, is.
#[derive(Debug)]
pub(super) enum Answer {
    /// Bytes of the file, from `start` on.
    Bytes(Source),
    /// Nothing that fits what is here: ask again, for the whole file.
    StartOver,
}

/// Bytes of a file that are about to come.
#[derive(Debug)]
pub(super) struct Source {
    /// The number of the first byte.
    pub(super) start: u64,
    /// The number of the byte after the last, if the server declared it.
    pub(super) end: Option<u64>,
    /// The size of the whole file, if the server declared it.
    pub(super) total: Option<u64>,
    /// The version they are of.
    pub(super) validator: Validator,
    /// They.
    pub(super) body: Body,
}

/// `Content-Range: bytes first-last/total`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ContentRange {
    first: u64,
    last: u64,
    total: Option<u64>,
}

impl Answer {
    /// Reads the answer to a request for the bytes from `from` on, given the version that is here.
    pub(super) fn read(
        response: Response<Body>,
        from: u64,
        here: Option<&Validator>,
        seeded: Seeded,
    ) -> Result<Answer, Failed> {
        match (response.status().as_u16(), from) {
            (200, _) => Ok(Answer::Bytes(whole(response))),
            (206, 0) => Err(Failed::NOT_HTTP),
            (206, _) => Ok(rest(response, from, here, seeded).map_or(Answer::StartOver, Answer::Bytes)),
            (416, 1..) => Ok(Answer::StartOver),
            _ => Err(Failed::status(response.status()).seeded(seeded)),
        }
    }
}

fn whole(response: Response<Body>) -> Source {
    let (parts, body) = response.into_parts();
    let total = body.content_length();
    Source { start: 0, end: total, total, validator: Validator::of(&parts.headers, total), body }
}

/// The rest of the version that is here; none when it is anything else.
fn rest(response: Response<Body>, from: u64, here: Option<&Validator>, seeded: Seeded) -> Option<Source> {
    let (parts, body) = response.into_parts();
    let range = ContentRange::of(&parts.headers)?;
    let end = range.last.checked_add(1)?;
    let here = here?;
    // Without the total the end of the file cannot be distinguished from the end of a shorter range.
    let total = range.total.or(here.size())?;
    let starts = range.first == from || seeded.is(Fault::RangeNotCompared);
    let fits = starts && end > from && end <= total;
    let length_fits = body.content_length().is_none_or(|length| length == end - from);
    let validator = Validator::of(&parts.headers, range.total);
    let agrees = here.agrees_with(&validator) || seeded.is(Fault::RestWithoutEvidence);
    (fits && length_fits && agrees).then(|| Source {
        start: from,
        end: Some(end),
        total: Some(total),
        validator: here.clone().and(validator),
        body,
    })
}

impl ContentRange {
    fn of(headers: &HeaderMap) -> Option<ContentRange> {
        headers.get(CONTENT_RANGE)?.to_str().ok().and_then(ContentRange::parse)
    }

    fn parse(text: &str) -> Option<ContentRange> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, total) = rest.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let total = if total == "*" { None } else { Some(number(total)?) };
        unit.eq_ignore_ascii_case("bytes").then_some(ContentRange {
            first: number(first)?,
            last: number(last)?,
            total,
        })
    }
}

/// Digits alone: the standard parser would let a sign pass.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_strictly() {
        let range = |first, last, total| Some(ContentRange { first, last, total });
        assert_eq!(ContentRange::parse("bytes 5-9/10"), range(5, 9, Some(10)));
        assert_eq!(ContentRange::parse("Bytes 5-9/*"), range(5, 9, None));
        for nonsense in [
            "",
            "bytes",
            "bytes */10",
            "bytes 5-/10",
            "bytes +5-9/10",
            "items 5-9/10",
            "bytes 5-9",
            "bytes 5-99999999999999999999/*",
        ] {
            assert_eq!(ContentRange::parse(nonsense), None, "{nonsense}");
        }
    }
}
