//! Codings of a body that a request can allow: the bytes on the way are then others than those of the file.

use std::fmt;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// A coding that the server can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    /// The first one that the value of Accept-Encoding allows. Without the header a server may choose; this one then encodes nothing.
    pub(super) fn allowed(accept: Option<&str>) -> Option<Coding> {
        accept?.split(',').find_map(|word| {
            let (name, weight) = word.split_once(';').unwrap_or((word, ""));
            let refused =
                weight.trim().strip_prefix("q=").is_some_and(|weight| weight.trim().parse() == Ok(0.0));
            match name.trim().to_ascii_lowercase().as_str() {
                _ if refused => None,
                "gzip" | "x-gzip" | "*" => Some(Coding::Gzip),
                "deflate" => Some(Coding::Deflate),
                _ => None,
            }
        })
    }

    pub(super) fn encode(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Coding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
        }
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_encoded_that_the_request_does_not_allow() {
        for nothing in [None, Some(""), Some("identity"), Some("br, identity"), Some("gzip;q=0, *;q=0.0")] {
            assert_eq!(Coding::allowed(nothing), None, "{nothing:?}");
        }
        for gzip in ["gzip", "identity, gzip", "br;q=1, GZIP;q=0.5", "*", "deflate;q=0, x-gzip"] {
            assert_eq!(Coding::allowed(Some(gzip)), Some(Coding::Gzip), "{gzip}");
        }
        assert_eq!(Coding::allowed(Some("deflate, gzip")), Some(Coding::Deflate));
    }
}
