//! A finding as a reader wants it, but for its picture and its files.

use std::collections::BTreeSet;

use judge::{Trace, Violation, owed, skeleton};

use super::raw::{Broken, May, Raw};
use crate::difference::Difference;
use crate::minimize::{Case, CoreName, Failed, Minimal, Rate, made_small};
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

/// Explains a finding.
#[must_use]
pub fn explain(raw: Raw) -> Explained {
    Named::of(raw).explained()
}

/// A finding with its name.
pub(super) struct Named {
    pub(super) id: String,
    raw: Raw,
    how: How,
}

/// How a finding is shown.
enum How {
    /// As what it is run again as, made small.
    Small(Case, Box<Failed>),
    /// As this run, and where a rule is broken in it.
    Run(Trace, Option<Violation>),
}

impl Named {
    /// Names a finding: by how it fails now, where it may be run again.
    pub(super) fn of(raw: Raw) -> Named {
        match raw.may {
            May::BeMadeSmall => Named::again(raw),
            May::BeSeen | May::BeMarked | May::Stay => {
                let trace = raw.trace();
                let violation = raw.violation(&trace);
                if raw.may == May::BeMarked && violation.is_none() {
                    return Named::again(Raw { may: May::BeMadeSmall, ..raw });
                }
                Named::as_run(raw, trace, violation)
            }
        }
    }

    fn again(raw: Raw) -> Named {
        match raw.again() {
            Some((case, failed)) => {
                Named { id: failed.id.to_string(), raw, how: How::Small(case, Box::new(failed)) }
            }
            None => {
                let trace = raw.trace();
                let violation = raw.violation(&trace);
                Named::as_run(raw, trace, violation)
            }
        }
    }

    fn as_run(raw: Raw, trace: Trace, violation: Option<Violation>) -> Named {
        Named { id: raw.id(&trace, violation.as_ref()), raw, how: How::Run(trace, violation) }
    }

    pub(super) fn explained(self) -> Explained {
        let Named { id, raw, how } = self;
        match how {
            How::Small(case, failed) => small(raw, made_small(&case, *failed, &|_| ())),
            How::Run(trace, violation) => as_run(id, raw, trace, violation),
        }
    }
}

fn small(raw: Raw, minimal: Minimal) -> Explained {
    let notes = minimal.failed.difference.iter().flat_map(Difference::sides).chain(minimal.facts()).collect();
    let mut story = raw.told();
    if let Some(program) = minimal.case.program() {
        story = format!("{story}\n\nthe program\n{program}").trim_start().to_owned();
    }
    let core = match &minimal.case {
        Case::Stepped(core, _) if minimal.failed.difference.is_some() => Some(*core),
        _ => None,
    };
    let Failed { id, violation, difference, mut trace, .. } = minimal.failed;
    raw.sign(&mut trace);
    let whole = match (&minimal.case, raw.case) {
        (Case::Recorded(_), Case::Recorded(whole)) => Some(whole),
        _ => None,
    };
    Explained {
        id: id.to_string(),
        file: raw.file,
        trace,
        begins: raw.begins,
        violation,
        difference,
        marked: BTreeSet::new(),
        story,
        rate: minimal.rate,
        core,
        notes,
        test: minimal.test.map(|test| test.text),
        whole,
    }
}

fn as_run(id: String, raw: Raw, trace: Trace, violation: Option<Violation>) -> Explained {
    let mut explained = Explained {
        file: raw.file.clone(),
        id,
        begins: raw.begins,
        violation,
        difference: None,
        marked: BTreeSet::new(),
        story: raw.told(),
        rate: None,
        core: None,
        notes: Vec::new(),
        test: None,
        whole: None,
        trace,
    };
    if let Broken::Differs(difference) = raw.broken {
        explained.notes.push(format!("identity: {}", difference.skeleton.join(", then ")));
        explained.notes.extend(difference.sides());
        explained.difference = Some(difference);
    }
    match raw.may {
        May::BeSeen => {}
        May::BeMarked => explained.mark_switches(),
        May::Stay => {
            explained.file = Some(explained.id.clone());
            explained.notes.push("not made small: it is kept as it was found".to_owned());
        }
        // What cannot be seen again here is kept as it was seen.
        May::BeMadeSmall if explained.difference.is_some() => {
            explained.notes.push("not made small: it is the run as it was seen".to_owned());
        }
        May::BeMadeSmall => {
            explained.file = Some(explained.id.clone());
            explained.rate = Some(Rate { reproduced: 0, replays: 1 });
            explained.notes.push("not made small: when it is run again here, it breaks nothing".to_owned());
        }
    }
    explained
}

impl Explained {
    /// Which call had to wait for what, so that the rule is kept.
    #[must_use]
    pub fn owed(&self) -> Option<String> {
        owed(&self.trace, &self.violation?)
    }

    fn mark_switches(&mut self) {
        let switches = self.trace.lines.iter().filter(|line| is_forced_switch(line));
        self.marked = switches.map(|line| line.seq).collect();
        if let Some(violation) = &self.violation {
            self.notes.push(format!("identity: {}", skeleton(&self.trace, violation).join(", then ")));
            self.notes.push(format!("source:   {}", violation.rule.source()));
        }
        self.notes.push(format!("{} of its switches are forced, and marked", self.marked.len()));
    }
}

impl Raw {
    /// What no trace has: how it ends, then where it was found.
    fn told(&self) -> String {
        let parts = [&self.ending, &self.story].into_iter().filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}
