//! How the attempts at a file end, whatever the server does to it: for the faults of [`crate::server`].

use contract::HResult;
use contract::core::Failure;

use crate::server::{BadRange, Endless, Fault, Garbage, Redirect};

/// How an attempt at a file ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempt {
    /// The file is whole.
    Done,
    /// It failed, and whether it may do better next time.
    Failed(Failure, HResult),
}

/// The server was silent for longer than a read may take.
pub const LATE: Attempt = Attempt::Failed(Failure::Transient, HResult::from_win32(12002));
/// The body, or the answer, ended before its end.
pub const CUT: Attempt = Attempt::Failed(Failure::Transient, HResult::from_win32(12030));

const ASTRAY: Attempt = Attempt::Failed(Failure::Fatal, HResult::from_win32(12156));
const TOO_LONG: Attempt = Attempt::Failed(Failure::Fatal, HResult::BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED);
const NONSENSE: HResult = HResult::from_win32(12152);
const GARBLED: Attempt = Attempt::Failed(Failure::Transient, NONSENSE);
const FLOODED: Attempt = Attempt::Failed(Failure::Fatal, NONSENSE);

/// The attempts at a file with this fault and this size in bytes, one after another, of a client with a limit of a few
/// megabytes. The last one is repeated when the file is never whole.
#[must_use]
pub fn attempts(fault: Fault, size: u64) -> Vec<Attempt> {
    let status = |status| Attempt::Failed(Failure::of_status(status), HResult::from_http(status));
    let first = |end, times| [vec![end; times as usize], vec![Attempt::Done]].concat();
    match fault {
        Fault::Ok | Fault::PromisesLess | Fault::Drip { .. } | Fault::CloseDelimited | Fault::Coded => {
            vec![Attempt::Done]
        }
        Fault::CutThenDrip { .. } => first(CUT, 1),
        // Of less than two bytes there is no part that could be asked for.
        Fault::EndLost => first(CUT, if size > 1 { 3 } else { 1 }),
        Fault::UnaskedPart => {
            vec![Attempt::Failed(Failure::Fatal, HResult::BG_E_INSUFFICIENT_HTTP_SUPPORT)]
        }
        Fault::Redirect(Redirect::Chain(_)) => vec![Attempt::Done],
        Fault::Redirect(_) => vec![ASTRAY],
        Fault::Status(number) => vec![status(number)],
        Fault::StatusFirst { status: number, times } => first(status(number), times),
        Fault::Stall { times, .. } => first(LATE, times),
        Fault::Hangup { times } | Fault::Cut { times } => first(CUT, times),
        // What is left of three bytes after a cut is two, the shortest range that can be answered too shortly.
        Fault::BadRange { how: BadRange::Short, cuts } => first(CUT, cuts + u32::from(size > 2)),
        Fault::NoRanges { cuts }
        | Fault::Changed { cuts, .. }
        | Fault::Chunked { cuts }
        | Fault::BadRange { cuts, .. } => first(CUT, cuts),
        // It is never whole, however often it is tried.
        Fault::PromisesMore => vec![CUT; 3],
        Fault::Endless(Endless::Body) | Fault::Garbage(Garbage::HugeLength) => vec![TOO_LONG],
        Fault::Endless(Endless::HeaderLine) => vec![FLOODED],
        // That there are too many headers is noticed before their size is, and counts as nonsense.
        Fault::Endless(Endless::Headers | Endless::ChunkLine) | Fault::Garbage(_) => vec![GARBLED],
    }
}
