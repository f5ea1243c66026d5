//! The results as SARIF 2.1.0, for code scanning and other viewers of findings.
//!
//! **What it is.** A result for each failure: at the line of the contract that has the rule, with the counterexample as a code flow and the
//! failure id as its partial fingerprint, so that one failure is one alert over all nights. What keeps the run from having held and is no failure is
//! a notification.
//!
//! **What it is not.** A list of what held: viewers take each result for an alert, so what held is not in it.
//!
//! **The law it keeps.** It is valid under the standard's schema, whatever the texts are (`tests/reports/sarif.rs`).

use serde::{Deserialize, Serialize};

use crate::chart::Chart;
use crate::files::pretty;
use crate::outcome::ExitCode;
use crate::results::Results;
use crate::words::{self, Found, Line};

/// The page that has the rules.
const CONTRACT: &str = include_str!("../../docs/contract.md");

/// Where it is in a checkout.
const CONTRACT_PATH: &str = "docs/contract.md";

/// The rule of a comparison that is not about one rule.
const AGREEMENT: &str = "agreement";

/// Where the pages of this version can be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pages {
    /// Nowhere that is known.
    Unknown,
    /// Below this address, such as `https://example.org/bgcheck/blob/main`.
    Below(String),
}

/// The results as SARIF 2.1.0.
#[must_use]
pub fn sarif(results: &Results, pages: &Pages) -> String {
    pretty(&log(results, pages))
}

/// The line of the contract on which a rule begins, and that line; for a comparison the section about the model.
fn at(rule: &str) -> (u32, &'static str) {
    let title = format!("### {rule} ");
    let find = |title: &str| CONTRACT.lines().zip(1..).find(|(line, _)| line.starts_with(title));
    let (line, number) = find(&title).or_else(|| find("## 5. ")).unwrap_or(("# The contract", 1));
    (number, line)
}

fn log(results: &Results, pages: &Pages) -> Log {
    let found = words::failures(results);
    let mut rules: Vec<Descriptor> =
        results.rules.iter().map(|rule| descriptor(&rule.id.0, &rule.name, &rule.sentence, pages)).collect();
    for one in &found {
        if rules.iter().all(|rule| rule.id != one.rule_id()) {
            rules.push(descriptor(one.rule_id(), one.rule_id(), one.sentence, pages));
        }
    }
    let alerts = found.iter().map(|one| alert(results, one, &rules)).collect();
    let driver = Driver {
        name: "bgcheck".to_owned(),
        version: words::printable(&results.run.tool_version),
        rules,
        properties: Commit { commit: words::printable(&results.run.commit) },
    };
    Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json".to_owned(),
        version: "2.1.0".to_owned(),
        runs: vec![Run {
            tool: Tool { driver },
            invocations: vec![invocation(results)],
            results: alerts,
            column_kind: "unicodeCodePoints".to_owned(),
        }],
    }
}

/// One failure, with how many engines found it.
impl Found<'_> {
    /// The id of the rule that an alert names.
    fn rule_id(&self) -> &str {
        self.rule.map_or(AGREEMENT, |rule| rule.0.as_str())
    }
}

fn descriptor(id: &str, name: &str, sentence: &str, pages: &Pages) -> Descriptor {
    let (line, title) = at(id);
    let help_uri = match pages {
        Pages::Unknown => None,
        Pages::Below(base) => {
            Some(format!("{}/{CONTRACT_PATH}#{}", base.trim_end_matches('/'), anchor(title)))
        }
    };
    let sentence = if sentence.is_empty() { "Two accounts of one run agree." } else { sentence };
    Descriptor {
        id: words::printable(id),
        name: words::printable(name),
        short_description: Message::of(sentence),
        help: Message::of(&format!("{CONTRACT_PATH}, line {line}: {title}")),
        help_uri,
    }
}

/// How pages on the web name a heading: small letters, digits and hyphens.
fn anchor(title: &str) -> String {
    let title = title.trim_start_matches('#').trim().to_lowercase();
    let kept = title.chars().filter(|each| each.is_ascii_alphanumeric() || matches!(each, ' ' | '-'));
    kept.map(|each| if each == ' ' { '-' } else { each }).collect()
}

fn alert(results: &Results, one: &Found<'_>, rules: &[Descriptor]) -> Alert {
    let Found { failure, broken, sentence, flaky, .. } = one;
    let id = words::printable(one.rule_id());
    let mut text = format!("{broken} ({}): {sentence} Found by {}.", failure.id, one.engines.join("; "));
    if let Some(flaky) = flaky {
        text += &format!(" Flaky: {flaky}.");
    }
    text += &format!(" Replay: {}", failure.replay_command);
    Alert {
        rule_index: rules.iter().position(|rule| rule.id == id).unwrap_or(0),
        rule_id: id,
        kind: "fail".to_owned(),
        level: if flaky.is_some() { Level::Warning } else { Level::Error },
        message: Message::of(&text),
        locations: vec![Location { physical_location: contract(one.rule_id()), message: None }],
        partial_fingerprints: Fingerprint { failure_id: words::printable(&failure.id) },
        occurrence_count: one.engines.len(),
        baseline_state: baseline(results, &failure.id),
        code_flows: flow(one).into_iter().collect(),
        properties: Properties {
            engines: one.engines.iter().map(|engine| words::printable(engine)).collect(),
            replay: words::printable(&failure.replay_command),
            reproduced: failure.rate.map(|rate| rate.reproduced),
            replays: failure.rate.map(|rate| rate.replays),
            seed: results.run.seed,
        },
    }
}

/// Whether a night before has found it, where there was one.
fn baseline(results: &Results, id: &str) -> Option<String> {
    let news = results.news.as_ref().filter(|news| news.since.is_some())?;
    let is_known = news.known.iter().any(|known| known.id == id);
    Some(if is_known { "unchanged" } else { "new" }.to_owned())
}

fn contract(rule: &str) -> Physical {
    let (line, title) = at(rule);
    Physical {
        artifact_location: Artifact { uri: CONTRACT_PATH.to_owned() },
        region: Some(Region { start_line: line, snippet: Snippet { text: title.to_owned() } }),
    }
}

/// The timeline, a step for each line. A failure without one has no flow.
fn flow(one: &Found<'_>) -> Option<CodeFlow> {
    let failure = one.failure;
    // The events lie in the trace, beside the report; where none was written, the rule is what there is to show.
    let place = || match &failure.trace_file {
        Some(file) => Physical { artifact_location: Artifact { uri: uri(file) }, region: None },
        None => contract(one.rule_id()),
    };
    let step = |line, text: &str| Step {
        location: Location { physical_location: place(), message: Some(Message::of(text.trim())) },
        importance: match line {
            Line::Decisive => "essential".to_owned(),
            Line::Plain => "important".to_owned(),
        },
    };
    let steps: Vec<Step> = match Chart::of(failure) {
        Some(chart) => chart.events.iter().map(|event| step(event.line, &event.text)).collect(),
        None => {
            let lines = words::timeline(failure).filter(|(_, text)| !text.trim().is_empty());
            lines.map(|(line, text)| step(line, &text)).collect()
        }
    };
    (!steps.is_empty()).then(|| CodeFlow { thread_flows: vec![ThreadFlow { locations: steps }] })
}

/// A path as a relative reference: what means something in an address is written as its bytes.
fn uri(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                text.push(byte.into())
            }
            _ => text += &format!("%{byte:02X}"),
        }
    }
    text
}

fn invocation(results: &Results) -> Invocation {
    let outcome = results.outcome();
    let no_failure = |code| !matches!(code, ExitCode::Violated | ExitCode::Flaky);
    let reasons = outcome.reasons.iter().filter(|reason| no_failure(reason.exit_code));
    let notifications = reasons.map(|reason| Notification {
        level: if reason.exit_code == ExitCode::Internal { Level::Error } else { Level::Warning },
        message: Message::of(&format!("exit {}: {}", reason.exit_code.code(), reason.what)),
    });
    Invocation {
        command_line: words::printable(&results.run.command_line),
        execution_successful: outcome.exit_code != ExitCode::Internal,
        exit_code: outcome.exit_code.code(),
        exit_code_description: outcome.verdict.clone(),
        start_time_utc: utc(&results.run.date),
        tool_execution_notifications: notifications.collect(),
    }
}

/// `2026-01-02 03:04 UTC` as `2026-01-02T03:04:00Z`; nothing for a text of another form.
fn utc(date: &str) -> Option<String> {
    let (day, rest) = date.split_once(' ')?;
    let minute = rest.strip_suffix(" UTC")?;
    let has_form = |text: &str, form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(is, should)| match should {
                b'0' => is.is_ascii_digit(),
                other => is == other,
            })
    };
    (has_form(day, "0000-00-00") && has_form(minute, "00:00")).then(|| format!("{day}T{minute}:00Z"))
}

/// The whole file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: String,
    version: String,
    runs: Vec<Run>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    invocations: Vec<Invocation>,
    results: Vec<Alert>,
    column_kind: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Tool {
    driver: Driver,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Driver {
    name: String,
    version: String,
    rules: Vec<Descriptor>,
    properties: Commit,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Commit {
    commit: String,
}

/// A rule.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: String,
    name: String,
    short_description: Message,
    help: Message,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    command_line: String,
    execution_successful: bool,
    exit_code: u8,
    exit_code_description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_time_utc: Option<String>,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Notification {
    level: Level,
    message: Message,
}

#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Error,
    Warning,
}

/// One failure: what the standard calls a result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    rule_id: String,
    rule_index: usize,
    kind: String,
    level: Level,
    message: Message,
    locations: Vec<Location>,
    partial_fingerprints: Fingerprint,
    occurrence_count: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline_state: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    code_flows: Vec<CodeFlow>,
    properties: Properties,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Fingerprint {
    #[serde(rename = "failureId/v1")]
    failure_id: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Properties {
    engines: Vec<String>,
    replay: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reproduced: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replays: Option<u64>,
    seed: u64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CodeFlow {
    thread_flows: Vec<ThreadFlow>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct ThreadFlow {
    locations: Vec<Step>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Step {
    location: Location,
    importance: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Artifact {
    uri: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    snippet: Snippet,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Snippet {
    text: String,
}

/// A text. The standard gives braces and links in it a meaning, which no text of a run may have.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Message {
    text: String,
}

impl Message {
    fn of(text: &str) -> Message {
        let text = words::printable(text).replace('{', "{{").replace('}', "}}").replace("](", "] (");
        Message { text }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_rule_has_a_line_of_its_own_in_the_contract() {
        let rules =
            (1..=19).map(|number| format!("R{number}")).chain((1..=4).map(|number| format!("L{number}")));
        let mut lines: Vec<u32> = Vec::new();
        for rule in rules {
            let (line, title) = at(&rule);
            assert!(title.starts_with(&format!("### {rule} ")), "{rule}: {title}");
            assert_eq!(CONTRACT.lines().nth(line as usize - 1), Some(title));
            assert!(!lines.contains(&line), "{rule} shares line {line}");
            lines.push(line);
        }
        assert!(at(AGREEMENT).1.starts_with("## 5. The model"));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let machine = json!({ "os": "linux x86_64", "cores": 2, "memory_bytes": null });
        let run = json!({
            "id": "1", "date": "2026-01-02 03:04 UTC", "tool_version": "0.1.0", "commit": "626fa91", "command_line": "bgcheck",
            "seed": 7, "budget_ms": null, "machine": machine,
        });
        let failure = json!({
            "standing": "flaky", "reproduced": 3, "replays": 20,
            "failure": {
                "id": "R1-7f3a09c2", "trace_file": "traces/R1-7f3a09c2.jsonl", "replay_command": "bgcheck replay {0}",
                "timeline": "1  [Cancel](x)\n2  enters\n", "decisive_lines": [2],
            },
        });
        let ran = json!({
            "kind": "ran", "approach": "sampling", "ended": "done", "work": [], "time_ms": 1,
            "findings": [{ "rule": "R1", "finding": failure }],
        });
        let engine =
            json!({ "name": "race", "subject": "race", "dialect": null, "scope": null, "status": ran });
        let rule = json!({ "id": "R1", "name": "cancelled", "sentence": "No callback starts." });
        let results = json!({ "version": 1, "run": run, "rules": [rule], "engines": [engine] });
        let results: Results = serde_json::from_value(results).expect("it keeps to the format");
        for pages in [Pages::Unknown, Pages::Below("https://example.org/x/blob/main/".to_owned())] {
            let text = sarif(&results, &pages);
            let read: Log = serde_json::from_str(&text).expect("it is JSON of this form");
            assert_eq!(read, log(&results, &pages));
            assert_eq!(read.runs[0].results[0].code_flows[0].thread_flows[0].locations.len(), 2, "{text}");
        }
    }

    #[test]
    fn dates_paths_and_headings_get_the_form_that_the_standard_wants() {
        assert_eq!(utc("2026-01-02 03:04 UTC").as_deref(), Some("2026-01-02T03:04:00Z"));
        assert_eq!(
            ["", "2026-01-02", "2026-01-02 3:04 UTC", "x026-01-02 03:04 UTC"].map(utc),
            [const { None }; 4]
        );
        assert_eq!(uri("traces\\R1 ä#%.jsonl"), "traces/R1%20%C3%A4%23%25.jsonl");
        assert_eq!(anchor("### R8 quiet change"), "r8-quiet-change");
        assert_eq!(anchor("## 5. The model"), "5-the-model");
    }
}
