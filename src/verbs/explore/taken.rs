//! A trace for the pages, from a file or from what a browser sends.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use judge::Trace;
use pages::Problem;

use crate::engines::replay;
use crate::error::Error;
use crate::input::given_in;
use crate::output::printable;

/// What is packed may have at most this number of bytes when it is unpacked.
const MOST_UNPACKED: u64 = 64 << 20;

/// Archives in archives are looked into so deep.
const NESTED: usize = 2;

/// The trace of a file, and its name.
pub(super) fn from_file(file: &Path) -> Result<(String, Trace), Error> {
    let trace = replay::trace_of(given_in(file)?)?;
    let name = file
        .file_name()
        .map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
    Ok((printable(&name), trace))
}

/// The trace of what was sent. It is read as a file is, once its size is known.
pub(super) fn from_bytes(name: &str, bytes: &[u8]) -> Result<Trace, Problem> {
    let bad = |what: String, help: &str| Problem::BadTrace { what, help: help.to_owned() };
    let bytes = unpacked(bytes).map_err(|()| {
        bad(
            format!("{name} is too large, or damaged"),
            "unpack it, and make it small with `bgcheck minimize`",
        )
    })?;
    let unwritable =
        |error: std::io::Error| bad(format!("{name} cannot be put aside: {error}"), "make room on the disk");
    let dir = tempfile::tempdir().map_err(unwritable)?;
    let file = dir.path().join("trace.jsonl");
    std::fs::write(&file, &bytes).map_err(unwritable)?;
    let read = given_in(&file).and_then(replay::trace_of);
    read.map_err(|error| {
        // The user does not know the temporary file, so the message gets the name of the trace.
        let named = |text: String| text.replace(&file.display().to_string(), name);
        let mut what = named(error.to_string());
        let mut cause = std::error::Error::source(&error);
        while let Some(one) = cause {
            what.push_str(&format!(": {}", named(one.to_string())));
            cause = one.source();
        }
        let help = error.help().map(named).unwrap_or_default();
        Problem::BadTrace { what, help }
    })
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, ()> {
    let mut bytes = bytes.to_vec();
    for _ in 0..NESTED {
        if !bytes.starts_with(&[0x1F, 0x8B]) {
            break;
        }
        let mut inside = Vec::new();
        let mut reader = MultiGzDecoder::new(bytes.as_slice()).take(MOST_UNPACKED + 1);
        reader.read_to_end(&mut inside).map_err(|_| ())?;
        if inside.len() as u64 > MOST_UNPACKED {
            return Err(());
        }
        bytes = inside;
    }
    if bytes.starts_with(&[0x1F, 0x8B]) { Err(()) } else { Ok(bytes) }
}
