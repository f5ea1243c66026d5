//! A finding as a reader wants it, but for its picture and its files.

use std::collections::BTreeSet;

use judge::{Trace, Violation, owed, skeleton};

use super::raw::{Broken, May, Raw};
use crate::difference::Difference;
use crate::minimize::{Case, CoreName, Failed, Rate, made_small};
use crate::race::is_forced_switch;

/// A finding with its name, and what there is to know about it.
#[derive(Clone, PartialEq, Debug)]
pub struct Explained {
    /// Its name.
    pub id: String,
    /// The stem of its file's name, where that does not follow from name and trace.
    pub file: Option<String>,
    /// The run.
    pub trace: Trace,
    /// The first line of the picture.
    pub begins: u64,
    /// Where a rule is broken, if one is.
    pub violation: Option<Violation>,
    /// Where two accounts part, if they do.
    pub difference: Option<Difference>,
    /// More lines to be marked in the picture.
    pub marked: BTreeSet<u64>,
    /// What no trace has.
    pub story: String,
    /// How often it fails when it is run again, where it was.
    pub rate: Option<Rate>,
    /// The core on which a replay shows both sides of a disagreement. A rule is judged in the file itself.
    pub core: Option<CoreName>,
    /// What is known beside the picture, a line each.
    pub notes: Vec<String>,
    /// An ordinary test.
    pub test: Option<String>,
    /// The whole run, where the trace is an excerpt of it.
    pub whole: Option<Trace>,
}

/// A finding with its name, by how it fails now where it may be run again.
pub struct Named {
    raw: Raw,
    how: How,
}

/// How a finding is shown.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and never a list of them")]
enum How {
    /// As what it is run again as, made small.
    Small(Case, Failed),
    /// As this run, and where a rule is broken in it.
    Seen(Trace, Option<Violation>),
}

impl Named {
    /// Names a finding, and makes nothing small yet.
    #[must_use]
    pub fn of(mut raw: Raw) -> Named {
        let seen = |raw: &Raw| {
            let trace = raw.trace();
            let violation = raw.violation(&trace);
            (trace, violation)
        };
        if raw.may == May::BeMarked && seen(&raw).1.is_none() {
            raw.may = May::BeMadeSmall;
        }
        let again = if raw.may == May::BeMadeSmall { raw.again() } else { None };
        let how = match again {
            Some((case, failed)) => How::Small(case, failed),
            None => {
                let (trace, violation) = seen(&raw);
                How::Seen(trace, violation)
            }
        };
        Named { raw, how }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.how {
            How::Small(_, failed) => failed.id.to_string(),
            How::Seen(trace, violation) => self.raw.id(trace, violation.as_ref()),
        }
    }

    /// Makes it small where that may be, and explains it.
    #[must_use]
    pub fn explained(self) -> Explained {
        let id = self.id();
        match self.how {
            How::Small(case, failed) => small(id, self.raw, &case, failed),
            How::Seen(trace, violation) => seen(id, self.raw, trace, violation),
        }
    }
}

fn small(id: String, raw: Raw, case: &Case, failed: Failed) -> Explained {
    let minimal = made_small(case, failed, &|_| ());
    let sides = minimal.failed.difference.iter().flat_map(Difference::sides);
    let notes = sides.chain(minimal.facts()).collect();
    let mut story = raw.told();
    if let Some(program) = minimal.case.program() {
        story = format!("{story}\n\nthe program\n{program}").trim_start().to_owned();
    }
    let Failed { violation, difference, mut trace, .. } = minimal.failed;
    raw.sign(&mut trace);
    let core = match &minimal.case {
        Case::Stepped(core, _) if difference.is_some() => Some(*core),
        _ => None,
    };
    let whole = match (&minimal.case, &raw.case) {
        (Case::Recorded(_), Case::Recorded(whole)) => Some(whole.clone()),
        _ => None,
    };
    let (rate, test) = (minimal.rate, minimal.test.map(|test| test.text));
    Explained { difference, story, rate, core, notes, test, whole, ..raw.plain(id, trace, violation) }
}

fn seen(id: String, raw: Raw, trace: Trace, violation: Option<Violation>) -> Explained {
    let mut explained = raw.plain(id, trace, violation);
    if let Broken::Differs(difference) = raw.broken {
        explained.notes.push(format!("identity: {}", difference.skeleton.join(", then ")));
        explained.notes.extend(difference.sides());
        explained.difference = Some(difference);
    }
    let why = match raw.may {
        May::BeSeen => return explained,
        May::BeMarked => return explained.with_switches(),
        // What cannot be seen again here is kept as it was seen.
        May::BeMadeSmall if explained.difference.is_some() => "it is the run as it was seen",
        May::BeMadeSmall => {
            explained.rate = Some(Rate { reproduced: 0, replays: 1 });
            "when it is run again here, it breaks nothing"
        }
        May::Stay => "it is kept as it was found",
    };
    explained.notes.push(format!("not made small: {why}"));
    if explained.difference.is_none() {
        explained.file = Some(explained.id.clone());
    }
    explained
}

impl Explained {
    /// Which call had to wait for what, so that the rule is kept.
    #[must_use]
    pub fn owed(&self) -> Option<String> {
        owed(&self.trace, &self.violation?)
    }

    fn with_switches(mut self) -> Explained {
        let switches = self.trace.lines.iter().filter(|line| is_forced_switch(line));
        self.marked = switches.map(|line| line.seq).collect();
        if let Some(violation) = &self.violation {
            self.notes.push(format!("identity: {}", skeleton(&self.trace, violation).join(", then ")));
            self.notes.push(format!("source:   {}", violation.rule.source()));
        }
        self.notes.push(format!("{} of its switches are forced, and marked", self.marked.len()));
        self
    }
}

impl Raw {
    /// With this run, and nothing more than the engine knew.
    fn plain(&self, id: String, trace: Trace, violation: Option<Violation>) -> Explained {
        Explained {
            id,
            file: self.file.clone(),
            trace,
            begins: self.begins,
            violation,
            difference: None,
            marked: BTreeSet::new(),
            story: self.told(),
            rate: None,
            core: None,
            notes: Vec::new(),
            test: None,
            whole: None,
        }
    }

    /// What no trace has: how it ends, then where it was found.
    fn told(&self) -> String {
        let parts = [self.ending.as_str(), self.story.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    }
}
