//! Where the report of a night goes.

use std::path::{Path, PathBuf};

use crate::clock::Clock;
use crate::error::Error;
use crate::findings::Traces;
use crate::finish;
use crate::output::Output;
use crate::place::{Place, prepare};

/// Where the traces of a report in this directory go.
pub(crate) fn traces_in(out: &Path) -> Traces {
    Traces { dir: out.join("traces"), from_report: PathBuf::from("traces") }
}

/// The directory of the report: the one named, or a new one named after the day. Where neither can be made, the night goes on, and its report
/// goes to where temporary files go.
pub(super) fn of_report(out: Option<&Path>, place: &Place, output: &Output) -> PathBuf {
    let wanted = out.map_or_else(|| of_the_day(&place.reports()), |out| named(out.to_owned()));
    wanted.unwrap_or_else(|error| {
        output.warn(&error);
        let other = finish::elsewhere();
        // An error is reported at the end, when the report cannot be written there either.
        let _ = prepare(&other);
        output.note(&format!("the report goes to {} instead", other.display()));
        other
    })
}

fn named(dir: PathBuf) -> Result<PathBuf, Error> {
    match prepare(&dir) {
        Ok(()) => Ok(dir),
        Err(source) => Err(Error::Write { path: dir, source }),
    }
}

fn of_the_day(above: &Path) -> Result<PathBuf, Error> {
    let made = |path: &Path, made: std::io::Result<()>| {
        made.map_err(|source| Error::Write { path: path.to_owned(), source })
    };
    made(above, prepare(above))?;
    let day = Clock::now().day();
    let mut number = 1;
    loop {
        let dir = above.join(if number == 1 { day.clone() } else { format!("{day}-{number}") });
        match std::fs::create_dir(&dir) {
            // Another night of this day, perhaps one that runs right now.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            result => {
                made(&dir, result)?;
                return Ok(dir);
            }
        }
    }
}
