//! Failures that are known: a file beside an `adapter.toml`, so that what is new stands out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use properties::minimize::Identity;
use serde::Deserialize;

use crate::error::Error;

/// A file of known failures.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// Each of them.
    #[serde(default)]
    known: Vec<Entry>,
    #[serde(skip)]
    path: PathBuf,
}

/// One failure that is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) id: String,
    /// What the failure begins with, in words.
    pub(crate) message: String,
    /// Why it is accepted.
    pub(crate) why: String,
    /// Where it is reported.
    #[serde(default)]
    pub(crate) link: Option<String>,
    /// The case that it was met on: a path by its place and its steps, a program or a race by its name. A file that is older has none.
    #[serde(default)]
    pub(crate) case: Option<String>,
    /// Of a failure that does not come each time: how often it comes, in percent. Such an entry may match nothing, unless its case is a race of
    /// many runs.
    #[serde(default)]
    pub(crate) rate: Option<f64>,
}

/// An entry that comes each time, and that no failure of the run has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) how: Absence,
}

/// Why no failure of the run has an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Absence {
    /// It was not met, on its case or anywhere.
    NotSeen,
    /// Everything was tried that there is, and its case was not among it.
    Skipped,
    /// Its case was not tried, because time was over or because it is a random path; or that failed otherwise in a part of a run.
    NotTried,
}

impl Absence {
    /// Whether the file has to be mended.
    pub(crate) fn is_stale(self) -> bool {
        self != Absence::NotTried
    }

    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Absence::NotSeen => "known and not seen any more",
            Absence::Skipped => "known, and its case was skipped",
            Absence::NotTried => "known, and its case was not tried",
        }
    }
}

/// What a run has tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent<'a> {
    /// Cases that were tried to their end.
    pub(crate) tried: &'a BTreeSet<String>,
    /// Those of them that passed: one that fails may hide another failure.
    pub(crate) passed: &'a BTreeSet<String>,
    /// Runs of each race.
    pub(crate) races: &'a BTreeMap<String, u64>,
    /// Whether everything was tried that there is. Random paths have no end.
    pub(crate) is_whole: bool,
}

impl Extent<'_> {
    /// Why an entry was not met.
    fn absence(self, entry: &Entry) -> Absence {
        if let Some(rate) = entry.rate {
            // What is no race has no runs, and may always be missing.
            let runs = entry.case.as_ref().and_then(|case| self.races.get(case)).copied().unwrap_or_default();
            return if is_unlikely(runs, rate / SLOWER) { Absence::NotSeen } else { Absence::NotTried };
        }
        match &entry.case {
            Some(case) if self.passed.contains(case) => Absence::NotSeen,
            Some(case) if self.is_whole && self.tried.contains(case) => Absence::NotSeen,
            Some(case) if self.is_whole && !case.starts_with(RANDOM) => Absence::Skipped,
            None if self.is_whole => Absence::NotSeen,
            _ => Absence::NotTried,
        }
    }
}

/// A machine with another load races otherwise. A failure that is this many times as rare is the known one.
const SLOWER: f64 = 10.0;

/// Whether a failure that comes in this many of a hundred runs is missing from this many by chance once in a million times.
fn is_unlikely(runs: u64, percent: f64) -> bool {
    (1.0 - percent / 100.0).powf(runs as f64) < 1e-6
}

/// What a file of known failures makes of a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// It is not there.
    New,
    /// It is there.
    Known,
    /// A failure of this name is there, and is described in other words.
    Another,
}

impl Known {
    /// Reads a file. One that is not there has no failures.
    pub(crate) fn read(path: &Path) -> Result<Known, Error> {
        let help = "write it again with `--accept`, or mend it: [[known]] with id, message, why, and link and rate where there are any";
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                return Err(Error::Read { path: path.to_owned(), source, help: help.to_owned() });
            }
        };
        let known: Known = toml::from_str(&text).map_err(|error| {
            Error::usage(format!("{}: {}", path.display(), error.to_string().trim_end()), help)
        })?;
        let mut ids: Vec<&str> = known.known.iter().map(|entry| &*entry.id).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::usage(format!("{}: {} is there twice", path.display(), twice[0]), help));
        }
        Ok(Known { path: path.to_owned(), ..known })
    }

    /// Where it stands.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of its failures, as far as they are names.
    pub(crate) fn identities(&self) -> BTreeSet<Identity> {
        self.known.iter().filter_map(|entry| entry.id.parse().ok()).collect()
    }

    /// What it makes of a failure. `certain` is the beginning of its message that follows from the name: the rest depends on the shortest path of a
    /// run, on values and on numbers, so it is not compared.
    pub(crate) fn standing(&self, id: &str, certain: &str) -> Standing {
        match self.known.iter().find(|entry| entry.id == id) {
            None => Standing::New,
            Some(entry) if begin_alike(&entry.message, certain) => Standing::Known,
            Some(_) => Standing::Another,
        }
    }

    /// The entry of this name.
    pub(crate) fn entry(&self, id: &str) -> Option<&Entry> {
        self.known.iter().find(|entry| entry.id == id)
    }

    /// Its entries but those of these failures.
    fn without<'a>(&'a self, ids: &'a [String]) -> impl Iterator<Item = &'a Entry> {
        self.known.iter().filter(|entry| !ids.contains(&entry.id))
    }

    /// Its entries but those of these failures, to stay as they stand.
    pub(crate) fn others<'a>(&'a self, ids: &'a [String]) -> impl Iterator<Item = Accepted<'a>> {
        self.without(ids).map(|Entry { id, message, case, rate, .. }| Accepted {
            id,
            message,
            case: case.as_deref(),
            rate: *rate,
        })
    }

    /// Entries that these failures do not have: those that come each time, and those that come in a race so often that they should have come.
    pub(crate) fn gone<'a>(&'a self, ids: &[String], extent: Extent<'_>) -> Vec<Gone<'a>> {
        let absent = self.known.iter().filter(|entry| !ids.contains(&entry.id));
        let gone = absent.map(|entry| Gone { entry, how: extent.absence(entry) });
        gone.filter(|gone| gone.entry.rate.is_none() || gone.how.is_stale()).collect()
    }
}

/// How the cases begin that are made by chance: another run has others.
const RANDOM: &str = "random paths";

/// Whether one of two texts is the beginning of the other.
fn begin_alike(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// A failure that is to stand in the file.
pub(crate) struct Accepted<'a> {
    pub(crate) id: &'a str,
    pub(crate) message: &'a str,
    pub(crate) case: Option<&'a str>,
    /// In percent, of one that does not come each time.
    pub(crate) rate: Option<f64>,
}

/// The file with exactly these failures. What was written beside the ones that were known stays.
pub(crate) fn text(known: &Known, accepted: &[Accepted<'_>]) -> String {
    let mut text =
        "# Failures that are known. Written by `bgcheck adapter run --accept`; fill in `why` and `link`.\n"
            .to_owned();
    for one in accepted {
        let before = known.entry(one.id);
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        text += &format!("\n[[known]]\nid = {}\nmessage = {}\n", quoted(one.id), quoted(one.message));
        text += &format!("why = {}\n", quoted(before.map_or("not looked at yet", |entry| &entry.why)));
        if let Some(link) = before.and_then(|entry| entry.link.as_deref()) {
            text += &format!("link = {}\n", quoted(link));
        }
        if let Some(case) = one.case {
            text += &format!("case = {}\n", quoted(case));
        }
        if let Some(rate) = one.rate {
            text += &format!("rate = {rate:.2}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: &str, message: &str) -> Known {
        let (id, message, why) = (id.to_owned(), message.to_owned(), "known".to_owned());
        let entry = Entry { id, message, why, link: None, case: None, rate: None };
        Known { known: vec![entry], path: PathBuf::new() }
    }

    /// The words behind the certain ones depend on the shortest path of a run, and so on the seed.
    #[test]
    fn what_is_no_part_of_a_name_makes_no_other_failure() {
        let one = known(
            "agreement-0f8fc0bf",
            "after this, AddFile -> E_INVALIDARG: j0.AddFile -> S_OK; and in the suite",
        );
        assert_eq!(one.standing("agreement-0f8fc0bf", "after this, "), Standing::Known);
        let other =
            known("agreement-a1c3979b", "after this, Resume -> S_OK: nothing; and in the suite JobError(j1)");
        assert_eq!(other.standing("agreement-a1c3979b", "after this, Resume -> S_OK:"), Standing::Known);
        assert_eq!(other.standing("agreement-0f8fc0bf", "after this, "), Standing::New);
    }

    #[test]
    fn what_was_not_found_in_a_part_of_the_work_stays_as_it_stands() {
        let file = known("agreement-a1c3979b", "after this, Resume -> S_OK:");
        let case = Some("probes, path 0000000a");
        let found = Accepted { id: "R1-173e9451", message: "R1 (cancelled)", case, rate: Some(2.5) };
        let ids = [found.id.to_owned()];
        let all: Vec<Accepted<'_>> = [found].into_iter().chain(file.others(&ids)).collect();
        let again: Known = toml::from_str(&text(&file, &all)).expect("it can be read");
        let entries: Vec<_> = again.known.iter().map(|entry| (&*entry.id, &*entry.why, entry.rate)).collect();
        assert_eq!(
            entries,
            [("R1-173e9451", "not looked at yet", Some(2.5)), ("agreement-a1c3979b", "known", None)]
        );
        assert_eq!(again.known[0].case.as_deref(), case);
        let known_again = ["agreement-a1c3979b".to_owned()];
        assert_eq!(file.others(&known_again).count(), 0);
    }

    #[test]
    fn an_entry_is_stale_as_soon_as_its_case_was_tried() {
        let set = |cases: &[&str]| cases.iter().map(|case| (*case).to_owned()).collect::<BTreeSet<_>>();
        let passed = set(&["probes, path 0000000a"]);
        let tried = set(&["probes, path 0000000a", "probes, path 0000000c"]);
        let of = |case: Option<&str>, is_whole: bool| {
            let mut file = known("agreement-a1c3979b", "after this, Resume -> S_OK:");
            file.known[0].case = case.map(str::to_owned);
            let extent = Extent { tried: &tried, passed: &passed, races: &BTreeMap::new(), is_whole };
            assert!(file.gone(&["agreement-a1c3979b".to_owned()], extent).is_empty());
            file.gone(&[], extent)[0].how
        };
        let failed = "probes, path 0000000c";
        assert_eq!([of(Some(failed), false), of(Some(failed), true)], [Absence::NotTried, Absence::NotSeen]);
        let (tried, other, random) =
            ("probes, path 0000000a", "probes, path 0000000b", "random paths, path 1");
        assert_eq!([of(Some(tried), false), of(Some(tried), true)], [Absence::NotSeen; 2]);
        assert_eq!([of(Some(other), false), of(Some(other), true)], [Absence::NotTried, Absence::Skipped]);
        assert_eq!([of(Some(random), false), of(Some(random), true)], [Absence::NotTried; 2]);
        assert_eq!([of(None, false), of(None, true)], [Absence::NotTried, Absence::NotSeen]);
    }

    /// A race has no case that passes: that many runs without the failure are what makes its entry stale.
    #[test]
    fn an_entry_of_a_race_is_stale_when_it_should_have_come() {
        let nothing = BTreeSet::new();
        let stale = |rate: f64, case: &str, runs: u64| {
            let mut file = known("R1-173e9451", "R1 (cancelled)");
            file.known[0].rate = Some(rate);
            file.known[0].case = Some(case.to_owned());
            let races = BTreeMap::from([("race against Cancel()".to_owned(), runs)]);
            let extent = Extent { tried: &nothing, passed: &nothing, races: &races, is_whole: true };
            file.gone(&[], extent).len() == 1
        };
        let cancel = "race against Cancel()";
        assert!(stale(10.0, cancel, 1_400));
        assert!(!stale(10.0, cancel, 1_300), "one in a hundred is missing from that by chance");
        assert!(!stale(0.5, cancel, 2_000) && !stale(0.0, cancel, 1_000_000));
        assert!(!stale(90.0, "race against Complete()", 1_000_000), "it was not raced");
        assert!(!stale(90.0, "random paths, path 0000000a", 1_000_000));
    }

    #[test]
    fn a_message_of_another_failure_is_noticed() {
        let one = known("agreement-a1c3979b", "after this, Resume -> S_OK:");
        assert_eq!(one.standing("agreement-a1c3979b", "after this, Cancel -> S_OK:"), Standing::Another);
        let rule = known("R1-173e9451", "R1 (cancelled): Once");
        assert_eq!(rule.standing("R1-173e9451", "R1 (cancelled): Once a Cancel"), Standing::Known);
        assert_eq!(rule.standing("R1-173e9451", "R2 (masked): A callback"), Standing::Another);
    }
}
