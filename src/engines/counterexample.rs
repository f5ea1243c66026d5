//! A failure as a reader wants it: a trace on the disk, a timeline with its decisive lines, and the command to see it again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use contract::core::Config;
use contract::defect::Design;
use contract::{Call, Core, Dialect, ThreadId};
use judge::trace::HeaderFinding;
use judge::{
    Header, Rule, RuleSet, TimelineOptions, Trace, Verdicts, Violation, failure_id, owed, skeleton, timeline,
};
use model::drive::{From, Stimulus};
use model::protocol::{Law, Story};
use model::scope::{Slice, Variant, slice};
use properties::difference::Difference;
use properties::minimize::{Case, Failed, Identity, Minimal, minimize, told};
use properties::program::Program;
use properties::race::is_forced_switch;
use reports::{ExitCode, Failure, Rate};
use serde::de::DeserializeOwned;

use crate::cli::CoreChoice;
use crate::error::Error;
use crate::output::printable;
use crate::place;
use crate::run::quoted;

/// Where traces are written, and how a report names the directory.
#[derive(Clone, Debug)]
pub(crate) struct Traces {
    /// Where, from the current directory.
    pub(crate) dir: PathBuf,
    /// Where, from the report.
    pub(crate) from_report: PathBuf,
}

impl Traces {
    /// Of a run without a report of its own.
    pub(crate) fn in_dir(dir: PathBuf) -> Traces {
        Traces { from_report: dir.clone(), dir }
    }

    /// The trace of a failure as it was written, if it was.
    pub(crate) fn read_back(&self, failure: &Failure) -> Option<String> {
        std::fs::read_to_string(self.file_of(failure)?).ok()
    }

    /// Puts the trace of a failure back where another one of its name was written since. One that cannot be written was reported as lost.
    pub(crate) fn write_again(&self, failure: &Failure, trace: &str) {
        if let Some(file) = self.file_of(failure) {
            let _ = write(&file, trace);
        }
    }

    fn file_of(&self, failure: &Failure) -> Option<PathBuf> {
        Some(self.dir.join(Path::new(failure.trace_file.as_ref()?).file_name()?))
    }

    /// Makes the failure of `rule`, or of what is no rule, as small as it gets, writes its trace and describes it. `story` is what
    /// no trace has.
    pub(crate) fn keep(&self, trace: &Trace, rule: Option<Rule>, story: &str) -> Result<Failure, Error> {
        let case = Case::of_trace(trace);
        let rules = match (&case, rule) {
            (_, Some(rule)) => RuleSet::of(&[rule]),
            // Of a race only the waits are no rule's business.
            (Case::Race(_), None) => RuleSet::EMPTY,
            (_, None) => RuleSet::ALL,
        };
        match minimize(&case, rules) {
            Ok(minimal) => self.keep_minimal(trace, minimal, story),
            // What cannot be seen again here is kept as it was seen.
            Err(_) => self.keep_whole(trace, rule, story),
        }
    }

    /// As [`Traces::keep`], for a run that is another one than a suite's. Where the run of its program does not part from the specification
    /// in this way, it is kept as it was seen.
    pub(crate) fn keep_difference(&self, trace: &Trace, difference: &Difference) -> Result<Failure, Error> {
        match minimize(&Case::of_trace(trace), RuleSet::ALL) {
            Ok(minimal) if minimal.failed.id == difference.id() => self.keep_minimal(trace, minimal, ""),
            _ => {
                let mut failure = self.keep_seen_difference(trace, difference)?;
                failure.notes.push("not made small: it is the run as it was seen".to_owned());
                Ok(failure)
            }
        }
    }

    /// Keeps a run that is another one than a suite's as it was seen.
    pub(crate) fn keep_seen_difference(
        &self,
        trace: &Trace,
        difference: &Difference,
    ) -> Result<Failure, Error> {
        let (id, drawn) = (difference.id().to_string(), draw_difference(trace, difference));
        let name = name_of(&id, trace);
        let what = Some(difference.line());
        let told = Told { drawn, id, what, ..Told::default() };
        let mut failure = self.write_down(trace, &name, told)?;
        failure.notes.push(format!("identity: {}", difference.skeleton.join(", then ")));
        failure.notes.extend(difference.sides());
        Ok(failure)
    }

    /// Keeps the path of the model that led to a failure beside its trace, so that an implementation can be led along it again.
    pub(crate) fn keep_path(&self, failure: &mut Failure, path: &Trace) {
        let Some(trace) = &failure.trace_file else { return };
        let name = Path::new(trace).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("{name}-path.jsonl");
        failure.notes.push(match write(&self.dir.join(&name), &path.print()) {
            Ok(()) => {
                let file = quoted(&slashes(&self.dir.join(&name)));
                format!("again: bgcheck replay {file} --adapter ADAPTER, and smaller by bgcheck minimize {file} --adapter ADAPTER")
            }
            Err(error) => not_written(&error),
        });
    }

    /// Keeps the path on which an adapter's process ended or did not answer. Returns how it is led again.
    pub(crate) fn keep_interrupted(&self, number: usize, path: &Trace) -> String {
        let file = self.dir.join(format!("interrupted-{number}-path.jsonl"));
        match write(&file, &path.print()) {
            Ok(()) => format!("again: bgcheck replay {} --adapter ADAPTER", quoted(&slashes(&file))),
            Err(error) => not_written(&error),
        }
    }

    /// Keeps a run that breaks this rule as it was seen.
    pub(crate) fn keep_seen(&self, trace: &Trace, violation: Violation) -> Result<Failure, Error> {
        let id = failure_id(trace, &violation).to_string();
        let (name, drawn) = (name_of(&id, trace), draw(trace, Some(violation)));
        let owed = owed(trace, &violation);
        self.write_down(trace, &name, Told { drawn, id, owed, ..Told::default() })
    }

    /// Keeps the run of a race with the fewest forced switches, each of which is marked. It is not made smaller: a smaller race or schedule
    /// may need more of them. What breaks the rule without a line of its own is kept as any other failure.
    pub(crate) fn keep_fewest(&self, trace: &Trace, rule: Rule, story: &str) -> Result<Failure, Error> {
        let broken = Verdicts::of(trace).violations().find(|violation| violation.rule == rule);
        let Some(violation) = broken else { return self.keep(trace, Some(rule), story) };
        let id = failure_id(trace, &violation).to_string();
        let switches = trace.lines.iter().filter(|line| is_forced_switch(line));
        let marked: BTreeSet<u64> = switches.map(|line| line.seq).collect();
        let note = format!("{} of its switches are forced, and marked", marked.len());
        let name = name_of(&id, trace);
        let drawn = draw_marked(trace, Some(violation), marked);
        let told = Told { drawn, id, story, owed: owed(trace, &violation), ..Told::default() };
        let mut failure = self.write_down(trace, &name, told)?;
        let identity = format!("identity: {}", skeleton(trace, &violation).join(", then "));
        failure.notes.splice(0..0, [identity, format!("source:   {}", rule.source()), note]);
        Ok(failure)
    }

    fn keep_minimal(&self, found: &Trace, minimal: Minimal, story: &str) -> Result<Failure, Error> {
        let mut trace = minimal.failed.trace.clone();
        trace.header.engine.clone_from(&found.header.engine);
        trace.header.seed = found.header.seed;
        let id = minimal.failed.id.to_string();
        let name = name_of(&id, &trace);
        let story = match minimal.case.program() {
            Some(program) => format!("{story}\n\nthe program\n{program}"),
            None => story.to_owned(),
        };
        let drawn = draw_failed(&minimal.failed);
        let rate = minimal.rate.map(|rate| Rate { reproduced: rate.reproduced, replays: rate.replays });
        let what = minimal.failed.difference.as_ref().map(Difference::line);
        let again = of_subject(&minimal.case, &minimal.failed);
        let owed = minimal.failed.violation.and_then(|violation| owed(&trace, &violation));
        let told = Told { drawn, id, story: story.trim_start(), what, rate, again, owed };
        let mut failure = self.write_down(&trace, &name, told)?;
        let sides = minimal.failed.difference.iter().flat_map(Difference::sides);
        failure.notes.splice(0..0, sides.chain(minimal.facts()));
        failure.test = minimal.test.map(|test| test.text);
        if matches!(minimal.case, Case::Recorded(_)) {
            let whole = format!("{name}-{}-whole.jsonl", trace.header.dialect);
            failure.notes.push(match write(&self.dir.join(&whole), &found.print()) {
                Ok(()) => format!("the whole run: {}", slashes(&self.from_report.join(whole))),
                Err(error) => not_written(&error),
            });
        }
        Ok(failure)
    }

    fn keep_whole(&self, trace: &Trace, rule: Option<Rule>, story: &str) -> Result<Failure, Error> {
        let violation =
            rule.and_then(|rule| Verdicts::of(trace).violations().find(|violation| violation.rule == rule));
        let id = match (violation, rule) {
            (Some(violation), _) => failure_id(trace, &violation).to_string(),
            (None, Some(rule)) => format!("{rule}-{}", trace.header.engine.replace(' ', "-")),
            (None, None) => format!("agreement-{}", trace.header.engine.replace(' ', "-")),
        };
        let (name, drawn) = (id.clone(), draw(trace, violation));
        let rate = Some(Rate { reproduced: 0, replays: 1 });
        let mut failure =
            self.write_down(trace, &name, Told { drawn, id, story, rate, ..Told::default() })?;
        failure.notes.insert(0, "not made small: when it is run again here, it breaks nothing".to_owned());
        Ok(failure)
    }

    /// Keeps what is not run again to be made small: it never comes back, or its end is loud.
    pub(crate) fn keep_as_found(&self, trace: &Trace, id: &str, story: &str) -> Result<Failure, Error> {
        let told = Told { drawn: draw(trace, None), id: id.to_owned(), story, ..Told::default() };
        let mut failure = self.write_down(trace, id, told)?;
        failure.notes.insert(0, "not made small: it is kept as it was found".to_owned());
        Ok(failure)
    }

    /// Writes down how the protocol breaks a rule, or a law that is none. `id` names it where the trace cannot. Each
    /// design and each slice has a file of its own for one failure.
    pub(crate) fn keep_story(
        &self,
        story: &Story,
        rule: Option<Rule>,
        id: &str,
        (design, slice): (Design, &str),
    ) -> Result<Failure, Error> {
        let trace = &story.trace;
        let broken = |rule| Verdicts::of(trace).violations().find(|violation| violation.rule == rule);
        let violation = rule.and_then(broken);
        let named = violation.map(|violation| failure_id(trace, &violation).to_string());
        let name = format!("{}-{design}-{slice}", named.as_deref().unwrap_or(id));
        let id = match &named {
            Some(named) => named.clone(),
            // The one law that is no rule has the name that it has in races.
            None if id == Law::BoundedWait.id() => Identity::LaterDelivery.to_string(),
            None => format!("{id}-{design}"),
        };
        let ending = if story.ending.is_empty() { String::new() } else { format!("then: {}", story.ending) };
        // How the jobs came into their first state is in the file, and no part of the picture.
        let drawn = draw(&story.told(), violation);
        let owed = violation.and_then(|violation| owed(trace, &violation));
        self.write_down(trace, &name, Told { drawn, id, story: &ending, owed, ..Told::default() })
    }

    /// A trace that cannot be written takes nothing away from what was found.
    fn write_down(&self, trace: &Trace, name: &str, told: Told<'_>) -> Result<Failure, Error> {
        let name = format!("{name}-{}.jsonl", trace.header.dialect);
        let path = self.dir.join(&name);
        let Told { drawn, id, story, what, rate, again, owed } = told;
        let mut trace = trace.clone();
        trace.header.finding = found(&id, what.as_deref().unwrap_or(story), rate);
        let written = write(&path, &trace.print());
        let there = written.is_ok();
        Ok(Failure {
            id,
            trace_file: there.then(|| slashes(&self.from_report.join(&name))),
            replay_command: if there {
                format!("bgcheck replay {}{again}", quoted(&slashes(&path)))
            } else {
                crate::run::command_line()
            },
            decisive_lines: decisive(&drawn),
            timeline: if story.is_empty() { drawn } else { format!("{drawn}\n{story}\n") },
            notes: written.err().map(|error| not_written(&error)).into_iter().collect(),
            owed,
            rate,
            ..Failure::default()
        })
    }
}

/// What is written down of a trace.
#[derive(Default)]
struct Told<'a> {
    drawn: String,
    id: String,
    /// What no trace has.
    story: &'a str,
    /// What the header states of it, where that is not the story.
    what: Option<String>,
    rate: Option<Rate>,
    /// What `replay` is given beside the file.
    again: String,
    /// Which call had to wait for what.
    owed: Option<String>,
}

/// What a client can do to itself is written down, and is no finding.
pub(crate) const OWN_LOCK: &str = "own-lock";

/// The finding as the trace's header has it, so that a replay ends as the run did.
fn found(id: &str, story: &str, rate: Option<Rate>) -> Option<HeaderFinding> {
    let certain = rate.is_none_or(Rate::is_certain);
    let exit_code = if certain { ExitCode::Violated } else { ExitCode::Flaky };
    // The program is in the trace.
    let what: Vec<&str> = story.lines().take_while(|line| *line != "the program").collect();
    let what = what.join("\n");
    let what = what.trim().trim_start_matches("then: ").to_owned();
    (!id.starts_with(OWN_LOCK)).then(|| HeaderFinding {
        id: id.to_owned(),
        exit_code: exit_code.code(),
        what,
    })
}

pub(super) fn not_written(error: &Error) -> String {
    let why = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    format!("its trace is lost: {error}{why}")
}

/// The name of a trace's file: a failure of another slice or with another switch turned is another file.
fn name_of(id: &str, trace: &Trace) -> String {
    let Header { engine, scope, switches, .. } = &trace.header;
    let slice = slice(scope, &trace.header.profile()).map(|slice| slice.name);
    // Plain data with text keys, which always has a JSON form.
    let turned =
        if switches.is_empty() { String::new() } else { serde_json::to_string(switches).unwrap_or_default() };
    let plain = |part: &str| -> String {
        let words =
            part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    };
    let parts = [id, engine, slice.unwrap_or_default(), &turned].map(plain);
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// What `replay` needs beside the file to show both sides of a disagreement: the subject to run it on. A rule is judged in the file itself.
pub(crate) fn of_subject(case: &Case, failed: &Failed) -> String {
    match case {
        Case::Stepped(core, _) if failed.difference.is_some() => format!(" --subject {}", core.name()),
        _ => String::new(),
    }
}

/// Traces of up to this number of lines are drawn with all their jobs.
const DRAWN_WHOLE: usize = 300;

/// A trace as a timeline, without the lines that are only there to run it again.
pub(crate) fn draw(trace: &Trace, violation: Option<Violation>) -> String {
    draw_marked(trace, violation, BTreeSet::new())
}

/// As [`draw`], with more lines marked.
fn draw_marked(trace: &Trace, violation: Option<Violation>, marked: BTreeSet<u64>) -> String {
    let told = told(trace);
    // A whole night does not fit into a picture; the job that the violation is about does.
    let job = violation.and_then(|violation| violation.job).filter(|_| told.lines.len() > DRAWN_WHOLE);
    let drawn = timeline(&told, &TimelineOptions { violation, job, marked, ..TimelineOptions::default() });
    // Names and paths in a trace may come from anywhere.
    drawn.lines().map(|line| printable(line) + "\n").collect()
}

/// A failure as a timeline: of a disagreement, both sides stand above it.
pub(crate) fn draw_failed(failed: &Failed) -> String {
    match &failed.difference {
        Some(difference) => draw_difference(&failed.trace, difference),
        None => draw(&failed.trace, failed.violation),
    }
}

/// Both sides of a disagreement, and the run as a timeline.
pub(crate) fn draw_difference(trace: &Trace, difference: &Difference) -> String {
    let job = difference.job.filter(|_| trace.lines.len() > DRAWN_WHOLE);
    let drawn = difference.picture(trace, &TimelineOptions { job, ..TimelineOptions::default() });
    drawn.lines().map(|line| printable(line) + "\n").collect()
}

/// What the checker found, as a trace of the core that it explored.
pub(crate) fn of_check<C: Core>(
    core: CoreChoice,
    variant: &Variant,
    slice: &Slice,
    make: fn(&Config) -> C,
    stimuli: &[Stimulus],
) -> Trace {
    let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
    let created = Stimulus::Call { from: From::Client(ThreadId(0)), job: None, call: create };
    let steps: Vec<Stimulus> =
        std::iter::repeat_n(created, slice.jobs.max(1)).chain(stimuli.iter().cloned()).collect();
    let program = Program {
        variant: *variant,
        callback_slots: slice.callback_slots,
        users: slice.users,
        slice: slice.name,
        steps,
    };
    let mut trace = properties::run::trace(&program, make, "check", None);
    core.name().clone_into(&mut trace.header.subject);
    trace
}

/// The lines of a timeline that decide the matter, counted from 1.
pub(crate) fn decisive(timeline: &str) -> Vec<u32> {
    let marked = timeline.lines().zip(1..).filter(|(line, _)| line.starts_with(">>"));
    marked.map(|(_, number)| number).collect()
}

/// Writes a file, and the directories above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    write_bytes(path, text.as_bytes())
}

/// Writes a value as indented JSON.
pub(crate) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), Error> {
    let failed = |error: serde_json::Error| Error::Write { path: path.to_owned(), source: error.into() };
    let text = serde_json::to_string_pretty(value).map_err(failed)?;
    write(path, &format!("{text}\n"))
}

/// Writes a file that need not be text, and the directories above it.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if let Some(dir) = path.parent() {
        place::prepare(dir).map_err(failed)?;
    }
    // Two runs may write files of equal names, and a disk may be full: a file is there as a whole or as it was.
    let beside = beside(path);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // Nothing better can be done about it.
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(failed)
}

/// The name of a file until it is whole. What is no file, such as a device, is written directly.
fn beside(path: &Path) -> PathBuf {
    let is_file = path.metadata().map_or(true, |there| there.is_file());
    let name = path.file_name().filter(|_| is_file).map(|name| {
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.new", std::process::id()));
        path.with_file_name(beside)
    });
    name.unwrap_or_else(|| path.to_owned())
}

/// What a committed file expects; nothing where there is no file.
pub(crate) fn expected<E: Default + DeserializeOwned>(path: &Path, help: &str) -> Result<E, Error> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source, help: help.to_owned() };
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| unreadable(error.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(E::default()),
        Err(error) => Err(unreadable(error)),
    }
}

/// A path as a report has it, equal on every system.
pub(crate) fn slashes(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// The dialect and its switches in one phrase.
pub(crate) fn named(dialect: Dialect, turned: &str) -> String {
    if turned.is_empty() { dialect.to_string() } else { format!("{dialect}, {turned}") }
}
