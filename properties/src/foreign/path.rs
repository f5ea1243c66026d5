//! A path of the model as acts of a client, each with what is due behind it.

use contract::core::{Failure, TransferEvent};
use contract::event::{Leave, Target};
use contract::{Call, Core as _, Event, EventView, FileId, HResult, JobId, JobState, ThreadId};
use engine::core::Core;
use judge::RuleSet;
use model::drive::{DiskResult, From, Stimulus};
use model::lockstep::Lockstep;
use model::scope::Slice;
use model::suite::goes_on;

use adapter::order_for;
use adapter::wire::{Order, PlannedCall};

use crate::server::Served;

/// A path, as an implementation can be led along it.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    pub(super) acts: Vec<Act>,
    /// The jobs that have not ended behind the path.
    pub(super) open_jobs: Vec<JobId>,
    /// Files of jobs that have ended, and whether each has to be there.
    pub(super) files: Vec<(JobId, FileId, Stands)>,
}

/// Whether a file has to stand at its destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stands {
    Whole,
    Nowhere,
}

/// A call of a client, and what follows from it until everything rests.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) thread: ThreadId,
    pub(super) job: Option<JobId>,
    pub(super) call: Call,
    /// How the downloads end that begin behind it.
    pub(super) served: Vec<Served>,
    /// How the callbacks behind it end, in order.
    pub(super) leaves: Vec<Ending>,
    /// Callbacks that have to come and leave.
    pub(super) due: Vec<(JobId, Event)>,
    /// Where the jobs are then; none when the path ends before everything rests.
    pub(super) rest: Option<Vec<(JobId, JobState)>>,
}

/// How a callback ends. The calls from inside are those of the model.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) event: Event,
    pub(super) leave: Leave,
    pub(super) calls: Vec<Call>,
}

impl Ending {
    /// Whether it is what happens without an order.
    pub(super) fn is_usual(&self) -> bool {
        self.leave == Leave::Returned(HResult::S_OK) && self.calls.is_empty()
    }
}

/// Why an implementation cannot be led along a path.
pub(super) type Hindrance = &'static str;

/// Jobs of a path at most.
const JOBS: usize = 1;

impl Path {
    /// The acts of a path in a slice.
    pub(super) fn of(
        slice: &Slice,
        profile: &contract::Profile,
        steps: &[Stimulus],
    ) -> Result<Path, Hindrance> {
        if slice.jobs > JOBS {
            return Err("of several jobs the service chooses itself which it serves");
        }
        let config = slice.config(profile);
        let core = Core::new(&config);
        let lockstep = Lockstep::<_, JOBS>::around(core, &config, slice.users.owners(), RuleSet::EMPTY);
        let mut reader = Reader {
            lockstep,
            path: Path::default(),
            states: Vec::new(),
            done: Vec::new(),
            nested: Vec::new(),
        };
        for step in steps {
            reader.step(&config.profile, step)?;
        }
        Ok(reader.finish())
    }
}

struct Reader {
    lockstep: Lockstep<Core, JOBS>,
    path: Path,
    states: Vec<(JobId, JobState)>,
    /// Files that are whole.
    done: Vec<(JobId, FileId)>,
    /// Calls from inside of the callback that runs.
    nested: Vec<Call>,
}

impl Reader {
    fn step(&mut self, profile: &contract::Profile, step: &Stimulus) -> Result<(), Hindrance> {
        let rests = !goes_on(&self.lockstep);
        match step {
            Stimulus::Call { from: From::Client(thread), job, call } => {
                if !rests {
                    return Err("a client calls in the middle of what the service does by itself");
                }
                self.settle();
                self.path.acts.push(Act {
                    thread: *thread,
                    job: *job,
                    call: call.clone(),
                    served: Vec::new(),
                    leaves: Vec::new(),
                    due: Vec::new(),
                    rest: None,
                });
            }
            Stimulus::Call { from: From::Callback(_), call, .. } => self.nested.push(call.clone()),
            Stimulus::Call { .. } => return Err("somebody calls whom the protocol does not have"),
            Stimulus::Transfer { event, .. } => {
                let served = match event {
                    TransferEvent::Connected => None,
                    TransferEvent::FileDone => Some(Served::Whole),
                    TransferEvent::Failed { class: Failure::Fatal, .. } => Some(Served::Status(404)),
                    TransferEvent::Failed { .. } => Some(Served::Status(503)),
                    _ => return Err("single bytes are counted"),
                };
                if let Some(act) = self.path.acts.last_mut() {
                    act.served.extend(served);
                }
            }
            Stimulus::Leave { job, leave } => self.leaves(*job, *leave),
            Stimulus::Exit { job, code } => {
                let starts = |told: &contract::core::Delivery| told.target == Target::CommandLine;
                if self.lockstep.driver().telling(*job).is_some_and(|told| starts(&told)) {
                    return Err("a program cannot be started");
                }
                self.leaves(*job, Leave::Exited(*code));
            }
            Stimulus::Disk { result, .. } if *result != DiskResult::Good => return Err("disk work fails"),
            Stimulus::Disk { .. } | Stimulus::Turn | Stimulus::Begin(_) | Stimulus::Enter(_) => {}
            Stimulus::Timeout => return Err("time passes"),
            Stimulus::Logoff(_) | Stimulus::NetworkLost | Stimulus::NetworkBack | Stimulus::Late(_) => {
                return Err("something comes from outside that the protocol does not have");
            }
        }
        let (states, done) = (&mut self.states, &mut self.done);
        let _ = self.lockstep.apply(profile, step, &mut |event| note(event, states, done));
        Ok(())
    }

    fn leaves(&mut self, job: JobId, leave: Leave) {
        let told = self.lockstep.driver().telling(job);
        // A program that runs is a delivery no more; it reports what the job has come to.
        let state = self.states.iter().find(|(of, _)| *of == job).map(|(_, state)| *state);
        let program = if state == Some(JobState::Error) { Event::JobError } else { Event::JobTransferred };
        let event = told.map_or(program, |told| told.event);
        let calls = std::mem::take(&mut self.nested);
        if let Some(act) = self.path.acts.last_mut() {
            act.leaves.push(Ending { event, leave, calls });
            if event != Event::JobModification {
                act.due.push((job, event));
            }
        }
    }

    /// Everything rests: the act that came last is over.
    fn settle(&mut self) {
        let states = self.states.clone();
        if let Some(act) = self.path.acts.last_mut() {
            act.rest = Some(states);
        }
    }

    fn finish(mut self) -> Path {
        if !goes_on(&self.lockstep) {
            self.settle();
        }
        let states = self.states;
        let mut path = self.path;
        path.open_jobs = states.iter().filter(|(_, state)| !state.is_final()).map(|(job, _)| *job).collect();
        for (job, state) in states.iter().filter(|(_, state)| state.is_final()) {
            for file in (0..FILES).map(FileId) {
                let whole = self.done.contains(&(*job, file)) && *state == JobState::Acknowledged;
                path.files.push((*job, file, if whole { Stands::Whole } else { Stands::Nowhere }));
            }
        }
        path
    }
}

/// Files of a job that are looked at.
const FILES: u32 = 4;

fn note(event: &EventView<'_>, states: &mut Vec<(JobId, JobState)>, done: &mut Vec<(JobId, FileId)>) {
    match *event {
        EventView::State { job, to, .. } => match states.iter_mut().find(|(of, _)| *of == job) {
            Some((_, state)) => *state = to,
            None => states.push((job, to)),
        },
        EventView::Env { step: contract::EnvStep::FileDone, job: Some(job), file: Some(file) } => {
            done.push((job, file))
        }
        _ => {}
    }
}

/// How callbacks end, as the adapter gets it. `here` turns a call of the model into one of the implementation. A failure stays in force, so that an
/// implementation that tries again at once finds it again.
pub(super) fn orders(leaves: &[Ending], here: &dyn Fn(&Call) -> PlannedCall) -> Vec<Order> {
    let mut orders = Vec::new();
    for ending in leaves {
        let again = order_for(ending.event, ending.leave);
        let mut first = again.clone();
        first.action.calls = ending.calls.iter().map(here).collect();
        orders.push(first);
        let fails = !matches!(ending.leave, Leave::Returned(HResult::S_OK) | Leave::Exited(0));
        // The calls from inside are made once, as on the path.
        orders.extend(std::iter::repeat_n(again, if fails { AGAIN } else { 0 }));
    }
    orders
}

/// Attempts of one callback that find the order that it is to fail.
const AGAIN: usize = 50;
