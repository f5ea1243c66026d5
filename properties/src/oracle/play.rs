//! One row of the table, played on a service of its own and compared with what is owed.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::call::{Completed, ErrorContext, ErrorInfo, Fetched, FileProgress, Priority, Progress};
use contract::core::{Config, Core as _, Failure};
use contract::defect::Seeded;
use contract::dialect::Contexts;
use contract::event::Recorder;
use contract::{
    EnvStep, EventView, FileId, HResult, Interfaces, JobId, JobState, NotifyFlags, Profile, UserId,
};
use engine::service::{Callback, ErrorObject, File, Job, Service};
use engine::store::{Instance, Temporary};
use engine::transfer::{ClientConfig, Roots, Slowest};
use judge::trace::Kind;
use judge::{Ended, Header, Trace, TraceRecorder, Verdicts};

use super::Wrong;
use super::case::{Ask, Case, End, Limits, Retries, Said, Trouble};
use super::checks::Checks;
use super::overseer::Overseer;
use crate::server::{Heard, Scheme, Script, Server};

/// Where and on what a row is played.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) profile: Profile,
    pub(super) server: Arc<Server>,
    pub(super) seeded: Seeded,
    pub(super) directory: PathBuf,
    /// By how much the limits are longer than in the table, when a row is played again.
    pub(super) slack: u32,
}

/// What came of a row.
pub(super) struct Played {
    pub(super) wrong: Vec<Wrong>,
    pub(super) checks: u64,
}

/// How long a job may take to settle. Longer than what it waits for in any row, and its retries; a busy machine has the second try.
const SETTLES: Duration = Duration::from_millis(2500);
/// How long it may take until a client has received its events, or a stopped transfer is gone.
const SOON: Duration = Duration::from_secs(1);
/// For this time after the end no request and no event may come.
const QUIET: Duration = Duration::from_millis(15);
/// Milliseconds of the service's time per millisecond.
const SCALE: u32 = 1000;
/// What stands where something else stands.
const FOREIGN: &[u8] = b"this file was here first";
/// The owner, and a user who owns nothing.
const OWNER: UserId = UserId(3);

/// Plays a row.
pub(super) fn play(case: &Case, setting: &Setting) -> Played {
    let mut checks = Checks::new(&case.name, case.because);
    if let Err(error) = fs::create_dir_all(&setting.directory) {
        checks.note("the directory", &error.to_string(), "room for files");
        return Played { wrong: checks.wrong, checks: checks.made };
    }
    let trace = match Play::new(case, setting) {
        Ok(play) => play.through(&mut checks),
        Err(why) => {
            checks.note("the start", &why, "a service");
            None
        }
    };
    let trace = trace.map(Box::new);
    let Checks { mut wrong, made, .. } = checks;
    for wrong in &mut wrong {
        wrong.trace.clone_from(&trace);
    }
    Played { wrong, checks: made }
}

/// A row while it is played.
struct Play<'a> {
    case: &'a Case,
    setting: &'a Setting,
    service: Service,
    recorder: Arc<TraceRecorder>,
    overseer: Arc<Overseer>,
    ear: Arc<Ear>,
    script: Script,
    url: String,
    destination: PathBuf,
    job: Job,
}

impl<'a> Play<'a> {
    fn new(case: &'a Case, setting: &'a Setting) -> Result<Play<'a>, String> {
        let script = setting.server.play(case.pages.clone());
        let url = match case.trouble {
            Trouble::NoHost => format!("http://{}.invalid/file", "a".repeat(64)),
            Trouble::NoServer => unused_port().map_err(|error| error.to_string())?,
            _ => script.url(case.scheme, case.path),
        };
        let recorder = Arc::new(TraceRecorder::new());
        let overseer = Arc::new(Overseer::new(client_config(case, setting), case.trouble));
        let service = Service::builder(Config { seeded: setting.seeded, ..Config::of(&setting.profile) })
            .recorder(Arc::clone(&recorder) as Arc<dyn Recorder>)
            .fetch(Arc::clone(&overseer) as Arc<dyn engine::service::Fetch>)
            .clock_scale(SCALE)
            .namespace(crate::NAMESPACE)
            .instance(instance(&setting.directory))
            .start()
            .map_err(|error| error.to_string())?;
        overseer.meet(service.client(), OWNER);
        let destination = prepare(case, setting).map_err(|error| error.to_string())?;
        let job = service.manager(OWNER).create_job(&case.name).map_err(|hr| hr.to_string())?;
        let ear = Arc::<Ear>::default();
        Ok(Play { case, setting, service, recorder, overseer, ear, script, url, destination, job })
    }

    /// The whole row. What was recorded, when the service stopped.
    fn through(self, checks: &mut Checks) -> Option<Trace> {
        self.begin(checks);
        self.settle(checks);
        self.listen(checks);
        self.look(checks);
        self.end(checks);
        std::thread::sleep(QUIET);
        self.compare_requests(checks);
        let Play { case, setting, service, recorder, overseer, ear, destination, job, .. } = self;
        drop(job);
        let left = service.shutdown_within(if checks.wrong.is_empty() { SETTLES } else { QUIET });
        checks.same("threads left behind", left.is_none(), true);
        let late = service.manager(OWNER).create_job("late").err();
        checks.same("CreateJob after the end", late, Some(HResult::RPC_S_SERVER_UNAVAILABLE));
        let told = ear.told();
        checks.same("events told in all", told.len(), owed_events(case, &setting.profile).len());
        compare_reports(checks, case, &overseer);
        compare_files(checks, case, &setting.directory, &destination);
        let trace = finished(&recorder, case, setting);
        compare_trace(checks, case, &setting.profile, &trace);
        Some(trace)
    }

    fn begin(&self, checks: &mut Checks) {
        let (job, profile) = (&self.job, &self.setting.profile);
        let local = self.destination.to_str().unwrap_or_default();
        checks.same("AddFile", job.add_file(&self.url, local), Ok(()));
        checks.same("SetPriority", job.set_priority(Priority::Foreground), Ok(()));
        if profile.omitted_methods.is_on() {
            checks.same("SetMinimumRetryDelay", job.set_minimum_retry_delay(5), Ok(()));
        }
        let seconds = if self.case.retries == Retries::No { 0 } else { 14 * 86_400 };
        checks.same("SetNoProgressTimeout", job.set_no_progress_timeout(seconds), Ok(()));
        let mask = NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED;
        checks.same("SetNotifyFlags", job.set_notify_flags(mask), Ok(()));
        let object = Arc::clone(&self.ear) as Arc<dyn Callback>;
        checks.same("SetNotifyInterface", job.set_notify_interface(Some(object)), Ok(()));
        checks.same("Resume", job.resume(), Ok(()));
    }

    fn settle(&self, checks: &mut Checks) {
        let owed = match self.case.end {
            End::Whole(_) => JobState::Transferred,
            End::Error => JobState::Error,
            End::Cancelled => JobState::Cancelled,
        };
        let until = Instant::now() + SETTLES * self.setting.slack;
        let settled = [JobState::Transferred, JobState::Error, JobState::Cancelled];
        let mut resumed = false;
        while Instant::now() < until {
            let state = self.service.inspect(|core| core.state(self.job.number()));
            if state.is_some_and(|state| settled.contains(&state)) || self.goes_astray() {
                break;
            }
            if state == Some(JobState::Suspended) && !resumed {
                resumed = true;
                checks.same("Resume after Suspend", self.job.resume(), Ok(()));
            }
            std::thread::sleep(Duration::from_micros(300));
        }
        checks.same("GetState", self.job.state(), Ok(owed));
    }

    /// Whether the transfer has reported something else than the row has: then there is nothing more to wait for.
    fn goes_astray(&self) -> bool {
        let said = loosely(self.case, &self.overseer.said());
        let as_owed = |(said, owed): (&Said, &Said)| {
            // A count of bytes grows on.
            said == owed || matches!((said, owed), (Said::Here(now), Said::Here(then)) if now < then)
        };
        said.len() > self.case.says.len() || !said.iter().zip(&self.case.says).all(as_owed)
    }

    /// Waits until the client has received what it is owed, and compares.
    fn listen(&self, checks: &mut Checks) {
        let owed = owed_events(self.case, &self.setting.profile);
        // Of a job that did not settle as it should nothing more is expected.
        let patience = if checks.wrong.is_empty() { SOON * self.setting.slack } else { QUIET };
        let until = Instant::now() + patience;
        while self.ear.told().len() < owed.len() && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(300));
        }
        checks.same("events told", self.ear.told(), owed);
        let transfer_is_gone = || self.overseer.running() == 0;
        while !transfer_is_gone() && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(300));
        }
        checks.same("a transfer without a job is over soon", transfer_is_gone(), true);
    }

    /// What the getters return before Complete or Cancel.
    fn look(&self, checks: &mut Checks) {
        let (job, profile) = (&self.job, &self.setting.profile);
        let files = job.files().and_then(|mut files| files.next(9, Fetched::Wanted));
        let files = files.map(|files| files.value).unwrap_or_default();
        checks.same("EnumFiles", files.iter().map(File::number).collect::<Vec<_>>(), vec![FileId(0)]);
        let local = self.destination.to_str().unwrap_or_default().to_owned();
        for file in &files {
            checks.same("GetRemoteName", file.remote_name(), Ok(self.url.clone()));
            checks.same("GetLocalName", file.local_name(), Ok(local.clone()));
        }
        if self.case.end == End::Cancelled {
            return;
        }
        let failures = self.case.failures().count() as u32;
        if profile.omitted_methods.is_on() {
            checks.same("GetErrorCount", job.error_count(), Ok(failures));
        }
        let times = job.times();
        let completed = times.map(|times| times.transfer_completion.is_some());
        checks.same("GetTimes, completion", completed, Ok(matches!(self.case.end, End::Whole(_))));
        let in_order = times.map(|times| {
            let end = times.transfer_completion.unwrap_or(times.modification);
            times.creation < end && end <= times.modification
        });
        checks.same("GetTimes, order", in_order, Ok(true));
        match &self.case.end {
            End::Whole(bytes) => self.look_whole(checks, bytes.len() as u64, &files),
            _ => self.look_failed(checks),
        }
    }

    fn look_whole(&self, checks: &mut Checks, size: u64, files: &[File]) {
        let (bytes_total, bytes_transferred) = (Some(size), size);
        let whole = Progress { bytes_total, bytes_transferred, files_total: 1, files_transferred: 1 };
        checks.same("GetProgress", self.job.progress(), Ok(whole));
        let completed = Completed::No;
        for file in files {
            let owed = FileProgress { bytes_total, bytes_transferred, completed };
            checks.same("GetProgress of the file", file.progress(), Ok(owed));
        }
        let no_error = self.job.error().map(|error| error.error());
        checks.same("GetError", no_error, Err(self.setting.profile.no_error_information));
    }

    fn look_failed(&self, checks: &mut Checks) {
        let Some(owed) = owed_error(self.case, &self.setting.profile) else { return };
        let error = match self.job.error() {
            Ok(error) => error,
            Err(hr) => return checks.note("GetError", &hr.to_string(), &format!("{owed:?}")),
        };
        checks.same("GetError", error.error(), (owed.context, owed.hr));
        let no_file = self.setting.profile.file_not_available;
        let owed_file = owed.file.ok_or(no_file);
        checks.same("GetFile of the error", error.file().map(|file| file.number()), owed_file);
        let transferred = self.job.progress().map(|progress| progress.files_transferred);
        checks.same("GetProgress, files", transferred, Ok(0));
        if self.setting.profile.omitted_methods.is_on() {
            let sentence = error.error_description(0).map(|text| is_sentence(&text));
            checks.same("GetErrorDescription is a sentence", sentence, Ok(true));
            let about = error.error_context_description(0).map(|text| is_sentence(&text));
            checks.same("GetErrorContextDescription is a sentence", about, Ok(true));
            let elsewhere = Err(HResult::ERROR_RESOURCE_LANG_NOT_FOUND);
            checks.same(
                "GetErrorDescription in a language that is not there",
                error.error_description(0x0407),
                elsewhere,
            );
            let elsewhere = Err(HResult::ERROR_RESOURCE_LANG_NOT_FOUND);
            let about = error.error_context_description(0x0407);
            checks.same("GetErrorContextDescription in a language that is not there", about, elsewhere);
            let general = self.service.manager(OWNER).error_description(owed.hr, 0);
            checks.same("GetErrorDescription", error.error_description(0), general);
            let protocol = match owed.file {
                Some(_) => Ok(if self.case.scheme == Scheme::Http { "http" } else { "https" }.to_owned()),
                None => Err(HResult::BG_E_PROTOCOL_NOT_AVAILABLE),
            };
            checks.same("GetProtocol", error.protocol(), protocol);
        }
    }

    /// Complete or Cancel, and what stands on the disk before and after.
    fn end(&self, checks: &mut Checks) {
        let code = |result: Result<engine::service::Returned<()>, HResult>| result.map(|back| back.hr);
        match self.case.end {
            End::Whole(_) => {
                self.before_complete(checks);
                checks.same("Complete", code(self.job.complete()), Ok(HResult::S_OK));
                checks.same("GetState after Complete", self.job.state(), Ok(JobState::Acknowledged));
                let file = self.job.files().and_then(|mut files| files.next(1, Fetched::Null));
                let file = file.ok().and_then(|files| files.value.into_iter().next());
                let completed = file.and_then(|file| file.progress().ok()).map(|found| found.completed);
                checks.same("Completed of the file after Complete", completed, Some(Completed::Yes));
            }
            End::Error => {
                checks.same("Cancel", code(self.job.cancel()), Ok(HResult::S_OK));
                checks.same("GetState after Cancel", self.job.state(), Ok(JobState::Cancelled));
            }
            End::Cancelled => {
                let invalid = Err(self.setting.profile.invalid_state);
                checks.same("Cancel again", code(self.job.cancel()), invalid);
            }
        }
    }

    fn before_complete(&self, checks: &mut Checks) {
        let found = fs::read(&self.destination).ok();
        match self.case.trouble {
            Trouble::Foreign => {
                checks.same("the destination before Complete", found, Some(FOREIGN.to_vec()));
            }
            Trouble::Directory => {
                let refused = self.job.complete().map(|back| back.hr);
                checks.same("Complete onto a directory", refused, Err(HResult::E_ACCESSDENIED));
                checks.same("GetState after it", self.job.state(), Ok(JobState::Transferred));
                let still = fs::read(temporary(&self.destination).path()).ok();
                let owed = whole_bytes(self.case);
                checks.same("the temporary file after it", still, owed);
                // The next Complete finds nothing in its way.
                let _ = fs::remove_dir(&self.destination);
            }
            _ => checks.same("the destination before Complete", found, None),
        }
    }

    fn compare_requests(&self, checks: &mut Checks) {
        let heard = self.setting.server.heard(&self.script);
        let asked: Vec<Ask> =
            heard.iter().zip(asks_of(self.case)).map(|(heard, owed)| ask(heard, owed)).collect();
        let owed: Vec<Ask> = self.case.asks.clone();
        checks.same("requests", (heard.len(), asked), (owed.len(), owed));
        let host = self.url.split('/').nth(2).unwrap_or_default();
        for heard in &heard {
            checks.same("Accept-Encoding", heard.header("accept-encoding"), Some("identity"));
            checks.same("Host", heard.header("host"), Some(host));
            checks.same("Connection", heard.header("connection"), Some("close"));
        }
        // One request each for the attempts that fail: then the time between two is that between two attempts.
        if self.case.pages.len() == 1 && heard.len() == self.case.failures().count() + 1 {
            let delay = match self.setting.profile.omitted_methods.is_on() {
                true => contract::Millis::from_secs(5),
                false => self.setting.profile.retry_delay,
            };
            let least = Duration::from_micros(delay.0 * 1000 / u64::from(SCALE)) - Duration::from_millis(1);
            let early = heard.windows(2).map(|two| two[1].asked.duration_since(two[0].asked));
            let early: Vec<Duration> = early.filter(|time| *time < least).collect();
            checks.same("retries before the minimum retry delay", early, Vec::new());
        }
        if matches!(self.case.end, End::Cancelled) {
            let over = heard.iter().all(|heard| heard.over.is_some());
            checks.same("the connection is closed after Cancel", over, true);
        }
    }
}

/// The expectation beside each request, without end, so that one too many is compared, too.
fn asks_of(case: &Case) -> impl Iterator<Item = Option<&Ask>> {
    case.asks.iter().map(Some).chain(std::iter::repeat(None))
}

/// A request as the table writes it, as loosely as the row has it.
fn ask(heard: &Heard, owed: Option<&Ask>) -> Ask {
    let range =
        heard.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let condition = heard.header("if-range");
    let tag = |owed: Option<&'static str>| match (condition, owed) {
        (None, _) => None,
        (Some(found), Some(owed)) if found == owed => Some(owed),
        (Some(_), _) => Some("another"),
    };
    match (owed, range) {
        (Some(Ask::At(path)), None) if heard.path == *path && heard.header("range").is_none() => {
            Ask::At(path)
        }
        (Some(Ask::Rest(_, owed)), Some(from)) => Ask::Rest(from, tag(*owed)),
        (Some(Ask::SomeRest(owed)), Some(_)) => Ask::SomeRest(tag(*owed)),
        (_, Some(from)) => Ask::Rest(from, tag(None)),
        (Some(Ask::At(_)), None) => Ask::At("another path"),
        (_, None) => Ask::Whole,
    }
}

fn compare_reports(checks: &mut Checks, case: &Case, overseer: &Overseer) {
    checks.same("reports of the transfer", loosely(case, &overseer.said()), case.says.clone());
    checks.same("reports that cannot be", overseer.impossible(), Vec::new());
}

/// What was reported, as loosely as the row has it.
fn loosely(case: &Case, said: &[Said]) -> Vec<Said> {
    let pairs = said.iter().enumerate().map(|(at, said)| match (said, case.says.get(at)) {
        (Said::Here(_), Some(Said::SomeHere)) => Said::SomeHere,
        _ => *said,
    });
    pairs.collect()
}

fn compare_files(checks: &mut Checks, case: &Case, directory: &Path, destination: &Path) {
    let mut owed: Vec<(String, Vec<u8>)> = Vec::new();
    if let Some(bytes) = whole_bytes(case) {
        owed.push((name_of(destination), bytes));
    }
    if case.trouble == Trouble::Leftovers {
        owed.push((ALIKE.to_owned(), FOREIGN.to_vec()));
    }
    if case.trouble == Trouble::TemporaryTaken {
        owed.push((name_of(temporary(destination).path()), FOREIGN.to_vec()));
    }
    owed.sort();
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(directory)
        .map(|entries| {
            let entries = entries.flatten().map(|entry| entry.path());
            entries.map(|path| (name_of(&path), fs::read(&path).unwrap_or_default())).collect()
        })
        .unwrap_or_default();
    found.sort();
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    checks.same("files at the end", names(&found), names(&owed));
    let right = found == owed;
    checks.same("their bytes are right", right, true);
}

/// What the core recorded has to be what the transfer reported, and to break no rule.
fn compare_trace(checks: &mut Checks, case: &Case, profile: &Profile, trace: &Trace) {
    let errors = trace.lines.iter().filter_map(|line| match &line.what {
        Kind::Env(env) => match env.step {
            EnvStep::TransientError { hr } => Some((Failure::Transient, hr)),
            EnvStep::FatalError { hr } => Some((Failure::Fatal, hr)),
            _ => None,
        },
        _ => None,
    });
    let owed: Vec<_> = case.failures().map(|(class, hr, _)| (class, hr)).collect();
    checks.same("errors of the job", errors.collect::<Vec<_>>(), owed);
    let bytes = trace.lines.iter().filter(|line| match &line.what {
        Kind::Env(env) => matches!(env.step, EnvStep::Bytes { .. }),
        _ => false,
    });
    checks.same("the core hears of bytes often enough", bytes.count() >= case.heard, true);
    let verdicts = Verdicts::under(trace, profile, judge::RuleSet::HERE);
    let broken: Vec<String> = verdicts.violations().map(|broken| broken.to_string()).collect();
    checks.same("rules that are broken", broken, Vec::new());
}

fn finished(recorder: &TraceRecorder, case: &Case, setting: &Setting) -> Trace {
    recorder.record(EventView::Env { step: EnvStep::Idle, job: None, file: None });
    let mut header = Header::of(&setting.profile);
    header.scope = format!("the row {} of the transfer oracle", case.name);
    header.subject = "service over HTTP".to_owned();
    header.engine = "live".to_owned();
    header.clock_scale = SCALE;
    header.ended = Ended::AtRest;
    recorder.finish(header)
}

/// The events that the client has to receive, but for modifications.
fn owed_events(case: &Case, profile: &Profile) -> Vec<Told> {
    match case.end {
        End::Whole(_) => vec![Told::File(JobId(0), FileId(0)), Told::Transferred(JobId(0))],
        End::Error => {
            owed_error(case, profile).map(|error| Told::Error(JobId(0), error)).into_iter().collect()
        }
        End::Cancelled => Vec::new(),
    }
}

/// The error object of a job that has failed (facts D4, G37).
fn owed_error(case: &Case, profile: &Profile) -> Option<ErrorInfo> {
    let (class, hr, context) = case.failures().last()?;
    let context = match profile.contexts {
        Contexts::Real => context,
        Contexts::RemoteFileFor403 if hr == HResult::BG_E_HTTP_ERROR_403 => ErrorContext::RemoteFile,
        Contexts::RemoteFileFor403 => ErrorContext::None,
    };
    let about_file = matches!(context, ErrorContext::RemoteFile | ErrorContext::LocalFile);
    let hr = match class {
        Failure::Transient => profile.no_progress_error.unwrap_or(hr),
        Failure::Fatal => hr,
    };
    Some(ErrorInfo { hr, context, file: about_file.then_some(FileId(0)) })
}

fn whole_bytes(case: &Case) -> Option<Vec<u8>> {
    match &case.end {
        End::Whole(bytes) => Some(bytes.clone()),
        _ => None,
    }
}

/// Whether a client can show the text: words, and a full stop.
fn is_sentence(text: &str) -> bool {
    text.split_whitespace().count() > 2 && text.ends_with('.')
}

/// A URL at which no server listens: of a port that was free a moment ago.
fn unused_port() -> std::io::Result<String> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    Ok(format!("http://{address}/file"))
}

fn prepare(case: &Case, setting: &Setting) -> std::io::Result<PathBuf> {
    let directory = &setting.directory;
    let destination = match case.trouble {
        Trouble::NoDirectory => directory.join("nowhere").join("file"),
        _ => directory.join("file"),
    };
    match case.trouble {
        Trouble::Foreign => fs::write(&destination, FOREIGN)?,
        Trouble::Directory => fs::create_dir(&destination)?,
        Trouble::TemporaryTaken => fs::write(temporary(&destination).path(), FOREIGN)?,
        Trouble::Leftovers => {
            leave_behind(directory)?;
            fs::write(directory.join(ALIKE), FOREIGN)?;
        }
        _ => {}
    }
    Ok(destination)
}

/// A file of another program.
const ALIKE: &str = ".bg-j0-f0-0123456789abcdef.tmp";

/// What a service that is killed leaves: its claim, which has no lock any more, and a temporary file.
fn leave_behind(directory: &Path) -> std::io::Result<()> {
    let dead = Instance(!instance(directory).0);
    let temporary = Temporary::beside(&directory.join("file"), dead, JobId(0), FileId(0));
    let file = temporary.open_for_write(0).map_err(std::io::Error::other)?;
    let left: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(directory)?
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), fs::read(entry.path())?))))
        .collect::<Result<_, _>>()?;
    drop(file);
    temporary.remove().map_err(std::io::Error::other)?;
    left.iter().try_for_each(|(path, bytes)| fs::write(path, bytes))
}

fn temporary(destination: &Path) -> Temporary {
    let directory = destination.parent().unwrap_or(destination);
    Temporary::beside(destination, instance(directory), JobId(0), FileId(0))
}

/// A number that the row computes, so that it can take a name before the service does. Rows run beside one another, each in a directory.
fn instance(directory: &Path) -> Instance {
    let mut hasher = DefaultHasher::new();
    directory.hash(&mut hasher);
    Instance(hasher.finish())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn client_config(case: &Case, setting: &Setting) -> ClientConfig {
    let usual = ClientConfig { seeded: setting.seeded, ..ClientConfig::default() };
    let usual = match case.trouble {
        Trouble::NotTrusted => usual,
        _ => ClientConfig { roots: Roots::Only(vec![setting.server.certificate().to_vec()]), ..usual },
    };
    match case.limits {
        Limits::Usual => usual,
        Limits::Impatient => {
            let silence = Duration::from_millis(300) * setting.slack;
            ClientConfig { read_timeout: silence, response_timeout: silence, ..usual }
        }
        Limits::Brisk => {
            let within = Duration::from_millis(400) * setting.slack;
            ClientConfig { slowest: Slowest { bytes: 1000, within }, ..usual }
        }
        Limits::Least => {
            let slowest = Slowest { bytes: 1, within: Duration::from_millis(1) };
            ClientConfig { slowest, ..usual }
        }
        Limits::Short(most) => ClientConfig { max_body_bytes: most, ..usual },
    }
}

/// An event that a client has received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    File(JobId, FileId),
    Transferred(JobId),
    Error(JobId, ErrorInfo),
}

/// The client's object.
#[derive(Default)]
struct Ear(Mutex<Vec<Told>>);

impl Ear {
    fn told(&self) -> Vec<Told> {
        self.lock().clone()
    }

    fn hear(&self, told: Told) -> HResult {
        self.lock().push(told);
        HResult::S_OK
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Callback for Ear {
    fn receives(&self) -> Interfaces {
        Interfaces::CALLBACK | Interfaces::CALLBACK2
    }

    fn job_transferred(&self, job: &Job) -> HResult {
        self.hear(Told::Transferred(job.number()))
    }

    fn job_error(&self, job: &Job, error: &ErrorObject) -> HResult {
        let (context, hr) = error.error();
        let file = error.file().ok().map(|file| file.number());
        self.hear(Told::Error(job.number(), ErrorInfo { hr, context, file }))
    }

    fn file_transferred(&self, job: &Job, file: &File) -> HResult {
        self.hear(Told::File(job.number(), file.number()))
    }
}
