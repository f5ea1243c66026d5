//! `bgcheck replay`: what happened, as a timeline, and what the rules say of it.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use contract::{Core, DeliveryId, JobId, core::Config};
use judge::trace::HeaderFinding;
use judge::trace::Kind;
use judge::{
    FailureId, Header, Line, Reader, Rule, RuleSet, Trace, Verdict, Verdicts, Violation, failure_id,
};
use properties::canary::Canary;
use properties::difference::Difference;
use properties::minimize::CoreName;
use properties::minimize::races::Scheduled;
use properties::program::Program;
use properties::run::{Broken, difference, from_trace, trace as run_program};
use properties::translate::{calls_of, translated};
use properties::{fuzzing, race};
use reports::{Chart, ExitCode};
use serde_json::{Value, json};

use crate::cli::CoreChoice;
use crate::engines::counterexample::{draw, draw_difference, write};
use crate::error::Error;
use crate::input::{Given, InputArgs, Source, Taken};
use crate::output::{Output, Paint, counted, printable};
use crate::watch::{Limit, worker};

/// Show a trace, a fuzzer's artifact or a regression as a timeline, and judge it.
///
/// A trace is judged as it was recorded. One that was written down for a finding ends with the finding's exit code, also where no
/// rule sees the finding in the trace. With `--subject` its calls are run again on that core, and the new run is judged. A race is run
/// again on the service, and must come out as it was recorded.
///
/// A trace may have a byte order mark, be in UTF-16, be packed with gzip, be a JSON array, or have lines before its header. The
/// first line of the output names what the file was taken for. Bytes are an input of a fuzz target in a folder such as
/// fuzz/artifacts/lockstep, and elsewhere with `--target`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck replay target/traces/R1-7f3a09c2-bits.jsonl                     as it was recorded
  bgcheck replay target/traces/R1-7f3a09c2-bits.jsonl --subject core      is it repaired?
  bgcheck replay fuzz/artifacts/lockstep/crash-0123abcd                   the program of a crash
  bgcheck replay crash-0123abcd --target schedule                         the race of a crash, from any place
  bgcheck replay target/traces/R1-0123abcd-bits.jsonl --subject core      a race: the same schedule again
  bgcheck replay night.jsonl --around 812345                              of a long trace, forty lines
  bgcheck replay target/traces/R1-7f3a09c2-bits.jsonl --svg chart.svg     a picture, for a page or a report
  bgcheck replay target/traces/agreement-0123abcd-path.jsonl --adapter adapter.toml
  my-recorder | bgcheck replay -                                          a trace from another program
  bgcheck replay trace.jsonl --json                                       verdicts for a machine")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Run it again on this core.
    #[arg(long, value_enum, value_name = "CORE")]
    subject: Option<CoreChoice>,
    /// Lead another implementation along the path of the trace, through its adapter.
    #[arg(long, value_name = "ADAPTER", conflicts_with = "subject")]
    adapter: Option<PathBuf>,
    /// How often.
    #[arg(long, value_name = "N", requires = "adapter", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
    /// Draw it as a sequence chart into this file, too.
    #[arg(long, value_name = "FILE", conflicts_with = "adapter")]
    svg: Option<PathBuf>,
    /// Draw only the lines around the one with this number.
    #[arg(long, value_name = "SEQ", conflicts_with = "last")]
    around: Option<u64>,
    /// Draw only so many lines at the end.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    last: Option<u32>,
    /// The verdicts for a machine.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn is_stdin(&self) -> bool {
        self.input.is_stdin()
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    worker::begin("replay", None, "", Limit::Silence(PATIENCE));
    let source = args.input.source()?;
    if args.subject.is_none()
        && let Some((lines, for_what)) = source.longer_than(WHOLE)?
    {
        let page = Page { name: args.input.name(), for_what };
        return long(&page, args, &source, lines, output);
    }
    let Taken { given, for_what } = source.read()?;
    let page = Page { name: args.input.name(), for_what };
    if let Given::Text(bytes) = &given {
        return text(&page, args, bytes, output);
    }
    if let Some(adapter) = &args.adapter {
        let Given::Trace(trace) = given else {
            return Err(Error::usage(
                "only a trace can be led through an adapter",
                "name a trace in JSON Lines",
            ));
        };
        return super::adapter::replay(adapter, &trace, (args.times, args.json), output);
    }
    let played = played(&args.input, given, args.subject)?;
    let verdicts = Verdicts::of_rules(&played.trace, RuleSet::HERE);
    let shown = Shown::whole(&played, &verdicts, args.window());
    page.show(args, &played, &verdicts, &shown, output)
}

/// Traces up to so many lines are read as a whole.
const WHOLE: u64 = 20_000;

/// A trace of which only a part is held in memory: it is judged while it is read, and read again for what is shown.
fn long(
    page: &Page,
    args: &Args,
    source: &Source<'_>,
    lines: u64,
    output: &mut Output,
) -> Result<ExitCode, Error> {
    let wrong = |error| source.error(error);
    let verdicts = Verdicts::of_reader(source.lines()?).map_err(wrong)?;
    let reader = Reader::new(source.lines()?).map_err(wrong)?;
    let mut header = reader.header().clone();
    let finding = header.finding.take();
    let mut excerpts = Excerpts::of(&verdicts, args.window());
    for line in reader {
        excerpts.take(line.map_err(wrong)?);
    }
    let shown = excerpts.shown(&header, lines);
    let trace = Trace { header, lines: Vec::new() };
    let played = Played { trace, program: None, broken: None, difference: None, finding, made: None };
    page.show(args, &played, &verdicts, &shown, output)
}

/// The part of a trace that is drawn.
#[derive(Clone, Copy)]
enum Window {
    /// All of a short one; of a long one what the first violation is about, or its end.
    Usual,
    /// So many lines on either side of this number.
    Around(u64),
    /// So many lines at the end.
    Last(usize),
}

impl Args {
    fn window(&self) -> Window {
        match (self.around, self.last) {
            (Some(seq), _) => Window::Around(seq),
            (None, Some(lines)) => Window::Last(lines as usize),
            (None, None) => Window::Usual,
        }
    }
}

/// Lines drawn on either side of a number.
const EITHER_SIDE: usize = 20;

/// Lines kept of what a violation in a long trace is about, and lines drawn at the end of one without.
const KEPT: usize = 2_000;
const AT_END: usize = 100;

/// What is printed of a trace's lines.
struct Shown {
    drawn: String,
    ids: BTreeMap<Rule, FailureId>,
}

impl Shown {
    fn whole(played: &Played, verdicts: &Verdicts, window: Window) -> Shown {
        let trace = &played.trace;
        let ids = verdicts.violations().map(|violation| (violation.rule, failure_id(trace, &violation)));
        let ids = ids.collect();
        let at = |seq| trace.lines.partition_point(|line| line.seq < seq);
        let all = trace.lines.len();
        let range = match window {
            Window::Usual => {
                // A rule that is broken comes first; where specification and core part, both sides stand above the timeline.
                let drawn = match (&played.difference, verdicts.first()) {
                    (Some(difference), None) => draw_difference(trace, difference),
                    (_, first) => draw(trace, first),
                };
                return Shown { drawn, ids };
            }
            Window::Around(seq) => at(seq).saturating_sub(EITHER_SIDE)..(at(seq) + EITHER_SIDE + 1).min(all),
            Window::Last(lines) => all.saturating_sub(lines)..all,
        };
        let part = Trace { header: trace.header.clone(), lines: trace.lines[range].to_vec() };
        Shown { drawn: drawn_part(&part, all as u64), ids }
    }
}

/// A part of a trace as a timeline, with how much it is of.
fn drawn_part(part: &Trace, all: u64) -> String {
    let lines = indicatif::HumanCount(part.lines.len() as u64);
    format!("{lines} of {}:\n\n{}", counted(all, "line"), draw(part, None))
}

/// Lines of a long trace that are worth to be kept: of each violation what is about its job, and those that are to be drawn.
struct Excerpts {
    window: Window,
    /// Each violation, and the lines before it.
    violations: Vec<(Violation, VecDeque<Line>)>,
    first: Option<Violation>,
    drawn: VecDeque<Line>,
    /// The job of each open delivery: its end does not name it.
    deliveries: BTreeMap<DeliveryId, JobId>,
}

impl Excerpts {
    fn of(verdicts: &Verdicts, window: Window) -> Excerpts {
        Excerpts {
            window,
            violations: verdicts.violations().map(|violation| (violation, VecDeque::new())).collect(),
            first: verdicts.first(),
            drawn: VecDeque::new(),
            deliveries: BTreeMap::new(),
        }
    }

    fn take(&mut self, line: Line) {
        let job = self.job(&line);
        for (violation, lines) in &mut self.violations {
            let about = violation.job.is_none() || job.is_none() || job == violation.job;
            if about && line.seq <= violation.seq {
                push(lines, line.clone(), KEPT);
            }
        }
        match self.window {
            Window::Usual => push(&mut self.drawn, line, AT_END),
            Window::Last(most) => push(&mut self.drawn, line, most),
            Window::Around(seq) if line.seq <= seq => push(&mut self.drawn, line, EITHER_SIDE + 1),
            Window::Around(_) if self.drawn.len() <= 2 * EITHER_SIDE => self.drawn.push_back(line),
            Window::Around(_) => {}
        }
    }

    fn job(&mut self, line: &Line) -> Option<JobId> {
        match &line.what {
            Kind::Call(call) => call.job,
            Kind::Return(back) => back.job,
            Kind::Begin(begin) => Some(begin.job),
            Kind::Wait(wait) => Some(wait.job),
            Kind::Enter(enter) => {
                self.deliveries.insert(enter.delivery, enter.job);
                Some(enter.job)
            }
            Kind::Given(given) => self.deliveries.get(&given.delivery).copied(),
            Kind::Leave(leave) => self.deliveries.remove(&leave.delivery),
            Kind::Env(env) => env.job,
            Kind::State(state) => Some(state.job),
            Kind::Choose(_) | Kind::Crash {} | Kind::Restart {} => None,
        }
    }

    fn shown(self, header: &Header, all: u64) -> Shown {
        let trace = |lines: VecDeque<Line>| Trace { header: header.clone(), lines: lines.into() };
        let mut ids = BTreeMap::new();
        let mut usual = None;
        for (violation, lines) in self.violations {
            let about = trace(lines);
            ids.insert(violation.rule, failure_id(&about, &violation));
            if Some(violation) == self.first {
                usual = Some(draw(&about, Some(violation)));
            }
        }
        let drawn = match (self.window, usual) {
            (Window::Usual, Some(usual)) => usual,
            _ => drawn_part(&trace(self.drawn), all),
        };
        Shown { drawn, ids }
    }
}

fn push(lines: &mut VecDeque<Line>, line: Line, most: usize) {
    if lines.len() >= most {
        lines.pop_front();
    }
    lines.push_back(line);
}

/// How long a run may take to be made again. It takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a replay ends with: what it was written down for, and else what the rules see in it.
fn code(played: &Played, verdicts: &Verdicts) -> ExitCode {
    if let Some(found) = &played.finding {
        return code_of(found);
    }
    let judged = verdicts.rules.values().any(|verdict| matches!(verdict, Verdict::Held { .. }));
    if played.broken.is_some() || verdicts.first().is_some() {
        ExitCode::Violated
    } else if judged && played.made.is_none_or(|(made, of)| made == of) {
        ExitCode::Held
    } else {
        // No rule had anything to decide, or the run did not come to its last call: that none is broken says nothing.
        ExitCode::Vacuous
    }
}

/// What a finding asks for. Whatever a header has, nothing that was found is held.
pub(crate) fn code_of(found: &HeaderFinding) -> ExitCode {
    match ExitCode::of(found.exit_code) {
        Some(ExitCode::Flaky) => ExitCode::Flaky,
        _ => ExitCode::Violated,
    }
}

/// A run to show.
struct Played {
    trace: Trace,
    /// The program, when it was run here.
    program: Option<String>,
    /// What specification and core disagree about, or which call waits too long: no trace has it.
    broken: Option<String>,
    /// What it was written down for, when it is shown as it was recorded.
    finding: Option<HeaderFinding>,
    /// Where specification and core part.
    difference: Option<Difference>,
    /// Of a run of another subject that was translated: the calls that were made, and those that it has.
    made: Option<(usize, usize)>,
}

fn played(input: &InputArgs, given: Given, subject: Option<CoreChoice>) -> Result<Played, Error> {
    match (given, subject) {
        (Given::Trace(mut trace), None) => {
            let finding = trace.header.finding.take();
            Ok(Played { trace, program: None, broken: None, difference: None, finding, made: None })
        }
        (Given::Trace(trace), Some(subject)) => again(input, &trace, subject),
        (Given::Program(core, program), subject) => {
            Ok(of_program(&program, subject.map_or(core, CoreName::from)))
        }
        (Given::Race(scheduled), _) => Ok(of_race(&scheduled)),
        (Given::Text(_), _) => {
            Err(Error::usage("a text for the parser is no run", "leave `--target trace` out"))
        }
    }
}

/// The run of a file as a trace: as it was recorded, or run now.
pub(crate) fn trace_of(given: Given) -> Result<Trace, Error> {
    match given {
        Given::Trace(trace) => Ok(trace),
        Given::Program(core, program) => Ok(of_program(&program, core).trace),
        Given::Race(scheduled) => Ok(of_race(&scheduled).trace),
        Given::Text(_) => Err(Error::usage("a text for the parser is no run", "name a trace in JSON Lines")),
    }
}

fn of_race(Scheduled { race, schedule }: &Scheduled) -> Played {
    let trace = race::trace(race, schedule, None);
    let broken = beside(race, schedule);
    Played { trace, program: Some(race.to_string()), broken, difference: None, finding: None, made: None }
}

/// What stands in no event of the race: what it saw besides, and L3, as far as a run shows it.
fn beside(race: &race::Race, schedule: &[u8]) -> Option<String> {
    let run = race::run(race, schedule);
    if let Some(seen) = &run.seen {
        return Some(format!("{}: {seen}", seen.rule()));
    }
    let times = run.overwaits;
    (times > 0).then(|| {
        let calls = counted(times, "call");
        format!("L3: {calls} waited on for a later callback, although the one that was waited for had left")
    })
}

/// Runs the program of a trace again; a race on the service, step by step as it was.
fn again(input: &InputArgs, trace: &Trace, subject: CoreChoice) -> Result<Played, Error> {
    let no_program = |why: String| Error::NotAProgram { path: input.path().to_owned(), why };
    if trace.header.subject == race::SUBJECT {
        let again = race::replay(trace).map_err(|error| no_program(error.to_string()))?;
        let (race, schedule) = race::from_trace(trace).map_err(|error| no_program(error.to_string()))?;
        let broken = beside(&race, &schedule);
        let program = Some(race.to_string());
        return Ok(Played { trace: again, program, broken, difference: None, finding: None, made: None });
    }
    let translation = translated(trace).map_err(|error| no_program(error.to_string()))?;
    let is_translated = translation.is_some();
    let program = match translation {
        Some(program) => program,
        None => from_trace(trace).map_err(|error| no_program(error.to_string()))?,
    };
    if program.steps.is_empty() {
        return Err(no_program("it has no call".to_owned()));
    }
    let mut played = of_program(&program, subject.into());
    let Header { engine, seed, .. } = &trace.header;
    (played.trace.header.engine, played.trace.header.seed) = (engine.clone(), *seed);
    played.made = is_translated.then(|| (calls_of(&played.trace), calls_of(trace)));
    Ok(played)
}

fn of_program(program: &Program, core: CoreName) -> Played {
    match core {
        CoreName::Core => of_program_on(program, core, engine::core::Core::new),
        CoreName::Canary => of_program_on(program, core, Canary::<engine::core::Core>::new),
    }
}

fn of_program_on<C: Core>(program: &Program, core: CoreName, make: fn(&Config) -> C) -> Played {
    let mut trace = run_program(program, make, "replay", None);
    trace.header.subject = core.name().to_owned();
    let broken = properties::run::run(program, make).broken;
    let difference = match broken {
        Some(Broken::Agreement(_)) => difference(program, make),
        _ => None,
    };
    let broken = match &difference {
        Some(difference) => Some(format!("{}: {}", difference.id(), difference.line())),
        None => broken.map(|broken| broken.to_string()),
    };
    Played { trace, program: Some(program.to_string()), broken, difference, finding: None, made: None }
}

/// A text for the parser: it is refused with a line, or prints and parses to itself.
fn text(page: &Page, args: &Args, bytes: &[u8], output: &mut Output) -> Result<ExitCode, Error> {
    let judged = fuzzing::trace_law(bytes);
    let (code, what) = match &judged {
        Ok(what) => (ExitCode::Held, what),
        Err(what) => (ExitCode::Violated, what),
    };
    if args.json {
        let document = json!({
            "version": 1,
            "taken_for": page.for_what,
            "what": what,
            "exit_code": code.code(),
        });
        output.json(&document)?;
    } else {
        let verdict = output.verdict(code);
        output.text(&format!("{}\n{}\n\n{verdict}\n", page.head(), printable(what)))?;
    }
    Ok(code)
}

/// The page about a file.
struct Page {
    name: String,
    for_what: String,
}

impl Page {
    fn head(&self) -> String {
        format!("{}: {}", self.name, self.for_what)
    }

    fn show(
        &self,
        args: &Args,
        played: &Played,
        verdicts: &Verdicts,
        shown: &Shown,
        output: &mut Output,
    ) -> Result<ExitCode, Error> {
        let code = code(played, verdicts);
        if args.json {
            output.json(&self.document(played, verdicts, shown, code))?;
        } else {
            let text = self.print(played, verdicts, shown, code, output);
            output.text(&text)?;
        }
        if let Some(file) = &args.svg {
            let chart = Chart::read(&shown.drawn).ok_or_else(|| {
                Error::usage(
                    format!("{} has no event to draw", self.name),
                    "leave `--svg` out, or draw another part of it",
                )
            })?;
            write(file, &chart.picture(&self.name))?;
        }
        Ok(code)
    }

    fn print(
        &self,
        played: &Played,
        verdicts: &Verdicts,
        shown: &Shown,
        code: ExitCode,
        output: &Output,
    ) -> String {
        let Header { dialect, scope, subject, engine, seed, .. } = &played.trace.header;
        let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
        let mut text = format!(
            "{}\ntrace of {}, dialect {dialect}, scope {}, by {}{seed}: {}, {}\n",
            self.head(),
            or_unnamed(subject),
            or_unnamed(scope),
            or_unnamed(engine),
            counted(verdicts.events, "event"),
            counted(verdicts.jobs, "job")
        );
        if let Some(program) = &played.program {
            text += &format!("\nthe program\n{program}");
        }
        if let Some((made, of)) = played.made {
            text += &format!(
                "\ntranslated, because the trace has no stimuli: {made} of {} were made\n",
                counted(of as u64, "call")
            );
        }
        text += &format!("\n{}\n", shown.drawn);
        text += &rules(shown, verdicts, output);
        if let Some(broken) = &played.broken {
            text += &format!("\n{}\n", output.paint(Paint::Bad, broken));
        }
        if let Some(found) = &played.finding {
            text += &format!("\n{}\n", output.paint(Paint::Bad, &in_words(found)));
        }
        text + &format!("\n{}\n", output.verdict(code))
    }

    fn document(&self, played: &Played, verdicts: &Verdicts, shown: &Shown, code: ExitCode) -> Value {
        let ids = shown.ids.values().map(ToString::to_string);
        let ids = ids.chain(played.difference.as_ref().map(|difference| difference.id().to_string()));
        json!({
            "version": 1,
            "taken_for": self.for_what,
            "header": played.trace.header,
            "finding": played.finding,
            "verdicts": verdicts,
            "failures": ids.collect::<Vec<_>>(),
            "broken": played.broken,
            "timeline": shown.drawn,
            "exit_code": code.code(),
        })
    }
}

/// What the trace was written down for.
fn in_words(found: &HeaderFinding) -> String {
    let what = if found.what.is_empty() { String::new() } else { format!("\n{}", found.what) };
    let seen = match code_of(found) {
        ExitCode::Flaky => ", which was not seen on each replay",
        _ => "",
    };
    let text = format!("written down for {}{seen}{what}", found.id);
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn rules(shown: &Shown, verdicts: &Verdicts, output: &Output) -> String {
    let mut text = String::new();
    for (rule, verdict) in &verdicts.rules {
        let (paint, said) = match verdict {
            Verdict::Held { decisions } => {
                (Paint::Good, format!("held: {}", counted(*decisions, "decision")))
            }
            Verdict::Violated { first, count } => {
                let id = shown.ids.get(rule).map_or_else(String::new, |id| format!(": {id}"));
                (Paint::Bad, format!("violated at seq {}, {count} in all{id}", first.seq))
            }
            Verdict::Vacuous => (Paint::Dim, "nothing to decide".to_owned()),
            Verdict::Undecided { why } => (Paint::Warn, format!("undecided: {why}")),
        };
        text += &format!("  {rule:<4}{:<14}{}\n", rule.name(), output.paint(paint, &said));
    }
    text
}

fn or_unnamed(text: &str) -> String {
    if text.is_empty() { "(unnamed)".to_owned() } else { printable(text) }
}
