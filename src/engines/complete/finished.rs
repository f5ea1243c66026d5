//! The file of finished races, from which a run that was ended goes on.
//!
//! **The law it keeps.** A race counts as finished only if this very program explored it: the program has the service inside, and one that was
//! built anew may have another one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::Row;
use crate::error::Error;
use crate::output::{Output, counted};
use crate::run;

/// The races that this program has finished before. Of those `asked` for, it is noted which another program has finished. A line that cannot be read is one that was being written when a run was ended.
pub(super) fn read(
    file: &Path,
    asked: &BTreeSet<String>,
    output: &Output,
) -> Result<BTreeMap<String, Row>, Error> {
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let rows = text.lines().filter_map(|line| serde_json::from_str::<Row>(line).ok());
            let (ours, others): (Vec<Row>, Vec<Row>) =
                rows.partition(|row| row.build.is_some() && row.build.as_deref() == run::build());
            let ours: BTreeMap<String, Row> = ours.into_iter().map(|row| (row.race.clone(), row)).collect();
            let others: BTreeSet<String> = others.into_iter().map(|row| row.race).collect();
            let again =
                others.iter().filter(|race| asked.contains(*race) && !ours.contains_key(*race)).count();
            if again > 0 {
                let (file, races) = (file.display(), counted(again as u64, "race"));
                output.note(&format!("{file}: {races} of another build of bgcheck; explored again"));
            }
            Ok(ours)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(source) => {
            let help = "name another file with --resume, or leave it out to begin anew".to_owned();
            Err(Error::Read { path: file.to_owned(), source, help })
        }
    }
}

/// One more race is finished.
pub(super) fn append(file: &Path, row: &Row) -> Result<(), Error> {
    let failed = |source| Error::Write { path: file.to_owned(), source };
    // Plain data with text keys always has a JSON form.
    let line = serde_json::to_string(row).unwrap_or_default() + "\n";
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(file).map_err(failed)?;
    file.write_all(line.as_bytes()).map_err(failed)
}
