//! What the engines found, written down: a trace on the disk, a timeline with its decisive lines, and the command to see it again.
//!
//! **What it is.** The last part of the way of a finding. `properties::findings` names and explains it, each name once; [`Traces`] draws and
//! writes it, and sends the watcher what is new.
//!
//! **What it is not.** A minimiser: `properties` runs and makes small what is kept here.
//!
//! **The law it keeps.** A trace that cannot be written takes nothing away from what was found.

mod draw;

use std::path::{Path, PathBuf};

use judge::trace::HeaderFinding;
use judge::{Header, Rule, Trace};
use model::scope::slice;
use properties::difference::Difference;
use properties::findings::{Explained, Findings, Kept, Named, Raw};
use reports::{ExitCode, Failure, Rate, RuleId};

use self::draw::draw_explained;
pub(crate) use self::draw::{draw, draw_difference, draw_failed};
use crate::error::Error;
use crate::files::{slashes, write};
use crate::run::{command_line, quoted};
use crate::watch::worker;

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

    /// Keeps one finding, without a look at others.
    pub(crate) fn keep(&self, raw: Raw) -> Failure {
        self.write(Named::of(raw).explained())
    }

    /// Keeps a finding among others: the first of its name is explained and written, and the watcher knows it from then on.
    pub(crate) fn keep_among<'f>(&self, findings: &'f mut Findings<Failure>, raw: Raw) -> &'f Kept<Failure> {
        let rule = raw.rule();
        findings.keep(raw, |explained| self.found(rule, explained))
    }

    /// Writes a finding, and sends it to the watcher.
    pub(crate) fn found(&self, rule: Option<Rule>, explained: Explained) -> Failure {
        let failure = self.write(explained);
        worker::found(rule.map(|rule| RuleId(rule.to_string())), &failure);
        failure
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

    /// Draws a finding, and writes its trace.
    fn write(&self, explained: Explained) -> Failure {
        let (timeline, owed) = (draw_explained(&explained), explained.owed());
        let rate = explained.rate.map(|rate| Rate { reproduced: rate.reproduced, replays: rate.replays });
        let Explained { id, file, mut trace, difference, story, core, mut notes, test, whole, .. } =
            explained;
        let stem = file.unwrap_or_else(|| name_of(&id, &trace));
        let stem = format!("{stem}-{}", trace.header.dialect);
        let what = difference.as_ref().map_or_else(|| story.clone(), Difference::line);
        trace.header.finding = in_header(&id, &what, rate);
        let written = self.write_beside(&format!("{stem}.jsonl"), &trace);
        notes.extend(written.as_ref().err().map(not_written));
        if let Some(whole) = whole {
            notes.push(match self.write_beside(&format!("{stem}-whole.jsonl"), &whole) {
                Ok((_, file)) => format!("the whole run: {file}"),
                Err(error) => not_written(&error),
            });
        }
        let (replay_command, trace_file) = match written {
            Ok((path, file)) => {
                let subject = core.map(|core| format!(" --subject {}", core.name())).unwrap_or_default();
                (format!("bgcheck replay {}{subject}", quoted(&path)), Some(file))
            }
            Err(_) => (command_line(), None),
        };
        Failure {
            id,
            trace_file,
            replay_command,
            decisive_lines: decisive(&timeline),
            timeline: if story.is_empty() { timeline } else { format!("{timeline}\n{story}\n") },
            notes,
            owed,
            rate,
            test,
        }
    }

    /// Writes a trace. Returns the file from here, and from the report.
    pub(crate) fn write_beside(&self, name: &str, trace: &Trace) -> Result<(String, String), Error> {
        let path = self.dir.join(name);
        write(&path, &trace.print())?;
        Ok((slashes(&path), slashes(&self.from_report.join(name))))
    }
}

/// What a client can do to itself is written down, and is no finding.
pub(crate) const OWN_LOCK: &str = "own-lock";

/// The finding as the trace's header has it, so that a replay ends as the run did.
fn in_header(id: &str, story: &str, rate: Option<Rate>) -> Option<HeaderFinding> {
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

/// What is noted of a trace that cannot be written.
pub(crate) fn not_written(error: &Error) -> String {
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

/// The lines of a timeline that decide the matter, counted from 1.
fn decisive(timeline: &str) -> Vec<u32> {
    let marked = timeline.lines().zip(1..).filter(|(line, _)| line.starts_with(">>"));
    marked.map(|(_, number)| number).collect()
}
