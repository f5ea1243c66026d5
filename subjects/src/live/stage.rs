//! What all threads of a run share: the service, the server, the jobs there are, and where their files go.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::core::{Config, Core as _};
use contract::defect::Seeded;
use contract::event::Recorder;
use contract::{EnvStep, EventView, FileId, Found, HResult, JobId, JobState, ReceiverId, UserId};
use engine::service::{Callback, Disk, Fetch, Guid, HttpFetch, Job, Service};
use engine::transfer::ClientConfig;
use judge::TraceRecorder;

use super::callbacks::{self, OBJECTS};
use super::crowd::Crowd;
use super::jitter::{Jitter, Positions};
use super::plan::{Before, FilePlan, JobPlan};
use super::witness::{Calm, Ends, Fetches, Notes, TroubledDisk, Witness};
use super::{Canary, LiveConfig, LiveError};
use crate::random::Rng;
use crate::server::{Fault, Server};

/// A transfer gives up on a server that is silent for so long. Short, because a stalled transfer holds the one
/// background slot of BITS meanwhile; five minutes of the service's time.
const SILENCE: Duration = Duration::from_millis(300);

/// The bytes that stand at some destinations before their jobs.
pub(super) const FOREIGN: &[u8] = b"this file was here first";

/// Everything that the threads of a run share.
pub(super) struct Stage {
    pub(super) service: Service<Jitter>,
    pub(super) positions: Arc<Positions>,
    pub(super) recorder: Arc<TraceRecorder>,
    pub(super) server: Server,
    pub(super) objects: Vec<Arc<dyn Callback>>,
    pub(super) crowd: Crowd,
    pub(super) programs: Option<ProgramPaths>,
    pub(super) canary: Canary,
    /// What GetJob answers when there is no such job.
    pub(super) not_found: HResult,
    pub(super) disk: Arc<TroubledDisk>,
    /// What was found wrong while it happened.
    pub(super) notes: Arc<Notes>,
    /// Jobs whose client let go of every handle, by the id under which they are found again.
    let_go: Mutex<Vec<(Guid, UserId, JobId)>>,
    /// Jobs that all clients race, by the number of their plan.
    board: Mutex<BTreeMap<u32, Job>>,
    placed: Mutex<Vec<Placed>>,
    directory: PathBuf,
    next: AtomicU32,
    most: u32,
    /// Jobs that were created.
    pub(super) made: AtomicU32,
    /// Callbacks that run now.
    pub(super) running: AtomicU64,
    /// When clients stop to begin anything.
    pub(super) deadline: Instant,
}

/// The notification programs that this machine has.
#[derive(Clone, Debug)]
pub(super) struct ProgramPaths {
    pub(super) succeeds: String,
    pub(super) fails: String,
}

/// Transfers of one user at once; fewer than a service has by default, so that they run out.
const WORKERS: u32 = 16;

/// A file that a job was given.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) job: JobId,
    pub(super) file: FileId,
    pub(super) plan: FilePlan,
    pub(super) destination: PathBuf,
    pub(super) url: Url,
}

/// Which URL a file has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Url {
    /// The planned one.
    Planned,
    /// A good one instead, at least perhaps.
    Repaired,
}

impl Stage {
    pub(super) fn new(config: &LiveConfig<'_>, deadline: Instant) -> Result<Arc<Stage>, LiveError> {
        let seeded = Seeded::of(config.fault);
        let server = Server::start().map_err(LiveError::Server)?;
        let recorder = Arc::new(TraceRecorder::new());
        let client = ClientConfig {
            read_timeout: SILENCE,
            response_timeout: SILENCE,
            seeded,
            ..ClientConfig::default()
        };
        let positions = Arc::new(Positions::default());
        let (ends, notes) = (Arc::new(Ends::new(config.jobs)), Arc::<Notes>::default());
        // What is wrong on purpose is wrong in one way.
        let calm = if config.canary == Canary::On { Calm::Yes } else { Calm::No };
        let disk = Arc::new(TroubledDisk::new(config.seed, calm));
        let fetches = Fetches {
            http: HttpFetch::new(client),
            ends: Arc::clone(&ends),
            notes: Arc::clone(&notes),
            running: Mutex::default(),
        };
        let witness = Witness { trace: Arc::clone(&recorder), ends };
        let builder = Service::builder(Config { seeded, ..Config::of(&config.profile) })
            .namespace(crate::NAMESPACE)
            .workers(WORKERS);
        let builder = builder.design(config.design);
        let service = builder
            .runtime(Jitter::new(config.seed, Arc::clone(&positions)))
            .recorder(Arc::new(witness) as Arc<dyn Recorder>)
            .fetch(Arc::new(fetches) as Arc<dyn Fetch>)
            .disk(Arc::clone(&disk) as Arc<dyn Disk>)
            .clock_scale(config.clock_scale)
            .start()
            .map_err(|error| LiveError::Service(Box::new(error)))?;
        let stage = Arc::new_cyclic(|stage| Stage {
            service,
            positions,
            recorder,
            server,
            objects: callbacks::objects(stage, config.seed),
            crowd: Crowd::default(),
            programs: find_programs(),
            canary: config.canary,
            not_found: config.profile.not_found,
            disk,
            notes,
            let_go: Mutex::default(),
            board: Mutex::default(),
            placed: Mutex::default(),
            directory: config.directory.to_owned(),
            next: AtomicU32::new(0),
            most: config.jobs,
            made: AtomicU32::new(0),
            running: AtomicU64::new(0),
            deadline,
        });
        for (id, object) in (0..).zip(&stage.objects) {
            // Known by number from the start, so that every trace numbers the objects alike.
            stage.service.register_receiver(ReceiverId(id), Arc::clone(object));
        }
        Ok(stage)
    }

    /// The number of the next job to make; none when there are enough, or when it is late.
    pub(super) fn take_next(&self) -> Option<u32> {
        if self.is_late() {
            return None;
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        (next < self.most).then_some(next)
    }

    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// The state of a job, without a call. None when its record is gone, which only a final job's is.
    pub(super) fn state(&self, job: JobId) -> Option<JobState> {
        self.service.inspect(|core| core.state(job))
    }

    pub(super) fn object(&self, rng: &mut Rng) -> Option<Arc<dyn Callback>> {
        self.objects.get(rng.below(OBJECTS as u64) as usize).cloned()
    }

    pub(super) fn board(&self) -> MutexGuard<'_, BTreeMap<u32, Job>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A random one of the youngest jobs on the board.
    pub(super) fn any_job(&self, rng: &mut Rng) -> Option<Job> {
        let board = self.board();
        // The youngest are the ones with something going on.
        let young = rng.below(board.len().min(24) as u64) as usize;
        board.values().nth_back(young).cloned()
    }

    /// A client lets go of its last handle of a job that lives. It is found again by its id.
    pub(super) fn let_go(&self, job: &Job, owner: UserId) {
        if let Ok(id) = job.id() {
            let known = (id, owner, job.number());
            self.let_go.lock().unwrap_or_else(PoisonError::into_inner).push(known);
        }
    }

    /// Handles of the jobs that were let go of and are still restless.
    pub(super) fn found_again(&self, rests: impl Fn(JobId) -> bool) -> Vec<Job> {
        let let_go = self.let_go.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let restless = let_go.into_iter().filter(|(.., number)| !rests(*number));
        let found = restless.filter_map(|(id, owner, number)| {
            let found = self.service.manager(owner).job(id);
            let lives = self.state(number).is_some_and(|state| !state.is_final());
            if let (Err(hr), true) = (&found, lives) {
                self.notes.add("GetJob of a job that lives", hr.to_string(), "the job", "facts B3");
            }
            found.ok()
        });
        found.collect()
    }

    pub(super) fn placed(&self) -> MutexGuard<'_, Vec<Placed>> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prepares the destinations of a job, each with what is to stand there before.
    pub(super) fn prepare(&self, plan: &JobPlan) -> std::io::Result<Vec<PathBuf>> {
        let directory = self.directory.join(format!("job-{:04}", plan.index));
        fs::create_dir_all(&directory)?;
        let files = (0..).zip(&plan.files).map(|(number, file): (u32, _)| {
            let path = match file.before {
                Before::NoDirectory => directory.join("nowhere").join(format!("file-{number}")),
                _ => directory.join(format!("file-{number}")),
            };
            match file.before {
                Before::Nothing | Before::NoDirectory => {}
                Before::Foreign => fs::write(&path, FOREIGN)?,
                Before::Directory => fs::create_dir_all(&path)?,
            }
            Ok(path)
        });
        files.collect()
    }

    /// Notes that a job has a file, and that something else stands in its place, where it does.
    pub(super) fn place(&self, job: JobId, file: FileId, plan: FilePlan, destination: PathBuf) {
        if matches!(plan.before, Before::Foreign | Before::Directory) {
            self.observe(job, file, Found::Foreign, Found::Absent);
        }
        self.placed().push(Placed { job, file, plan, destination, url: Url::Planned });
    }

    /// A file of a job in error is about to get a good URL. The URL; none when the file would become another one by it.
    pub(super) fn repair(&self, job: JobId, file: FileId) -> Option<String> {
        let mut placed = self.placed();
        let placed = placed.iter_mut().find(|placed| (placed.job, placed.file) == (job, file))?;
        let FilePlan { fault, size, seed, .. } = placed.plan;
        if matches!(fault, Fault::Changed { .. }) {
            return None;
        }
        placed.url = Url::Repaired;
        Some(self.server.url(&Fault::Ok, size, seed))
    }

    /// Records what an observer found.
    pub(super) fn observe(&self, job: JobId, file: FileId, destination: Found, temporary: Found) {
        let step = EnvStep::Observed { destination, temporary };
        self.recorder.record(EventView::Env { step, job: Some(job), file: Some(file) });
    }
}

/// Looks along PATH for the two programs that do nothing, each in its way.
fn find_programs() -> Option<ProgramPaths> {
    let path = std::env::var_os("PATH")?;
    let directories: Vec<PathBuf> = std::env::split_paths(&path).filter(|path| path.is_absolute()).collect();
    let find = |name: &str| {
        let candidates = directories.iter().map(|directory| directory.join(name));
        let found = candidates.into_iter().find(|candidate| candidate.is_file())?;
        found.to_str().map(str::to_owned)
    };
    Some(ProgramPaths { succeeds: find("true")?, fails: find("false")? })
}
