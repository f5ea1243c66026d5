//! A session: the steps so far, what they made of each dialect, and the commands that look back or ahead.

use std::collections::BTreeMap;

use contract::core::Config;
use contract::defect::Design;
use contract::{Call, Core, Dialect, JobId, Method, Rule, ThreadId};
use judge::{Possible, TimelineOptions, Trace, timeline};
use model::drive::{From, Stimulus};
use model::scope::{Users, Variant, slice};

use super::act::{Act, On, Verb, Who};
use super::call;
use super::help;
use super::read::Statement;
use super::side::{Done, NotNow, Side, Would};
use super::situation::Situation;
use crate::minimize::{Case, CoreName, minimize, told};
use crate::program::Program;
use crate::run;

/// Steps of a session at most.
pub const MOST_STEPS: usize = 10_000;

/// Something for each dialect of a session.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Sided<T> {
    /// Which dialect.
    pub dialect: Dialect,
    /// What it is there.
    #[serde(flatten)]
    pub what: T,
}

/// A step, and where everything stands behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its number; none for what was not done.
    pub number: Option<usize>,
    /// The act as typed.
    pub typed: String,
    /// What it did in each dialect, or why it was not possible there.
    pub done: Vec<Sided<Result<Done, NotNow>>>,
    /// Where everything stands.
    pub stands: Vec<Sided<Situation>>,
}

/// What calls would answer in a dialect: by answer, the methods.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answers {
    /// The answers, in the order of the methods that give them first.
    pub by_answer: Vec<(String, Vec<Method>)>,
}

/// What one call would answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The call as typed.
    pub typed: String,
    /// In each dialect.
    pub would: Vec<Sided<Result<Would, NotNow>>>,
}

/// What comes of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// A step was done.
    Stepped(Step),
    /// Steps that were only thought of.
    WhatIf(Vec<Step>),
    /// What a call would answer.
    Asked(Asked),
    /// What all calls would answer.
    Answers(Vec<Sided<Answers>>),
    /// A step explained.
    Why(Step),
    /// Steps were taken back: the last one is this one now.
    Back(usize, Vec<Sided<Situation>>),
    /// Where everything stands.
    Shown(Vec<Sided<Situation>>),
    /// The job that is chosen.
    Chosen(JobId),
    /// The steps so far.
    Steps(Vec<String>),
    /// A text for a reader.
    Text(String),
    /// A trace to be written there.
    Save(String, Box<Trace>),
    /// A trace to be read there, for [`Session::load`].
    Load(String),
    /// The session ends.
    Quit,
}

/// What the rules of one job remember.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registers {
    /// What clients may have set.
    pub possible: Vec<Possible>,
    /// What else each rule keeps, as its own fields.
    pub memory: Vec<(Rule, String)>,
}

/// A session. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Session<C: Core> {
    core: CoreName,
    /// What traces call the subject.
    subject: String,
    make: fn(&Config) -> C,
    sides: Vec<Side<C>>,
    entries: Vec<Entry>,
    chosen: JobId,
    /// Whether a rule was violated, or specification and core parted, in any step so far, also in one that was taken back.
    seen_broken: Seen,
}

/// Whether something has been seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    No,
    Yes,
}

/// A step that was done.
#[derive(Clone, Debug)]
struct Entry {
    act: Act,
    chosen: JobId,
    /// What it was made of, by side; none where it was not possible.
    stimuli: Vec<Vec<Stimulus>>,
}

impl<C: Core> Session<C> {
    /// Nothing has happened, in these dialects. `core` names what `make` makes.
    pub fn new(core: CoreName, dialects: &[Dialect], make: fn(&Config) -> C) -> Session<C> {
        let frame = |dialect: &Dialect| Program {
            variant: Variant { profile: *dialect.profile(), turned: "" },
            callback_slots: 4,
            users: Users::One,
            slice: "",
            steps: Vec::new(),
        };
        Session::of(core, dialects.iter().map(frame).collect(), make)
    }

    /// The jobs are of two users in turn.
    #[must_use]
    pub fn of_two_users(self) -> Session<C> {
        let frames = self.sides.iter().map(|side| side.frame.clone().of_two_users());
        self.anew(frames.collect())
    }

    fn of(core: CoreName, frames: Vec<Program>, make: fn(&Config) -> C) -> Session<C> {
        let sides = frames.into_iter().map(|frame| Side::new(frame, make)).collect();
        Session {
            core,
            subject: core.name().to_owned(),
            make,
            sides,
            entries: Vec::new(),
            chosen: JobId(0),
            seen_broken: Seen::No,
        }
    }

    /// With the delays, the users and the menu of a slice of the checker; none where a dialect has no slice of this name.
    #[must_use]
    pub fn in_slice(self, name: &str) -> Option<Session<C>> {
        let has = |side: &Side<C>| slice(name, &side.frame.variant.profile).is_some();
        let frames = self.sides.iter().map(|side| side.frame.clone().in_slice(name)).collect();
        self.sides.iter().all(has).then(|| self.anew(frames))
    }

    /// Traces of it name this design.
    #[must_use]
    pub fn under(self, design: Design) -> Session<C> {
        Session { subject: format!("{}, design {design}", self.core.name()), ..self }
    }

    /// A session with these frames in which nothing has happened. Core, subject and the note of a violation are those of this one.
    fn anew(&self, frames: Vec<Program>) -> Session<C> {
        let empty = Session::of(self.core, frames, self.make);
        Session { subject: self.subject.clone(), seen_broken: self.seen_broken, ..empty }
    }

    /// Whether a rule was violated or specification and core parted, even if it was taken back.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.seen_broken == Seen::Yes
    }

    pub(super) fn make(&self) -> fn(&Config) -> C {
        self.make
    }

    pub(super) fn sides(&self) -> &[Side<C>] {
        &self.sides
    }

    /// The job that acts are about which name none.
    #[must_use]
    pub const fn chosen(&self) -> JobId {
        self.chosen
    }

    /// The steps so far, as they are typed.
    pub fn typed(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|entry| entry.act.to_string())
    }

    /// The run so far as a trace.
    #[must_use]
    pub fn traces(&self) -> Vec<Sided<Trace>> {
        self.sided(|side| self.trace(side))
    }

    /// What the rules of each job remember, in the order of the jobs.
    #[must_use]
    pub fn registers(&self) -> Vec<Sided<Vec<Registers>>> {
        self.sided(|side| {
            let of = |monitors: &judge::Monitors<{ model::drive::CALLS }>| Registers {
                possible: monitors.possible(),
                memory: monitors.memory(),
            };
            let jobs = side.lockstep.spec().jobs().len();
            side.lockstep.monitors().iter().take(jobs).map(of).collect()
        })
    }

    /// Steps so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where everything stands.
    #[must_use]
    pub fn stands(&self) -> Vec<Sided<Situation>> {
        self.sided(Situation::of)
    }

    /// Carries out the statement.
    ///
    /// # Errors
    /// It is not possible now. Then nothing has changed.
    pub fn obey(&mut self, statement: &Statement) -> Result<Reply, NotNow> {
        match statement {
            Statement::Act(act) => self.act(act).map(Reply::Stepped),
            Statement::WhatIf(acts) => {
                let mut other = self.clone();
                acts.iter().map(|act| other.act(act)).collect::<Result<Vec<_>, _>>().map(|steps| {
                    let thought = |step: Step| Step { number: None, ..step };
                    Reply::WhatIf(steps.into_iter().map(thought).collect())
                })
            }
            Statement::Ask(act) => Ok(Reply::Asked(Asked {
                typed: act.to_string(),
                would: self.sided(|side| side.ask(&self.free(side, act), self.chosen)),
            })),
            Statement::Answers => Ok(Reply::Answers(self.sided(|side| self.answers(side)))),
            Statement::Job(job) => self.choose(*job),
            Statement::Undo(steps) => {
                let kept = self.entries.len().checked_sub(*steps).filter(|_| *steps > 0);
                let kept = kept.ok_or_else(|| self.no_such_step(*steps, "undo"))?;
                Ok(self.back(kept))
            }
            Statement::Back(kept) if *kept > self.entries.len() => Err(self.no_such_step(*kept, "back")),
            Statement::Back(kept) => Ok(self.back(*kept)),
            Statement::Why(number) => self.why(*number),
            Statement::Show => Ok(Reply::Shown(self.stands())),
            Statement::Steps => {
                Ok(Reply::Steps(self.entries.iter().map(|entry| entry.act.to_string()).collect()))
            }
            Statement::Timeline => Ok(Reply::Text(self.timeline())),
            Statement::Save(file, dialect) => {
                let trace = self.trace(self.side(*dialect)?);
                Ok(Reply::Save(file.clone(), Box::new(trace)))
            }
            Statement::Load(file) => Ok(Reply::Load(file.clone())),
            Statement::Test(name) => Ok(Reply::Text(self.test(name.as_deref()))),
            Statement::Help(word) => help::page(word.as_deref()).map(Reply::Text),
            Statement::Quit => Ok(Reply::Quit),
        }
    }

    /// Begins anew with the steps of a trace: with its dialect, users, slots and delays, or in both dialects where the session has both.
    ///
    /// # Errors
    /// The trace has something that cannot be typed, or a step that is not possible in any dialect.
    pub fn load(&mut self, trace: &Trace) -> Result<Reply, NotNow> {
        let help = "load a trace that `save`, `check` or `properties` has written";
        let program = run::from_trace(trace).map_err(|error| NotNow::new(error.to_string(), help))?;
        let frame = |side: &Side<C>| match side.profile.dialect == program.variant.profile.dialect {
            true => program.variant,
            false => side.frame.variant,
        };
        let variants = match self.sides.as_slice() {
            [_] => vec![program.variant],
            sides => sides.iter().map(frame).collect(),
        };
        let framed = |variant| Program { variant, steps: Vec::new(), ..program.clone() };
        let mut other = self.anew(variants.into_iter().map(framed).collect());
        for (at, stimulus) in program.steps.iter().enumerate() {
            let untyped = || NotNow::new(format!("step {} of the trace cannot be typed here", at + 1), help);
            let act = Act::of(stimulus).ok_or_else(untyped)?;
            other
                .push(&act)
                .map_err(|not| NotNow::new(format!("step {}, {act}: {not}", at + 1), not.help))?;
        }
        *self = other;
        Ok(Reply::Back(self.entries.len(), self.stands()))
    }

    fn act(&mut self, act: &Act) -> Result<Step, NotNow> {
        let done = self.push(act)?;
        Ok(Step { number: Some(self.entries.len()), typed: act.to_string(), done, stands: self.stands() })
    }

    fn push(&mut self, act: &Act) -> Result<Vec<Sided<Result<Done, NotNow>>>, NotNow> {
        if self.entries.len() == MOST_STEPS {
            let what = format!("a session has {MOST_STEPS} steps at most");
            return Err(NotNow::new(what, "type `save FILE`, and `back N` or begin anew"));
        }
        let chosen = self.chosen;
        let performed = |side: &mut Side<C>| {
            let dialect = side.profile.dialect;
            Sided { dialect, what: side.perform(act, chosen) }
        };
        let done: Vec<_> = self.sides.iter_mut().map(performed).collect();
        if done.iter().all(|one| one.what.is_err()) {
            let first = done.into_iter().find_map(|one| one.what.err());
            return Err(first.unwrap_or_else(|| NotNow::new("there is no dialect", "type `quit`")));
        }
        let stimuli = |one: &Sided<Result<Done, NotNow>>| match &one.what {
            Ok(done) => done.stimuli.clone(),
            Err(_) => Vec::new(),
        };
        self.entries.push(Entry { act: act.clone(), chosen, stimuli: done.iter().map(stimuli).collect() });
        let made = |side: &Side<C>| side.lockstep.spec().jobs().len();
        let creates = matches!(&act.verb, Verb::Call(Call::CreateJob { .. }));
        if let Some(last) = self.sides.iter().map(made).max().filter(|made| creates && *made > 0) {
            self.chosen = JobId(last as u32 - 1);
        }
        if self.sides.iter().any(|side| side.broken().is_some() || side.circle().is_some()) {
            self.seen_broken = Seen::Yes;
        }
        Ok(done)
    }

    /// The session as it was behind its first `kept` steps.
    fn at(&self, kept: usize) -> Session<C> {
        let frames = self.sides.iter().map(|side| side.frame.clone()).collect();
        let mut earlier = self.anew(frames);
        for entry in &self.entries[..kept] {
            for (side, stimuli) in earlier.sides.iter_mut().zip(&entry.stimuli) {
                side.again(stimuli);
            }
        }
        earlier.entries = self.entries[..kept].to_vec();
        earlier.chosen = self.entries.get(kept).map_or(self.chosen, |next| next.chosen);
        earlier
    }

    fn back(&mut self, kept: usize) -> Reply {
        *self = self.at(kept);
        Reply::Back(kept, self.stands())
    }

    fn no_such_step(&self, number: usize, verb: &str) -> NotNow {
        let help = match self.entries.len() {
            0 => "there is no step yet: type `create`".to_owned(),
            all => format!("there are {all}: type `{verb} 1`, or `steps` for all of them"),
        };
        NotNow::new(format!("`{verb} {number}` goes beyond the steps that there are"), help)
    }

    fn choose(&mut self, job: JobId) -> Result<Reply, NotNow> {
        if self.sides.iter().all(|side| side.lockstep.spec().job(job).is_none()) {
            return Err(NotNow::new(format!("there is no job {job}"), "type `create` for a job"));
        }
        self.chosen = job;
        Ok(Reply::Chosen(job))
    }

    fn why(&self, number: Option<usize>) -> Result<Reply, NotNow> {
        let number = number.unwrap_or(self.entries.len());
        let place = number.checked_sub(1).filter(|place| *place < self.entries.len());
        let place = place.ok_or_else(|| self.no_such_step(number, "why"))?;
        let mut earlier = self.at(place);
        let act = earlier.act(&self.entries[place].act.clone());
        act.map(Reply::Why)
    }

    /// A call that is only asked about is made by a thread that has no call open, unless another one is typed.
    fn free(&self, side: &Side<C>, act: &Act) -> Act {
        let open: Vec<From> = side.lockstep.driver().pending_calls().map(|open| open.from).collect();
        let free = (0..).map(ThreadId).find(|thread| !open.contains(&From::Client(*thread)));
        Act { who: act.who.or(free.map(Who::Thread)), ..act.clone() }
    }

    fn answers(&self, side: &Side<C>) -> Answers {
        let mut by_answer: Vec<(String, Vec<Method>)> = Vec::new();
        for (method, call) in Method::ALL.iter().filter_map(|method| Some((*method, call::usual(*method)?))) {
            let act = Act { who: None, on: On::Chosen, verb: Verb::Call(call) };
            let said = match side.ask(&self.free(side, &act), self.chosen) {
                Ok(would) => answer(&would),
                Err(not) => format!("not now: {not}"),
            };
            match by_answer.iter_mut().find(|(other, _)| *other == said) {
                Some((_, methods)) => methods.push(method),
                None => by_answer.push((said, vec![method])),
            }
        }
        Answers { by_answer }
    }

    fn side(&self, dialect: Option<Dialect>) -> Result<&Side<C>, NotNow> {
        let found = match dialect {
            Some(dialect) => self.sides.iter().find(|side| side.profile.dialect == dialect),
            None => self.sides.first(),
        };
        found.ok_or_else(|| NotNow::new("this session has another dialect", "leave the dialect out"))
    }

    fn program(&self, side: &Side<C>) -> Program {
        let at = self.sides.iter().position(|other| other.profile.dialect == side.profile.dialect);
        let of_side = |entry: &Entry| at.and_then(|at| entry.stimuli.get(at)).cloned().unwrap_or_default();
        Program { steps: self.entries.iter().flat_map(of_side).collect(), ..side.frame.clone() }
    }

    fn trace(&self, side: &Side<C>) -> Trace {
        let mut trace = run::trace(&self.program(side), self.make, "simulate", None);
        trace.header.subject.clone_from(&self.subject);
        trace
    }

    fn timeline(&self) -> String {
        let one = |side: &Side<C>| {
            let picture = timeline(&told(&self.trace(side)), &TimelineOptions::default());
            if self.sides.len() == 1 { picture } else { format!("{}:\n{picture}", side.profile.dialect) }
        };
        self.sides.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    /// The run as a test: the engine must pass, and a core that is broken on purpose must be caught.
    fn test(&self, name: Option<&str>) -> String {
        let one = |side: &Side<C>| {
            let program = self.program(side);
            let case = Case::Stepped(self.core, program.clone());
            let caught = minimize(&case, judge::RuleSet::ALL).ok().and_then(|minimal| minimal.test);
            let named = name.unwrap_or("simulated");
            let named = if self.sides.len() == 1 {
                named.to_owned()
            } else {
                format!("{named}_{}", side.profile.dialect)
            };
            match caught {
                Some(test) => test.text.replacen(&test.name, &named, 1),
                None => program.to_rust().replacen("replayed", &named, 1),
            }
        };
        self.sides.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    fn sided<T>(&self, of: impl Fn(&Side<C>) -> T) -> Vec<Sided<T>> {
        self.sides.iter().map(|side| Sided { dialect: side.profile.dialect, what: of(side) }).collect()
    }

    /// The words that a statement may have here: jobs, callbacks and objects.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = BTreeMap::new();
        for side in &self.sides {
            let jobs = (0..side.lockstep.spec().jobs().len() as u32).map(JobId);
            names.extend(jobs.map(|job| (job.to_string(), ())));
            names.extend(side.lockstep.driver().in_flight().map(|one| (format!("{}:", one.id), ())));
        }
        let fixed = ["t0:", "t1:", "p0", "p1", "f0", "f1"];
        names.extend(fixed.map(|name| (name.to_owned(), ())));
        names.into_keys().collect()
    }
}

/// An answer in words.
pub(super) fn answer(would: &Would) -> String {
    let disk = if would.disk { ", after its disk work" } else { "" };
    match (would.answer, would.waits) {
        (Some(hr), _) => format!("{hr:?}{disk}"),
        (None, Some(delivery)) => format!("waits until {delivery} has left, or has called{disk}"),
        (None, None) => "does not return yet".to_owned(),
    }
}

/// The rules by number and name.
pub(super) fn rules(rules: judge::RuleSet) -> String {
    rules.iter().map(|rule: Rule| format!("{rule} ({})", rule.name())).collect::<Vec<_>>().join(", ")
}
