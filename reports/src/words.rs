//! The words and numbers that every rendering shares, so that they cannot print different things.

mod cause;
mod found;
mod timeline;

pub(crate) use self::cause::{Cause, causes};
pub(crate) use self::found::{Found, failures, story};
pub(crate) use self::timeline::{Line, nearest, timeline, timeline_around};
use crate::outcome::{ExitCode, Outcome};
use crate::results::{
    Amount, Canary, Corpus, EngineResult, Failure, Finding, ModelEdges, Ran, Rate, Results, RuleId, Run,
    Signal, Status, Subject, Unit, WindowRow, Windows,
};
use crate::sheet;
use crate::table::{Cell, Part, Standing, Table};

/// `12345` as `12,345`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time as a reader would say it: `850 ms`, `2.1 s`, `3 min 5 s`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", thousands(ms / 60_000), ms % 60_000 / 1_000),
    }
}

/// How much more or less, in percent: `+4 %`, `-21 %`.
pub(crate) fn percent_change(before: u64, after: u64) -> String {
    if before == 0 {
        return "-".to_owned();
    }
    let percent = i128::from(after) * 100 / i128::from(before) - 100;
    format!("{percent:+} %")
}

/// Memory in GiB.
pub(crate) fn memory(bytes: Option<u64>) -> String {
    let Some(bytes) = bytes else { return "memory unknown".to_owned() };
    let tenths = (u128::from(bytes) * 10) >> 30;
    format!("{}.{} GiB of memory", tenths / 10, tenths % 10)
}

/// That the results are only a part, where they are.
pub(crate) fn partial(run: &Run) -> Option<String> {
    run.partial.as_ref().map(|why| format!("partial: {why}; these are the results up to then"))
}

/// The machine in one phrase.
pub(crate) fn machine(run: &Run) -> String {
    let machine = &run.machine;
    let cores = plural(u64::from(machine.cores), "core", "cores");
    format!("{}, {cores}, {}", machine.os, memory(machine.memory_bytes))
}

/// The budget in one phrase.
pub(crate) fn budget(run: &Run) -> String {
    run.budget_ms.map_or_else(|| "no budget".to_owned(), |ms| format!("budget {}", duration(ms)))
}

/// `1 run`, `2 runs`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// An amount with its unit, its denominator and its rate.
pub(crate) fn amount(amount: &Amount, time_ms: u64) -> String {
    let count = count(amount);
    match per_second(amount, time_ms) {
        Some(rate) => format!("{count} ({rate}/s)"),
        None => count,
    }
}

/// Everything an engine did, one amount after the other.
pub(crate) fn amounts(ran: &Ran) -> Vec<String> {
    let amounts = ran.work.iter().map(|each| amount(each, ran.time_ms));
    let corpus = ran.corpus.as_deref().map(corpus);
    amounts.chain(mean_length(ran)).chain(corpus).chain(ran.edges.as_deref().map(edges)).collect()
}

/// What a fuzzer began with, has now, and how much of that is new: `corpus 64 -> 1,204 inputs (1,140 new)`.
fn corpus(corpus: &Corpus) -> String {
    let (before, after) = (thousands(corpus.before), thousands(corpus.after));
    format!("corpus {before} -> {after} inputs ({} new)", thousands(corpus.added))
}

/// What became of a canary, in one phrase.
pub(crate) fn canary(canary: &Canary) -> String {
    let Canary { engine, broken, expected, seen, disagreements: _, work, time_ms } = canary;
    let list = |rules: &[RuleId], none: &str| match rules {
        [] => none.to_owned(),
        rules => rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let work: Vec<String> = work.iter().take(1).map(count).collect();
    let work = if work.is_empty() {
        String::new()
    } else {
        format!(" ({} in {})", work.concat(), duration(*time_ms))
    };
    if canary.is_caught() {
        return match seen.as_slice() {
            [] => format!("{engine} caught {broken}: it parts from the specification{work}"),
            seen => format!("{engine} caught {broken}: {} broken{work}", list(seen, "")),
        };
    }
    let (expected, seen) = (list(expected, "any rule"), list(seen, "nothing"));
    format!("{engine} did not catch {broken}: it had to see {expected} broken and saw {seen}{work}")
}

/// How much of the model was reached: `edges 3,012 of 3,954 reached`.
pub(crate) fn edges(edges: &ModelEdges) -> String {
    format!("edges {} of {} reached", thousands(edges.reached), thousands(edges.reachable))
}

/// The edges that were not reached, by name, `most` at most, and then how many more there are; and those that the index lacks.
pub(crate) fn edges_by_name(edges: &ModelEdges, most: usize) -> Vec<String> {
    let missing = edges.missing.iter().take(most).map(|name| format!("not reached: {name}"));
    let more = edges.missing.len().saturating_sub(most) as u64;
    let more = (more > 0).then(|| format!("and {} more that are not reached", thousands(more)));
    let unknown = edges.unknown.iter().map(|name| format!("reached, and not in the index: {name}"));
    missing.chain(more).chain(unknown).collect()
}

/// Everything an engine did, in one phrase.
pub(crate) fn work(ran: &Ran) -> String {
    if ran.work.is_empty() { "nothing counted".to_owned() } else { amounts(ran).join(", ") }
}

/// An engine's name with what it ran on: `check product (product, bits, scope default)`.
pub(crate) fn engine_title(engine: &EngineResult) -> String {
    match where_it_ran(engine) {
        place if place.is_empty() => engine.name.clone(),
        place => format!("{} ({place})", engine.name),
    }
}

/// What an engine ran on; empty when that is nothing in particular.
pub(crate) fn where_it_ran(engine: &EngineResult) -> String {
    let parts = [
        engine.subject.map(|subject| subject.to_string()),
        engine.dialect.map(|dialect| dialect.to_string()),
        engine.scope.as_ref().map(|scope| format!("scope {scope}")),
        Some(engine.switches.clone()).filter(|switches| !switches.is_empty()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A rule's id with its name: `R1 cancelled`.
pub(crate) fn rule_title(results: &Results, id: &RuleId) -> String {
    match results.rules.iter().find(|rule| rule.id == *id) {
        Some(rule) if !rule.name.is_empty() => format!("{id} {}", rule.name),
        _ => id.to_string(),
    }
}

/// What a rule demands.
pub(crate) fn rule_sentence<'a>(results: &'a Results, id: &RuleId) -> &'a str {
    results.rules.iter().find(|rule| rule.id == *id).map_or("", |rule| &rule.sentence)
}

/// One engine's finding in one phrase.
pub(crate) fn finding(finding: &Finding) -> String {
    match finding {
        Finding::Proved { scope } => format!("proved in scope {scope}"),
        Finding::Sampled { decisions } => format!("only sampled: {}", decided(decisions.get())),
        Finding::Violated(failure) => format!("VIOLATED: {}", failure.id),
        Finding::Flaky { failure, reproduced, replays } => {
            format!("FLAKY: {}, broken on {} of {}", failure.id, thousands(*reproduced), of_replays(*replays))
        }
        Finding::Vacuous => "vacuous: nothing to decide".to_owned(),
        Finding::NotDecidable { why } => format!("not decidable: {why}"),
        Finding::NotRun => "not run".to_owned(),
    }
}

/// The tables about other implementations, engine by engine.
pub(crate) fn accounts(results: &Results) -> Vec<sheet::Part> {
    let of = |engine: &EngineResult| match &engine.status {
        Status::Ran(Ran { account: Some(account), .. }) => account.parts(&engine_title(engine)),
        _ => Vec::new(),
    };
    results.engines.iter().flat_map(of).filter(sheet::Part::is_shown).collect()
}

/// What a cell of the table shows first: how the rule stands, where, and how often.
pub(crate) fn cell(cell: &Cell) -> String {
    standing(cell.standing, &cell.split().0)
}

/// What a cell shows besides: the findings of less weight; empty when there are none.
pub(crate) fn cell_besides(cell: &Cell) -> String {
    let (_, others) = cell.split();
    let mut texts = Vec::new();
    for each in [Standing::Flaky, Standing::Vacuous, Standing::Proved, Standing::Sampled] {
        let parts: Vec<&Part> = others.iter().copied().filter(|part| part.standing == each).collect();
        if !parts.is_empty() {
            texts.push(standing(each, &parts));
        }
    }
    texts.join("; ")
}

/// What the verdict is about, where the subject is broken on purpose.
pub(crate) fn canary_subject(results: &Results) -> Option<&'static str> {
    let is_canary = |engine: &EngineResult| engine.name.ends_with(" (canary)");
    results.engines.iter().any(is_canary).then_some(
        "The subject is a canary, an implementation that is broken on purpose: this run shows what the workbench notices, and nothing about \
         another implementation.",
    )
}

/// The words of the table of findings.
pub(crate) const TERMS: &str = "d0 is the delivery of an event to a client. It begins when the service has decided on it, and starts when the client's \
    callback is entered.";

/// How to read a timeline, for a reader who has not seen one.
pub(crate) const LEGEND: &str = "In the timelines time runs downwards. j0 is a job, t0 a thread of a client, p0 the object that a client has \
    registered, d0 the delivery of an event to it. A delivery begins when the service has decided on it, and starts when the client's \
    callback is entered. Clauses are those of section 4 of docs/contract.md. Marked lines decide.";

/// What may be claimed of the run, line by line, each with whom the line is about.
///
/// A rule that is broken or vacuous somewhere on a subject is not claimed for it.
pub(crate) fn claims(results: &Results, table: &Table) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for subject in Subject::ALL {
        let of_subject = claims_of(table, subject).into_iter();
        lines.extend(of_subject.map(|text| (subject.to_string(), text)));
    }
    if lines.is_empty() {
        let text = "no rule is proved, and none was sampled without something against it";
        lines.push(("every subject".to_owned(), text.to_owned()));
    }
    for engine in &results.engines {
        let Status::Ran(ran) = &engine.status else { continue };
        lines.extend(agreement(ran).map(|text| (engine_title(engine), text)));
    }
    let is_proved = |cell: &Cell| cell.standing == Standing::Proved;
    if !table.rows.iter().flat_map(|row| &row.cells).any(is_proved) {
        lines.insert(0, ("every subject".to_owned(), "nothing is proved".to_owned()));
    }
    let undecided = undecided(results, table);
    if !undecided.is_empty() {
        lines.push((
            "no subject".to_owned(),
            format!("not tried, or not decided: {}", listed(&undecided, "; ")),
        ));
    }
    let documents = results.sentences.map(|counts| {
        ("the documents".to_owned(), format!("{} (bgcheck report --sentences)", counts.phrase()))
    });
    lines.extend(documents);
    lines
}

fn claims_of(table: &Table, subject: Subject) -> Vec<String> {
    let mut proved: Vec<(String, Vec<String>)> = Vec::new();
    let mut sampled = Vec::new();
    for row in &table.rows {
        let Some(cell) = row.cell(subject) else { continue };
        let (parts, _) = cell.split();
        match cell.standing {
            Standing::Proved => add(&mut proved, where_proved(&parts), row.rule.to_string()),
            Standing::Sampled => sampled.push(format!("{} ({})", row.rule, decided(decisions(&parts)))),
            _ => {}
        }
    }
    let proved = proved.iter().map(|(scopes, rules)| format!("proved {scopes}: {}", listed(rules, " ")));
    let mut lines: Vec<String> = proved.collect();
    if !sampled.is_empty() {
        lines.push(format!("only sampled: {}", listed(&sampled, ", ")));
    }
    lines
}

/// The rules that no engine came to a judgement on.
fn undecided(results: &Results, table: &Table) -> Vec<String> {
    let undecided =
        |standing| matches!(standing, Standing::NotDecidable | Standing::NotRun | Standing::NotYet);
    let rows = table.rows.iter().filter(|row| row.cells.iter().all(|cell| undecided(cell.standing)));
    rows.map(|row| rule_title(results, &row.rule)).collect()
}

fn listed(rules: &[String], separator: &str) -> String {
    format!("{}: {}", plural(rules.len() as u64, "rule", "rules"), rules.join(separator))
}

/// The verdict with its exit code. To have held is printed together with how far that goes.
pub(crate) fn verdict(outcome: &Outcome, table: &Table) -> String {
    let text = format!("{} (exit {})", outcome.verdict, outcome.exit_code.code());
    if outcome.exit_code != ExitCode::Held {
        return text;
    }
    let some = |standing| table.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.standing == standing);
    let how_far = match (some(Standing::Proved), some(Standing::Sampled)) {
        (true, true) => "no counterexample in the scopes explored, nor in what was sampled",
        (true, false) => "no counterexample in the scopes explored",
        (false, true) => "no counterexample in what was sampled; nothing was proved",
        (false, false) => "no disagreement in what was compared; no rule was judged",
    };
    format!("{text}: {how_far}")
}

/// How far the verdict goes, in one sentence: how many rules stand how, each by its weightiest finding on any subject.
pub(crate) fn reach(table: &Table) -> String {
    let mut counts = [0_u64; 5];
    let mut proofs: Vec<&Part> = Vec::new();
    for row in &table.rows {
        let weightiest = row.cells.iter().map(|cell| cell.standing).min().unwrap_or(Standing::NotRun);
        counts[match weightiest {
            Standing::Violated | Standing::Flaky => 0,
            Standing::Vacuous => 1,
            Standing::Proved => 2,
            Standing::Sampled => 3,
            Standing::NotDecidable | Standing::NotRun | Standing::NotYet => 4,
        }] += 1;
        let parts = row.cells.iter().flat_map(|cell| &cell.parts);
        proofs
            .extend(parts.filter(|part| weightiest == Standing::Proved && part.standing == Standing::Proved));
    }
    // Each scope and dialect once.
    proofs.sort_by_key(|part| (part.subject, &part.scope, &part.dialect));
    proofs.dedup_by_key(|part| (part.subject, &part.scope, &part.dialect));
    let [broken, vacuous, proved, sampled, nowhere] = counts;
    let some = |count: u64, text: String| (count > 0).then(|| format!("{} {text}", thousands(count)));
    let parts = [
        some(broken, "broken".to_owned()),
        some(vacuous, "with nothing to decide somewhere".to_owned()),
        some(proved, format!("proved {}", where_proved(&proofs))),
        some(sampled, "only sampled".to_owned()),
        some(nowhere, "decided nowhere".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("Of {}: {}.", plural(table.rows.len() as u64, "rule", "rules"), parts.join(", "))
}

/// The comparison an engine made, in one phrase.
pub(crate) fn agreement(ran: &Ran) -> Option<String> {
    let agreement = ran.agreement.as_ref()?;
    let (compared, found) = (thousands(agreement.compared), agreement.disagreements.len() as u64);
    let found = if found == 0 {
        "no disagreement".to_owned()
    } else {
        plural(found, "disagreement", "disagreements")
    };
    Some(format!("{}: {found} in {compared} comparisons", agreement.what))
}

/// Since when a failure is known, where nights are kept.
pub(crate) fn first_seen(results: &Results, id: &str) -> Option<String> {
    let news = results.news.as_ref()?;
    let known = news.known.iter().find(|known| known.id == id);
    Some(known.map_or_else(|| "NEW".to_owned(), |known| known.first.clone()))
}

/// How often a failure came again.
pub(crate) fn came_again(failure: &Failure) -> String {
    match failure.rate {
        None => "not run again".to_owned(),
        Some(Rate { reproduced, replays }) => format!("{} of {}", thousands(reproduced), of_replays(replays)),
    }
}

/// What is new since the night before, in one sentence; nothing where nights are not kept.
pub(crate) fn news(results: &Results) -> Option<String> {
    let news = results.news.as_ref()?;
    let Some(since) = &news.since else {
        return Some(match news.new.len() as u64 {
            0 => "This is the first night that is kept.".to_owned(),
            new => format!(
                "This is the first night that is kept; it found {}.",
                plural(new, "failure", "failures")
            ),
        });
    };
    let listed = |ids: &[String]| match ids {
        [] => "nothing".to_owned(),
        ids if ids.len() <= 5 => ids.join(", "),
        ids => format!("{} and {} more", ids[..5].join(", "), ids.len() - 5),
    };
    let gone = if news.gone.is_empty() { String::new() } else { format!("; gone: {}", listed(&news.gone)) };
    let known = match news.known.len() as u64 {
        0 => String::new(),
        known => format!("; {known} found again"),
    };
    Some(format!("New since the night of {since}: {}{gone}{known}.", listed(&news.new)))
}

/// The text without anything that a terminal or a browser would obey instead of showing: control characters (escape
/// sequences among them) and the marks that turn the direction of writing are spelled out. The text is one line: where it
/// was broken there is a blank.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for each in text.chars() {
        let turns = matches!(
            each,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        );
        match each {
            '\n' | '\r' => shown.push(' '),
            '\t' => shown.push_str("    "),
            _ if each.is_control() || turns => shown.extend(each.escape_unicode()),
            _ => shown.push(each),
        }
    }
    shown
}

/// A share with one decimal, or a dash where there is nothing to have a share of.
pub(crate) fn percent(part: usize, of: usize) -> String {
    if of == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / of as f64) }
}

/// `12345` as `12k`: a table of counts is read by size.
fn compact(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// The race-window table: its head, and a row per call, with the strategies added up.
pub(crate) fn windows(windows: &Windows) -> (Vec<&str>, Vec<Vec<String>>) {
    let head = std::iter::once("call").chain(windows.steps.iter().map(String::as_str)).collect();
    let row = |row: &WindowRow| {
        let counts = row.cells.iter().map(|counts| compact(counts.iter().sum()));
        std::iter::once(row.call.clone()).chain(counts).collect()
    };
    (head, windows.rows.iter().map(row).collect())
}

/// What the table comes to, strategy by strategy, and its empty cells by name.
pub(crate) fn window_coverage(windows: &Windows) -> Vec<String> {
    let of_strategy = |(index, name): (usize, &String)| {
        let counts = windows.rows.iter().flat_map(|row| &row.cells).filter_map(|counts| counts.get(index));
        let (reached, times) =
            counts.fold((0, 0), |(reached, times), count| (reached + u64::from(*count > 0), times + count));
        format!("{name}: {reached} cells, {}", plural(times, "time", "times"))
    };
    let empty = windows.empty();
    let reached = windows.cells() - empty.len();
    let mut lines = vec![format!("{reached} of {} cells reached", windows.cells())];
    lines.extend(windows.strategies.iter().enumerate().map(|(index, name)| of_strategy((index, name))));
    if !empty.is_empty() {
        lines.push(format!("empty: {}", empty.join(", ")));
    }
    lines
}

fn count(amount: &Amount) -> String {
    let (done, of) = (thousands(amount.done), amount.of.map(thousands));
    let (one, many) = match amount.unit {
        Unit::Depth => {
            let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
            return format!("depth {done}{of}");
        }
        Unit::States => ("state", "states"),
        Unit::Edges => ("edge", "edges"),
        Unit::Runs => ("run", "runs"),
        Unit::Cases => ("case", "cases"),
        Unit::Schedules => ("schedule", "schedules"),
        Unit::Races => ("race", "races"),
        Unit::RacesExhausted => ("race with every schedule", "races with every schedule"),
        Unit::DistinctSchedules => ("distinct schedule", "distinct schedules"),
        Unit::SchedulesInAll => ("schedule in all nights", "schedules in all nights"),
        Unit::Steps => ("step", "steps"),
        Unit::Traces => ("trace", "traces"),
        Unit::Jobs => ("job", "jobs"),
        Unit::Users => ("user", "users"),
        Unit::Calls => ("call", "calls"),
        Unit::Callbacks => ("callback", "callbacks"),
        Unit::Events => ("event", "events"),
        Unit::Files => ("file", "files"),
        Unit::Bytes => ("byte", "bytes"),
    };
    match of {
        Some(of) => format!("{done} of {of} {many}"),
        None => plural(amount.done, one, many),
    }
}

/// Whole units per second, or tenths when they are few. In integers, so that every machine prints equal text.
fn per_second(amount: &Amount, time_ms: u64) -> Option<String> {
    if time_ms == 0 || !amount.unit.has_rate() {
        return None;
    }
    let tenths = u64::try_from(u128::from(amount.done) * 10_000 / u128::from(time_ms)).unwrap_or(u64::MAX);
    // Below that it would print as nothing per second.
    if tenths == 0 {
        return None;
    }
    Some(if tenths < 1_000 { format!("{}.{}", tenths / 10, tenths % 10) } else { thousands(tenths / 10) })
}

/// How long the programs of a sampler were on average: without it a number of runs means little.
fn mean_length(ran: &Ran) -> Option<String> {
    let of = |unit| ran.work.iter().find(|amount| amount.unit == unit).map(|amount| amount.done);
    let steps = u128::from(of(Unit::Steps)?);
    let (runs, name) = match (of(Unit::Runs), of(Unit::Cases)) {
        (Some(runs), _) if runs > 0 => (u128::from(runs), "run"),
        (_, Some(cases)) if cases > 0 => (u128::from(cases), "case"),
        _ => return None,
    };
    let tenths = steps * 10 / runs;
    Some(format!("{}.{} steps per {name} on average", tenths / 10, tenths % 10))
}

fn standing(standing: Standing, parts: &[&Part]) -> String {
    match standing {
        Standing::Violated | Standing::Flaky => {
            let mut ids: Vec<&str> = Vec::new();
            for id in parts.iter().filter_map(|part| part.failure.as_deref()) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            format!("{} {}", standing.word(), ids.join(", "))
        }
        Standing::Vacuous => format!("vacuous in {}", scopes(parts)),
        Standing::Proved => format!("proved {}", where_proved(parts)),
        Standing::Sampled => format!("sampled: {}", decided(decisions(parts))),
        Standing::NotDecidable | Standing::NotRun | Standing::NotYet => standing.word().to_owned(),
    }
}

/// Where it is proved: in scopes of a model, and on the code in scopes of races.
fn where_proved(parts: &[&Part]) -> String {
    let (code, models): (Vec<&Part>, Vec<&Part>) =
        parts.iter().partition(|part| part.subject == Subject::Race);
    let some =
        |before: &str, parts: &[&Part]| (!parts.is_empty()).then(|| format!("{before} {}", scopes(parts)));
    [some("in", &models), some("on the code in", &code)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The scopes of some parts, each with the dialects in which it was explored: `tiny, default (bits, do)`.
fn scopes(parts: &[&Part]) -> String {
    let mut by_scope: Vec<(String, Vec<String>)> = Vec::new();
    for part in parts {
        let scope = if part.scope.is_empty() { part.engine.clone() } else { part.scope.clone() };
        add(&mut by_scope, scope, part.dialect.clone());
    }
    let mut by_dialects: Vec<(String, Vec<String>)> = Vec::new();
    for (scope, mut dialects) in by_scope {
        dialects.retain(|dialect| !dialect.is_empty());
        dialects.dedup();
        add(&mut by_dialects, dialects.join(", "), scope);
    }
    let groups = by_dialects.into_iter().map(|(dialects, scopes)| match dialects.as_str() {
        "" => scopes.join(", "),
        _ => format!("{} ({dialects})", scopes.join(", ")),
    });
    groups.collect::<Vec<_>>().join(", ")
}

/// Appends to the group of this key, which keeps the order of first appearance.
fn add(groups: &mut Vec<(String, Vec<String>)>, key: String, item: String) {
    match groups.iter_mut().find(|(other, _)| *other == key) {
        Some((_, items)) if items.contains(&item) => {}
        Some((_, items)) => items.push(item),
        None => groups.push((key, vec![item])),
    }
}

fn decisions(parts: &[&Part]) -> u64 {
    parts.iter().fold(0, |sum, part| sum.saturating_add(part.decisions))
}

fn decided(decisions: u64) -> String {
    plural(decisions, "decision", "decisions")
}

fn of_replays(replays: u64) -> String {
    plural(replays, "replay", "replays")
}

/// What stands before the results of a run that a signal stopped; nothing before others.
pub(crate) fn cut_short(stopped_by: Option<Signal>) -> String {
    stopped_by.map_or_else(String::new, |signal| format!("Partial: {signal} stopped it. "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_a_reader_would() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([999, 2_149, 185_000].map(duration), ["999 ms", "2.1 s", "3 min 5 s"]);
        assert_eq!(amount(&Amount::out_of(Unit::Jobs, 1, 200), 4_000), "1 of 200 jobs (0.2/s)");
        assert_eq!(
            amount(&Amount::new(Unit::Runs, u64::MAX), 1),
            "18,446,744,073,709,551,615 runs (1,844,674,407,370,955,161/s)"
        );
        assert_eq!(amount(&Amount::new(Unit::Depth, 7), 1_000), "depth 7");
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(printable("a\u{1b}[2J\u{202e}b"), "a\\u{1b}[2J\\u{202e}b");
    }
}
