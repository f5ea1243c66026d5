//! What is seen of a run of the protocol: events for the rules, and a trace for a reader.

use contract::dialect::Switch;
use contract::event::{By, Caller, Leave, Target};
use contract::{
    Call, CallId, DeliveryId, EnvStep, EventView, HResult, JobId, JobState, Out, Profile, ReceiverId,
    ThreadId, UserId,
};
use judge::trace::{ChooseLine, Ended, Kind};
use judge::{Header, Line, Rule, TimelineOptions, Trace, Verdicts, timeline};

use super::act::{Act, Cause, Note};
use super::law::Law;
use super::scope::{Ask, file, owner, receiver};
use super::state::{Answer, CLIENTS, Delivery, Object, Outcome, Phase, Stage, To, Who, World};
use super::step::{Rig, resumed};
use super::waits::Through;
use super::{Protocol, State};

/// How the ids of an event are chosen.
pub(super) trait Ids {
    fn job(&self, job: u8) -> JobId;
    fn call(&self, who: Who, on: u8) -> CallId;
    fn delivery(&self, job: u8, to: To) -> DeliveryId;
    fn client(&self, client: u8) -> ThreadId {
        ThreadId(client.into())
    }
}

/// The ids inside a job's monitors, which do not change when jobs exchange their numbers.
pub(super) struct Small;

impl Ids for Small {
    fn job(&self, _: u8) -> JobId {
        JobId(0)
    }

    fn call(&self, who: Who, on: u8) -> CallId {
        CallId(match who {
            Who::Client(client) => client.into(),
            Who::Callback(job) if job == on => CLIENTS as u32,
            Who::Callback(_) => CLIENTS as u32 + 1,
        })
    }

    fn delivery(&self, _: u8, to: To) -> DeliveryId {
        DeliveryId(u32::from(to == To::Program))
    }
}

/// The note as an event.
pub(super) fn view(rig: &Rig, note: &Note, ids: &impl Ids, mut see: impl FnMut(&EventView<'_>)) {
    let by = |cause: Cause, on: u8| match cause {
        Cause::Call(who) => By::Call(ids.call(who, on)),
        Cause::Env(step) => By::Env(step),
    };
    let event = match *note {
        Note::Call { who, on, ask } => {
            let caller = caller(who, on, ids);
            let call = &rig.asks[usize::from(ask)].call;
            EventView::Call { id: ids.call(who, on), caller, job: Some(ids.job(on)), call }
        }
        Note::Return { who, on, ask, answer } => {
            let (id, job) = (ids.call(who, on), Some(ids.job(on)));
            let call = &rig.asks[usize::from(ask)].call;
            EventView::Return { id, job, call, hr: hresult(&rig.profile, answer), out: &Out::None }
        }
        Note::Enter { job, delivery } => {
            let (id, target, file) =
                (ids.delivery(job, delivery.to), target(delivery.to), delivery.file_id());
            EventView::Enter { delivery: id, job: ids.job(job), event: delivery.event, target, file }
        }
        Note::Leave { job, delivery, outcome } => EventView::Leave {
            delivery: ids.delivery(job, delivery.to),
            job: ids.job(job),
            event: delivery.event,
            target: target(delivery.to),
            file: delivery.file_id(),
            leave: leave(&delivery, outcome),
        },
        Note::Env { job, step, file } => EventView::Env { step, job: Some(ids.job(job)), file },
        Note::State { job, from, to, by: cause } => {
            EventView::State { job: ids.job(job), from, to, by: by(cause, job) }
        }
    };
    see(&event);
}

fn caller(who: Who, on: u8, ids: &impl Ids) -> Caller {
    match who {
        Who::Client(client) => Caller { thread: ids.client(client), user: UserId(owner(on)), inside: None },
        Who::Callback(job) => Caller {
            thread: ThreadId(DISPATCHERS + ids.job(job).0),
            user: UserId(owner(job)),
            inside: Some(ids.delivery(job, To::Object(Object::First))),
        },
    }
}

/// Threads from here on are the service's own.
const DISPATCHERS: u32 = 100;

fn target(to: To) -> Target {
    match to {
        To::Object(object) => Target::Interface(ReceiverId(object as u32)),
        To::Program => Target::CommandLine,
    }
}

fn leave(delivery: &Delivery, outcome: Outcome) -> Leave {
    match (delivery.to, outcome) {
        (To::Object(_), Outcome::Acknowledges) => Leave::Returned(HResult::S_OK),
        (To::Object(_), Outcome::Fails) => Leave::Returned(HResult::E_FAIL),
        (To::Program, Outcome::Acknowledges) => Leave::Exited(0),
        (To::Program, Outcome::Fails) => Leave::Exited(1),
    }
}

pub(super) fn hresult(profile: &Profile, answer: Answer) -> HResult {
    /// What a rename fails with when the destination is open elsewhere: ERROR_SHARING_VIOLATION.
    const SHARING_VIOLATION: HResult = HResult::from_win32(32);
    match answer {
        Answer::Ok => HResult::S_OK,
        Answer::Partial => profile.partial_complete,
        Answer::InvalidState => profile.invalid_state,
        Answer::NothingNew => profile.resume_transferred,
        Answer::DiskFailed => SHARING_VIOLATION,
    }
}

/// What happened to a job before the first state: it was made, given a file and an object, and resumed.
pub(super) fn prefix(rig: &Rig, job: u32, see: &mut impl FnMut(&EventView<'_>)) {
    let (id, job) = (CallId(0), JobId(job));
    let by = By::Call(id);
    let user = UserId(owner(job.0 as u8));
    let caller = Caller { thread: ThreadId(0), user, inside: None };
    let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
    see(&EventView::Call { id, caller, job: None, call: &create });
    see(&EventView::State { job, from: None, to: JobState::Suspended, by });
    see(&EventView::Return { id, job: Some(job), call: &create, hr: HResult::S_OK, out: &Out::Job(job) });
    let add = Call::AddFile { file: file() };
    let register = Call::SetNotifyInterface { receiver: Some(receiver(Object::First)) };
    let before = rig.slice.before.iter().map(|ask| Ask::call(*ask));
    for call in [add, register].into_iter().chain(before) {
        see(&EventView::Call { id, caller, job: Some(job), call: &call });
        see(&EventView::Return { id, job: Some(job), call: &call, hr: HResult::S_OK, out: &Out::None });
    }
    let resume = Call::Resume;
    let resumed = resumed(&rig.profile);
    see(&EventView::Call { id, caller, job: Some(job), call: &resume });
    see(&EventView::State { job, from: Some(JobState::Suspended), to: resumed, by });
    see(&EventView::Return { id, job: Some(job), call: &resume, hr: HResult::S_OK, out: &Out::None });
    if resumed == JobState::Queued {
        let turns: &[_] = match rig.profile.connects {
            Switch::On => {
                &[(JobState::Connecting, EnvStep::Turn), (JobState::Transferring, EnvStep::Connected)]
            }
            Switch::Off => &[(JobState::Transferring, EnvStep::Turn)],
        };
        let mut from = resumed;
        for (to, step) in turns {
            see(&EventView::Env { step: *step, job: Some(job), file: None });
            see(&EventView::State { job, from: Some(from), to: *to, by: By::Env(*step) });
            from = *to;
        }
    }
}

/// A run of the protocol, as events and as a timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Story {
    /// What happened. Steps that are not visible outside the engine are `choose` lines in it.
    pub trace: Trace,
    /// The first line that is not about how the jobs came into their first state.
    pub begins: u64,
    /// What is wrong at the end, where no event of the trace shows it.
    pub ending: String,
}

impl Story {
    /// The trace without the lines on how the jobs came into their first state.
    #[must_use]
    pub fn told(&self) -> Trace {
        let lines = self.trace.lines.iter().filter(|line| line.seq >= self.begins).cloned().collect();
        Trace { header: self.trace.header.clone(), lines }
    }

    /// The trace of [`Story::told`] as a timeline, with what is wrong at its end.
    #[must_use]
    pub fn picture(&self, law: Option<Law>) -> String {
        let broken = |rule| Verdicts::of(&self.trace).violations().find(|violation| violation.rule == rule);
        let violation = match law {
            Some(Law::Rule(rule)) => broken(rule),
            Some(Law::BoundedWait) | None => None,
        };
        let picture = timeline(&self.told(), &TimelineOptions { violation, ..TimelineOptions::default() });
        if self.ending.is_empty() { picture } else { format!("{picture}\nthen: {}\n", self.ending) }
    }
}

impl<const J: usize> Protocol<J> {
    /// The story of these steps, from the first state on, and of how they break `law`; none for a client that locks itself out.
    #[must_use]
    pub fn story(&self, acts: &[Act], law: Option<Law>) -> Story {
        let scope = format!("{} under {}", self.rig.slice.name, self.rig.design);
        let header = Header {
            scope,
            subject: "protocol".to_owned(),
            engine: "check protocol".to_owned(),
            callback_slots: self.rig.slice.slots.into(),
            ..Header::of(&self.rig.profile)
        };
        let mut teller = Teller::new(&self.rig);
        for job in 0..J as u32 {
            prefix(&self.rig, job, &mut |event| teller.lines.add(event));
        }
        let begins = teller.lines.next();
        let mut state = self.first();
        for act in acts {
            let next = self.taken(&state, *act);
            teller.tell(&state.world, &next.world, *act);
            state = next;
        }
        let ending = self.ending(&state, law, &teller.names);
        let header = Header { ended: self.ended(&state), ..header };
        Story { trace: Trace { header, lines: teller.lines.0 }, begins, ending }
    }

    /// A run is at rest when only clients and the environment could still move, who need not.
    fn ended(&self, state: &State<J>) -> Ended {
        let mut acts = Vec::new();
        self.rig.acts(&state.world, &mut acts);
        if acts.iter().all(|act| act.is_optional()) { Ended::AtRest } else { Ended::Cut }
    }

    fn ending(&self, state: &State<J>, law: Option<Law>, names: &Names) -> String {
        let name = |job: u8| names.job(job).to_string();
        let in_a_circle = |through| {
            let circle = self.rig.circle(&state.world, through);
            self.rig.words(&state.world, &circle, name)
        };
        match law {
            None => in_a_circle(Through::Clients),
            Some(Law::Rule(Rule::R16)) => in_a_circle(Through::Engine),
            Some(Law::BoundedWait) => self.rig.overwaits(&state.world).map_or_else(String::new, |who| {
                let open = state.world.open(who);
                let method = self.rig.asks[usize::from(open.ask)].call.method();
                let caller = names.who(who);
                format!(
                    "{caller}: {}.{method} waits on, now for a callback that began after it",
                    name(open.on)
                )
            }),
            Some(Law::Rule(Rule::R9)) => match self.rig.starved(&state.world) {
                Some(job) => format!(
                    "{} is due and has a free slot, but every dispatcher is with another user's callbacks",
                    name(job)
                ),
                None => "more callbacks of a user run than the user has slots".to_owned(),
            },
            Some(Law::Rule(_)) => String::new(),
        }
    }
}

/// The lines of a trace, numbered from 1.
struct Lines(Vec<Line>);

impl Lines {
    fn next(&self) -> u64 {
        self.0.len() as u64 + 1
    }

    fn add(&mut self, event: &EventView<'_>) {
        self.0.push(Line::from_view(self.next(), event));
    }

    fn say(&mut self, site: String) {
        let what = Kind::Choose(ChooseLine { site, options: 1, taken: 0 });
        self.0.push(Line { seq: self.next(), what });
    }
}

struct Teller<'a> {
    rig: &'a Rig,
    lines: Lines,
    names: Names,
}

impl<'a> Teller<'a> {
    fn new(rig: &'a Rig) -> Self {
        Teller { rig, lines: Lines(Vec::new()), names: Names::new() }
    }

    fn tell<const J: usize>(&mut self, before: &World<J>, after: &World<J>, act: Act) {
        if let Act::Call { who, .. } = act {
            self.names.calls(who);
        }
        if let Act::Enter(job) = act {
            self.names.enters(job, before.jobs[usize::from(job)].delivery.to);
        }
        if let Some(words) = self.words(before, after, act) {
            self.lines.say(words);
        }
        let mut world = *before;
        let Teller { rig, lines, names } = self;
        rig.take(&mut world, act, &mut |note| view(rig, &note, names, |event| lines.add(event)));
    }

    /// A step that is not visible outside the engine, in words.
    fn words<const J: usize>(&self, before: &World<J>, after: &World<J>, act: Act) -> Option<String> {
        let name = |job: u8| self.names.job(job);
        let event = |world: &World<J>, job: u8| world.jobs[usize::from(job)].delivery.event;
        Some(match act {
            Act::Effect(who) | Act::Disk(who, _) => {
                let open = before.open(who);
                let call =
                    format!("{}.{}", name(open.on), self.rig.asks[usize::from(open.ask)].call.method());
                let what = match (act, after.open(who).stage) {
                    (_, Stage::Disk) => "takes effect: the job is finalising",
                    (_, Stage::Busy) => "finds the job finalising, and waits for that",
                    (Act::Disk(..), Stage::Waiting) => "has done its disk work, and waits for the callback",
                    (Act::Disk(..), _) => "has done its disk work",
                    (_, Stage::Waiting) => "takes effect, and waits for the callback",
                    _ => "takes effect",
                };
                format!("{}: {call} {what}", self.names.who(who))
            }
            Act::Claim(job) => format!("a dispatcher claims {}({})", event(after, job), name(job)),
            Act::Begin(job) if after.jobs[usize::from(job)].delivery.phase == Phase::None => {
                format!("the dispatcher finds {}({}) no longer wanted", event(before, job), name(job))
            }
            Act::Begin(job) => format!("{}({}) begins", event(before, job), name(job)),
            Act::Settle(job) if before.jobs[usize::from(job)].delivery.to == To::Program => {
                format!("the dispatcher reports that the program of {} runs", name(job))
            }
            Act::Settle(job) => format!("the dispatcher is back from {}({})", event(before, job), name(job)),
            Act::Block { job, client } => {
                format!("the callback of {} waits for a lock that t{client} holds", name(job))
            }
            Act::RetryDelayOver(job) => format!("the retry delay of {} is over", name(job)),
            _ => return None,
        })
    }
}

/// The numbers of calls and deliveries in a trace, each new one a new number.
struct Names {
    of_clients: [u32; CLIENTS],
    of_callbacks: [u32; JOBS],
    callbacks: [u32; JOBS],
    programs: [u32; JOBS],
    next_call: u32,
    next_delivery: u32,
}

/// Jobs of a slice at most.
const JOBS: usize = 3;

impl Names {
    fn new() -> Names {
        Names {
            of_clients: [0; CLIENTS],
            of_callbacks: [0; JOBS],
            callbacks: [0; JOBS],
            programs: [0; JOBS],
            next_call: 1,
            next_delivery: 0,
        }
    }

    fn calls(&mut self, who: Who) {
        let id = match who {
            Who::Client(client) => &mut self.of_clients[usize::from(client)],
            Who::Callback(job) => &mut self.of_callbacks[usize::from(job)],
        };
        *id = self.next_call;
        self.next_call += 1;
    }

    fn enters(&mut self, job: u8, to: To) {
        let ids = if to == To::Program { &mut self.programs } else { &mut self.callbacks };
        ids[usize::from(job)] = self.next_delivery;
        self.next_delivery += 1;
    }

    fn who(&self, who: Who) -> String {
        match who {
            Who::Client(client) => self.client(client).to_string(),
            Who::Callback(job) => format!("inside {}", self.delivery(job, To::Object(Object::First))),
        }
    }
}

impl Ids for Names {
    fn job(&self, job: u8) -> JobId {
        JobId(job.into())
    }

    fn call(&self, who: Who, _: u8) -> CallId {
        CallId(match who {
            Who::Client(client) => self.of_clients[usize::from(client)],
            Who::Callback(job) => self.of_callbacks[usize::from(job)],
        })
    }

    fn delivery(&self, job: u8, to: To) -> DeliveryId {
        let ids = if to == To::Program { &self.programs } else { &self.callbacks };
        DeliveryId(ids[usize::from(job)])
    }
}
