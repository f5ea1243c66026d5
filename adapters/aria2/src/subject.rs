//! Downloads of aria2 as jobs.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use adapter::serve::{Answer, Callbacks, Caller, Refusal, Subject, Told};
use adapter::wire::{GivenParts, WireOut, WireReceiver};
use contract::{Call, Event, FileNames, HResult, JobState, Out};
use serde_json::{Value, json};

use crate::process::Aria2;
use crate::rpc::{Connection, No};
use crate::status;

/// How long aria2 may take to end a download.
const ENDING: Duration = Duration::from_secs(3);

/// The jobs of an aria2.
pub(crate) struct Downloads {
    callbacks: Callbacks,
    jobs: Mutex<BTreeMap<u32, Job>>,
    /// Calls of client threads, and the notifications.
    clients: Connection,
    /// Polls and calls from inside: while a callback runs nothing is read from the other one.
    aside: Connection,
    /// Last, so that the connections go first.
    _aria2: Aria2,
}

/// What a client has of a job.
#[derive(Clone, Default)]
struct Job {
    /// The download, from AddFile on.
    gid: Option<String>,
    /// aria2 has no place for it.
    receiver: Option<u32>,
    /// aria2 forgets a download that has ended and is removed.
    cancelled: bool,
}

impl Downloads {
    pub(crate) fn start(aria2: Aria2, callbacks: Callbacks) -> io::Result<Arc<Downloads>> {
        // The thread that reads starts before there is anything to hand its notifications to; no download exists then.
        let place: Arc<Mutex<Weak<Downloads>>> = Arc::default();
        let listening = Arc::clone(&place);
        let clients = aria2.connect(Box::new(move |method, gid| {
            let downloads = listening.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
            if let Some(downloads) = downloads {
                downloads.notified(method, gid);
            }
        }))?;
        let aside = aria2.connect(Box::new(|_, _| ()))?;
        let jobs = Mutex::default();
        let downloads = Arc::new(Downloads { callbacks, jobs, clients, aside, _aria2: aria2 });
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&downloads);
        Ok(downloads)
    }

    /// Runs on the thread that reads: whatever aria2 sent later is read when the client's method is back.
    fn notified(&self, method: &str, gid: &str) {
        let event = match method {
            "aria2.onDownloadComplete" => Event::JobTransferred,
            "aria2.onDownloadError" => Event::JobError,
            _ => return,
        };
        let found = self
            .jobs()
            .iter()
            .find(|(_, job)| job.gid.as_deref() == Some(gid))
            .map(|(number, job)| (*number, job.receiver));
        let Some((number, Some(receiver))) = found else { return };
        let given = GivenParts { receiver: None, job: Some(number), file: None, error: None };
        let told = Told {
            job: number,
            event,
            receiver: WireReceiver::Object(receiver),
            file: None,
            given: Some(given),
        };
        // Nothing of what it returns has a meaning to aria2.
        let _ = self.callbacks.deliver(told);
    }

    fn job(&self, number: u32) -> Result<Job, Refusal> {
        let found = self.jobs().get(&number).cloned();
        found.ok_or_else(|| Refusal::errored(format!("there is no job {number}")))
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<u32, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, number: u32, change: impl FnOnce(&mut Job)) -> Answer {
        self.jobs().entry(number).and_modify(change);
        Answer::of(HResult::S_OK)
    }

    fn add_file(&self, to: &Connection, number: u32, file: &FileNames) -> Result<Answer, Refusal> {
        if self.job(number)?.gid.is_some() {
            return Err(Refusal::unimplemented("a download of aria2 has one file"));
        }
        let mut options = json!({"out": file.local, "pause": "true"});
        let path = Path::new(&*file.local);
        if path.is_absolute()
            && let (Some(directory), Some(name)) = (path.parent(), path.file_name())
        {
            options["dir"] = json!(directory.to_string_lossy());
            options["out"] = json!(name.to_string_lossy());
        }
        match to.ask("aria2.addUri", vec![json!([file.remote]), options]) {
            Ok(gid) => {
                let gid = gid.as_str().map(str::to_owned);
                Ok(self.with(number, |job| job.gid = gid))
            }
            Err(No::Refused(_)) => Ok(Answer::of(HResult::E_INVALIDARG)),
            Err(no) => Err(errored(&no)),
        }
    }

    fn resume(&self, to: &Connection, job: &Job) -> Result<Answer, Refusal> {
        let Some(gid) = &job.gid else { return Ok(Answer::of(HResult::BG_E_EMPTY)) };
        match ask(to, "aria2.unpause", gid)? {
            Some(_) => Ok(Answer::of(HResult::S_OK)),
            None => match self.state(to, job)? {
                Some(JobState::Error | JobState::Transferred) => {
                    Err(Refusal::unimplemented("a download of aria2 that has ended cannot be started again"))
                }
                Some(JobState::Queued | JobState::Connecting | JobState::Transferring) => {
                    Ok(Answer::of(HResult::S_OK))
                }
                _ => Ok(Answer::of(HResult::BG_E_INVALID_STATE)),
            },
        }
    }

    fn suspend(&self, to: &Connection, job: &Job) -> Result<Answer, Refusal> {
        // Without a file there is nothing to pause, and a new job is suspended.
        let Some(gid) = &job.gid else { return Ok(Answer::of(HResult::S_OK)) };
        match ask(to, "aria2.forcePause", gid)? {
            Some(_) => Ok(Answer::of(HResult::S_OK)),
            None => match self.state(to, job)? {
                Some(JobState::Suspended) => Ok(Answer::of(HResult::S_OK)),
                Some(JobState::Transferred | JobState::Error) => {
                    Err(Refusal::unimplemented("a download of aria2 that has ended cannot be paused"))
                }
                _ => Ok(Answer::of(HResult::BG_E_INVALID_STATE)),
            },
        }
    }

    fn cancel(&self, to: &Connection, number: u32, job: &Job) -> Result<Answer, Refusal> {
        if let Some(gid) = &job.gid
            && ask(to, "aria2.forceRemove", gid)?.is_none()
            && ask(to, "aria2.removeDownloadResult", gid)?.is_none()
        {
            return Ok(Answer::of(HResult::BG_E_INVALID_STATE));
        }
        Ok(self.with(number, |job| job.cancelled = true))
    }

    /// The state; none of a download that aria2 does not know any more.
    fn state(&self, to: &Connection, job: &Job) -> Result<Option<JobState>, Refusal> {
        let status = self.status(to, job)?;
        match (status, &job.gid) {
            (Some(status), _) => status::state(&status)
                .map(Some)
                .ok_or_else(|| Refusal::errored(format!("aria2 has another state: {status}"))),
            (None, None) if !job.cancelled => Ok(Some(JobState::Suspended)),
            (None, _) => Ok(job.cancelled.then_some(JobState::Cancelled)),
        }
    }

    fn status(&self, to: &Connection, job: &Job) -> Result<Option<Value>, Refusal> {
        let Some(gid) = &job.gid else { return Ok(None) };
        match to.ask("aria2.tellStatus", vec![json!(gid), json!(status::KEYS)]) {
            Ok(status) => Ok(Some(status)),
            Err(No::Refused(_)) => Ok(None),
            Err(no) => Err(errored(&no)),
        }
    }

    fn get(&self, to: &Connection, job: &Job, call: &Call) -> Result<Answer, Refusal> {
        if matches!(call, Call::GetState) {
            return Ok(match self.state(to, job)? {
                Some(state) => Answer::ok(WireOut::State(state)),
                None => Answer::of(HResult::BG_E_NOT_FOUND),
            });
        }
        let status = self.status(to, job)?;
        Ok(match (call, status) {
            (Call::GetProgress, Some(status)) => Answer::ok(WireOut::Progress(status::progress(&status))),
            (Call::GetError, Some(status)) => match status::error(&status) {
                Some(error) => Answer { hr: HResult::S_OK, out: WireOut::of(&Out::Error(error)) },
                None => Answer::of(HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE),
            },
            (Call::GetError, None) => Answer::of(HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE),
            // The status of a download that is not there is unknown.
            _ => Answer::of(HResult::S_OK),
        })
    }
}

impl Subject for Downloads {
    fn call(&self, caller: Caller, job: Option<u32>, call: &Call) -> Result<Answer, Refusal> {
        let to = match caller {
            Caller::Thread(_) => &self.clients,
            Caller::Inside(_) => &self.aside,
            Caller::User { .. } => return Err(Refusal::unimplemented("aria2 has one user only")),
        };
        let Some(number) = job else {
            return Err(Refusal::unimplemented(format!("{} is not mapped", call.method())));
        };
        if let Call::CreateJob { name, kind } = call {
            if name.is_none() || *kind != 0 {
                return Err(Refusal::unimplemented(
                    "a job of aria2 has no name and no type that it could refuse",
                ));
            }
            self.jobs().insert(number, Job::default());
            return Ok(Answer::ok(WireOut::Job(number)));
        }
        let job = self.job(number)?;
        let getter = matches!(call, Call::GetState | Call::GetProgress | Call::GetError);
        if job.cancelled && !getter {
            // aria2 has nothing left of a download that is gone, so nothing can be changed.
            return Ok(Answer::of(HResult::BG_E_INVALID_STATE));
        }
        match call {
            Call::AddFile { file } => self.add_file(to, number, file),
            Call::Resume => self.resume(to, &job),
            Call::Suspend => self.suspend(to, &job),
            Call::Cancel => self.cancel(to, number, &job),
            Call::SetNotifyInterface { receiver } => {
                let answer = self.with(number, |job| job.receiver = receiver.map(|receiver| receiver.id.0));
                // Read behind every callback that is under way on this connection: the former object is called no more after it.
                to.ask("aria2.getVersion", Vec::new()).map_err(|no| errored(&no))?;
                Ok(answer)
            }
            Call::GetState | Call::GetProgress | Call::GetError => self.get(to, &job, call),
            other => Err(Refusal::unimplemented(format!("{} is not mapped", other.method()))),
        }
    }

    fn poll(&self, job: u32) -> Result<Option<JobState>, Refusal> {
        let found = self.jobs().get(&job).cloned();
        found.map_or(Ok(None), |job| self.state(&self.aside, &job))
    }

    fn reset(&self) -> Result<Vec<u32>, Refusal> {
        let jobs = std::mem::take(&mut *self.jobs());
        let gid = |job: &Job| job.gid.clone();
        for gid in jobs.values().filter_map(gid) {
            let _ = ask(&self.aside, "aria2.forceRemove", &gid)?;
        }
        let until = Instant::now() + ENDING;
        let mut left = Vec::new();
        for (number, job) in &jobs {
            while !self.has_ended(job)? && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            if !self.has_ended(job)? {
                left.push(*number);
            }
        }
        self.aside.ask("aria2.purgeDownloadResult", Vec::new()).map_err(|no| errored(&no))?;
        Ok(left)
    }
}

impl Downloads {
    fn has_ended(&self, job: &Job) -> Result<bool, Refusal> {
        let state = self.state(&self.aside, job)?;
        let ended = [JobState::Cancelled, JobState::Transferred, JobState::Error];
        Ok(job.gid.is_none() || state.is_none_or(|state| ended.contains(&state)))
    }
}

/// Calls a method on a download; none when aria2 refuses.
fn ask(to: &Connection, method: &str, gid: &str) -> Result<Option<Value>, Refusal> {
    match to.ask(method, vec![json!(gid)]) {
        Ok(value) => Ok(Some(value)),
        Err(No::Refused(_)) => Ok(None),
        Err(no) => Err(errored(&no)),
    }
}

fn errored(no: &No) -> Refusal {
    Refusal::errored(no.to_string())
}
