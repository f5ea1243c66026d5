//! The product model: specification x the engine's own core, as a stateright [`Model`] (contract section 5).
//!
//! **What it is.** Every state is a [`Lockstep`]; every action a [`Stimulus`] of the slice's alphabet. The checker explores the
//! real code. States are keyed by [`contract::Core::canonical`], so the space is finite although calls are not bounded.
//!
//! **Properties.** `always R..` for each rule carried, `always agreement`, and `sometimes witness R..`: a reachable state in
//! which the rule's guard makes a difference. A rule that never bites is vacuous in the slice, and the run reports it.

use std::marker::PhantomData;

use contract::call::Whose;
use contract::core::{DiskWork, Failure, TransferEvent};
use contract::event::{Leave, Target};
use contract::mutation::Mutation;
use contract::{
    Call, Core, ErrorContext, Event, EventView, FileNames, HResult, JobId, JobState, Method, Out, Profile,
    ThreadId, UserId,
};
use judge::{Rule, RuleSet};
use stateright::{Model, Property};

use crate::drive::{Applied, DiskResult, From, Input, Late, Stimulus};
use crate::explore::Judged;
use crate::lockstep::Lockstep;
use crate::scope::{Bytes, DiskFailures, Leaves, Network, Programs, Reentrancy, Slice, Timers, Users};
use explorer::Classes;

/// A state of the product of `J` jobs.
pub type State<C, const J: usize> = Lockstep<C, J>;

/// The product model of one slice with `J` jobs. `C` is the core that is explored.
pub struct Product<C, const J: usize> {
    profile: Profile,
    /// What the core is made with. It has no mutation.
    config: contract::core::Config,
    slice: Slice,
    rules: RuleSet,
    /// The calls of a client, per job.
    calls: Vec<Call>,
    /// The calls of a callback.
    inner: Vec<Call>,
    make: fn(&contract::core::Config) -> C,
    behind: Behind,
    marker: PhantomData<fn() -> C>,
}

/// Whether the core is explored alone behind a disagreement, for the rules that it breaks there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Behind {
    Explored,
    /// The specification has a mutant: behind it there is only the core as it always is.
    Left,
}

impl<C: Core, const J: usize> Product<C, J> {
    /// The product of `slice` in a dialect, judged by `rules`.
    pub fn new(profile: &Profile, slice: &Slice, rules: RuleSet) -> Self {
        Self::around(profile, slice, rules, C::new)
    }

    /// The product with another way to make the core, for a decorated one.
    pub fn around(
        profile: &Profile,
        slice: &Slice,
        rules: RuleSet,
        make: fn(&contract::core::Config) -> C,
    ) -> Self {
        let mutation = profile.mutation;
        let config = slice.config(&profile.mutated(Mutation::NONE));
        let profile = config.profile.mutated(mutation);
        let calls = client_calls(slice, &profile);
        let inner = calls.iter().filter(|call| is_worth_nesting(call.method())).cloned().collect();
        let behind = if mutation == Mutation::NONE { Behind::Explored } else { Behind::Left };
        let slice = slice.clone();
        Product { profile, config, slice, rules, calls, inner, make, behind, marker: PhantomData }
    }

    /// The profile, with the slice's delays.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The first state: the slice's jobs, just created.
    pub fn first(&self) -> State<C, J> {
        let core = (self.make)(&self.config);
        let users = self.slice.users.owners();
        let mut state = Lockstep::around(core, &self.config, users, self.rules);
        for create in self.prefix() {
            let _created = state.apply(&self.profile, &create, &mut |_| ());
        }
        state
    }

    /// The stimuli that lead to the first state.
    pub fn prefix(&self) -> impl Iterator<Item = Stimulus> {
        let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
        let from = From::Client(ThreadId(0));
        std::iter::repeat_n(Stimulus::Call { from, job: None, call: create }, J)
    }

    /// The stimuli that may come in a state.
    pub fn enabled(&self, state: &State<C, J>) -> Vec<Stimulus> {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        actions
    }

    /// The state after a stimulus, with every event on the way shown to `tap`; nothing when the stimulus makes no sense, or
    /// leads out of the scope.
    pub(crate) fn step(
        &self,
        state: &State<C, J>,
        stimulus: &Stimulus,
        tap: &mut impl FnMut(&EventView<'_>),
    ) -> Option<State<C, J>> {
        let mut next = state.clone();
        match next.apply(&self.profile, stimulus, tap) {
            Applied::Done => self.is_in_scope(&next).then_some(next),
            Applied::NotEnabled => None,
        }
    }

    /// At most one program of a job runs at a time. More could, one per registration while it runs, without end.
    pub(crate) fn is_in_scope(&self, state: &State<C, J>) -> bool {
        let starts = |job| state.driver().telling(job).is_some_and(|told| told.target == Target::CommandLine);
        !self.jobs().any(|job| state.driver().runs_program(job) && starts(job))
    }

    fn jobs(&self) -> impl Iterator<Item = JobId> + use<C, J> {
        (0..J as u32).map(JobId)
    }

    fn calls_of_clients(&self, state: &State<C, J>, actions: &mut Vec<Stimulus>) {
        let driver = state.driver();
        // Client threads differ in nothing but their number, so the first idle one stands for all.
        let idle =
            (0..self.slice.clients).map(|id| From::Client(ThreadId(id))).find(|from| driver.may_call(*from));
        if let Some(from) = idle {
            self.calls_from(from, &self.calls, state, actions);
        }
        if self.slice.users == Users::Two {
            self.calls_of_users(state, actions);
        }
    }

    /// Each user asks for its jobs, and for those of the other.
    fn calls_of_users(&self, state: &State<C, J>, actions: &mut Vec<Stimulus>) {
        for from in (0..self.slice.users.count()).map(|user| From::User(UserId(user))) {
            if !state.driver().may_call(from) {
                continue;
            }
            let listed = Call::EnumJobs { whose: Whose::Mine };
            actions.push(Stimulus::Call { from, job: None, call: listed });
            let open = self.jobs().filter(|job| !state.driver().core().is_finalising(*job));
            actions.extend(open.map(|job| Stimulus::Call { from, job: Some(job), call: Call::GetJob }));
        }
    }

    fn calls_of_callbacks(&self, state: &State<C, J>, actions: &mut Vec<Stimulus>) {
        if self.slice.reentrancy == Reentrancy::None {
            return;
        }
        for from in self.jobs().map(From::Callback).filter(|from| state.driver().may_call(*from)) {
            self.calls_from(from, &self.inner, state, actions);
        }
    }

    fn calls_from(&self, from: From, calls: &[Call], state: &State<C, J>, actions: &mut Vec<Stimulus>) {
        let core = state.driver().core();
        for job in self.jobs().filter(|job| !core.is_finalising(*job)) {
            let full = files(state, job) >= self.slice.files;
            let wanted = |call: &&Call| !(full && call.method() == Method::AddFile);
            actions.extend(calls.iter().filter(wanted).map(|call| Stimulus::Call {
                from,
                job: Some(job),
                call: call.clone(),
            }));
        }
    }

    fn disk(&self, state: &State<C, J>, job: JobId, actions: &mut Vec<Stimulus>) {
        let mut push = |result| actions.push(Stimulus::Disk { job, result });
        push(DiskResult::Good);
        if self.slice.disk == DiskFailures::All {
            let work = state.driver().core().disk_work(job);
            let renames = work.iter().filter(|work| matches!(work, DiskWork::Rename(_))).count() as u32;
            (0..renames).for_each(|after| push(DiskResult::RenameFails(after)));
            push(DiskResult::LeavesBehind);
        }
    }

    fn transfer(&self, state: &State<C, J>, job: JobId, actions: &mut Vec<Stimulus>) {
        if state.driver().core().transfer(job).is_none() {
            return;
        }
        let mut push = |event| actions.push(Stimulus::Transfer { job, event });
        if state.driver().core().state(job) == Some(JobState::Connecting) {
            push(TransferEvent::Connected);
        } else {
            if self.slice.bytes == Bytes::Stepwise {
                push(TransferEvent::SizeKnown(1));
                push(TransferEvent::Bytes(1));
                push(TransferEvent::Restarted);
            }
            push(TransferEvent::FileDone);
        }
        let (hr, context) = (HResult::BG_E_HTTP_ERROR_404, ErrorContext::RemoteFile);
        push(TransferEvent::Failed { class: Failure::Fatal, hr, context });
        if self.slice.network == Network::Simple {
            return;
        }
        let (hr, context) = (HResult::BG_E_HTTP_ERROR_503, ErrorContext::RemoteFile);
        push(TransferEvent::Failed { class: Failure::Transient, hr, context });
    }

    fn deliveries(&self, state: &State<C, J>, job: JobId, actions: &mut Vec<Stimulus>) {
        let driver = state.driver();
        if driver.may_begin(job) {
            actions.push(Stimulus::Begin(job));
        }
        if driver.may_enter(job) {
            actions.push(Stimulus::Enter(job));
        }
        if driver.may_leave(job) {
            let event = driver.telling(job).map(|delivery| delivery.event);
            actions.extend(self.leaves(event).into_iter().map(|leave| Stimulus::Leave { job, leave }));
        }
        let unstarted = driver.telling(job).is_some_and(|delivery| delivery.target == Target::CommandLine);
        if driver.runs_program(job) {
            actions.push(Stimulus::Exit { job, code: 0 });
        }
        if driver.runs_program(job) || unstarted {
            actions.push(Stimulus::Exit { job, code: 1 });
        }
    }

    fn leaves(&self, event: Option<Event>) -> Vec<Leave> {
        let mut leaves = vec![Leave::Returned(HResult::S_OK)];
        // Anything settles a modification, so how it leaves makes no difference.
        if event != Some(Event::JobModification) {
            leaves.push(Leave::Returned(HResult::E_FAIL));
            if self.slice.leaves == Leaves::All {
                leaves.extend([Leave::Returned(HResult::S_FALSE), Leave::Panicked]);
            }
        }
        leaves
    }

    fn environment(&self, state: &State<C, J>, actions: &mut Vec<Stimulus>) {
        let core = state.driver().core();
        if core.wants_transfer() {
            actions.push(Stimulus::Turn);
        }
        if core.poll_timeout().is_some() {
            actions.push(Stimulus::Timeout);
        }
        if self.slice.network == Network::Full {
            let moves = self.of_the_network().filter(|step| self.has_effect(state, step));
            actions.extend(moves.filter_map(stimulus_of));
        }
    }

    fn of_the_network(&self) -> impl Iterator<Item = Input<'static>> + use<C, J> {
        let logoffs = (0..self.slice.users.count()).map(|user| Input::Logoff(UserId(user)));
        logoffs.chain([Input::NetworkLost, Input::NetworkBack])
    }

    /// Whether the network or a logoff moves some job.
    fn has_effect(&self, state: &State<C, J>, step: &Input<'_>) -> bool {
        let core = state.driver().core();
        let owners = self.slice.users.owners();
        let moves = |job: JobId, now: JobState| match step {
            Input::Logoff(user) => now == JobState::Transferring && owners(job) == *user,
            Input::NetworkLost => now == JobState::Queued || now.is_running(),
            Input::NetworkBack => now == JobState::TransientError,
            _ => true,
        };
        self.jobs().any(|job| core.state(job).is_some_and(|now| moves(job, now)) && !core.is_finalising(job))
    }

    /// What may come at any time and has no effect here: reports of older attempts of a transfer, results of disk work that no call waits
    /// for, answers of deliveries that are gone, and what the network does to jobs that it does not concern.
    pub(crate) fn without_effect<'a>(
        &'a self,
        state: &'a State<C, J>,
    ) -> impl Iterator<Item = Input<'static>> + 'a {
        let core = state.driver().core();
        let network = self.of_the_network().filter(|step| !self.has_effect(state, step));
        let of_jobs = self.jobs().flat_map(move |job| {
            let reports = LATE_REPORTS.into_iter().map(move |event| Late::Report { job, event });
            let results = [DiskResult::Good, DiskResult::RenameFails(0), DiskResult::LeavesBehind];
            let results = results.into_iter().filter(move |_| !core.is_finalising(job));
            reports.chain(results.map(move |result| Late::Disk { job, result }))
        });
        let left = [HResult::S_OK, HResult::E_FAIL].map(|hr| Late::Left(Leave::Returned(hr)));
        let answers = [Late::Called, Late::Started].into_iter().chain(left);
        network.chain(of_jobs.chain(answers).map(Input::Late))
    }
}

impl<C: Core, const J: usize> Model for Product<C, J> {
    type State = State<C, J>;
    type Action = Stimulus;

    fn init_states(&self) -> Vec<State<C, J>> {
        vec![self.first()]
    }

    fn actions(&self, state: &State<C, J>, actions: &mut Vec<Stimulus>) {
        let parted = state.disagreement().is_some() && self.behind == Behind::Left;
        if !state.violated().is_empty() || parted {
            return;
        }
        self.calls_of_clients(state, actions);
        self.calls_of_callbacks(state, actions);
        for job in self.jobs() {
            if state.driver().core().is_finalising(job) {
                self.disk(state, job, actions);
            }
            self.transfer(state, job, actions);
            self.deliveries(state, job, actions);
        }
        self.environment(state, actions);
        // All of it together is tried on one copy of the core, which is cheap. Only when the core does not ignore it, each input is an
        // action.
        if state.disagreement().is_none() && !state.driver().ignores(self.without_effect(state)) {
            actions.extend(self.without_effect(state).filter_map(stimulus_of));
        }
    }

    fn next_state(&self, state: &State<C, J>, stimulus: Stimulus) -> Option<State<C, J>> {
        self.step(state, &stimulus, &mut |_| ())
    }

    fn format_action(&self, stimulus: &Stimulus) -> String {
        match stimulus {
            Stimulus::Call { from, job, call } => {
                let from = match from {
                    From::Client(thread) => thread.to_string(),
                    From::Callback(job) => format!("the callback of {job}"),
                    From::User(user) => user.to_string(),
                };
                let job = job.map_or_else(String::new, |job| format!("{job}."));
                format!("{from} calls {job}{call}")
            }
            Stimulus::Begin(job) => format!("a delivery of {job} begins"),
            Stimulus::Enter(job) => format!("the delivery of {job} enters the client's code"),
            Stimulus::Leave { job, leave: Leave::Returned(hr) } => {
                format!("the callback of {job} leaves with {hr}")
            }
            Stimulus::Leave { job, leave } => format!("the callback of {job} leaves: {leave:?}"),
            Stimulus::Exit { job, code } => format!("the program of {job} exits with {code}"),
            Stimulus::Transfer { job, event } => format!("the transfer of {job} reports: {event:?}"),
            Stimulus::Disk { job, result } => format!("the disk work of {job} is done: {result:?}"),
            Stimulus::Turn => "the scheduler moves".to_owned(),
            Stimulus::Timeout => "time passes to the next timer".to_owned(),
            other => format!("{other:?}"),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let agreement =
            Property::always(AGREEMENT, |_: &Self, state: &State<C, J>| state.disagreement().is_none());
        let carried = |rule: &Rule| self.rules.contains(*rule);
        let rules = Rule::ALL.iter().filter(|rule| carried(rule)).flat_map(|rule| properties_of(*rule));
        std::iter::once(agreement).chain(rules).collect()
    }
}

impl<C: Core, const J: usize> Judged for Product<C, J> {
    fn breaks(&self, state: &State<C, J>, property: &str) -> bool {
        if property == AGREEMENT {
            return state.disagreement().is_some();
        }
        property.parse().is_ok_and(|rule: Rule| state.violated().contains(rule))
    }

    fn classes() -> Classes<Self> {
        let calls = CALLS.map(|method| format!("{method:?}"));
        let names = calls.into_iter().chain(STEPS.map(str::to_owned)).collect();
        Classes { names, of: class }
    }
}

/// What clients call in some slice: see [`client_calls`].
const CALLS: [Method; 13] = [
    Method::Suspend,
    Method::Resume,
    Method::Cancel,
    Method::Complete,
    Method::AddFile,
    Method::SetNotifyFlags,
    Method::SetNotifyInterface,
    Method::GetState,
    Method::GetNotifyFlags,
    Method::GetJob,
    Method::SetNotifyCmdLine,
    Method::SetPriority,
    Method::SetDisplayName,
];

/// The names of what happens beside calls, each counted apart.
const STEPS: [&str; 16] = [
    "disk work",
    "disk work that fails",
    "turn",
    "connected",
    "size known",
    "bytes",
    "file restarted",
    "file done",
    "error of the transfer",
    "begin",
    "enter",
    "leave",
    "exit",
    "timeout",
    "logoff",
    "network lost or back",
];

/// A stimulus as an index of [`CALLS`], and of [`STEPS`] behind them.
fn class(stimulus: &Stimulus) -> usize {
    let step = match stimulus {
        // A call that is not among them would be counted nowhere.
        Stimulus::Call { call, .. } => {
            return CALLS.iter().position(|method| *method == call.method()).unwrap_or(usize::MAX);
        }
        Stimulus::Disk { result: DiskResult::Good, .. } => 0,
        Stimulus::Disk { .. } => 1,
        Stimulus::Turn => 2,
        Stimulus::Transfer { event, .. } => match event {
            TransferEvent::Connected => 3,
            TransferEvent::SizeKnown(_) => 4,
            TransferEvent::Bytes(_) => 5,
            TransferEvent::Restarted => 6,
            TransferEvent::FileDone => 7,
            TransferEvent::Failed { .. } => 8,
        },
        Stimulus::Begin(_) => 9,
        Stimulus::Enter(_) => 10,
        Stimulus::Leave { .. } => 11,
        Stimulus::Exit { .. } => 12,
        Stimulus::Timeout => 13,
        Stimulus::Logoff(_) => 14,
        Stimulus::NetworkLost | Stimulus::NetworkBack => 15,
        // It is tried in every state, and counted in none: a step without effect leads nowhere.
        Stimulus::Late(_) => return usize::MAX,
    };
    CALLS.len() + step
}

/// The property that specification and core agree.
pub const AGREEMENT: &str = "agreement";

macro_rules! properties {
    ($($rule:ident $always:literal $witness:literal;)*) => {
        /// stateright's conditions are bare functions, so each rule needs functions of its own.
        fn properties_of<C: Core, const J: usize>(rule: Rule) -> Vec<Property<Product<C, J>>> {
            match rule {
                $(Rule::$rule => vec![
                    Property::always($always, |_: &Product<C, J>, state: &State<C, J>| !state.violated().contains(Rule::$rule)),
                    Property::sometimes($witness, |product: &Product<C, J>, state: &State<C, J>| {
                        product.jobs().any(|job| state.spec().witness(&product.profile, job, stringify!($rule)))
                    }),
                ],)*
                // R9 and R16 are about several jobs and threads, R17 is about a restart: nothing here carries them.
                _ => Vec::new(),
            }
        }

        /// The names of a rule's two properties: that it holds, and that it bites.
        #[must_use]
        pub fn property_names(rule: Rule) -> Option<(&'static str, &'static str)> {
            match rule {
                $(Rule::$rule => Some(($always, $witness)),)*
                _ => None,
            }
        }
    };
}

properties! {
    R1 "R1" "witness R1";
    R2 "R2" "witness R2";
    R3 "R3" "witness R3";
    R4 "R4" "witness R4";
    R5 "R5" "witness R5";
    R6 "R6" "witness R6";
    R7 "R7" "witness R7";
    R8 "R8" "witness R8";
    R10 "R10" "witness R10";
    R11 "R11" "witness R11";
    R12 "R12" "witness R12";
    R13 "R13" "witness R13";
    R14 "R14" "witness R14";
    R15 "R15" "witness R15";
    R18 "R18" "witness R18";
    R19 "R19" "witness R19";
}

/// How many files a job has. Behind a disagreement the specification has stopped counting, and the core counts.
fn files<C: Core, const J: usize>(state: &State<C, J>, job: JobId) -> u32 {
    let of_spec = state.spec().job(job).map_or(u32::MAX, |job| job.files());
    if state.disagreement().is_none() {
        return of_spec;
    }
    let mut core = state.driver().core().clone();
    match core.call(UserId(0), Some(job), &Call::EnumFilesGetCount).out {
        Out::Count(files) => files,
        _ => of_spec,
    }
}

/// What clients of the slice call on a job.
fn client_calls(slice: &Slice, profile: &Profile) -> Vec<Call> {
    let file = FileNames { remote: "http://127.0.0.1/file".into(), local: "/destination".into() };
    let mut calls = vec![Call::Suspend, Call::Resume, Call::Cancel, Call::Complete, Call::AddFile { file }];
    calls.extend(slice.masks.iter().map(|mask| Call::SetNotifyFlags { flags: mask.bits() }));
    calls.push(Call::SetNotifyFlags { flags: UNKNOWN_FLAG });
    calls.push(Call::SetNotifyInterface { receiver: None });
    calls.extend(
        slice.receivers.iter().map(|receiver| Call::SetNotifyInterface { receiver: Some(*receiver) }),
    );
    calls.extend([Call::GetState, Call::GetNotifyFlags, Call::GetJob]);
    if slice.programs == Programs::One && profile.command_line.is_on() {
        let (program, parameters) = (Some("/program".into()), Some("".into()));
        calls.push(Call::SetNotifyCmdLine { program, parameters });
        calls.push(Call::SetNotifyCmdLine { program: None, parameters: None });
    }
    if slice.jobs > 1 && slice.users == Users::One {
        calls.extend([0, 2].map(|priority| Call::SetPriority { priority }));
    }
    if slice.timers == Timers::All {
        calls.push(Call::SetDisplayName { name: Some("name".into()) });
    }
    calls
}

/// What the environment does, as a stimulus.
pub(crate) fn stimulus_of(input: Input<'static>) -> Option<Stimulus> {
    Some(match input {
        Input::Logoff(user) => Stimulus::Logoff(user),
        Input::NetworkLost => Stimulus::NetworkLost,
        Input::NetworkBack => Stimulus::NetworkBack,
        Input::Late(late) => Stimulus::Late(late),
        Input::Report(..) | Input::Time(_) => return None,
    })
}

/// Everything that the worker of an older attempt may still report.
const LATE_REPORTS: [TransferEvent; 7] = [
    TransferEvent::Connected,
    TransferEvent::SizeKnown(1),
    TransferEvent::Bytes(1),
    TransferEvent::Restarted,
    TransferEvent::FileDone,
    failed_late(Failure::Transient),
    failed_late(Failure::Fatal),
];

const fn failed_late(class: Failure) -> TransferEvent {
    let (hr, context) = (HResult::BG_E_HTTP_ERROR_404, ErrorContext::RemoteFile);
    TransferEvent::Failed { class, hr, context }
}

/// The calls of which the barrier's clauses speak; getters inside a callback show nothing new.
fn is_worth_nesting(method: Method) -> bool {
    matches!(
        method,
        Method::Cancel
            | Method::Complete
            | Method::Resume
            | Method::SetNotifyFlags
            | Method::SetNotifyInterface
            | Method::SetNotifyCmdLine
    )
}

/// A bit that no dialect accepts.
const UNKNOWN_FLAG: u32 = 0x40;
