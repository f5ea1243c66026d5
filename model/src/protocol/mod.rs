//! The protocol model: client threads, the engine's lock, dispatchers, slots and the environment, as a stateright [`Model`].
//!
//! **What it is.** The concurrent half of contract section 4. A call is cut into call, effect under the lock, disk, wait, return; a
//! delivery into claim with its slot, begin, enter, calls from inside, leave, settle. Between any two of these steps any other
//! thread or the environment may move. What a dispatcher does before it enters, and what a call waits for before it returns, is a
//! parameter: the [`Design`]. The engine's is [`Design::Barrier`]; the others are kept because their counterexamples show why.
//!
//! **What it is not.** The engine: it shares no code with it. Nor a model of transfers: slots of transfers, retries of transfers and times
//! are left out, a job transfers and then its file arrives or fails. No crash.
//!
//! **What it is judged by.** The rules' own monitors, one per job, fed with what an observer outside would see; R9, R16 and L3 as
//! predicates on the state (`waits`). A rule that never had to decide anything in a slice is vacuous there.
//!
//! **The law it keeps.** Equal states have equal successors, and nothing but the state decides what may happen. What the rules
//! have decided is noted beside the states, in the model: it is a set that only grows, so the order of exploration does not matter.
//!
//! # Why fewer states are enough
//!
//! - *Jobs* of one user differ in nothing but their number, so of two states that are equal up to their numbers one is
//!   kept. The exchange is made inside `next_state`, because stateright's breadth-first search has no symmetry.
//!   Inside its monitors a job is always number 0, and a caller is a client, the job's own callback, or the other job's.
//! - *Dispatchers* have no numbers at all (see `state`). *Clients* draw on one budget, so the first idle one stands for all.
//! - *Lock and effect* are one step: the lock is held within a step only (see `step`).
//! - *A program's exit and its report* are one step. A call in between would make the exit mean nothing (a new registration, a
//!   Resume, an end), or does not touch it. A call of the first kind that comes after takes away what the exit meant. No call waits
//!   for a program.
//! - *Disk and done* are one step: the disk work reads and writes nothing that another step does.
//! - Two steps are taken at once and alone when they are possible ([`Reduction::Fewest`]): the settling of a delivery whose
//!   job has ended, and the effect of a client's call on such a job. No step that another thread takes before them changes what they
//!   do. A final job stays final, so no call on it waits for the delivery any more and the answer is INVALID_STATE. They do not take
//!   away another step and change no step's result; they show nothing to the rules; they do not change whether a state has a
//!   circle of waits, too many callbacks, or a starved user, because a delivery that has left is in none of these. And
//!   each consumes a leave or a call, so no circle of states consists of them alone. Calls, returns,
//!   enters and leaves are never hurried. A test compares both explorations for every design.

mod act;
mod check;
mod design;
mod enabled;
mod law;
mod live;
mod memory;
mod scope;
mod state;
mod step;
mod story;
mod table;
#[cfg(test)]
mod tests;
mod trail;
mod view;
mod waits;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use contract::defect::Design;
use contract::{JobState, Profile};
use judge::{Monitors, Rule, RuleSet};
use stateright::{Model, Path, Property};

pub use self::act::{Act, Disk};
pub use self::check::{Outcome as LawOutcome, Report, Size, check, outcomes};
pub use self::law::Law;
pub use self::live::{Duty, Lasso, LiveProof, LiveReport, check_live, live_slice};
pub use self::scope::{Ask, Leaves, Locks, Mishaps, Set, Slice, Transfers, slices};
pub use self::state::{Object, Outcome, Who, World};
pub use self::story::Story;
pub use self::table::{Cell, Counterexample, Row, Table};
pub use self::trail::{Begun, Ground, Is, JOBS as TRAIL_JOBS, Jobs, Lost, Map, Shown, Trail};

use self::act::Note;
use self::law::properties;
use self::memory::{CALLS, Memories, Memory, Step};
use self::state::{Phase, Stage};
use self::step::Rig;
use self::waits::Through;
use crate::explore::Judged;
use explorer::Classes;

/// The property that no call waits in a circle through a client's own lock. It is no rule: clause 7 leaves that to the client.
pub(crate) const CLIENTS_OWN: &str = "client's own lock";

/// How much is left out that shows nothing new. See the module's documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reduction {
    /// Nothing: for tests of the other, and for counterexamples, in which no step is a detour.
    Full,
    /// All that can be.
    Fewest,
}

/// How many bytes each rule remembers about a job in a state, and last what they share.
#[must_use]
pub fn memory() -> (Vec<(Law, usize)>, usize) {
    let (rules, shared) = Monitors::<CALLS>::sizes();
    let carried = rules.iter().map(|(rule, size)| (Law::Rule(*rule), *size));
    (carried.filter(|(law, _)| Law::ALL.contains(law)).collect(), shared)
}

/// A state: the protocol's, and the rules' memory of each job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State<const J: usize> {
    world: World<J>,
    memories: [Memory; J],
    /// The rules that the step which led here broke.
    violated: RuleSet,
}

/// The protocol model of one slice with `J` jobs.
pub struct Protocol<const J: usize> {
    rig: Rig,
    laws: Vec<Law>,
    memories: Memories,
    first: Memory,
    exercised: Exercised,
}

impl<const J: usize> Protocol<J> {
    /// The protocol of `slice` in a dialect under a design, held to `laws`.
    #[must_use]
    pub fn new(design: Design, profile: &Profile, slice: &Slice, laws: &[Law], reduction: Reduction) -> Self {
        let rig = Rig::new(design, profile, slice, reduction);
        let (memories, first) = Memories::new(first_memory(&rig, laws));
        Protocol { rig, laws: laws.to_vec(), memories, first, exercised: Exercised::default() }
    }

    /// Whether a state keeps a law.
    #[must_use]
    pub fn holds(&self, state: &State<J>, law: Law) -> bool {
        match law {
            Law::Rule(Rule::R9) => {
                !self.rig.oversteps(&state.world) && self.rig.starved(&state.world).is_none()
            }
            Law::Rule(Rule::R16) => self.rig.circle(&state.world, Through::Engine).is_empty(),
            Law::Rule(rule) => !state.violated.contains(rule),
            Law::BoundedWait => self.rig.overwaits(&state.world).is_none(),
        }
    }

    /// Whether a call waits in a circle that only a client's own lock closes.
    fn locks_itself_out(&self, state: &State<J>) -> bool {
        self.rig.circle(&state.world, Through::Engine).is_empty()
            && !self.rig.circle(&state.world, Through::Clients).is_empty()
    }

    fn first(&self) -> State<J> {
        State { world: self.rig.first(), memories: [self.first; J], violated: RuleSet::EMPTY }
    }

    /// The state after a step, with the jobs as they were numbered before it.
    fn taken(&self, state: &State<J>, act: Act) -> State<J> {
        let mut next = State { violated: RuleSet::EMPTY, ..*state };
        let State { world, memories, violated } = &mut next;
        self.rig.take(world, act, &mut |note: Note| {
            let memory = &mut memories[usize::from(note.job())];
            let step = self.remember(*memory, note.alone());
            *memory = step.to;
            *violated = violated.union(step.violated);
        });
        self.note_waits(state, &next);
        next
    }

    /// What the rules make of something seen of a job.
    fn remember(&self, memory: Memory, note: Note) -> Step {
        self.memories.step(memory, note, |monitors| {
            let (mut violated, mut exercised) = (RuleSet::EMPTY, RuleSet::EMPTY);
            let profile = &self.rig.profile;
            story::view(&self.rig, &note, &story::Small, |event| {
                violated = violated.union(monitors.step_counting(profile, event, &mut exercised));
            });
            for rule in exercised.iter() {
                self.exercised.note(Law::Rule(rule));
            }
            violated
        })
    }

    /// R9 decides where a delivery is held back for a slot; R16 and L3 where a call waits.
    fn note_waits(&self, before: &State<J>, after: &State<J>) {
        if self.rig.holds_back(&after.world) {
            self.exercised.note(Law::Rule(Rule::R9));
        }
        let waiting = |state: &State<J>| state.world.calls().filter(|(_, open)| open.is_waiting()).count();
        let (was, is) = (waiting(before), waiting(after));
        if is > was {
            self.exercised.note(Law::Rule(Rule::R16));
        }
        if is < was {
            self.exercised.note(Law::BoundedWait);
        }
    }

    /// One of the states that are equal up to the numbers of the jobs.
    fn representative(&self, state: State<J>) -> State<J> {
        // With a third job, the calls of the first two on it would have to exchange their numbers in its monitors, too.
        if J != 2 || self.rig.reduction == Reduction::Full {
            return state;
        }
        let world = state.world.exchanged();
        if world >= state.world {
            return state;
        }
        let mut memories = state.memories;
        memories.swap(0, 1);
        State { world, memories, ..state }
    }

    /// A step that may be taken alone. See the module's documentation.
    fn ample(&self, world: &World<J>) -> Option<Act> {
        let settles = (0..J as u8).find(|id| {
            let job = &world.jobs[usize::from(*id)];
            job.state.is_final() && matches!(job.delivery.phase, Phase::Left(_))
        });
        let refused = |who: &Who| {
            let open = world.open(*who);
            let on = world.jobs.get(usize::from(open.on)).map(|job| job.state);
            matches!(who, Who::Client(_)) && open.stage == Stage::Called && on.is_some_and(JobState::is_final)
        };
        settles.map(Act::Settle).or_else(|| World::<J>::callers().find(refused).map(Act::Effect))
    }
}

/// The laws that have had to decide something in the states explored so far, a bit each. A clone sees what its model notes, and
/// is there when an explorer has taken the model.
#[derive(Clone, Default)]
struct Exercised(Arc<AtomicU32>);

impl Exercised {
    fn has(&self, law: Law) -> bool {
        self.0.load(Ordering::Relaxed) & law.bit() != 0
    }

    /// Most is noted already, and reading that costs no other worker its cache.
    fn note(&self, law: Law) {
        if !self.has(law) {
            self.0.fetch_or(law.bit(), Ordering::Relaxed);
        }
    }
}

/// What the rules remember of a job in the first state.
fn first_memory(rig: &Rig, laws: &[Law]) -> Monitors<CALLS> {
    let rule = |law: &Law| if let Law::Rule(rule) = law { Some(*rule) } else { None };
    let per_job: RuleSet = laws.iter().filter_map(rule).collect();
    // R9 and R16 are predicates here; their part in a job's monitors would only make states more.
    let mut monitors = Monitors::new(per_job.intersection(RuleSet::OF_A_JOB));
    story::prefix(rig, 0, &mut |event| {
        let _nothing_yet = monitors.step(&rig.profile, event);
    });
    monitors
}

impl<const J: usize> Model for Protocol<J> {
    type State = State<J>;
    type Action = Act;

    fn init_states(&self) -> Vec<State<J>> {
        vec![self.first()]
    }

    fn actions(&self, state: &State<J>, acts: &mut Vec<Act>) {
        if self.rig.reduction == Reduction::Fewest
            && let Some(act) = self.ample(&state.world)
        {
            acts.push(act);
            return;
        }
        self.rig.acts(&state.world, acts);
    }

    fn next_state(&self, state: &State<J>, act: Act) -> Option<State<J>> {
        Some(self.representative(self.taken(state, act)))
    }

    fn format_action(&self, act: &Act) -> String {
        let asked = |ask: u8| self.rig.asks.get(usize::from(ask)).map(|asked| asked.ask.to_string());
        act.in_words(|ask| asked(ask).unwrap_or_default())
    }

    fn format_step(&self, state: &State<J>, act: Act) -> Option<String> {
        self.next_state(state, act).map(|next| self.rig.in_words(&next.world))
    }

    /// Only without reductions: with them, jobs change their numbers on the way.
    fn as_svg(&self, path: Path<State<J>, Act>) -> Option<String> {
        let told = self.rig.reduction == Reduction::Full;
        told.then(|| view::svg(&self.story(&path.into_actions(), None).picture(None)))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let own =
            Property::sometimes(CLIENTS_OWN, |model: &Self, state: &State<J>| model.locks_itself_out(state));
        self.laws.iter().copied().map(properties!(Self, State<J>)).chain([own]).collect()
    }
}

impl<const J: usize> Judged for Protocol<J> {
    fn breaks(&self, state: &State<J>, property: &str) -> bool {
        if property == CLIENTS_OWN {
            return self.locks_itself_out(state);
        }
        Law::ALL.iter().any(|law| law.id() == property && !self.holds(state, *law))
    }

    fn classes() -> Classes<Self> {
        Classes { names: Act::CLASSES.map(str::to_owned).to_vec(), of: Act::class }
    }
}
