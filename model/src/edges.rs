//! All edges that programs can reach: found by exploring, and committed as `model/edges.txt`.
//!
//! **What it is.** [`reachable`] explores the product of specification and core in the slices of [`explorations`], without the rules'
//! monitors, and gives every edge it meets. [`Index`] is the committed result, with a place for each edge.
//!
//! **What it is not.** A proof that no larger scope has another edge. [`Breadth::Larger`] makes one dimension of a slice larger at a
//! time; who generates the index compares.
//!
//! **The law it keeps.** Equal slices give equal edges in one order, on any number of threads.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use contract::event::Target;
use contract::{Call, Core, Interfaces, JobId, NotifyFlags, Profile, Receiver, ReceiverId, ThreadId, UserId};
use judge::RuleSet;
use stateright::{Checker, Model, Property};

use crate::drive::{Applied, From, Stimulus};
use crate::edge::Edge;
use crate::lockstep::Lockstep;
use crate::product::{Product, State, stimulus_of};
use crate::scope::{
    Bytes, Delays, DiskFailures, Leaves, Network, Programs, Reentrancy, Slice, Timers, Users,
};
use crate::spec::MAX_FILES;

/// How wide to explore.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Breadth {
    /// As wide as the index is generated: seconds in an optimised build.
    Index,
    /// The slices of the index, each in one dimension larger: a file more, a client more, more masks, an object, a bad disk, every
    /// way to leave, bytes, or programs that run. Two pay for it in another dimension: a third file is without programs, and two jobs with a second
    /// file have a good disk. A few minutes.
    Larger,
}

/// One exploration for edges.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// The slice.
    pub slice: Slice,
    /// Which programs run.
    pub started: Started,
    /// Whether every call of the alphabet is made in every state, too, and everything comes there that has no effect. It is looked at,
    /// and its consequences are not followed.
    pub asides: Asides,
}

/// Whether notification programs come to run in an exploration, or can never be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Started {
    /// They run.
    Yes,
    /// They cannot be started.
    Never,
}

/// Whether all calls are made in every state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asides {
    /// Only the slice's own.
    None,
    /// All.
    All,
}

/// What came of one exploration.
#[derive(Clone, Debug)]
pub struct Explored {
    /// The edges.
    pub edges: BTreeSet<Edge>,
    /// Distinct states.
    pub states: usize,
    /// Whether specification and core agreed throughout. Otherwise the edges mean nothing.
    pub is_sound: bool,
}

/// The explorations that together find every edge.
#[must_use]
pub fn explorations(breadth: Breadth) -> Vec<Exploration> {
    let plain = Slice {
        name: "edges/files",
        jobs: 1,
        users: Users::One,
        files: 2,
        clients: 1,
        masks: masks(),
        receivers: vec![BOTH, FIRST],
        callback_slots: 4,
        disk: DiskFailures::All,
        timers: Timers::Retries,
        delays: Delays::Short,
        network: Network::Full,
        bytes: Bytes::Whole,
        reentrancy: Reentrancy::None,
        leaves: Leaves::OkOrFail,
        programs: Programs::None,
    };
    let few = || vec![NotifyFlags::empty(), told_all(), MODIFICATION];
    let one = |name| Slice { name, files: 1, masks: few(), receivers: vec![BOTH], ..plain.clone() };
    let files = Slice { programs: Programs::One, ..plain.clone() };
    let running =
        Slice { name: "edges/running programs", files: 1, programs: Programs::One, ..plain.clone() };
    // A Resume waits for the program that begins, and then it takes another client to call.
    let late = Slice { clients: 2, files: 2, disk: DiskFailures::None, ..running.clone() };
    let late = Slice { name: "edges/late programs", receivers: Vec::new(), masks: vec![told_all()], ..late };
    let nested = Slice { reentrancy: Reentrancy::Calls, clients: 2, files: 2, ..one("edges/nested") };
    let calls = Slice { receivers: Vec::new(), masks: Vec::new(), ..one("edges/calls") };
    let calls = Slice { files: MAX_FILES as u32, disk: DiskFailures::None, ..calls };
    let bytes = Slice { bytes: Bytes::Stepwise, disk: DiskFailures::None, ..one("edges/bytes") };
    let told = vec![NotifyFlags::FILE_TRANSFERRED, NotifyFlags::FILE_TRANSFERRED | MODIFICATION];
    let three = Slice { files: 3, disk: DiskFailures::None, masks: told, ..one("edges/three files") };
    let jobs = Slice { jobs: 2, receivers: Vec::new(), masks: Vec::new(), ..one("edges/jobs") };
    let expiry = Slice { timers: Timers::All, ..one("edges/expiry") };
    let alone = |slice| Exploration { slice, started: Started::Yes, asides: Asides::None };
    match breadth {
        Breadth::Index => vec![
            Exploration { started: Started::Never, ..alone(files) },
            alone(running),
            alone(late),
            alone(nested),
            Exploration { asides: Asides::All, ..alone(calls) },
            alone(bytes),
            alone(three),
            alone(jobs),
            alone(expiry),
        ],
        Breadth::Larger => vec![
            alone(Slice { name: "edges/files alone, a third file", files: 3, ..plain.clone() }),
            alone(Slice { name: "edges/files alone, a second client", clients: 2, ..plain }),
            alone(Slice { name: "edges/running programs, a second client", clients: 2, ..running }),
            alone(Slice { name: "edges/late programs, a third client", clients: 3, ..late.clone() }),
            alone(Slice { name: "edges/late programs, an object", receivers: vec![BOTH], ..late.clone() }),
            alone(Slice { name: "edges/late programs, more masks", masks: few(), ..late.clone() }),
            alone(Slice { name: "edges/late programs, a bad disk", disk: DiskFailures::All, ..late.clone() }),
            alone(Slice { name: "edges/late programs, a third file", files: 3, ..late }),
            alone(Slice { name: "edges/nested, every way to leave", leaves: Leaves::All, ..nested.clone() }),
            alone(Slice { name: "edges/nested, every mask", masks: masks(), files: 1, ..nested }),
            Exploration {
                asides: Asides::All,
                ..alone(Slice { name: "edges/calls, bytes", bytes: Bytes::Stepwise, ..calls })
            },
            alone(Slice { name: "edges/bytes, a second file", files: 2, ..bytes }),
            alone(Slice { name: "edges/three files, a fourth", files: 4, ..three }),
            alone(Slice {
                name: "edges/jobs, a second file, a good disk",
                files: 2,
                disk: DiskFailures::None,
                ..jobs
            }),
            alone(Slice { name: "edges/expiry, a second client", clients: 2, ..expiry.clone() }),
            alone(Slice { name: "edges/expiry, a second file", files: 2, ..expiry.clone() }),
            alone(Slice { name: "edges/expiry, programs", programs: Programs::One, ..expiry }),
        ],
    }
}

/// An object with Callback and Callback2.
const BOTH: Receiver =
    Receiver { id: ReceiverId(0), interfaces: Interfaces::CALLBACK.union(Interfaces::CALLBACK2) };
/// An object with Callback alone. Its id is that of [`BOTH`]: no edge distinguishes objects.
const FIRST: Receiver = Receiver { id: ReceiverId(0), interfaces: Interfaces::CALLBACK };

const MODIFICATION: NotifyFlags = NotifyFlags::JOB_MODIFICATION;

/// Both ends of a job, and its files.
fn told_all() -> NotifyFlags {
    NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED
}

/// Every subset of: both ends of a job, FileTransferred, JobModification. An edge never sees both ends, so they come together.
fn masks() -> Vec<NotifyFlags> {
    let parts = [NotifyFlags::DEFAULT, NotifyFlags::FILE_TRANSFERRED, MODIFICATION];
    let chosen = |subset: usize| parts.iter().enumerate().filter(move |(at, _)| subset >> at & 1 == 1);
    (0..8).map(|subset| chosen(subset).fold(NotifyFlags::empty(), |mask, (_, part)| mask | *part)).collect()
}

/// Explores, on `threads` threads. `calls` is the alphabet of [`Asides::All`].
pub fn reachable<C: Core>(
    profile: &Profile,
    exploration: &Exploration,
    calls: &[Call],
    threads: usize,
) -> Explored {
    match exploration.slice.jobs {
        0 | 1 => explore::<C, 1>(profile, exploration, calls, threads),
        _ => explore::<C, 2>(profile, exploration, calls, threads),
    }
}

fn explore<C: Core, const J: usize>(
    profile: &Profile,
    exploration: &Exploration,
    calls: &[Call],
    threads: usize,
) -> Explored {
    // As programs have it: the specification holds MAX_FILES files of a job, and refuses one more.
    let profile = Profile { files_per_job: MAX_FILES as u32, ..*profile };
    let product = Product::<C, J>::new(&profile, &exploration.slice, RuleSet::EMPTY);
    let seen = Arc::new(Seen::new());
    let asides = match exploration.asides {
        Asides::None => Vec::new(),
        Asides::All => asides(calls),
    };
    look_without_jobs::<C, J>(product.profile(), &exploration.slice, &asides, &seen);
    let model = Watched { product, started: exploration.started, asides, seen: Arc::clone(&seen) };
    let checker = model.checker().threads(threads).spawn_bfs().join();
    let is_sound = checker.discoveries().is_empty();
    Explored { edges: seen.edges().collect(), states: checker.unique_state_count(), is_sound }
}

/// The calls before there is a job.
fn look_without_jobs<C: Core, const J: usize>(
    profile: &Profile,
    slice: &Slice,
    asides: &[Stimulus],
    seen: &Seen,
) {
    let config = slice.config(profile);
    for aside in asides {
        let mut empty = Lockstep::<C, J>::new(&config, |_| UserId(0), RuleSet::EMPTY);
        let _applied = empty.apply_telling(profile, aside, &mut |_| (), &mut |edge| seen.see(edge));
    }
}

/// Every call, on the first job and on one that is not there.
fn asides(calls: &[Call]) -> Vec<Stimulus> {
    let from = From::Client(ThreadId(0));
    let on = |job: JobId| {
        calls.iter().map(move |call| Stimulus::Call { from, job: Some(job), call: call.clone() })
    };
    on(JobId(0)).chain(on(JobId(JOBS as u32))).collect()
}

/// More jobs than any exploration has.
const JOBS: usize = 3;

/// A set of edges that threads fill together, a bit for each code.
struct Seen(Vec<AtomicU64>);

impl Seen {
    fn new() -> Seen {
        Seen((0..1 << (Edge::CODE_BITS - 6)).map(|_| AtomicU64::new(0)).collect())
    }

    fn see(&self, edge: Edge) {
        let (word, bit) = (&self.0[edge.code() as usize / 64], 1 << (edge.code() % 64));
        // Mostly it is there, and reading is cheaper than writing.
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    fn edges(&self) -> impl Iterator<Item = Edge> {
        let words = (0_u32..).zip(&self.0).map(|(at, word)| (at, word.load(Ordering::Relaxed)));
        words.filter(|(_, word)| *word != 0).flat_map(|(at, word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .filter_map(move |bit| Edge::from_code(at * 64 + bit))
        })
    }
}

/// A product that notes the edges of every step.
struct Watched<C, const J: usize> {
    product: Product<C, J>,
    started: Started,
    asides: Vec<Stimulus>,
    seen: Arc<Seen>,
}

impl<C: Core, const J: usize> Watched<C, J> {
    /// Applies a stimulus to a copy of the state.
    fn step(&self, state: &State<C, J>, stimulus: &Stimulus) -> Option<State<C, J>> {
        let mut next = state.clone();
        let mut see = |edge| self.seen.see(edge);
        let applied = next.apply_telling(self.product.profile(), stimulus, &mut |_| (), &mut see);
        (applied == Applied::Done).then_some(next)
    }

    fn may_start(&self, state: &State<C, J>, stimulus: &Stimulus) -> bool {
        let Stimulus::Enter(job) = stimulus else { return true };
        let target = state.driver().telling(*job).map(|delivery| delivery.target);
        self.started == Started::Yes || target != Some(Target::CommandLine)
    }
}

impl<C: Core, const J: usize> Model for Watched<C, J> {
    type State = State<C, J>;
    type Action = Stimulus;

    fn init_states(&self) -> Vec<State<C, J>> {
        self.product.init_states()
    }

    fn actions(&self, state: &State<C, J>, actions: &mut Vec<Stimulus>) {
        self.product.actions(state, actions);
        actions.retain(|stimulus| self.may_start(state, stimulus));
        for aside in &self.asides {
            let _looked_at = self.step(state, aside);
        }
        if !self.asides.is_empty() {
            for idle in self.product.without_effect(state).filter_map(stimulus_of) {
                let _looked_at = self.step(state, &idle);
            }
        }
    }

    fn next_state(&self, state: &State<C, J>, stimulus: Stimulus) -> Option<State<C, J>> {
        self.step(state, &stimulus).filter(|next| self.product.is_in_scope(next))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("sound", |_: &Self, state: &State<C, J>| state.is_sound())]
    }
}

/// The committed edges, each with its place.
pub struct Index {
    /// By place, which is the order of the codes.
    edges: Vec<Edge>,
    /// Open addressing over twice as many places as there may be edges; nothing where no edge is.
    table: Vec<u32>,
}

/// Edges there may be at most (issue 5): as many counters as a fuzzer is given.
pub const MOST: usize = 8192;

/// A slot of the table without an edge.
const EMPTY: u32 = u32::MAX;

impl Index {
    /// The text that is committed: a name a line, sorted.
    #[must_use]
    pub fn text() -> &'static str {
        // A static: of a constant each crate that names it would have a copy.
        static TEXT: &str = include_str!("../edges.txt");
        TEXT
    }

    /// The committed index. A line that is no edge is left out; a test sees to it that there is none.
    #[must_use]
    pub fn committed() -> &'static Index {
        static INDEX: LazyLock<Index> =
            LazyLock::new(|| Index::of(Index::text().lines().filter_map(|line| line.parse().ok())));
        &INDEX
    }

    /// An index of these edges; of more than [`MOST`] the last ones have no place.
    #[must_use]
    pub fn of(edges: impl IntoIterator<Item = Edge>) -> Index {
        let edges: BTreeSet<Edge> = edges.into_iter().collect();
        let edges: Vec<Edge> = edges.into_iter().take(MOST).collect();
        let mut table = vec![EMPTY; 2 * MOST];
        for (place, edge) in edges.iter().enumerate() {
            let free = probes(*edge).find(|slot| table[*slot] == EMPTY);
            if let Some(slot) = free {
                table[slot] = place as u32;
            }
        }
        Index { edges, table }
    }

    /// The place of an edge, below [`MOST`]; none for an edge that is not in the index.
    #[must_use]
    pub fn place(&self, edge: Edge) -> Option<usize> {
        probes(edge)
            .map(|slot| self.table[slot])
            .take_while(|place| *place != EMPTY)
            .map(|place| place as usize)
            .find(|place| self.edges[*place] == edge)
    }

    /// The edges, by place.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }
}

/// The slots to look at for an edge, in order.
fn probes(edge: Edge) -> impl Iterator<Item = usize> {
    // Fibonacci hashing: the upper bits of the product are spread best.
    let first = edge.code().wrapping_mul(0x9E37_79B1) >> (32 - 14);
    (0..2 * MOST).map(move |step| (first as usize + step) % (2 * MOST))
}
