//! Failures that are known: a file beside an `adapter.toml`, so that what is new stands out.

use std::collections::BTreeSet;
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
    /// Of a failure that does not come each time: how often it comes, in percent. Such an entry may match nothing.
    #[serde(default)]
    pub(crate) rate: Option<f64>,
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

    /// What it makes of a failure.
    pub(crate) fn standing(&self, id: &str, message: &str) -> Standing {
        match self.known.iter().find(|entry| entry.id == id) {
            None => Standing::New,
            Some(entry) if message.starts_with(&entry.message) => Standing::Known,
            Some(_) => Standing::Another,
        }
    }

    /// The entry of this name.
    pub(crate) fn entry(&self, id: &str) -> Option<&Entry> {
        self.known.iter().find(|entry| entry.id == id)
    }

    /// Entries that come each time, and that these failures do not have.
    pub(crate) fn unmatched<'a>(&'a self, ids: &'a [String]) -> impl Iterator<Item = &'a Entry> {
        self.known.iter().filter(move |entry| entry.rate.is_none() && !ids.contains(&entry.id))
    }
}

/// A failure that is to stand in the file.
pub(crate) struct Accepted<'a> {
    pub(crate) id: &'a str,
    pub(crate) message: &'a str,
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
        if let Some(rate) = one.rate {
            text += &format!("rate = {rate:.2}\n");
        }
    }
    text
}
