//! The report as Markdown, for a review or a chat: it renders alike with and without HTML allowed.

use std::fmt::Write;

use crate::explanation::{Body, Explanation, Passage};
use crate::results::{EngineResult, Ran, Results, Status, WitnessSeen};
use crate::sentences::Sentences;
use crate::table::Table;
use crate::words::{self, Cause, Found, Line};

/// `write!` into a `String`, which cannot fail.
macro_rules! line {
    ($text:expr, $($arg:tt)*) => { let _ = writeln!($text, $($arg)*); };
}

/// Lines that a report has at most. What does not fit is counted, and is in the page and in `results.json`.
pub const MARKDOWN_LINES: usize = 200;

/// The results as Markdown.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let table = Table::of(results);
    let head = [
        folded(&block(|text| verdict(text, results, &table)), 12),
        folded(&block(|text| found(text, results)), 24),
        folded(&block(|text| claims(text, results, &table)), 24),
        folded(&block(|text| matrix(text, results, &table)), 34),
        failures(results, 50),
        folded(&block(|text| engine_table(text, results)), 30),
        folded(&block(|text| canaries(text, results)), 12),
    ];
    let tail = [folded(&block(|text| set_up(text, results)), 8), block(|text| run(text, results))];
    let used: usize = head.iter().chain(&tail).map(|part| lines(part)).sum();
    let mut room = MARKDOWN_LINES.saturating_sub(used);
    let kills = folded(&block(|text| kills(text, results)), room / 2);
    room -= lines(&kills);
    let details = details(results, room);
    [head.concat(), details, kills, tail.concat()].concat()
}

fn block(write: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    write(&mut text);
    text
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

/// A list or table that is cut where it is longer, and states how much is left out.
pub(crate) fn folded(text: &str, most: usize) -> String {
    let all = lines(text);
    if all <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(3);
    let left = words::plural((all - kept) as u64, "more line is", "more lines are");
    let kept = text.lines().take(kept).map(|line| format!("{line}\n"));
    kept.chain([format!("\n{left} in report.html.\n\n")]).collect()
}

/// How much of a failure is shown.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    /// Lines of its timeline, at most.
    pub(crate) timeline: usize,
    /// Whether it is shown as a test, too.
    pub(crate) test: AsTest,
}

/// See [`Shown`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsTest {
    Yes,
    No,
}

impl Sentences {
    /// All sentences and choices as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        line!(text, "# Sentences of the documents\n\n{}.", inline(&self.counts.phrase()));
        for section in self.sections() {
            let [name, says, note] = section.head;
            line!(text, "\n## {} ({})\n", section.title, section.lines.len());
            line!(text, "| {name} | {says} | source | {note} |\n|---|---|---|---|");
            for line in &section.lines {
                let cells = [&line.name, &line.says, &line.source, &line.note].map(|cell| inline(cell));
                line!(text, "| {} |", cells.join(" | "));
            }
        }
        text
    }
}

impl Explanation {
    /// The page as a section of a Markdown document.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        line!(text, "## {}\n\n{}", inline(&self.name), inline(&self.says));
        for Passage { title, body } in &self.passages {
            let says = match body {
                Body::Text(says) => format!(" {}", inline(says)),
                Body::Words(words) => format!(" {}", inline(&words.join(", "))),
                Body::List(items) => below(items.iter().map(|item| format!("- {}", inline(item)))),
                Body::Commands(commands) => below(commands.iter().map(|command| format!("    {command}"))),
                Body::Picture(picture) => format!("\n\n```text\n{}\n```", picture.trim_end()),
            };
            line!(text, "\n**{title}**:{says}");
        }
        text
    }
}

/// Lines of their own below a title.
fn below(lines: impl Iterator<Item = String>) -> String {
    format!("\n\n{}", lines.collect::<Vec<_>>().join("\n"))
}

pub(crate) fn verdict(text: &mut String, results: &Results, table: &Table) {
    let outcome = results.outcome();
    line!(text, "# bgcheck: {}\n", words::verdict(&outcome, table));
    line!(
        text,
        "{} on {}, seed {}.\n",
        code(&results.run.command_line),
        inline(&results.run.date),
        results.run.seed
    );
    if let Some(partial) = words::partial(&results.run) {
        line!(text, "**{}**\n", inline(&partial));
    }
    if let Some(canary) = words::canary_subject(results) {
        line!(text, "{canary}\n");
    }
    if let Some(news) = words::news(results) {
        line!(text, "{}\n", inline(&news));
    }
    let others: String = outcome
        .beside_failures()
        .map(|reason| format!("- exit {}: {}\n", reason.exit_code.code(), inline(&reason.what)))
        .collect();
    if !others.is_empty() {
        line!(text, "{others}");
    }
}

/// What was found, a line each.
pub(crate) fn found(text: &mut String, results: &Results) {
    let all = words::failures(results);
    if all.is_empty() {
        return;
    }
    line!(text, "| finding | breaks | what happens | found by | came again on |\n|---|---|---|---|---|");
    for one in &all {
        let engines = words::plural(one.engines.len() as u64, "engine", "engines");
        let cells =
            [&one.failure.id, &one.broken, &words::story(one), &engines, &words::came_again(one.failure)];
        line!(text, "| {} |", cells.map(|cell| inline(cell)).join(" | "));
    }
    line!(text, "\n{}\n", inline(words::TERMS));
}

fn claims(text: &mut String, results: &Results, table: &Table) {
    line!(text, "## Proved, sampled, not tried\n");
    for (whom, claim) in words::claims(results, table) {
        line!(text, "- **{}**: {}", inline(&whom), inline(&claim));
    }
    text.push('\n');
}

pub(crate) fn matrix(text: &mut String, results: &Results, table: &Table) {
    line!(text, "## Rules x subjects\n");
    let (shown, _) = table.subjects();
    let names: Vec<_> = shown.iter().map(ToString::to_string).collect();
    line!(text, "| rule | {} |", names.join(" | "));
    line!(text, "|---|{}", "---|".repeat(names.len()));
    for row in &table.rows {
        let cells = row.cells.iter().filter(|cell| shown.contains(&cell.subject));
        let cells: Vec<String> = cells.map(|cell| inline(&full_cell(cell))).collect();
        line!(text, "| {} | {} |", inline(&words::rule_title(results, &row.rule)), cells.join(" | "));
    }
    text.push('\n');
}

fn full_cell(cell: &crate::table::Cell) -> String {
    match words::cell_besides(cell) {
        besides if besides.is_empty() => words::cell(cell),
        besides => format!("{}; besides, {besides}", words::cell(cell)),
    }
}

/// Lines below which no failure fits.
const SHORTEST: usize = 8;

/// As many failures in full as there is room for, the others in a line each.
fn failures(results: &Results, most: usize) -> String {
    let all = words::failures(results);
    if all.is_empty() {
        return String::new();
    }
    let mut text = format!("## Failures\n\n{}\n\n", inline(words::LEGEND));
    // A line for each that is not shown in full, and one for those that have not even that.
    let room = |text: &str, to_come: usize| most.saturating_sub(lines(text) + to_come.min(10) + 2);
    let (causes, mut brief) = (words::causes(&all), Vec::new());
    for (cause, to_come) in causes.iter().zip((0..causes.len()).rev()) {
        let members = || [cause.shown].into_iter().chain(cause.others.iter().copied()).map(|at| &all[at]);
        let room = room(&text, to_come + brief.len());
        if room < SHORTEST {
            brief.extend(members());
            continue;
        }
        // Longest first. What cannot have even its shortest form is listed.
        let sizes = [(usize::MAX, AsTest::Yes), (usize::MAX, AsTest::No), (24, AsTest::No), (12, AsTest::No)];
        let shown = sizes
            .map(|(timeline, test)| block(|text| of_one_cause(text, &all, cause, Shown { timeline, test })));
        match shown.iter().find(|shown| lines(shown) <= room) {
            Some(shown) => text += shown,
            None => brief.extend(members()),
        }
    }
    for found in brief.iter().take(10) {
        let Found { failure, broken, .. } = found;
        line!(text, "- {}: {}; {}", inline(&failure.id), inline(broken), code(&failure.replay_command));
    }
    if brief.len() > 10 {
        let more = words::plural((brief.len() - 10) as u64, "more failure is", "more failures are");
        line!(text, "- {more} in report.html");
    }
    if !brief.is_empty() {
        text.push('\n');
    }
    text
}

/// The smallest failure of a cause, and the others in a line each.
fn of_one_cause(text: &mut String, all: &[Found<'_>], cause: &Cause, shown: Shown) {
    if let Some(name) = &cause.name {
        line!(text, "**One cause of {} failures: {}.**\n", cause.size(), inline(name));
    }
    failure(text, &all[cause.shown], shown);
    for Found { failure, .. } in cause.others.iter().map(|at| &all[*at]) {
        line!(text, "- also {}: {}", inline(&failure.id), code(&failure.replay_command));
    }
    if !cause.others.is_empty() {
        text.push('\n');
    }
}

pub(crate) fn failure(text: &mut String, found: &Found<'_>, shown: Shown) {
    line!(text, "### {}: {}\n", inline(&found.failure.id), inline(&found.broken));
    let flaky = found.flaky.as_ref().map(|flaky| format!(" It is flaky: {flaky}.")).unwrap_or_default();
    line!(text, "{} Found by {}.{}\n", inline(found.sentence), inline(&found.found_by()), inline(&flaky));
    if let Some(owed) = &found.failure.owed {
        line!(text, "**Owed: {}.**\n", inline(owed));
    }
    for note in &found.failure.notes {
        line!(text, "- {}", inline(note));
    }
    if let Some(file) = &found.failure.trace_file {
        line!(text, "- trace: {}", code(file));
    }
    line!(text, "- replay: {}\n", code(&found.failure.replay_command));
    let lines =
        words::timeline_around(found.failure, shown.timeline).into_iter().map(|(line, text)| match line {
            Line::Decisive => format!("> {text}"),
            Line::Plain => format!("  {text}"),
        });
    fenced(text, "text", &lines.collect::<Vec<String>>());
    if let Some(test) = found.failure.test.as_ref().filter(|_| shown.test == AsTest::Yes) {
        line!(text, "As a test:\n");
        fenced(text, "rust", &test.lines().map(words::printable).collect::<Vec<String>>());
    }
}

fn fenced(text: &mut String, language: &str, lines: &[String]) {
    let fence = "`".repeat(lines.iter().map(|line| longest_ticks(line)).max().unwrap_or(0).max(2) + 1);
    line!(text, "{fence}{language}\n{}\n{fence}\n", lines.join("\n"));
}

pub(crate) fn engine_table(text: &mut String, results: &Results) {
    line!(text, "## Engines\n");
    if results.engines.is_empty() {
        line!(text, "No engine ran.\n");
        return;
    }
    line!(text, "| engine | work | time | result |");
    line!(text, "|---|---|---|---|");
    for engine in &results.engines {
        let (work, time) = work_and_time(engine);
        let verdict = results.engine_outcome(engine).verdict;
        line!(text, "| {} | {} | {time} | {verdict} |", inline(&words::engine_title(engine)), inline(&work));
    }
    text.push('\n');
}

/// What each engine found, rule by rule, as far as there is room.
fn details(results: &Results, mut room: usize) -> String {
    let mut text = String::new();
    let mut without = 0;
    for engine in &results.engines {
        let Status::Ran(ran) = &engine.status else { continue };
        let detail = block(|text| {
            findings(text, results, engine, ran);
            windows(text, ran);
        });
        // One line states how many have no room, behind a blank one.
        if lines(&detail) + 2 <= room {
            room -= lines(&detail);
            text += &detail;
        } else {
            without += 1;
        }
    }
    if without > 0 {
        let engines = words::plural(without, "more engine", "more engines");
        line!(text, "The findings of {engines}, rule by rule, are in report.html.\n");
    }
    text
}

fn canaries(text: &mut String, results: &Results) {
    if results.canaries.is_empty() {
        return;
    }
    line!(text, "Canaries, broken on purpose:\n");
    for canary in &results.canaries {
        line!(text, "- {}", inline(&words::canary(canary)));
    }
    text.push('\n');
}

fn kills(text: &mut String, results: &Results) {
    if let Some(kills) = &results.kills {
        line!(text, "## Seeded faults\n\n{}", kills.matrix());
    }
}

fn work_and_time(engine: &EngineResult) -> (String, String) {
    match &engine.status {
        Status::Ran(ran) => (words::work(ran), words::duration(ran.time_ms)),
        Status::Skipped { why, install_hint: Some(hint) } => {
            (format!("{why}; to install: {hint}"), "-".to_owned())
        }
        Status::Skipped { why, install_hint: None } | Status::Failed { why } => (why.clone(), "-".to_owned()),
    }
}

fn findings(text: &mut String, results: &Results, engine: &EngineResult, ran: &Ran) {
    line!(text, "### {}\n", inline(&words::engine_title(engine)));
    if let Some(agreement) = words::agreement(ran) {
        line!(text, "- {}", inline(&agreement));
    }
    for result in &ran.findings {
        let rule = inline(&words::rule_title(results, &result.rule));
        line!(text, "- {rule}: {}{}", inline(&words::finding(&result.finding)), witness(ran, &result.rule));
    }
    for freedom in &ran.freedoms {
        line!(
            text,
            "- freedom used: {}, {}",
            inline(&freedom.what),
            words::plural(freedom.times, "time", "times")
        );
    }
    if let Some(account) = &ran.account {
        for part in account.parts(&words::engine_title(engine)).iter().filter(|part| part.is_shown()) {
            line!(text, "\n#### {}\n{}", inline(&part.title), part.markdown());
        }
    }
    for name in ran.edges.iter().flat_map(|edges| words::edges_by_name(edges, EDGES_NAMED)) {
        line!(text, "- {}", inline(&name));
    }
    text.push('\n');
}

/// Edges of the model that are named where none was reached; `results.json` names them all.
const EDGES_NAMED: usize = 10;

fn windows(text: &mut String, ran: &Ran) {
    let Some(windows) = &ran.windows else { return };
    let (head, rows) = words::windows(windows);
    let cells = |row: &[String]| row.iter().map(|cell| inline(cell)).collect::<Vec<_>>().join(" | ");
    line!(text, "Calls that took effect while another thread stood at an internal step:\n");
    line!(text, "| {} |", head.iter().map(|cell| inline(cell)).collect::<Vec<_>>().join(" | "));
    line!(text, "|---|{}", "---:|".repeat(head.len() - 1));
    for row in &rows {
        line!(text, "| {} |", cells(row));
    }
    text.push('\n');
    for each in words::window_coverage(windows) {
        line!(text, "- {}", inline(&each));
    }
    text.push('\n');
}

fn witness(ran: &Ran, rule: &crate::RuleId) -> &'static str {
    match ran.witnesses.iter().find(|witness| witness.rule == *rule).map(|witness| witness.seen) {
        Some(WitnessSeen::Reached) => " (witness reached)",
        Some(WitnessSeen::NotReached) => " (NO witness reached)",
        None => "",
    }
}

fn set_up(text: &mut String, results: &Results) {
    if results.set_up.is_empty() {
        return;
    }
    line!(text, "## Set-up, apart from the budget\n");
    for step in &results.set_up {
        let failed = step.failed.as_ref().map(|why| format!(", FAILED: {why}")).unwrap_or_default();
        line!(text, "- {}: {}{}", inline(&step.what), words::duration(step.time_ms), inline(&failed));
    }
    text.push('\n');
}

fn run(text: &mut String, results: &Results) {
    let run = &results.run;
    line!(text, "## The run\n");
    line!(text, "- run: {}, {}", inline(&run.id), inline(&run.date));
    line!(text, "- command: {}", code(&run.command_line));
    line!(text, "- seed: {}; {}", run.seed, words::budget(run));
    line!(text, "- bgcheck {} at commit {}", inline(&run.tool_version), code(&run.commit));
    line!(text, "- machine: {}", inline(&words::machine(run)));
}

/// Text that means nothing to Markdown: no markup, no HTML, no end of a table's cell or of the line.
pub(crate) fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for each in words::printable(text).chars() {
        match each {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => safe.extend(['\\', each]),
            _ => safe.push(each),
        }
    }
    safe
}

/// Text in a code span that it cannot end.
fn code(text: &str) -> String {
    let text = words::printable(text);
    let ticks = "`".repeat(longest_ticks(&text) + 1);
    // A span that begins or ends with a tick, or is empty, needs the blanks that Markdown then takes away again.
    let blank = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

fn longest_ticks(text: &str) -> usize {
    text.split(|each| each != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(inline("a|b <script>\n# c"), "a\\|b &lt;script&gt; \\# c");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
    }
}
