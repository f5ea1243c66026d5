//! A path of the model on an implementation that runs by itself.
//!
//! The implementation is led by what is due: after each call the callbacks of the path are awaited, and then the state that the path has.
//! Silence is awaited only at the end of a path, where what is extra must have time to come.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use adapter::wire::{PlannedCall, can};
use adapter::{Answered, Fault, Session};
use contract::{Call, Event, FileId, FileNames, HResult, JobId, JobState, Method, ThreadId};
use judge::{Rule, Trace, Verdicts};

use super::Stage;
use super::path::{Act, Ending, Path, Stands, orders};
use crate::difference::{Account, Concern, Difference};
use crate::minimize::Identity;
use crate::server::{Compared, FEED_SEED, FEED_SIZE, Feed, Server, content};
use crate::suite::{Case, Finding, Judged, Led, hung, led, slice_of, steps_of};

/// A run of the implementation along a path.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// What happened.
    pub trace: Trace,
    /// What the rules make of it.
    pub verdicts: Verdicts,
}

/// What became of a path on the implementation, and its run, where there was one.
///
/// # Errors
/// The adapter does something wrong.
pub fn play(case: &Case, stage: &mut Stage) -> Result<(Judged, Option<Run>), Fault> {
    let header = &case.trace.header;
    let Some(slice) = slice_of(header) else {
        return Ok((Judged::not_runnable(format!("there is no slice {:?} any more", header.scope)), None));
    };
    let path = steps_of(&case.trace)
        .map_err(|error| error.to_string())
        .and_then(|steps| Path::of(&slice, &header.profile(), &steps).map_err(str::to_owned));
    match path {
        Ok(path) => Player::begin(stage, slice.name)?.play(case, &path),
        Err(why) => Ok((Judged::not_runnable(why), None)),
    }
}

struct Player<'a> {
    session: &'a mut Session,
    server: &'a Server,
    pace: &'a mut Pace,
    names: Names,
    header: judge::Header,
    /// Callbacks that have to have left so far.
    due: BTreeMap<(JobId, Event), usize>,
    /// Whether orders for callbacks are in force.
    ordered: bool,
    known: &'a BTreeSet<Identity>,
}

/// Names of the files of one program.
struct Names {
    program: u64,
    /// Files that were added to each job.
    files: BTreeMap<JobId, u32>,
    feed: Feed,
}

/// How long what is due takes to come, as far as it was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    slowest: Duration,
    /// How often it did not come.
    missing: u32,
    /// Whether to wait as long as the manifest has it, whatever was seen.
    pub(super) patient: bool,
}

impl Pace {
    /// How long to wait. An implementation that has often left something out is not waited for much longer than it ever took.
    fn patience(&self, whole: Duration) -> Duration {
        if self.patient || self.missing < OFTEN { whole } else { (self.slowest * 5).clamp(LEAST, whole) }
    }
}

/// How often something has to be missing before less time is spent on it. A busy machine is not that slow that often.
const OFTEN: u32 = 5;

/// The least that is waited for what is due.
const LEAST: Duration = Duration::from_millis(100);

/// How a path was left.
enum Left {
    AtItsEnd,
    /// What was due did not come.
    Early,
    /// A call did not come back in time.
    Open(Method),
    /// The adapter does not make a call.
    Unimplemented(Method, String),
}

impl<'a> Player<'a> {
    fn begin(stage: &'a mut Stage, scope: &str) -> Result<Player<'a>, Fault> {
        let program = stage.next_program();
        let header = stage.header(scope);
        let feed = stage.server.feed();
        let names = Names { program, files: BTreeMap::new(), feed };
        stage.session.begin()?;
        Ok(Player {
            session: &mut stage.session,
            server: &stage.server,
            pace: &mut stage.pace,
            names,
            header,
            due: BTreeMap::new(),
            ordered: false,
            known: &stage.known,
        })
    }

    /// Leads the implementation along the path. That it does not answer any more is a finding; that the process is gone is not.
    fn play(mut self, case: &Case, path: &Path) -> Result<(Judged, Option<Run>), Fault> {
        let led = self.lead(case, path);
        self.server.forget(&self.names.feed);
        match led {
            Err(Fault::Silent { during, .. }) => {
                let trace = self.session.finish(&self.header);
                let hangs =
                    Finding::Differs(hung(&trace, &format!("nothing is answered any more while {during}")));
                let verdicts = Verdicts::of(&trace);
                Ok((Judged::of(trace.clone(), [hangs], BTreeSet::new()), Some(Run { trace, verdicts })))
            }
            done => done,
        }
    }

    fn lead(&mut self, case: &Case, path: &Path) -> Result<(Judged, Option<Run>), Fault> {
        let left = self.acts(path)?;
        if !self.session.is_gone() {
            self.session.rest(self.session.limits().quiet)?;
        }
        let lines = self.session.events();
        let mut more = Vec::new();
        match &left {
            Left::Unimplemented(method, why) => {
                self.end_jobs(path)?;
                return Ok((Judged::not_runnable(format!("{method}: {why}")), None));
            }
            Left::AtItsEnd => more.extend(self.files(path)?),
            Left::Early | Left::Open(_) => {}
        }
        self.end_jobs(path)?;
        let trace = self.session.finish(&self.header);
        if let Left::Open(method) = left {
            let what = format!("{method} does not come back in time");
            more.push(Finding::Differs(hung(&trace, &what)));
        }
        let broken_off = !matches!(left, Left::AtItsEnd);
        let (equal, verdicts) = (equal(self.session), Verdicts::of(&trace));
        let judged = led(
            case,
            Led {
                trace: trace.clone(),
                verdicts: &verdicts,
                lines,
                broken_off,
                equal,
                more,
                known: self.known,
            },
        );
        Ok((judged, Some(Run { trace, verdicts })))
    }

    /// How the callbacks behind an act end. The orders of the act before are forgotten.
    fn give_orders(&mut self, act: &Act) -> Result<(), Fault> {
        let usual = act.leaves.iter().all(Ending::is_usual);
        if usual && !self.ordered {
            return Ok(());
        }
        self.ordered = !usual;
        let (names, session) = (&self.names, &*self.session);
        let inner = |call: &Call| PlannedCall::of(None, &names.here(session, None, call));
        let orders = if usual { Vec::new() } else { orders(&act.leaves, &inner) };
        self.session.order(orders)
    }

    fn acts(&mut self, path: &Path) -> Result<Left, Fault> {
        for act in &path.acts {
            let left = self.act(act)?;
            if !matches!(left, Left::AtItsEnd) {
                return Ok(left);
            }
        }
        Ok(Left::AtItsEnd)
    }

    fn act(&mut self, act: &Act) -> Result<Left, Fault> {
        self.give_orders(act)?;
        act.served.iter().for_each(|served| self.server.serve(&self.names.feed, *served));
        let call = self.names.here(self.session, act.job, &act.call);
        match self.session.call(act.thread, act.job, &call)? {
            Answered::Open => return Ok(Left::Open(call.method())),
            Answered::Unimplemented(why) => return Ok(Left::Unimplemented(call.method(), why)),
            Answered::Returned { hr, .. } if hr.succeeded() => self.names.note(act.job, &call),
            Answered::Returned { .. } => {}
        }
        let Some(states) = &act.rest else { return Ok(Left::AtItsEnd) };
        for (job, event) in &act.due {
            *self.due.entry((*job, *event)).or_default() += 1;
        }
        let begun = Instant::now();
        let patience = self.pace.patience(self.session.limits().due);
        let until = begun + patience;
        let due = self.due.clone();
        let mut have_left = |session: &Session| {
            due.iter().all(|((job, event), count)| session.left_of(*job, *event) >= *count)
        };
        let came = self.session.wait(patience, &mut have_left)?;
        if !came {
            self.pace.missing += 1;
            // What is missing is found where the run is compared. It is not waited for again.
            for ((job, event), count) in &mut self.due {
                *count = self.session.left_of(*job, *event);
            }
        }
        for (job, state) in states {
            if !self.reaches(*job, *state, until)? {
                self.pace.missing += 1;
                return Ok(Left::Early);
            }
        }
        if came {
            self.pace.slowest = self.pace.slowest.max(begun.elapsed());
        }
        Ok(Left::AtItsEnd)
    }

    /// Polls a job until it is in this state.
    fn reaches(&mut self, job: JobId, state: JobState, until: Instant) -> Result<bool, Fault> {
        let mut pause = Duration::from_micros(200);
        loop {
            match self.session.poll(job)? {
                Some(now) if now == state => return Ok(true),
                None if state.is_final() => return Ok(true),
                _ if Instant::now() >= until => return Ok(false),
                _ => {}
            }
            self.session.forget_poll();
            self.session.wait(pause, &mut |_| false)?;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Ends what the path has left open, as a client would, so that what comes after it is seen; and then whatever is left.
    fn end_jobs(&mut self, path: &Path) -> Result<(), Fault> {
        if self.session.is_gone() {
            return Ok(());
        }
        if self.session.has(Method::Cancel) {
            for job in &path.open_jobs {
                let answered = self.session.call(ThreadId(0), Some(*job), &Call::Cancel)?;
                if answered == Answered::Open {
                    return Ok(());
                }
            }
            if !path.open_jobs.is_empty() {
                self.session.rest(self.session.limits().quiet)?;
            }
        }
        if !self.session.reset()?.is_empty() {
            // What could not be ended may hold up what comes next.
            self.session.kill();
        }
        Ok(())
    }

    /// What is wrong with the files of jobs that have ended.
    fn files(&mut self, path: &Path) -> Result<Vec<Finding>, Fault> {
        let mut wrong = Vec::new();
        for (job, file, stands) in &path.files {
            let name = self.names.of(*job, *file);
            if self.names.files.get(job).is_none_or(|count| file.0 >= *count) {
                continue;
            }
            let is_whole = is_whole(self.session, &name)?;
            let what = match (stands, is_whole) {
                (Stands::Whole, Found::Whole) | (Stands::Nowhere, Found::Nothing) => continue,
                (Stands::Whole, Found::Nothing) => "the file is not at its destination",
                (Stands::Whole, Found::Another) => "the file at the destination has other bytes",
                (Stands::Nowhere, _) => "a file stands at the destination",
            };
            let wanted = match stands {
                Stands::Whole => "the job was completed, and the file stands there whole",
                Stands::Nowhere => {
                    "the job was cancelled or completed without the file, and nothing stands there"
                }
            };
            wrong.push(Finding::Differs(Difference {
                skeleton: vec!["the end of a job".to_owned(), what.to_owned()],
                after: "the job has ended".to_owned(),
                subject: format!("{job}, {file}: {what}"),
                wanted: wanted.to_owned(),
                account: Account::Suite,
                concern: Concern::Rule(Rule::R15),
                job: Some(*job),
                seq: 0,
            }));
        }
        Ok(wrong)
    }
}

enum Found {
    Whole,
    Nothing,
    Another,
}

fn is_whole(session: &mut Session, name: &str) -> Result<Found, Fault> {
    if session.can(can::OBSERVE) {
        let verb = adapter::wire::Verb::Observe { observe: vec![name.to_owned()] };
        let observed = session.command(verb, "it looks at its files")?.observed.unwrap_or_default();
        return Ok(match observed.get(name).cloned().flatten() {
            None => Found::Nothing,
            Some(seen) if seen.bytes == FEED_SIZE => Found::Whole,
            Some(_) => Found::Another,
        });
    }
    let Ok(file) = std::fs::File::open(session.seen_at(name)) else { return Ok(Found::Nothing) };
    let same = content(FEED_SEED, FEED_SIZE).compare(file).is_ok_and(|compared| compared == Compared::Same);
    Ok(if same { Found::Whole } else { Found::Another })
}

/// The codes that mean one thing to the implementation.
fn equal(session: &Session) -> Vec<(Method, Vec<HResult>)> {
    let method = |name: &str| Method::ALL.iter().copied().find(|method| method.name() == name);
    let groups = session.hello().equal.iter().filter_map(|(name, groups)| Some((method(name)?, groups)));
    groups.flat_map(|(method, groups)| groups.iter().map(move |codes| (method, codes.clone()))).collect()
}

impl Names {
    fn of(&self, job: JobId, file: FileId) -> String {
        format!("p{}-{job}-{file}", self.program)
    }

    /// Notes files that were added.
    fn note(&mut self, job: Option<JobId>, call: &Call) {
        let Some(job) = job else { return };
        let added = match call {
            Call::AddFile { .. } => 1,
            Call::AddFileSet { files } => files.len() as u32,
            _ => 0,
        };
        if added > 0 {
            *self.files.entry(job).or_default() += added;
        }
    }

    /// The call with names that are good here. Names that are wrong on purpose stay wrong.
    fn here(&self, session: &Session, job: Option<JobId>, call: &Call) -> Call {
        let next = job.and_then(|job| self.files.get(&job).copied()).unwrap_or(0);
        let names = |file: &FileNames, plus: u32| {
            let name = self.of(job.unwrap_or(JobId(0)), FileId(next + plus));
            let local =
                if file.local == GOOD_LOCAL { session.destination(&name).into() } else { file.local.clone() };
            let remote = if file.remote.starts_with(GOOD_REMOTE) {
                self.feed.url(&name).into()
            } else {
                file.remote.clone()
            };
            FileNames { remote, local }
        };
        match call {
            Call::AddFile { file } => Call::AddFile { file: names(file, 0) },
            Call::AddFileSet { files } => Call::AddFileSet {
                files: files.iter().zip(0..).map(|(file, plus)| names(file, plus)).collect(),
            },
            Call::FileSetRemoteName { file, remote } if remote.starts_with(GOOD_REMOTE) => {
                Call::FileSetRemoteName { file: *file, remote: self.feed.url("other").into() }
            }
            other => other.clone(),
        }
    }
}

/// What the paths of the model have for a good destination.
const GOOD_LOCAL: &str = "/destination";
/// And for a good URL.
const GOOD_REMOTE: &str = "http://127.0.0.1/";
