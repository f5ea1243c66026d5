//! What may be done next, each with where it leads: the steps of a walk.
//!
//! **What it is.** [`Session::choices`] tries every act of a menu on a copy of the session. What is possible in a dialect is a [`Choice`], in
//! the words of the prompt, with what happens then.
//!
//! **What it is not.** Every call that there is. A method is called with its usual arguments and with those that lead elsewhere:
//! another mask, no object. In a slice the menu is what the checker tries there. What the menu lacks can be typed.
//!
//! **The law it keeps.** A choice is a statement that [`read`](super::read()) reads, and that the session obeys. The session is not changed.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use contract::answers::{self, Class};
use contract::core::{Failure, TransferEvent};
use contract::event::Leave;
use contract::{Call, Core, ErrorContext, HResult, JobId, JobState, Method, ThreadId, UserId};
use judge::RuleSet;
use model::drive::{DiskResult, From, Phase};
use model::product::Product;
use model::scope::{Slice, slice};

use super::act::{Act, On, Verb, Who};
use super::call;
use super::read::{Args, Statement};
use super::session::{Session, Sided};
use super::side::{Done, NotNow, Side};
use crate::program::JOBS;
use crate::random::Rng;

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Actor {
    /// A client's thread.
    Client,
    /// A callback or program that has begun.
    Callback,
    /// The service: its scheduler and its dispatchers.
    Service,
    /// Transfers and the network.
    Network,
    /// The disk.
    Disk,
    /// Time.
    Clock,
    /// A user who logs off.
    User,
}

impl Actor {
    /// Each, in the order of a page.
    pub const ALL: [Actor; 7] = [
        Actor::Client,
        Actor::Callback,
        Actor::Service,
        Actor::Network,
        Actor::Disk,
        Actor::Clock,
        Actor::User,
    ];

    /// Who does this.
    fn of(act: &Act) -> Actor {
        match (&act.verb, act.who) {
            (Verb::Call(_), Some(Who::Delivery(_) | Who::CallbackOf(_))) => Actor::Callback,
            (Verb::Call(_), _) => Actor::Client,
            (Verb::Enter | Verb::Leave(_) | Verb::Exit(_) | Verb::Deliver(_), _) => Actor::Callback,
            (Verb::LateCall | Verb::LateLeave(_) | Verb::LateStart, _) => Actor::Callback,
            (Verb::Turn | Verb::Begin, _) => Actor::Service,
            (Verb::Transfer(_) | Verb::LateTransfer(_) | Verb::NetworkLost | Verb::NetworkBack, _) => {
                Actor::Network
            }
            (Verb::Disk(_) | Verb::LateDisk(_), _) => Actor::Disk,
            (Verb::Time, _) => Actor::Clock,
            (Verb::Logoff(_), _) => Actor::User,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Actor::Client => "client",
            Actor::Callback => "callback",
            Actor::Service => "service",
            Actor::Network => "network",
            Actor::Disk => "disk",
            Actor::Clock => "clock",
            Actor::User => "user",
        })
    }
}

/// A step that is possible now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// Who acts.
    pub actor: Actor,
    /// The statement.
    pub typed: String,
    /// Whether it is one that runs are made of.
    pub weight: Weight,
    /// Where it leads in each dialect, or why it is not possible there.
    pub leads: Vec<Sided<Result<Leads, NotNow>>>,
}

/// How often a step is what a reader looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// It moves a job, or what a client receives.
    Main,
    /// A property, a list, a question.
    Aside,
}

impl Weight {
    fn of(act: &Act) -> Weight {
        let Verb::Call(call) = &act.verb else { return Weight::Main };
        let method = call.method();
        let told = matches!(
            method,
            Method::CreateJob
                | Method::AddFile
                | Method::SetNotifyFlags
                | Method::SetNotifyInterface
                | Method::SetNotifyCmdLine
        );
        if told || moves(method) { Weight::Main } else { Weight::Aside }
    }
}

/// Whether the method moves a job from state to state.
fn moves(method: Method) -> bool {
    matches!(answers::class(method), Class::Suspend | Class::Resume | Class::Cancel | Class::Complete)
}

/// Where a step leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leads {
    /// What happens, in order.
    pub happens: Vec<String>,
    /// The jobs whose state changes, each with the new one.
    pub states: Vec<(JobId, JobState)>,
    /// What becomes of everything else.
    pub to: Where,
}

/// What a step makes of the situation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Where {
    /// Everything is as it was: a question, or a call that is refused.
    Here,
    /// Something is another.
    Elsewhere,
    /// A rule is broken, or specification and core part.
    Broken(String),
}

impl Choice {
    fn ends_a_job(&self) -> bool {
        let leads = self.leads.iter().filter_map(|one| one.what.as_ref().ok());
        { leads }.any(|leads| leads.states.iter().any(|(_, state)| state.is_final()))
    }

    /// Whether it changes nothing in any dialect.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        let stays = |one: &Sided<Result<Leads, NotNow>>| match &one.what {
            Ok(leads) => leads.to == Where::Here,
            Err(_) => true,
        };
        self.leads.iter().all(stays)
    }
}

/// Of the random steps that would end a job, one in this number is taken.
const ENDINGS: u64 = 4;

impl<C: Core> Session<C> {
    /// What may be done next, by who does it. Nothing where a rule is broken in each dialect.
    #[must_use]
    pub fn choices(&self) -> Vec<Choice> {
        self.acts().into_iter().filter_map(|act| self.choice(&act)).collect()
    }

    /// Takes this number of steps, each by chance among those that change something, and stops where there is none. Who acts is drawn
    /// first, so that the many calls of a client do not crowd out the rest. Returns the steps taken.
    pub fn wander(&mut self, seed: u64, steps: usize) -> usize {
        let mut rng = Rng::new(seed, self.len() as u64);
        (0..steps).find(|_| !self.stray(&mut rng)).unwrap_or(steps)
    }

    /// Takes one step by chance; returns whether there was one.
    fn stray(&mut self, rng: &mut Rng) -> bool {
        let mut acts = self.acts();
        let mut last_resort = None;
        let drawn = loop {
            let mut actors: Vec<Actor> = acts.iter().map(Actor::of).collect();
            // They are in order, so this leaves each once.
            actors.dedup();
            let Some(actor) = rng.pick(&actors) else { break last_resort };
            let of_actor: Vec<usize> = (0..acts.len()).filter(|at| Actor::of(&acts[*at]) == *actor).collect();
            let Some(at) = rng.pick(&of_actor) else { break last_resort };
            let act = acts.remove(*at);
            let Some(choice) = self.choice(&act).filter(|choice| !choice.changes_nothing()) else { continue };
            // What ends a job ends most of the walk, too.
            if !choice.ends_a_job() || rng.once_in(ENDINGS) {
                break Some(act);
            }
            last_resort = Some(act);
        };
        drawn.is_some_and(|act| self.obey(&Statement::Act(act)).is_ok())
    }

    /// Whether everything that may come is as in the other session, in each dialect.
    #[must_use]
    pub fn is_like(&self, other: &Session<C>) -> bool {
        let sides = |session: &Session<C>| session.sides().len();
        let pairs = self.sides().iter().zip(other.sides());
        sides(self) == sides(other) && self.chosen() == other.chosen() && { pairs }
            .all(|(one, other)| one.lockstep == other.lockstep)
    }

    /// A number that is equal for sessions that are alike.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.sides().iter().for_each(|side| side.lockstep.hash(&mut hasher));
        hasher.finish()
    }

    /// Every act of the menus, once, by who does it.
    fn acts(&self) -> Vec<Act> {
        let mut acts: Vec<Act> = Vec::new();
        for act in self.sides().iter().flat_map(|side| self.menu(side)) {
            if !acts.contains(&act) {
                acts.push(act);
            }
        }
        // Those of an actor stay in the order of the menu.
        acts.sort_by_key(Actor::of);
        acts
    }

    fn menu(&self, side: &Side<C>) -> Vec<Act> {
        let frame = &side.frame;
        match slice(frame.slice, &frame.variant.profile) {
            Some(slice) => self.menu_of_slice(side, &slice),
            None => menu(side),
        }
    }

    /// The alphabet of a slice: what the checker tries in this state.
    fn menu_of_slice(&self, side: &Side<C>, slice: &Slice) -> Vec<Act> {
        let made = side.lockstep.spec().jobs().len();
        if made < slice.jobs {
            return calls(Method::CreateJob).take(1).map(|call| alone(Verb::Call(call))).collect();
        }
        let profile = &side.frame.variant.profile;
        let product = Product::<C, JOBS>::around(profile, slice, RuleSet::EMPTY, self.make());
        let enabled = product.enabled(&side.lockstep).into_iter();
        let of_made = enabled.filter(|stimulus| stimulus.job().is_none_or(|job| job.index() < made));
        of_made.filter_map(|stimulus| Act::of(&stimulus)).map(plain).collect()
    }

    fn choice(&self, act: &Act) -> Option<Choice> {
        let leads: Vec<_> = self
            .sides()
            .iter()
            .map(|side| Sided { dialect: side.profile.dialect, what: leads(side, act, self.chosen()) })
            .collect();
        let is_possible = leads.iter().any(|one| one.what.is_ok());
        is_possible.then(|| Choice {
            actor: Actor::of(act),
            typed: act.to_string(),
            weight: Weight::of(act),
            leads,
        })
    }
}

/// The act in its usual typed form: the first thread is not named.
fn plain(act: Act) -> Act {
    let first = Some(Who::Thread(ThreadId(0)));
    Act { who: act.who.filter(|_| act.who != first), ..act }
}

fn leads<C: Core>(side: &Side<C>, act: &Act, chosen: JobId) -> Result<Leads, NotNow> {
    let mut then = side.clone();
    let Done { happened, .. } = then.perform(act, chosen)?;
    let to = match (then.circle().or_else(|| then.broken().map(|broken| broken.to_string())), side) {
        (Some(broken), side) if side.circle().is_none() && side.broken().is_none() => Where::Broken(broken),
        _ if then.lockstep.stands_as(&side.lockstep) => Where::Here,
        _ => Where::Elsewhere,
    };
    let state = |of: &Side<C>, job| of.lockstep.driver().core().state(job);
    let moved = jobs(&then).filter(|job| state(side, *job) != state(&then, *job));
    let states = moved.filter_map(|job| Some((job, state(&then, job)?))).collect();
    Ok(Leads { happens: happened, states, to })
}

fn jobs<C: Core>(side: &Side<C>) -> impl Iterator<Item = JobId> + use<C> {
    (0..side.lockstep.spec().jobs().len() as u32).map(JobId)
}

/// Every act that is worth trying, possible or not.
fn menu<C: Core>(side: &Side<C>) -> Vec<Act> {
    let mut acts = client(side);
    acts.extend(callbacks(side));
    acts.extend(service(side));
    acts.extend(network(side));
    acts.extend(jobs(side).flat_map(disk));
    acts.push(alone(Verb::Time));
    acts.extend((0..side.frame.users.count()).map(|user| alone(Verb::Logoff(UserId(user)))));
    acts
}

const fn alone(verb: Verb) -> Act {
    Act { who: None, on: On::Chosen, verb }
}

const fn on(job: JobId, verb: Verb) -> Act {
    Act { who: None, on: On::Job(job), verb }
}

/// Calls of the first thread that has none open.
fn client<C: Core>(side: &Side<C>) -> Vec<Act> {
    let open: Vec<From> = side.lockstep.driver().pending_calls().map(|open| open.from).collect();
    let free = (0..).map(ThreadId).find(|thread| !open.contains(&From::Client(*thread)));
    let who = free.filter(|thread| *thread != ThreadId(0)).map(Who::Thread);
    let of = |on: On, calls: Vec<Call>| {
        calls.into_iter().map(move |call| Act { who, on, verb: Verb::Call(call) }).collect::<Vec<_>>()
    };
    let about_none = |method: &Method| answers::class(*method) == Class::Manager && *method != Method::GetJob;
    let of_manager = Method::ALL.iter().filter(|method| about_none(method));
    let mut acts = of(On::Chosen, of_manager.flat_map(|method| calls(*method)).collect());
    for job in jobs(side) {
        let methods = Method::ALL.iter().filter(|method| !about_none(method));
        acts.extend(of(On::Job(job), methods.flat_map(|method| calls(*method)).collect()));
    }
    acts
}

/// Arguments beside the usual ones that lead elsewhere.
const MORE: [(Method, &[&str]); 5] = [
    (Method::SetNotifyFlags, &["TRANSFERRED|ERROR|MODIFICATION|FILE", "TRANSFERRED", "ERROR", "DISABLE"]),
    (Method::SetNotifyInterface, &["p0 v1", "p1 v2", "NULL"]),
    (Method::SetNotifyCmdLine, &["NULL"]),
    (Method::SetPriority, &["FOREGROUND", "LOW"]),
    (Method::CreateJob, &["NULL"]),
];

fn calls(method: Method) -> impl Iterator<Item = Call> {
    let more = MORE.iter().find(|(other, _)| *other == method).map_or(&[][..], |(_, more)| more);
    let read = move |text: &&str| call::read(method, &mut Args::of(text).ok()?).ok();
    call::usual(method).into_iter().chain(more.iter().filter_map(read))
}

/// What a callback or program does that has begun. Inside a callback those calls are made that a callback must be able to make.
fn callbacks<C: Core>(side: &Side<C>) -> Vec<Act> {
    let mut acts = Vec::new();
    for one in side.lockstep.driver().in_flight() {
        let who = Some(Who::Delivery(one.id));
        let of = |verb| Act { who, on: On::Chosen, verb };
        match one.phase {
            Phase::Begun => acts.extend([of(Verb::Enter), of(Verb::Exit(1))]),
            Phase::ProgramRuns => acts.extend([0, 1].map(|code| of(Verb::Exit(code)))),
            Phase::Entered | Phase::Called => {
                let codes = [HResult::S_OK, HResult::E_FAIL].map(Leave::Returned);
                acts.extend(codes.into_iter().chain([Leave::Panicked]).map(|leave| of(Verb::Leave(leave))));
                let inside = Method::ALL.iter().filter(|method| is_made_inside(**method));
                acts.extend(inside.flat_map(|method| calls(*method)).map(|call| of(Verb::Call(call))));
            }
        }
    }
    acts
}

fn is_made_inside(method: Method) -> bool {
    moves(method) || matches!(method, Method::SetNotifyFlags | Method::SetNotifyInterface)
}

fn service<C: Core>(side: &Side<C>) -> impl Iterator<Item = Act> + use<C> {
    std::iter::once(alone(Verb::Turn)).chain(jobs(side).map(|job| on(job, Verb::Begin)))
}

fn network<C: Core>(side: &Side<C>) -> Vec<Act> {
    let failed = |class, hr| TransferEvent::Failed { class, hr, context: ErrorContext::RemoteFile };
    let reports = [
        TransferEvent::Connected,
        TransferEvent::SizeKnown(1),
        TransferEvent::Bytes(1),
        TransferEvent::Restarted,
        TransferEvent::FileDone,
        failed(Failure::Fatal, HResult::BG_E_HTTP_ERROR_404),
        failed(Failure::Transient, HResult::BG_E_HTTP_ERROR_503),
    ];
    // Without a transfer the scheduler would have to act first, and it has a button of its own.
    let transfers = jobs(side).filter(|job| side.lockstep.driver().core().transfer(*job).is_some());
    let mut acts: Vec<Act> =
        transfers.flat_map(|job| reports.iter().map(move |event| on(job, Verb::Transfer(*event)))).collect();
    acts.extend([Verb::NetworkLost, Verb::NetworkBack].map(alone));
    acts
}

fn disk(job: JobId) -> [Act; 3] {
    [DiskResult::Good, DiskResult::RenameFails(0), DiskResult::LeavesBehind]
        .map(|result| on(job, Verb::Disk(result)))
}
