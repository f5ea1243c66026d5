//! Reading requests.

use std::io::{self, Read};

/// The longest request head that is read, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// The most headers that are understood.
const MAX_HEADERS: usize = 64;

/// What the server wants to know of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// The Range, when it is one part of bytes with a start. Others are ignored, as HTTP allows.
    pub(super) range: Option<Range>,
    pub(super) if_range: Option<String>,
    /// Every header that is text, names in lower case.
    pub(super) headers: Vec<(String, String)>,
}

/// The headers that make an answer depend on the version of the file.
const CONDITIONS: [&str; 5] =
    ["if-range", "if-match", "if-none-match", "if-unmodified-since", "if-modified-since"];

/// One part of a file: from a byte on, perhaps up to and with another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub(super) from: u64,
    pub(super) last: Option<u64>,
}

impl Request {
    /// Reads one request head. None when the client closes or sends what is not HTTP.
    pub(super) fn read(wire: &mut impl Read) -> io::Result<Option<Request>> {
        let (mut head, mut filled) = (vec![0; MAX_HEAD], 0);
        loop {
            let count = wire.read(&mut head[filled..])?;
            if count == 0 {
                return Ok(None);
            }
            filled += count;
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&head[..filled]) {
                Ok(httparse::Status::Complete(_)) => return Ok(Request::of(&parsed)),
                Ok(httparse::Status::Partial) => {}
                Err(_) => return Ok(None),
            }
        }
    }

    /// The value of a header, named in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// Whether the answer is to depend on the version of the file.
    pub(super) fn is_conditional(&self) -> bool {
        CONDITIONS.iter().any(|name| self.header(name).is_some())
    }

    fn of(parsed: &httparse::Request<'_, '_>) -> Option<Request> {
        let header = |name: &str| {
            let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(found.value).ok()
        };
        Some(Request {
            method: parsed.method?.to_owned(),
            path: parsed.path?.to_owned(),
            range: header("range").and_then(Range::parse),
            if_range: header("if-range").map(str::to_owned),
            headers: parsed.headers.iter().filter_map(text_of).collect(),
        })
    }
}

fn text_of(header: &httparse::Header<'_>) -> Option<(String, String)> {
    let value = std::str::from_utf8(header.value).ok()?;
    Some((header.name.to_ascii_lowercase(), value.to_owned()))
}

impl Range {
    fn parse(value: &str) -> Option<Range> {
        let (from, last) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
        let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
        Some(Range { from: from.parse().ok()?, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_arrive_in_pieces_and_nonsense_is_no_request() {
        let head = "GET /a HTTP/1.1\r\nhost: h\r\nRANGE: bytes=5-\r\nIf-Range: \"x\"\r\n\r\n";
        let (first, second) = head.as_bytes().split_at(30);
        let request = Request::read(&mut first.chain(second)).expect("memory reads without errors");
        let request = request.expect("a request");
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/a"));
        assert_eq!(request.range, Some(Range { from: 5, last: None }));
        assert_eq!(request.if_range.as_deref(), Some("\"x\""));

        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(2 * MAX_HEAD));
        for bad in ["", "GET", "GET / HTTP/1.1\r\n", "\0\r\n\r\n", "GET /\r\n : \r\n\r\n", &long] {
            let read = Request::read(&mut bad.as_bytes()).expect("memory reads without errors");
            assert_eq!(read, None, "{bad:?}");
        }
    }

    #[test]
    fn ranges_that_are_not_one_part_with_a_start_are_ignored() {
        assert_eq!(Range::parse("bytes=2-9"), Some(Range { from: 2, last: Some(9) }));
        for bad in ["", "bytes=", "bytes=-5", "bytes=1-2,4-5", "lines=1-", "bytes=99999999999999999999-"] {
            assert_eq!(Range::parse(bad), None, "{bad}");
        }
    }
}
