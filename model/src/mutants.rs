//! Every mutant of the model's tables, with its name.
//!
//! **What it is.** [`all`] goes through the tables (transitions, dialects, methods, masks, leaves, guards, rules), and applies to each what can be
//! done to it. No mutant is chosen by hand: a new row, guard or rule has its mutants.
//!
//! **The law it keeps.** Names are unique, give the place from the outside in, and do not depend on numbers in a table.

use std::fmt::Write as _;

use contract::answers::{self, Class};
use contract::call::Omitted;
use contract::dialect::CELLS;
use contract::mutation::{Left, Mutant};
use contract::state::{EDGES, elsewhere};
use contract::{Dialect, Event, JobState, Method};
use judge::{Monitors, RuleSet};

use crate::spec::GUARDS;

/// A part of the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The specification of one job.
    Spec,
    /// The protocol of threads, lock, dispatchers and slots.
    Protocol,
    /// The monitors of the rules.
    Rules,
}

/// An entry of the list of mutants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The mutant.
    pub mutant: Mutant,
    /// Its name, such as `edge/queued/suspend/suspended/dropped`. What stands before the first slash is its operator's group.
    pub name: String,
    /// What is changed, as one sentence.
    pub what: String,
    /// Where the change is.
    pub reach: Reach,
}

impl Listed {
    /// The group: the first word of the name.
    #[must_use]
    pub fn group(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }
}

/// Which parts of the model have a mutant inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// One part.
    Only(Part),
    /// The specification and the rules: the protocol does not read this table.
    SpecAndRules,
    /// The specification and the protocol: the rules have a table of their own.
    SpecAndProtocol,
    /// All of it reads this table.
    Everything,
}

impl Reach {
    /// Whether a part has it inside.
    #[must_use]
    pub fn is_in(self, part: Part) -> bool {
        match self {
            Reach::Only(only) => only == part,
            Reach::SpecAndRules => part != Part::Protocol,
            Reach::SpecAndProtocol => part != Part::Rules,
            Reach::Everything => true,
        }
    }
}

/// Every mutant, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Listed> {
    let mut all = List(Vec::new());
    all.edges();
    all.cells();
    all.masks();
    all.answers();
    all.leaves();
    all.guards();
    all.rules();
    all.0
}

/// Events that are generated here.
const EVENTS: [Event; 4] =
    [Event::JobTransferred, Event::JobError, Event::JobModification, Event::FileTransferred];

struct List(Vec<Listed>);

impl List {
    fn add(&mut self, mutant: Mutant, reach: Reach, name: String, what: String) {
        self.0.push(Listed { mutant, name, what, reach });
    }

    /// The transition table, which the specification steps by and R13 judges by.
    fn edges(&mut self) {
        for (row, edge) in EDGES.iter().enumerate() {
            let row = row as u8;
            let place = format!("edge/{}/{}/{}", lower(edge.from), kebab(edge.cause), lower(edge.to));
            let says = format!("{} by {}", edge.from, edge.cause);
            self.add(
                Mutant::EdgeDropped(row),
                Reach::SpecAndRules,
                format!("{place}/dropped"),
                format!("{says} does not lead to {}.", edge.to),
            );
            self.add(
                Mutant::EdgeElsewhere(row),
                Reach::SpecAndRules,
                format!("{place}/elsewhere"),
                format!("{says} leads to {} in the place of {}.", elsewhere(edge), edge.to),
            );
        }
    }

    /// The dialect table, as the model reads it; the core reads the unchanged table.
    fn cells(&mut self) {
        for dialect in Dialect::ALL {
            let profile = dialect.profile();
            for (cell, field) in CELLS.iter().enumerate() {
                let mutant = Mutant::Cell(dialect, cell as u8);
                let name = format!("dialect/{dialect}/{}", field.replace('_', "-"));
                let mut what = format!("In {dialect} the cell `{field}` holds something else");
                let changed = profile.with_other(cell as u8);
                if let Some((was, is)) = difference(profile, &changed) {
                    let _ = write!(what, ": {is} in the place of {was}");
                }
                self.add(mutant, Reach::Everything, name, what + ".");
            }
        }
    }

    /// Which bit of a mask lets which event through: once for specification and protocol, once for the rules.
    fn masks(&mut self) {
        type Make = (fn(Event) -> Mutant, fn(Event) -> Mutant, Mutant);
        let told: Make = (Mutant::MaskIgnored, Mutant::MaskOfAnother, Mutant::DisableIgnored);
        let judged: Make =
            (Mutant::JudgedMaskIgnored, Mutant::JudgedMaskOfAnother, Mutant::JudgedDisableIgnored);
        for (group, reach, (ignored, another, disable), whose) in [
            ("mask", Reach::SpecAndProtocol, told, ""),
            ("judged-mask", Reach::Only(Part::Rules), judged, " for the rules"),
        ] {
            for event in EVENTS {
                let place = format!("{group}/{}", kebab(event));
                let what = format!("Every mask lets {event} through{whose}.");
                self.add(ignored(event), reach, format!("{place}/ignored"), what);
                let what = format!("The bit of {} lets {event} through{whose}.", event.another());
                self.add(another(event), reach, format!("{place}/of-another"), what);
            }
            let what = format!("BG_NOTIFY_DISABLE masks nothing{whose}.");
            self.add(disable, reach, format!("{group}/disable/ignored"), what);
        }
    }

    /// The method x state table of the specification, and the argument errors of R12's.
    fn answers(&mut self) {
        for method in Method::ALL.iter().copied() {
            for state in states_that_matter(method) {
                self.add(
                    Mutant::Answer(method, *state),
                    Reach::Only(Part::Spec),
                    format!("answer/{}/{}", kebab(method), lower(state)),
                    format!("{method} in {state} answers another code."),
                );
            }
            if method.omitted() == Omitted::Here {
                continue;
            }
            for (number, error) in answers::argument_errors(method).iter().enumerate() {
                self.add(
                    Mutant::AnswerForbidden(method, number as u8),
                    Reach::Only(Part::Rules),
                    format!("judged-answer/{}/{}", kebab(method), lower(error.name().unwrap_or("other"))),
                    format!("R12 does not allow {method} to answer {error}."),
                );
            }
        }
    }

    /// Which leaves acknowledge which events: once for the specification, once for the rules.
    fn leaves(&mut self) {
        for event in EVENTS {
            let programs = matches!(event, Event::JobTransferred | Event::JobError);
            let of_program = |left: &Left| matches!(left, Left::ExitedWell | Left::ExitedBadly);
            for left in Left::ALL.into_iter().filter(|left| programs || !of_program(left)) {
                let place = format!("{}/{}", kebab(event), kebab(format!("{left:?}")));
                let what = format!("Whether a leave ({left:?}) acknowledges {event} is turned round");
                let spec = Reach::Only(Part::Spec);
                self.add(Mutant::Leave(event, left), spec, format!("leave/{place}"), format!("{what}."));
                if event != Event::JobModification {
                    let mutant = Mutant::JudgedLeave(event, left);
                    let (name, what) = (format!("judged-leave/{place}"), format!("{what} for the rules."));
                    self.add(mutant, Reach::Only(Part::Rules), name, what);
                }
            }
        }
    }

    /// The guards that hold pending events back.
    fn guards(&mut self) {
        let spec = Reach::Only(Part::Spec);
        for guard in &GUARDS {
            let (rule, number) = (guard.rule, guard.number());
            if guard.about.len() > 1 {
                self.add(
                    Mutant::GuardDropped(number),
                    spec,
                    format!("guard/{}/dropped", lower(rule)),
                    format!("The guard of {rule} is gone: {}.", guard.says),
                );
            }
            for event in guard.about {
                self.add(
                    Mutant::GuardForgets(number, *event),
                    spec,
                    format!("guard/{}/forgets/{}", lower(rule), kebab(event)),
                    format!("The guard of {rule} does not hold {event} back: {}.", guard.says),
                );
            }
        }
    }

    /// The monitors: silent, or blind for a kind of event.
    fn rules(&mut self) {
        let rules = Reach::Only(Part::Rules);
        for rule in RuleSet::HERE.iter() {
            let name = format!("rule/{}/silent", lower(rule));
            self.add(Mutant::RuleSilent(rule as u8), rules, name, format!("{rule} never complains."));
        }
        for (rule, kinds) in Monitors::<1>::sees() {
            for kind in *kinds {
                self.add(
                    Mutant::RuleBlind(*rule as u8, *kind as u8),
                    rules,
                    format!("rule/{}/blind/{}", lower(rule), kebab(format!("{kind:?}"))),
                    format!("{rule} does not see events of kind {kind:?}."),
                );
            }
        }
    }
}

/// The states in which the answer of a method is a cell of its own.
fn states_that_matter(method: Method) -> &'static [JobState] {
    let of_manager = answers::class(method) == Class::Manager && method != Method::GetJob;
    if of_manager || method.omitted() == Omitted::Here {
        return &[JobState::Suspended];
    }
    &JobState::ALL
}

/// The cell in which two profiles differ, as text.
fn difference(was: &contract::Profile, is: &contract::Profile) -> Option<(String, String)> {
    let (was, is) = (format!("{was:#?}"), format!("{is:#?}"));
    let cell = |line: &str| {
        let (_, cell) = line.trim().trim_end_matches([',', '(', '{', ' ']).split_once(": ")?;
        Some(cell.to_owned())
    };
    let differs = was.lines().zip(is.lines()).find(|(was, is)| was != is);
    differs.and_then(|(was, is)| Some((cell(was)?, cell(is)?)))
}

fn lower(word: impl ToString) -> String {
    word.to_string().to_lowercase().replace('_', "-")
}

/// `JobTransferred` as `job-transferred`, `no_progress` as `no-progress`.
fn kebab(word: impl ToString) -> String {
    let mut text = String::new();
    for letter in word.to_string().chars() {
        if letter.is_uppercase() && !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text.replace(['_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use judge::Rule;

    use super::*;

    #[test]
    fn every_mutant_has_a_name_of_its_own() {
        let all = all();
        let names: BTreeSet<&str> = all.iter().map(|listed| listed.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.len() >= 150, "{}", all.len());
        assert!(names.iter().all(|name| !name.contains([' ', '_']) && name.contains('/')), "{names:?}");
    }

    #[test]
    fn every_rule_that_has_a_monitor_can_be_silenced() {
        let silent = |rule: Rule| Mutant::RuleSilent(rule as u8);
        let all = all();
        for rule in RuleSet::HERE.iter() {
            assert!(all.iter().any(|listed| listed.mutant == silent(rule)), "{rule}");
        }
    }
}
