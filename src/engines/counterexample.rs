//! A failure as a reader wants it: a trace on the disk, a timeline with its decisive lines, and the command to see it again.

use std::path::{Path, PathBuf};

use contract::core::Config;
use contract::judge::trace::{ChooseLine, Kind};
use contract::judge::{
    Bound, Header, Line, Rule, RuleSet, TimelineOptions, Trace, Verdicts, Violation, failure_id, timeline,
};
use contract::{Call, Core, Dialect, EventView, JobId, ThreadId, UserId};
use model::drive::{Applied, From, Stimulus};
use model::lockstep::Lockstep;
use model::protocol::{Design, Story};
use model::scope::{ScopeName, Slice, Variant, slices};
use properties::tape;
use reports::Failure;

use crate::cli::CoreChoice;
use crate::error::Error;
use crate::output::printable;

/// Where traces are written, and how a report names the directory.
#[derive(Clone, Debug)]
pub(crate) struct Traces {
    /// Where, from the current directory.
    pub(crate) dir: PathBuf,
    /// The same, from the report.
    pub(crate) from_report: PathBuf,
}

impl Traces {
    /// Of a run without a report of its own.
    pub(crate) fn in_dir(dir: PathBuf) -> Traces {
        Traces { from_report: dir.clone(), dir }
    }

    /// Writes the trace of a failure of `rule`, or of a disagreement, and describes it.
    pub(crate) fn keep(&self, trace: &Trace, rule: Option<Rule>, story: &str) -> Result<Failure, Error> {
        let violation =
            rule.and_then(|rule| Verdicts::of(trace).violations().find(|violation| violation.rule == rule));
        let id = match (violation, rule) {
            (Some(violation), _) => failure_id(trace, &violation).to_string(),
            // The judge of whole runs may be more lenient than the monitor that cried out; the trace still says what happened.
            (None, Some(rule)) => format!("{rule}-{}", trace.header.engine.replace(' ', "-")),
            (None, None) => format!("agreement-{}", trace.header.engine.replace(' ', "-")),
        };
        let name = id.clone();
        self.write_down(trace, draw(trace, violation), id, &name, story)
    }

    /// Writes down how the protocol breaks a rule, or a law that is none. `id` names it where the trace cannot. The same
    /// failure of another design or in another slice is another file.
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
        let id = named.clone().unwrap_or_else(|| format!("{id}-{design}"));
        let name = named.map_or_else(|| format!("{id}-{slice}"), |id| format!("{id}-{design}-{slice}"));
        let ending = if story.ending.is_empty() { String::new() } else { format!("then: {}", story.ending) };
        // How the jobs came into their first state is in the file, and no part of the picture.
        self.write_down(trace, draw(&story.told(), violation), id, &name, &ending)
    }

    fn write_down(
        &self,
        trace: &Trace,
        drawn: String,
        id: String,
        name: &str,
        story: &str,
    ) -> Result<Failure, Error> {
        let name = format!("{name}-{}.jsonl", trace.header.dialect);
        let path = self.dir.join(&name);
        write(&path, &trace.print())?;
        Ok(Failure {
            id,
            trace_file: Some(slashes(&self.from_report.join(&name))),
            replay_command: format!("bgcheck replay {}", slashes(&path)),
            decisive_lines: decisive(&drawn),
            timeline: if story.is_empty() { drawn } else { format!("{drawn}\n{story}\n") },
        })
    }
}

/// Jobs of a slice at most.
const JOBS: usize = 2;

/// Traces up to so many lines are drawn with all their jobs.
const DRAWN_WHOLE: usize = 300;

/// A trace as a timeline, without the lines that are only there to run it again. Choices of the protocol model are steps
/// that nobody outside sees, and without them the story has holes.
pub(crate) fn draw(trace: &Trace, violation: Option<Violation>) -> String {
    let tells = |line: &&Line| !matches!(line.what, Kind::Choose(_)) || trace.header.subject == "protocol";
    let told =
        Trace { header: trace.header.clone(), lines: trace.lines.iter().filter(tells).cloned().collect() };
    // A whole night does not fit into a picture; the job that the violation is about does.
    let job = violation.and_then(|violation| violation.job).filter(|_| told.lines.len() > DRAWN_WHOLE);
    let drawn = timeline(&told, &TimelineOptions { violation, job, ..TimelineOptions::default() });
    // Names and paths in a trace may come from anywhere.
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
    let header = Header {
        scope: slice.name.to_owned(),
        subject: core.name().to_owned(),
        engine: "check".to_owned(),
        callback_slots: slice.callback_slots,
        ..Header::of(&variant.profile)
    };
    record(&slice.config(&variant.profile), header, &steps, make)
}

/// The configuration that a trace of the checker was made with, when its scope is still there.
pub(crate) fn config_of_check(trace: &Trace) -> Option<Config> {
    let profile = trace.header.profile();
    let explored = matches!(trace.header.engine.as_str(), "check" | properties::suite::ENGINE);
    let named = |slice: &Slice| explored && slice.name == trace.header.scope;
    let all = ScopeName::ALL.into_iter().flat_map(|scope| slices(scope, &profile));
    all.into_iter().find(named).map(|slice| slice.config(&profile))
}

/// Runs the steps in lockstep and writes down what happens. What is not a call stands there as a choice, so that the
/// steps can be had back.
pub(crate) fn record<C: Core>(
    config: &Config,
    header: Header,
    steps: &[Stimulus],
    make: fn(&Config) -> C,
) -> Trace {
    let owner = |_: JobId| UserId(0);
    let mut lockstep = Lockstep::<C, JOBS>::around(make(config), owner, RuleSet::OF_A_JOB, Bound::WIDE)
        .with_slots(config.callback_slots);
    let mut lines = Vec::new();
    for stimulus in steps {
        let before = lines.len();
        if !matches!(stimulus, Stimulus::Call { .. }) {
            let what = Kind::Choose(ChooseLine { site: tape::print(stimulus), options: 1, taken: 0 });
            lines.push(Line { seq: before as u64 + 1, what });
        }
        let mut tap = |event: &EventView<'_>| lines.push(Line::from_view(lines.len() as u64 + 1, event));
        if lockstep.apply(&config.profile, stimulus, &mut tap) == Applied::NotEnabled {
            lines.truncate(before);
        }
    }
    Trace { header, lines }
}

/// The lines of a timeline that decide the matter, counted from 1.
pub(crate) fn decisive(timeline: &str) -> Vec<u32> {
    let marked = timeline.lines().zip(1..).filter(|(line, _)| line.starts_with(">>"));
    marked.map(|(_, number)| number).collect()
}

/// Writes a file, and the directories above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

/// A path as a report has it, the same on every system.
fn slashes(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// The dialect and its switches in one phrase.
pub(crate) fn named(dialect: Dialect, turned: &str) -> String {
    if turned.is_empty() { dialect.to_string() } else { format!("{dialect}, {turned}") }
}
