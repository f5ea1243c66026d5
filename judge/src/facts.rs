//! What several rules need to know about a job: who may have set what, who is calling, and in which state it is.
//!
//! Kept once and lent to every rule. A part that no carried rule reads is not kept, so that leaving rules out makes
//! the states of a model checker fewer.

use contract::call::{Call, Method};
use contract::dialect::Profile;
use contract::env::EnvStep;
use contract::event::{By, EventView};
use contract::ids::{CallId, JobId, Millis};
use contract::mutation::Mutant;
use contract::notify::{Event, Interfaces, NotifyFlags, Receiver};
use contract::state::{JobState, StateSet};
use contract::{Rule, RuleSet};

use super::registers::{self, DEFAULT_TIME, NO_OBJECT, NO_VALUE, Register, Registers, Success};
use super::small::{CallSet, FileSet};

/// Rules that read each part.
const READ_MASK: RuleSet = RuleSet::of(&[Rule::R2, Rule::R7, Rule::R9, Rule::R11, Rule::R18, Rule::R19]);
const READ_REGISTRATION: RuleSet =
    RuleSet::of(&[Rule::R3, Rule::R6, Rule::R7, Rule::R9, Rule::R11, Rule::R18, Rule::R19]);
const READ_COMMAND_LINE: RuleSet = RuleSet::of(&[Rule::R3, Rule::R9, Rule::R11, Rule::R18, Rule::R19]);
const READ_PROPERTIES: RuleSet = RuleSet::of(&[Rule::R11]);
const READ_METHODS: RuleSet = RuleSet::of(&[Rule::R8, Rule::R13, Rule::R15, Rule::R18, Rule::R19]);
const READ_CALL_STATES: RuleSet = RuleSet::of(&[Rule::R12, Rule::R13]);
const READ_STATE: RuleSet = RuleSet::of(&[Rule::R10, Rule::R12, Rule::R13, Rule::R14, Rule::R18, Rule::R19]);
const READ_STAYS: RuleSet = RuleSet::of(&[Rule::R5, Rule::R6, Rule::R7, Rule::R18]);
const READ_DONE: RuleSet = RuleSet::of(&[Rule::R5, Rule::R15]);
const READ_JOB: RuleSet = RuleSet::of(&[Rule::R10]);

const NO_JOB: JobId = JobId(u32::MAX);

/// What is known about one job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Facts<const CALLS: usize> {
    pub(crate) registers: Registers<CALLS>,
    /// Objects that a SetNotifyInterface named with the second callback interface.
    has_callback2: u64,
    /// Objects that one named without it. One that was named both ways is given the benefit of the doubt.
    lacks_callback2: u64,
    /// States the job may have been in while the call was open, not counting what the call did itself.
    call_states: [StateSet; CALLS],
    methods: [Option<Method>; CALLS],
    stays: [Stay; 2],
    /// [`NO_JOB`] until an event has named it. Not an `Option`, which would be twice as large.
    job: JobId,
    pub(crate) state: Option<JobState>,
    pub(crate) done: FileSet,
}

impl<const CALLS: usize> Facts<CALLS> {
    pub(crate) fn new() -> Self {
        Facts {
            registers: Registers::new(),
            has_callback2: 0,
            lacks_callback2: 0,
            call_states: [StateSet::EMPTY; CALLS],
            methods: [None; CALLS],
            stays: [Stay::NEVER; 2],
            job: NO_JOB,
            state: None,
            done: FileSet::default(),
        }
    }

    /// The job's id, once an event has named it.
    pub(crate) fn job(&self) -> Option<JobId> {
        (self.job != NO_JOB).then_some(self.job)
    }

    /// The method of an open call.
    pub(crate) fn method(&self, call: CallId) -> Option<Method> {
        *self.methods.get(call.index())?
    }

    /// Whether a call of this method is open.
    pub(crate) fn is_open(&self, method: Method) -> bool {
        self.methods.contains(&Some(method))
    }

    /// The methods of the open calls.
    pub(crate) fn open_methods(&self) -> impl Iterator<Item = Method> {
        self.methods.iter().flatten().copied()
    }

    /// Whether any call is open.
    pub(crate) fn is_any_open(&self) -> bool {
        self.methods.iter().any(Option::is_some)
    }

    /// The states the job may have been in since the call started.
    pub(crate) fn states_since(&self, call: CallId) -> StateSet {
        self.call_states.get(call.index()).copied().unwrap_or(StateSet::EMPTY)
    }

    /// What is known of the state that `event` reports; of JobTransferred and JobError alone.
    pub(crate) fn stay(&self, event: Event) -> Option<&Stay> {
        match event {
            Event::JobTransferred => Some(&self.stays[0]),
            Event::JobError => Some(&self.stays[1]),
            _ => None,
        }
    }

    /// Whether a callback about `event` that starts now is about the present stay in its state, and not about an earlier one.
    pub(crate) fn is_about_the_present_stay(&self, event: Event) -> bool {
        self.stay(event).is_some_and(|stay| stay.is_unambiguous())
    }

    /// Whether some possible mask lets the event through.
    pub(crate) fn may_be_unmasked(&self, profile: &Profile, event: Event) -> bool {
        self.registers.possible(Register::Mask) & unmasking(profile, event) != 0
    }

    /// Whether a registration of this object that receives `event` is possible.
    pub(crate) fn may_be_registered(&self, receiver: contract::ReceiverId, event: Event) -> bool {
        let object = registers::bit(u8::try_from(receiver.0).unwrap_or(NO_VALUE));
        let asked = event.interface() == Interfaces::CALLBACK2;
        let receives = if asked { self.has_callback2 } else { u64::MAX };
        self.registers.possible(Register::Registration) & object & receives != 0
    }

    /// Whether every possible mask lets the event through and every possible registration receives it.
    pub(crate) fn is_surely_enabled(&self, profile: &Profile, event: Event) -> bool {
        let tells_programs = matches!(event, Event::JobTransferred | Event::JobError);
        let told = || tells_programs && self.registers.possible(Register::CommandLine) == registers::bit(1);
        self.is_surely_heard_by_an_object(profile, event) || self.is_surely_unmasked(profile, event) && told()
    }

    /// Whether every possible mask lets the event through and every possible registration is an object that receives it.
    pub(crate) fn is_surely_heard_by_an_object(&self, profile: &Profile, event: Event) -> bool {
        let deaf = match event.interface() {
            Interfaces::CALLBACK2 => !(self.has_callback2 & !self.lacks_callback2),
            _ => registers::bit(NO_OBJECT),
        };
        self.is_surely_unmasked(profile, event) && self.registers.possible(Register::Registration) & deaf == 0
    }

    fn is_surely_unmasked(&self, profile: &Profile, event: Event) -> bool {
        self.registers.possible(Register::Mask) & !unmasking(profile, event) == 0
    }

    /// Takes in an event before the rules see it: the start of a call counts from the start.
    #[inline(always)]
    pub(crate) fn before(&mut self, rules: RuleSet, profile: &Profile, event: &EventView<'_>) {
        if self.job == NO_JOB && rules.intersects(READ_JOB) {
            self.job = event.job().unwrap_or(NO_JOB);
        }
        if let EventView::Call { id, call, .. } = *event {
            self.call_starts(rules, profile, id, call);
        }
    }

    /// Takes in an event after the rules have seen it: they compare it with what was before.
    #[inline(always)]
    pub(crate) fn after(&mut self, rules: RuleSet, event: &EventView<'_>) {
        match *event {
            EventView::Return { id, hr, .. } => self.call_ends(id, hr.into()),
            EventView::State { from, to, by, .. } => self.state_changes(rules, from, to, by),
            EventView::Env { step: EnvStep::FileDone, file: Some(file), .. }
                if rules.intersects(READ_DONE) =>
            {
                self.done.insert(file);
            }
            _ => {}
        }
    }

    #[inline(always)]
    fn call_starts(&mut self, rules: RuleSet, profile: &Profile, id: CallId, call: &Call) {
        let slot = id.index();
        if slot >= CALLS {
            return;
        }
        if rules.intersects(READ_METHODS) {
            self.methods[slot] = Some(call.method());
        }
        if let (Some(state), true) = (self.state, rules.intersects(READ_CALL_STATES)) {
            self.call_states[slot] = StateSet::of(state);
        }
        match access(profile, call) {
            Access::Sets(register, value) if rules.intersects(readers(register)) => {
                self.registers.set_called(slot, register, value);
            }
            // Only R11 looks at what getters give back.
            Access::Gets(register) if rules.contains(Rule::R11) => self.registers.get_called(slot, register),
            _ => {}
        }
        if let Call::SetNotifyInterface { receiver: Some(receiver) } = call {
            self.object_is_named(rules, *receiver);
        }
    }

    #[inline(always)]
    fn object_is_named(&mut self, rules: RuleSet, receiver: Receiver) {
        if !rules.intersects(READ_REGISTRATION) {
            return;
        }
        let object = registers::bit(u8::try_from(receiver.id.0).unwrap_or(NO_VALUE));
        if receiver.interfaces.contains(Interfaces::CALLBACK2) {
            self.has_callback2 |= object;
        } else {
            self.lacks_callback2 |= object;
        }
    }

    /// The service died and started again. Properties survive it, registrations do not, and what an open call did may have been
    /// lost with it: then the state is not known before the next event that names it.
    pub(crate) fn restart(&mut self) {
        self.registers.restart();
        if self.is_any_open() || !self.state.is_some_and(JobState::is_final) {
            self.state = None;
        }
        self.stays = [Stay::NEVER; 2];
        self.methods = [None; CALLS];
        self.call_states = [StateSet::EMPTY; CALLS];
    }

    /// Forgets with which interfaces an object was named, before its small id is given to another.
    pub(crate) fn forget_object(&mut self, small: u8) {
        self.has_callback2 &= !registers::bit(small);
        self.lacks_callback2 &= !registers::bit(small);
    }

    fn call_ends(&mut self, id: CallId, success: Success) {
        let slot = id.index();
        for stay in &mut self.stays {
            stay.call_returned(id);
        }
        if slot < CALLS {
            self.registers.returned(slot, success);
            self.methods[slot] = None;
            self.call_states[slot] = StateSet::EMPTY;
        }
    }

    #[inline(always)]
    fn state_changes(&mut self, rules: RuleSet, from: Option<JobState>, to: JobState, by: By) {
        if rules.intersects(READ_STAYS) {
            for (stay, state) in self.stays.iter_mut().zip([JobState::Transferred, JobState::Error]) {
                stay.changes(from == Some(state), to == state, by);
            }
        }
        if rules.intersects(READ_STATE) {
            self.state = Some(to);
        }
        if rules.intersects(READ_CALL_STATES) {
            let own = if let By::Call(id) = by { Some(id.index()) } else { None };
            for (slot, states) in self.call_states.iter_mut().enumerate() {
                if *states != StateSet::EMPTY && own != Some(slot) {
                    *states = states.with(to);
                }
            }
        }
    }
}

/// What is known of a job's stays in TRANSFERRED, or in ERROR.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Stay {
    /// Open calls that ended an earlier stay. What they must wait for may still start.
    leavers: CallSet,
    now: Now,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Now {
    Never,
    In,
    /// A call took the job out and is not back.
    Leaving(u8),
    Out,
}

impl Stay {
    const NEVER: Stay = Stay { leavers: CallSet::new(), now: Now::Never };

    /// Whether the event of this state may be delivered now (R5).
    pub(crate) fn may_be_told(&self) -> bool {
        match self.now {
            Now::In => true,
            Now::Leaving(_) => true,
            Now::Out => false,
            Now::Never => false,
        }
    }

    /// Whether an event delivered now is about the present stay, and not about an earlier one.
    pub(crate) fn is_unambiguous(&self) -> bool {
        self.now == Now::In && self.leavers.is_empty()
    }

    fn changes(&mut self, left: bool, entered: bool, by: By) {
        if left {
            self.now = match by {
                By::Call(id) => {
                    self.leavers.insert(id.0);
                    Now::Leaving(u8::try_from(id.0).unwrap_or(u8::MAX))
                }
                // The environment waits for callbacks that have begun (contract section 4, clause 5).
                By::Env(_) => Now::Out,
            };
        }
        if entered {
            self.now = Now::In;
        }
    }

    fn call_returned(&mut self, id: CallId) {
        if self.leavers.take(id.0) && self.now == Now::Leaving(u8::try_from(id.0).unwrap_or(u8::MAX)) {
            self.now = Now::Out;
        }
    }
}

/// How a call uses a register.
enum Access {
    Sets(Register, u8),
    Gets(Register),
    None,
}

fn access(profile: &Profile, call: &Call) -> Access {
    match call {
        Call::SetNotifyFlags { flags } => Access::Sets(Register::Mask, small(*flags)),
        Call::GetNotifyFlags => Access::Gets(Register::Mask),
        Call::SetNotifyInterface { receiver } => {
            Access::Sets(Register::Registration, receiver.map_or(NO_OBJECT, |receiver| small(receiver.id.0)))
        }
        Call::GetNotifyInterface => Access::Gets(Register::Registration),
        Call::SetNotifyCmdLine { program, parameters } => {
            let value = match (program, parameters) {
                (Some(_), _) => 1,
                (None, None) => 0,
                (None, Some(_)) => NO_VALUE,
            };
            Access::Sets(Register::CommandLine, value)
        }
        Call::GetNotifyCmdLine => Access::Gets(Register::CommandLine),
        Call::SetPriority { priority } => Access::Sets(Register::Priority, small(*priority)),
        Call::GetPriority => Access::Gets(Register::Priority),
        Call::SetMinimumRetryDelay { seconds } => {
            let delay = Millis::from_secs(u64::from(*seconds)).max(profile.retry_delay_floor);
            Access::Sets(Register::RetryDelay, registers::bucket(delay.0))
        }
        Call::GetMinimumRetryDelay => Access::Gets(Register::RetryDelay),
        Call::SetNoProgressTimeout { seconds } => {
            Access::Sets(Register::NoProgress, registers::bucket(Millis::from_secs(u64::from(*seconds)).0))
        }
        Call::GetNoProgressTimeout => Access::Gets(Register::NoProgress),
        _ => Access::None,
    }
}

fn small(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(NO_VALUE)
}

const fn readers(register: Register) -> RuleSet {
    match register {
        Register::Mask => READ_MASK,
        Register::Registration => READ_REGISTRATION,
        Register::CommandLine => READ_COMMAND_LINE,
        Register::Priority | Register::RetryDelay | Register::NoProgress => READ_PROPERTIES,
    }
}

/// The masks, a bit each, that let `event` through.
fn unmasking(profile: &Profile, event: Event) -> u64 {
    const WITH: [u64; 5] = {
        let mut sets = [0; 5];
        let mut i = 0;
        while i < 5 {
            sets[i] = masks_with(Event::ALL[i].flag());
            i += 1;
        }
        sets
    };
    const DISABLED: u64 = masks_with(NotifyFlags::DISABLE);
    let with = match profile.mutation.mutant() {
        Some(Mutant::JudgedMaskIgnored(of)) if of == event => u64::MAX,
        Some(Mutant::JudgedMaskOfAnother(of)) if of == event => WITH[event.another() as usize],
        _ => WITH[event as usize],
    };
    let disables = profile.disable_masks.is_on() && !profile.mutation.is(Mutant::JudgedDisableIgnored);
    if disables { with & !DISABLED } else { with }
}

const fn masks_with(flag: NotifyFlags) -> u64 {
    let (mut set, mut mask) = (0, 0);
    while mask < 64 {
        if mask & flag.bits() != 0 {
            set |= 1 << mask;
        }
        mask += 1;
    }
    set
}

/// Whether `value`, read from a register of times, is the dialect's default and the default may still stand.
pub(crate) fn may_be_default(profile: &Profile, register: Register, seen: u64, value: Millis) -> bool {
    if seen & registers::bit(DEFAULT_TIME) == 0 {
        return false;
    }
    match register {
        Register::RetryDelay => value == profile.retry_delay,
        // The default depends on the priority, which may be changing meanwhile.
        _ => value == profile.no_progress.foreground || value == profile.no_progress.background,
    }
}
