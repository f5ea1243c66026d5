//! The annotations of a GitHub workflow: a line for each thing that is wrong, which its page shows beside the log.
//!
//! **What it is.** Workflow commands (`::error title=...::...`), errors first, [`ANNOTATIONS`] at most: GitHub shows no more of one step.
//!
//! **What it is not.** A report: what did not find a place is only counted.
//!
//! **The law it keeps.** A text ends neither its line nor its place: what the format gives a meaning is escaped, and reads back as it was.

use crate::outcome::ExitCode;
use crate::results::Results;
use crate::words::{self, Found};

/// Annotations of one step that GitHub shows.
pub const ANNOTATIONS: usize = 10;

/// The annotations of a run, a line each; `warnings` are further things to be warned of.
#[must_use]
pub fn annotations(results: &Results, warnings: &[String]) -> Vec<String> {
    let mut all: Vec<Annotation> = words::failures(results).iter().map(of_failure).collect();
    let failure = |code| matches!(code, ExitCode::Violated | ExitCode::Flaky);
    let outcome = results.outcome();
    let reasons = outcome.reasons.iter().filter(|reason| !failure(reason.exit_code));
    all.extend(reasons.map(|reason| Annotation {
        level: if reason.exit_code == ExitCode::Internal { Level::Error } else { Level::Warning },
        title: reason.exit_code.to_string(),
        text: words::printable(&reason.what),
    }));
    all.extend(warnings.iter().map(|text| Annotation {
        level: Level::Warning,
        title: "trend".to_owned(),
        text: words::printable(text),
    }));
    all.sort_by_key(|annotation| annotation.level);
    fitted(all).iter().map(Annotation::line).collect()
}

/// As many as are shown; the last place goes to the number of those that have none.
fn fitted(mut all: Vec<Annotation>) -> Vec<Annotation> {
    if all.len() > ANNOTATIONS {
        let rest = all.split_off(ANNOTATIONS - 1);
        let level = rest.iter().map(|annotation| annotation.level).min().unwrap_or(Level::Warning);
        let text = format!("and {} more: the report has them all", rest.len());
        all.push(Annotation { level, title: "bgcheck".to_owned(), text });
    }
    all
}

fn of_failure(found: &Found<'_>) -> Annotation {
    let Found { failure, broken, sentence, flaky, .. } = found;
    let mut lines = vec![sentence.to_string(), format!("Found by {}.", found.found_by())];
    lines.extend(flaky.as_ref().map(|flaky| format!("Flaky: {flaky}.")));
    lines.push(format!("Replay: {}", failure.replay_command));
    let lines: Vec<String> = lines.iter().map(|line| words::printable(line)).collect();
    Annotation {
        level: if flaky.is_some() { Level::Warning } else { Level::Error },
        title: words::printable(&format!("{}: {broken}", failure.id)),
        text: lines.join("\n"),
    }
}

/// One annotation.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Annotation {
    level: Level,
    title: String,
    text: String,
}

/// The weightier comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Level {
    Error,
    Warning,
}

impl Annotation {
    fn line(&self) -> String {
        let name = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        format!("::{name} title={}::{}", property(&self.title), data(&self.text))
    }
}

/// A text behind the second pair of colons, where only the end of the line has a meaning, and the sign that escapes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text between the commas before it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As GitHub's runner reads a line: up to the next two colons, at commas, and then from right to left of the list of escapes.
    fn read(line: &str) -> Option<Annotation> {
        let (command, text) = line.strip_prefix("::")?.split_once("::")?;
        let (name, properties) = command.split_once(' ')?;
        let title = properties.split(',').find_map(|one| one.strip_prefix("title="))?;
        let level = match name {
            "error" => Level::Error,
            "warning" => Level::Warning,
            _ => return None,
        };
        let of_data = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n");
        let of_property = |text: &str| of_data(text).replace("%3A", ":").replace("%2C", ",");
        Some(Annotation {
            level,
            title: of_property(title).replace("%25", "%"),
            text: of_data(text).replace("%25", "%"),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_text_reads_back_as_it_was(title in "([%:,=\r\n]|%0A|%25|::|\\PC){0,20}", text in "([%:,\r\n]|%3A|%250|::error|\\PC){0,20}") {
            for level in [Level::Error, Level::Warning] {
                let annotation = Annotation { level, title: title.clone(), text: text.clone() };
                let line = annotation.line();
                prop_assert!(!line.contains(['\r', '\n']), "{line:?}");
                prop_assert_eq!(read(&line), Some(annotation));
            }
        }
    }

    #[test]
    fn the_last_place_counts_what_has_none() {
        let one = |number: usize, level| Annotation { level, title: number.to_string(), text: String::new() };
        let all = |number: usize| (0..number).map(|at| one(at, Level::Error)).collect::<Vec<_>>();
        assert_eq!(fitted(all(ANNOTATIONS)), all(ANNOTATIONS));
        let fitted = fitted(all(ANNOTATIONS + 5));
        assert_eq!(fitted.len(), ANNOTATIONS);
        assert_eq!(fitted[..ANNOTATIONS - 1], all(ANNOTATIONS - 1));
        assert_eq!(fitted[ANNOTATIONS - 1].text, "and 6 more: the report has them all");
    }
}
