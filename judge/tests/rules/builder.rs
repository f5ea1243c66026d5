//! A few words in which the tests write down runs of one job, `j0`, whose object is `p0`.

use contract::event::{By, Caller, EventView, Leave, Target};
use contract::*;
use judge::trace::Kind;
use judge::{Ended, Header, Line, Recorded, RuleSet, Trace, Verdicts};

/// A run being written down.
pub(crate) struct Run {
    trace: Trace,
    next_call: u32,
    next_delivery: u32,
    state: Option<JobState>,
    open: Vec<(CallId, Option<JobId>, Call)>,
    running: Vec<(DeliveryId, Event, Target, Option<FileId>)>,
}

pub(crate) const JOB: JobId = JobId(0);
pub(crate) const F0: FileId = FileId(0);
pub(crate) const F1: FileId = FileId(1);
pub(crate) const OK: HResult = HResult::S_OK;
pub(crate) const FAIL: HResult = HResult::E_FAIL;
pub(crate) const P0: Target = Target::Interface(ReceiverId(0));

/// Every event but the ranges.
pub(crate) const EVERYTHING: u32 = 0x1B;

impl Run {
    /// Nothing yet.
    pub(crate) fn empty(profile: &Profile) -> Run {
        let header = Header { ended: Ended::AtRest, scope: "test".into(), ..Header::of(profile) };
        Run {
            trace: Trace { header, lines: Vec::new() },
            next_call: 0,
            next_delivery: 0,
            state: None,
            open: Vec::new(),
            running: Vec::new(),
        }
    }

    /// A new job with the default flags and no registered object.
    pub(crate) fn created(profile: &Profile) -> Run {
        let mut run = Run::empty(profile);
        let create = Call::CreateJob { name: Some("a".into()), kind: 0 };
        let id = run.call_on(None, create);
        run.state_by(JobState::Suspended, By::Call(id));
        run.open.last_mut().expect("just called").1 = Some(JOB);
        run.back_with(id, OK, Out::Job(JOB));
        run
    }

    /// This run, of a subject that records what its clients are given.
    pub(crate) fn records_given(mut self) -> Run {
        self.trace.header.records.push(Recorded::Given);
        self
    }

    /// This run, of a subject that records this, too.
    pub(crate) fn records(mut self, kind: Recorded) -> Run {
        self.trace.header.records.push(kind);
        self
    }

    /// A job with these flags and `p0` registered, which receives everything.
    pub(crate) fn listening(profile: &Profile, flags: u32) -> Run {
        let mut run = Run::created(profile);
        run.does(Call::SetNotifyFlags { flags }, OK);
        run.does(register(0), OK);
        run
    }

    /// As [`Run::listening`] in BITS with the default flags, and all files transferred.
    pub(crate) fn transferred() -> Run {
        let mut run = Run::listening(bits(), 3);
        run.transfers();
        run
    }

    /// As [`Run::listening`] in BITS with every flag, transferring, with all that changed on the way delivered.
    pub(crate) fn transferring_and_told() -> Run {
        let mut run = Run::listening(bits(), EVERYTHING);
        run.resumes();
        (0..2).for_each(|_| run.tells(Event::JobModification, OK));
        run
    }

    /// Resumed and transferred, from wherever it is.
    pub(crate) fn transfers(&mut self) {
        self.resumes();
        self.arrives();
    }

    /// Resumed, and transferring.
    pub(crate) fn resumes(&mut self) {
        let id = self.call(Call::Resume);
        self.state_by(JobState::Queued, By::Call(id));
        self.back(id, OK);
        self.starts();
    }

    /// From QUEUED to TRANSFERRING.
    pub(crate) fn starts(&mut self) {
        self.moves(EnvStep::Turn, JobState::Connecting);
        self.moves(EnvStep::Connected, JobState::Transferring);
    }

    /// The last file is here.
    pub(crate) fn arrives(&mut self) {
        self.env_file(EnvStep::FileDone, F0);
        self.state_by(JobState::Transferred, By::Env(EnvStep::FileDone));
    }

    /// A fatal error.
    pub(crate) fn fails(&mut self) {
        self.moves(EnvStep::FatalError { hr: FAIL }, JobState::Error);
    }

    /// A call by the first thread starts.
    pub(crate) fn call(&mut self, call: Call) -> CallId {
        self.call_on(Some(JOB), call)
    }

    /// A call from inside a callback starts.
    pub(crate) fn call_inside(&mut self, delivery: DeliveryId, call: Call) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        let caller = Caller { thread: ThreadId(99), user: UserId(0), inside: Some(delivery) };
        self.push(&EventView::Call { id, caller, job: Some(JOB), call: &call });
        self.open.push((id, Some(JOB), call));
        id
    }

    /// A call on a job, or on none.
    pub(crate) fn call_on(&mut self, job: Option<JobId>, call: Call) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        let caller = Caller { thread: ThreadId(id.0 % 3), user: UserId(0), inside: None };
        self.push(&EventView::Call { id, caller, job, call: &call });
        self.open.push((id, job, call));
        id
    }

    /// A call is back.
    pub(crate) fn back(&mut self, id: CallId, hr: HResult) {
        self.back_with(id, hr, Out::None);
    }

    /// A call is back with something.
    pub(crate) fn back_with(&mut self, id: CallId, hr: HResult, out: Out) {
        let at = self.open.iter().position(|(open, ..)| *open == id).expect("an open call");
        let (_, job, call) = self.open.remove(at);
        self.push(&EventView::Return { id, job, call: &call, hr, out: &out });
    }

    /// A call from start to end.
    pub(crate) fn does(&mut self, call: Call, hr: HResult) {
        let id = self.call(call);
        self.back(id, hr);
    }

    /// A call from start to end that changes the state.
    pub(crate) fn does_to(&mut self, call: Call, to: JobState) {
        let id = self.call(call);
        self.state_by(to, By::Call(id));
        self.back(id, OK);
    }

    /// A getter from start to end.
    pub(crate) fn reads(&mut self, call: Call, out: Out) {
        let id = self.call(call);
        self.back_with(id, OK, out);
    }

    /// Cancel from start to end, with its change of state.
    pub(crate) fn cancels(&mut self, hr: HResult) {
        let id = self.call(Call::Cancel);
        self.state_by(JobState::Cancelled, By::Call(id));
        self.back(id, hr);
    }

    /// Complete from start to end, with its change of state.
    pub(crate) fn completes(&mut self) {
        let id = self.call(Call::Complete);
        self.state_by(JobState::Acknowledged, By::Call(id));
        self.back(id, OK);
    }

    /// A callback about the job starts, at `p0`.
    pub(crate) fn enter(&mut self, event: Event) -> DeliveryId {
        self.enter_at(event, P0, None)
    }

    /// A callback about the job is about to start, at `p0`.
    pub(crate) fn begin(&mut self, event: Event) {
        let delivery = DeliveryId(self.next_delivery);
        self.push(&EventView::Begin { delivery, job: JOB, event, target: P0, file: None });
    }

    /// FileTransferred starts, at `p0`.
    pub(crate) fn enter_file(&mut self, file: FileId) -> DeliveryId {
        self.enter_at(Event::FileTransferred, P0, Some(file))
    }

    /// Any callback starts.
    pub(crate) fn enter_at(&mut self, event: Event, target: Target, file: Option<FileId>) -> DeliveryId {
        let delivery = DeliveryId(self.next_delivery);
        self.next_delivery += 1;
        self.push(&EventView::Enter { delivery, job: JOB, event, target, file });
        self.running.push((delivery, event, target, file));
        delivery
    }

    /// A callback ends.
    pub(crate) fn leave(&mut self, delivery: DeliveryId, hr: HResult) {
        self.leave_with(delivery, Leave::Returned(hr));
    }

    /// A callback ends somehow.
    pub(crate) fn leave_with(&mut self, delivery: DeliveryId, leave: Leave) {
        let at = self.running.iter().position(|(open, ..)| *open == delivery).expect("an open delivery");
        let (_, event, target, file) = self.running.remove(at);
        self.push(&EventView::Leave { delivery, job: JOB, event, target, file, leave });
    }

    /// A callback from start to end.
    pub(crate) fn tells(&mut self, event: Event, hr: HResult) {
        let delivery = self.enter(event);
        self.leave(delivery, hr);
    }

    /// FileTransferred from start to end.
    pub(crate) fn tells_file(&mut self, file: FileId, hr: HResult) {
        let delivery = self.enter_file(file);
        self.leave(delivery, hr);
    }

    /// An environment step of the job.
    pub(crate) fn env(&mut self, step: EnvStep) {
        self.push(&EventView::Env { step, job: Some(JOB), file: None });
    }

    /// An environment step of a file.
    pub(crate) fn env_file(&mut self, step: EnvStep, file: FileId) {
        self.push(&EventView::Env { step, job: Some(JOB), file: Some(file) });
    }

    /// An environment step that changes the state.
    pub(crate) fn moves(&mut self, step: EnvStep, to: JobState) {
        self.env(step);
        self.state_by(to, By::Env(step));
    }

    /// A change of state.
    pub(crate) fn state_by(&mut self, to: JobState, by: By) {
        self.state_from(self.state, to, by);
    }

    /// A change of state from what need not be true.
    pub(crate) fn state_from(&mut self, from: Option<JobState>, to: JobState, by: By) {
        self.push(&EventView::State { job: JOB, from, to, by });
        self.state = Some(to);
    }

    /// The service dies, and is started again.
    pub(crate) fn dies(&mut self) {
        for what in [Kind::Crash {}, Kind::Restart {}] {
            let seq = self.trace.lines.len() as u64 + 1;
            self.trace.lines.push(Line { seq, what });
        }
    }

    /// Any event at all.
    pub(crate) fn push(&mut self, event: &EventView<'_>) {
        let seq = self.trace.lines.len() as u64 + 1;
        self.trace.lines.push(Line::from_view(seq, event));
    }

    /// The trace, through its text and back, so that every test is one of the format too.
    pub(crate) fn trace(&self) -> Trace {
        Trace::parse(&self.trace.print()).expect("what is printed can be read")
    }

    /// The verdicts of every rule.
    pub(crate) fn verdicts(&self) -> Verdicts {
        let trace = self.trace();
        crate::cases::write_down(&trace);
        Verdicts::of(&trace)
    }

    /// Asserts which rules are broken, and no others.
    #[track_caller]
    pub(crate) fn breaks(&self, rules: &[Rule]) {
        assert_eq!(self.verdicts().violated(), RuleSet::of(rules), "{}", self.picture());
    }

    /// Asserts that nothing is broken, and that this rule had something to decide.
    #[track_caller]
    pub(crate) fn keeps(&self, rule: Rule) {
        self.breaks(&[]);
        let verdict = &self.verdicts().rules[&rule];
        assert!(matches!(verdict, judge::Verdict::Held { .. }), "{rule} is {verdict:?}\n{}", self.picture());
    }

    fn picture(&self) -> String {
        judge::timeline(&self.trace, &judge::TimelineOptions::default())
    }
}

/// The BITS column.
pub(crate) fn bits() -> &'static Profile {
    Dialect::Bits.profile()
}

/// SetNotifyInterface with an object that receives everything.
pub(crate) fn register(object: u32) -> Call {
    let receiver = Receiver { id: ReceiverId(object), interfaces: Interfaces::all() };
    Call::SetNotifyInterface { receiver: Some(receiver) }
}

/// SetNotifyInterface with an object that has the first interface alone.
pub(crate) fn register_plain(object: u32) -> Call {
    let receiver = Receiver { id: ReceiverId(object), interfaces: Interfaces::CALLBACK };
    Call::SetNotifyInterface { receiver: Some(receiver) }
}
