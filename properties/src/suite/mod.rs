//! Generated suites: as files, and what becomes of them on a subject.
//!
//! **What it is.** [`generate`] turns the paths of [`model::suite`] into a [`Suite`]: a manifest that names everything to be covered, and a
//! trace for each path. [`on_core`] runs a suite on any core, in lockstep with the specification.
//!
//! **What it is not.** Trusting: what a suite covers is counted anew whenever it runs, and what the manifest promises and no file
//! reaches is named.
//!
//! **The law it keeps.** A file passed, failed, or could not be run on the subject, and the last is never counted as the first.

mod committed;
mod compare;
mod core;
mod doubt;
mod files;
mod live;
mod packed;
mod race;
mod recorded;
mod rests;

use std::collections::{BTreeMap, BTreeSet};

use contract::core::Config;
use contract::{Core, Dialect};
use judge::{FailureId, Header, Rule, Trace, Violation};
use model::drive::Stimulus;
use model::scope::{ScopeName, Slice, slice, slices};
use model::suite::{Cover, Item, Options, Pace, Progress, Quotient, Subject, plan};
use serde::{Deserialize, Serialize};

use crate::difference::Difference;
use crate::minimize::Identity;

pub use self::committed::{COMMITTED, Committed, DIRECTORY};
pub(crate) use self::compare::may_be_suspended;
pub use self::core::{FirstFailure, first_failure, on_core, on_other};
pub use self::core::{Settles, is_from_outside};
pub(crate) use self::doubt::{is_getter, is_of_the_error, moves};
pub use self::files::{FileError, MANIFEST};
pub use self::live::on_live;
pub use self::packed::PackedError;
pub use self::race::on_race;
pub use self::recorded::recorded;
pub(crate) use self::recorded::{Broken, Led, hung, led, one_of};

/// Jobs of a slice at most.
pub const JOBS: usize = 2;

/// The engine's name in the traces of a suite.
pub const ENGINE: &str = "generate";

/// A suite.
#[derive(Clone, PartialEq, Debug)]
pub struct Suite {
    /// What it promises.
    pub manifest: Manifest,
    /// Its files, as far as they are there.
    pub cases: Vec<Case>,
    /// Files that the manifest names and that are not there.
    pub absent: Vec<String>,
}

/// One file of a suite.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The path with everything that happened on it.
    pub trace: Trace,
}

/// What a suite promises: `suite.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format: 1.
    pub format: u32,
    /// What is covered: `state`, `transition`, `pair` or `sneak`.
    pub cover: String,
    /// The dialect.
    pub dialect: Dialect,
    /// The scope.
    pub scope: String,
    /// When clients call: `any time` or `at rest`.
    pub pace: String,
    /// The slices of the scope, and how large each is.
    pub slices: Vec<SliceSize>,
    /// The files, in the order in which they run.
    pub files: Vec<FileEntry>,
    /// The states or edges of the quotient, by name.
    pub names: Vec<String>,
    /// Everything to be covered: a place in `names` each, or two for a pair.
    pub items: Vec<Vec<u32>>,
}

/// A slice that was explored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SliceSize {
    /// Its name.
    pub name: String,
    /// Its states.
    pub states: u64,
    /// Its edges.
    pub edges: u64,
}

/// A file of a suite.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name in the suite's directory.
    pub name: String,
    /// The slice it is about.
    pub slice: String,
    /// Its stimuli.
    pub steps: u64,
}

/// What to generate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// What to cover.
    pub cover: Cover,
    /// The dialect.
    pub dialect: Dialect,
    /// The scope.
    pub scope: ScopeName,
    /// When clients call.
    pub pace: Pace,
    /// Steps of a path at which it ends.
    pub longest: usize,
}

/// What became of one file on a subject.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub enum Outcome {
    /// Everything came as the suite has it, and no rule was broken.
    Passed,
    /// It did not.
    Failed(Box<Failed>),
    /// The subject cannot be made to do what the file does, and why.
    NotRunnable(String),
}

/// A file that failed.
#[derive(Clone, PartialEq, Debug)]
pub struct Failed {
    /// What happened.
    pub trace: Trace,
    /// Everything that went wrong, broken rules first, each identity once. There is at least one.
    pub findings: Vec<Finding>,
}

impl Failed {
    /// The failure of a run with these findings; none when there are none.
    fn of(trace: Trace, findings: impl IntoIterator<Item = Finding>) -> Option<Failed> {
        let mut known = BTreeSet::new();
        let mut findings: Vec<Finding> =
            findings.into_iter().filter(|finding| known.insert(finding.id())).collect();
        findings.sort_by_key(|finding| finding.rule().is_none());
        (!findings.is_empty()).then_some(Failed { trace, findings })
    }

    /// The rule that was broken, if one was: the first.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        self.findings.iter().find_map(Finding::rule)
    }

    /// What went wrong first, in words.
    #[must_use]
    pub fn what(&self) -> String {
        self.findings.first().map(Finding::what).unwrap_or_default()
    }
}

/// Something that went wrong in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// A rule is broken.
    Broken(FailureId, Violation),
    /// The run is another one than the suite's or the specification's.
    Differs(Difference),
}

impl Finding {
    /// The name: one fault has one name in every engine.
    #[must_use]
    pub fn id(&self) -> Identity {
        match self {
            Finding::Broken(id, _) => Identity::Rule(*id),
            Finding::Differs(difference) => difference.id(),
        }
    }

    /// The rule that is broken, if one is.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        match self {
            Finding::Broken(id, _) => Some(id.rule),
            Finding::Differs(_) => None,
        }
    }

    /// What went wrong, in one line.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Finding::Broken(FailureId { rule, .. }, violation) => {
                format!("{violation}: {}", rule.sentence())
            }
            Finding::Differs(difference) => difference.line(),
        }
    }
}

/// What became of a file, and which of its steps were compared.
#[derive(Clone, PartialEq, Debug)]
pub struct Judged {
    /// What became of it.
    pub outcome: Outcome,
    /// Its steps, from 0 on, of which everything was compared.
    pub compared: BTreeSet<usize>,
}

impl Judged {
    /// Of a file that the subject cannot be made to follow, and why.
    #[must_use]
    pub fn not_runnable(why: impl Into<String>) -> Judged {
        Judged { outcome: Outcome::NotRunnable(why.into()), compared: BTreeSet::new() }
    }

    /// Of a run that was compared: it passed when nothing went wrong.
    pub(crate) fn of(
        trace: Trace,
        findings: impl IntoIterator<Item = Finding>,
        compared: BTreeSet<usize>,
    ) -> Judged {
        match Failed::of(trace, findings) {
            Some(failed) => Judged { outcome: Outcome::Failed(Box::new(failed)), compared: BTreeSet::new() },
            None => Judged { outcome: Outcome::Passed, compared },
        }
    }
}

/// What became of a suite on a subject.
#[derive(Clone, PartialEq, Debug)]
pub struct Conformed {
    /// Each file that is there, in order.
    pub files: Vec<(String, Outcome)>,
    /// Stimuli that were applied.
    pub steps: u64,
    /// Items of the manifest.
    pub items: u64,
    /// Those of them that the files that passed did not reach, by name.
    pub missing: Vec<String>,
    /// Files that the manifest names and that are not there.
    pub absent: Vec<String>,
}

impl Conformed {
    /// How many files passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.files.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).count()
    }

    /// The files that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Failed)> {
        self.files.iter().filter_map(|(name, outcome)| match outcome {
            Outcome::Failed(failed) => Some((name.as_str(), &**failed)),
            _ => None,
        })
    }

    /// The files that could not be run on the subject, and why.
    pub fn not_runnable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(name, outcome)| match outcome {
            Outcome::NotRunnable(why) => Some((name.as_str(), why.as_str())),
            _ => None,
        })
    }

    /// These results, with traces that name the subject.
    #[must_use]
    pub fn of_subject(mut self, subject: &str) -> Conformed {
        for (_, outcome) in &mut self.files {
            if let Outcome::Failed(failed) = outcome {
                subject.clone_into(&mut failed.trace.header.subject);
            }
        }
        self
    }

    /// Every failure by its name: in how many files, and the first of them.
    #[must_use]
    pub fn by_id(&self) -> BTreeMap<Identity, (usize, &str, &Finding)> {
        let mut ids: BTreeMap<Identity, (usize, &str, &Finding)> = BTreeMap::new();
        for (name, failed) in self.failures() {
            for finding in &failed.findings {
                ids.entry(finding.id()).or_insert((0, name, finding)).0 += 1;
            }
        }
        ids
    }

    /// Items that were reached.
    #[must_use]
    pub fn covered(&self) -> u64 {
        self.items - self.missing.len() as u64
    }
}

/// Generates a suite on a core, which has to be right: nothing is generated from what is wrong.
///
/// # Errors
/// Specification and core part, or a rule is broken.
pub fn generate<C: Core>(
    order: &Order,
    make: fn(&Config) -> C,
    progress: &dyn Fn(&str, Progress),
) -> Result<Suite, model::suite::Error> {
    generate_with(order, make, (&|_| true, &|_| true), progress, Wide::Refuse)
}

/// Which slices and steps a subject can be made to follow.
pub type Followed<'a> = (&'a dyn Fn(&Slice) -> bool, &'a dyn Fn(&Stimulus) -> bool);

/// As [`generate`], of slices and steps that a subject can be made to follow. A slice with too many states is left out.
///
/// # Errors
/// Specification and core part, or a rule is broken.
pub fn generate_for<C: Core>(
    order: &Order,
    make: fn(&Config) -> C,
    (fits, allows): Followed<'_>,
    progress: &dyn Fn(&str, Progress),
) -> Result<Suite, model::suite::Error> {
    generate_with(order, make, (fits, allows), progress, Wide::LeaveOut)
}

/// What becomes of a slice with too many states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wide {
    /// There is no suite.
    Refuse,
    /// The suite is without it.
    LeaveOut,
}

fn generate_with<C: Core>(
    order: &Order,
    make: fn(&Config) -> C,
    (fits, allows): Followed<'_>,
    progress: &dyn Fn(&str, Progress),
    wide: Wide,
) -> Result<Suite, model::suite::Error> {
    let profile = order.dialect.profile();
    let (mut quotient, mut covered) = (Quotient::new(), BTreeSet::new());
    let mut sizes = Vec::new();
    let mut cases = Vec::new();
    for slice in slices(order.scope, profile).into_iter().filter(fits) {
        let tell = |now| progress(slice.name, now);
        let Order { cover, pace, longest, .. } = *order;
        let options = Options { cover, pace, longest, allows, progress: &tell };
        let subject = Subject { profile, slice: &slice, make };
        let part = match plan(&subject, &options, &mut quotient, &mut covered) {
            Err(model::suite::Error::TooWide(_)) if wide == Wide::LeaveOut => continue,
            part => part?,
        };
        let (states, edges) = (part.states as u64, part.edges as u64);
        sizes.push(SliceSize { name: slice.name.to_owned(), states, edges });
        for path in &part.paths {
            let name = file_name(slice.name, cases.len() + 1);
            let header = header(order.dialect, &slice);
            cases.push((path.len(), Case { name, trace: core::record(&slice, header, path, make) }));
        }
    }
    let files = cases.iter().map(|(steps, case)| FileEntry {
        name: case.name.clone(),
        slice: case.trace.header.scope.clone(),
        steps: *steps as u64,
    });
    let promised = covered.into_iter().filter(|item| is_promised(order.cover, item));
    let (names, items) = numbered(promised, &quotient);
    let manifest = Manifest {
        format: 1,
        cover: order.cover.to_string(),
        dialect: order.dialect,
        scope: order.scope.to_string(),
        pace: order.pace.name().to_owned(),
        slices: sizes,
        files: files.collect(),
        names,
        items,
    };
    Ok(Suite { manifest, cases: cases.into_iter().map(|(_, case)| case).collect(), absent: Vec::new() })
}

/// The name of the file of this number, from 1 on, about a slice.
fn file_name(slice: &str, number: usize) -> String {
    format!("{}-{number:04}.jsonl", slice.replace('/', "-"))
}

/// Of sneak paths only the refused calls count, and not the places where they are made.
fn is_promised(cover: Cover, item: &Item) -> bool {
    cover != Cover::Sneak || matches!(item, Item::Edge(_))
}

/// Items as numbers of names.
fn numbered(items: impl Iterator<Item = Item>, quotient: &Quotient) -> (Vec<String>, Vec<Vec<u32>>) {
    let mut names = Vec::new();
    let mut numbers = BTreeMap::new();
    let mut number = |part: Item| {
        *numbers.entry(part).or_insert_with(|| {
            names.push(part.name(quotient));
            names.len() as u32 - 1
        })
    };
    let items = items.map(|item| parts(item).into_iter().map(&mut number).collect()).collect();
    (names, items)
}

/// An item as the states or edges it is made of.
fn parts(item: Item) -> Vec<Item> {
    match item {
        Item::Pair(first, second) => vec![Item::Edge(first), Item::Edge(second)],
        other => vec![other],
    }
}

fn header(dialect: Dialect, slice: &Slice) -> Header {
    Header {
        scope: slice.name.to_owned(),
        subject: "core".to_owned(),
        engine: ENGINE.to_owned(),
        callback_slots: slice.callback_slots,
        ..Header::of(dialect.profile())
    }
}

/// A path as a file of its own, as the model has it. Steps that make no sense on the way are left out, and what the service does by itself
/// before something comes from outside is done. It ends where everything rests.
#[must_use]
pub fn case_of((slice, settles): (&Slice, Settles), dialect: Dialect, path: &[Stimulus], name: &str) -> Case {
    let header = header(dialect, slice);
    let trace = core::record_what_makes_sense(slice, header, path, settles, engine::core::Core::new);
    Case { name: name.to_owned(), trace }
}

/// A case of this slice, with other steps that have its callbacks and states.
pub(crate) fn again_as(slice: &Slice, case: &Case, steps: &[Stimulus]) -> Case {
    let trace = core::record(slice, case.trace.header.clone(), steps, engine::core::Core::new);
    Case { name: case.name.clone(), trace }
}

/// The slice that a file of a suite is about.
#[must_use]
pub fn slice_of(header: &Header) -> Option<Slice> {
    slice(&header.scope, &header.profile())
}

/// The stimuli of a file.
///
/// # Errors
/// A `choose` line that is not a stimulus.
pub fn steps_of(trace: &Trace) -> Result<Vec<Stimulus>, crate::tape::Error> {
    crate::run::from_trace(trace).map(|program| program.steps)
}

impl Manifest {
    /// What the suite covers.
    ///
    /// # Errors
    /// It is none of the covers.
    pub fn cover(&self) -> Result<Cover, model::suite::UnknownCover> {
        self.cover.parse()
    }

    /// An item in words.
    #[must_use]
    pub fn name(&self, item: &[u32]) -> String {
        let of = |number: &u32| self.names.get(*number as usize).map_or("?", String::as_str);
        item.iter().map(of).collect::<Vec<_>>().join("; then ")
    }

    /// The items that are not among these, by name.
    fn missing(&self, covered: &BTreeSet<Item>, quotient: &Quotient) -> Vec<String> {
        let numbers: BTreeMap<&str, u32> = self.names.iter().map(String::as_str).zip(0..).collect();
        // A name per state or edge, and not per pair: there are far more of those.
        let mut known: BTreeMap<Item, Option<u32>> = BTreeMap::new();
        let mut number = |part: Item| {
            *known.entry(part).or_insert_with(|| numbers.get(part.name(quotient).as_str()).copied())
        };
        let mut reached = BTreeSet::new();
        for item in covered {
            let item: Option<Vec<u32>> = parts(*item).into_iter().map(&mut number).collect();
            reached.extend(item);
        }
        let missing = self.items.iter().filter(|item| !reached.contains(*item));
        missing.map(|item| self.name(item)).collect()
    }
}
