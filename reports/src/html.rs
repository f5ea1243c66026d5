//! The report as one HTML page: no script, nothing loaded, every text escaped by the template.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::chart::Chart;
use crate::outcome::{ExitCode, Outcome};
use crate::results::{
    EdgeCell, EngineResult, ModelEdges, Ran, Results, RuleId, Status, Windows, WitnessSeen,
};
use crate::sentences::{Section, Sentences};
use crate::table::{Cell, Standing, Table};
use crate::trend::Trend;
use crate::words::{self, Cause, Found, Line};

/// What pages and charts look like, in light and dark and on paper. Inlined, so that a page is one file. It is ours, and holds nothing that a
/// template would have to escape.
pub const STYLE: &str =
    concat!(include_str!("colors.css"), include_str!("style.css"), include_str!("chart.css"));

/// The colours alone, for pictures that stand in no page.
pub const COLORS: &str = include_str!("colors.css");

/// Even if something slipped through, a browser would neither run nor load it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The results as a page of HTML.
#[must_use]
pub fn html(results: &Results) -> String {
    html_with(results, None)
}

/// The results as a page of HTML, with how the nights compare.
#[must_use]
pub fn html_with(results: &Results, trend: Option<&Trend>) -> String {
    let table = Table::of(results);
    let outcome = results.outcome();
    let title = format!("bgcheck: {}, {}", outcome.verdict, show(&results.run.date));
    page(
        &title,
        &html! {
            header {
                (verdict(results, &outcome, &table))
                @for slow in trend.iter().flat_map(|trend| &trend.slow) {
                    p.slow.warn { "Warning: " (show(&slow.sentence())) "." }
                }
                (found(results))
            }
            main {
                (matrix(results, &table))
                (failures(results))
                (coverage(results))
                (claims(results, &table))
                (engines(results))
                (kills(results))
                @if let Some(trend) = trend { (trends(trend)) }
                (set_up(results))
                (run(results))
            }
        },
    )
}

/// A page around a body.
pub(crate) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

impl Sentences {
    /// All sentences and choices as a page of HTML.
    #[must_use]
    pub fn html(&self) -> String {
        page(
            "bgcheck: sentences of the documents",
            &html! {
                header {
                    h1 { "Sentences of the documents" }
                    p { (show(&self.counts.phrase())) "." }
                }
                main { @for each in &self.sections() { (section(each)) } }
            },
        )
    }
}

fn section(section: &Section) -> Markup {
    let [name, says, note] = section.head;
    html! {
        h2 { (section.title) }
        div.scroll role="region" aria-label=(section.title) tabindex="0" {
            table {
                caption { (words::plural(section.lines.len() as u64, "line", "lines")) }
                thead { tr { @for cell in [name, says, "source", note] { th scope="col" { (cell) } } } }
                tbody { @for line in &section.lines { tr {
                    th scope="row" { (show(&line.name)) }
                    @for cell in [&line.says, &line.source, &line.note] { td { (show(cell)) } }
                } } }
            }
        }
    }
}

fn verdict(results: &Results, outcome: &Outcome, table: &Table) -> Markup {
    let run = &results.run;
    html! {
        h1 { "bgcheck report" }
        p.soft { code { (show(&run.command_line)) } " on " (show(&run.date)) ", seed " (run.seed) }
        div class={ "verdict " (class_of_code(outcome.exit_code)) } {
            p { "Verdict: " (words::verdict(outcome, table)) }
            p { (show(&words::reach(table))) }
            @if let Some(canary) = words::canary_subject(results) { p { (canary) } }
            @if let Some(news) = words::news(results) { p { (show(&news)) } }
            @if let Some(partial) = words::partial(run) { p { (show(&partial)) } }
            @if outcome.beside_failures().next().is_some() {
                ul {
                    @for reason in outcome.beside_failures() {
                        li { "exit " (reason.exit_code.code()) ": " (show(&reason.what)) }
                    }
                }
            }
        }
    }
}

fn claims(results: &Results, table: &Table) -> Markup {
    html! {
        h2 { "Proved, sampled, not tried" }
        ul {
            @for (whom, claim) in words::claims(results, table) { li { b { (show(&whom)) } ": " (show(&claim)) } }
        }
        p.soft {
            "A proof holds in its scope and says nothing outside it. Sampled means that the rule held each time it had "
            "to decide something, this number of times, and that other schedules and inputs were not tried."
        }
    }
}

fn matrix(results: &Results, table: &Table) -> Markup {
    let (shown, _) = table.subjects();
    html! {
        h2 #rules { "Rules and subjects" }
        div.scroll role="region" aria-labelledby="rules" tabindex="0" {
            table {
                caption { "How each rule stands on each subject, the weightiest finding of the run first." }
                thead { tr {
                    th scope="col" { "rule" }
                    @for subject in &shown { th scope="col" { (subject) } }
                } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            th scope="row" {
                                (show(&words::rule_title(results, &row.rule)))
                                span.soft { (show(words::rule_sentence(results, &row.rule))) }
                            }
                            @for each in row.cells.iter().filter(|each| shown.contains(&each.subject)) { (cell(each)) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(cell: &Cell) -> Markup {
    let besides = words::cell_besides(cell);
    html! {
        td class=(class_of_standing(cell.standing)) {
            (show(&words::cell(cell)))
            @if !besides.is_empty() { small { "besides, " (show(&besides)) } }
        }
    }
}

/// Failures that are shown in full, and those that are listed. `results.json` has them all.
const FAILURES: usize = 30;
const LISTED: usize = 100;

/// Lines of a timeline, and events of a chart, that are shown.
const TIMELINE: usize = 200;
const CHART: usize = 60;

/// What was found, a line each, for the first screen.
fn found(results: &Results) -> Markup {
    let all = words::failures(results);
    let causes = words::causes(&all);
    let shown = causes.iter().take(FAILURES);
    let shown: Vec<usize> =
        shown.flat_map(|cause| cause.others.iter().chain([&cause.shown])).copied().collect();
    let is_kept = results.news.is_some();
    html! {
        @if !all.is_empty() {
            div.scroll role="region" aria-label="Findings" tabindex="0" {
                table {
                    caption { (words::plural(all.len() as u64, "finding", "findings")) }
                    thead { tr {
                        th scope="col" { "finding" }
                        th scope="col" { "breaks" }
                        th scope="col" { "what happens" }
                        th scope="col" { "found by" }
                        @if is_kept { th scope="col" { "first seen" } }
                        th scope="col" { "came again on" }
                    } }
                    tbody { @for (at, one) in all.iter().take(LISTED).enumerate() { tr {
                        th.bad scope="row" {
                            @if shown.contains(&at) { a href={ "#finding-" (at) } { (show(&one.failure.id)) } }
                            @else { (show(&one.failure.id)) }
                        }
                        td { (show(&one.broken)) }
                        td { (show(&words::story(one))) }
                        td.nowrap { (words::plural(one.engines.len() as u64, "engine", "engines")) }
                        @if let Some(first) = words::first_seen(results, &one.failure.id) {
                            td.nowrap { (show(&first)) }
                        }
                        td.nowrap { (words::came_again(one.failure)) }
                    } } }
                }
            }
            p.soft { (words::TERMS) }
            @if all.len() > LISTED { p { "results.json has all of them." } }
        }
    }
}

fn failures(results: &Results) -> Markup {
    let all = words::failures(results);
    let causes = words::causes(&all);
    let more: usize = causes.iter().skip(FAILURES).map(Cause::size).sum();
    html! {
        @if !all.is_empty() {
            h2 { "Failures" }
            p.soft { (words::LEGEND) }
            @for cause in causes.iter().take(FAILURES) {
                @if let Some(name) = &cause.name {
                    h3 { "One cause of " (cause.size()) " failures: " (show(name)) }
                }
                (failure(&all[cause.shown], cause.shown))
                @if !cause.others.is_empty() {
                    ul { @for at in &cause.others { (also(&all[*at], *at)) } }
                }
            }
            @if more > 0 {
                p { (words::plural(more as u64, "more failure is", "more failures are")) " in results.json." }
            }
        }
    }
}

/// A failure whose cause another one shows.
fn also(found: &Found<'_>, index: usize) -> Markup {
    html! {
        li id={ "finding-" (index) } {
            (show(&found.failure.id)) ", found by " (show(&found.engines.join("; "))) ": "
            code { (show(&found.failure.replay_command)) }
        }
    }
}

/// Of these the first is open: a reader who prints or skims sees at least one.
fn failure(found: &Found<'_>, index: usize) -> Markup {
    let open = index == 0;
    html! {
        article.failure id={ "finding-" (index) } {
            h3 { (show(&found.failure.id)) ": " (show(&found.broken)) }
            p { (show(found.sentence)) }
            @if let Some(flaky) = &found.flaky { p { b { "Flaky" } ": " (show(flaky)) "." } }
            dl {
                @if let Some(owed) = &found.failure.owed { dt { "owed" } dd { b { (show(owed)) } } }
                @if found.rule.is_none() { dt { "what happens" } dd { (show(&words::story(found))) } }
                dt { "found by" } dd { (show(&found.engines.join("; "))) }
                @for note in &found.failure.notes { dt { "note" } dd { (show(note)) } }
                @if let Some(file) = &found.failure.trace_file { dt { "trace" } dd { code { (show(file)) } } }
                dt { "replay" } dd { code { (show(&found.failure.replay_command)) } }
            }
            @if let Some(chart) = Chart::of(found.failure) {
                div.scroll role="region" aria-label="Sequence chart" tabindex="0" { (chart.svg(&found.failure.id, CHART)) }
            }
            details open[open] {
                summary { "Timeline" }
                pre tabindex="0" {
                    @for (line, text) in words::timeline_around(found.failure, TIMELINE) {
                        @match line {
                            Line::Decisive => mark { (text) },
                            Line::Plain => (text),
                        }
                        "\n"
                    }
                }
            }
            @if let Some(test) = &found.failure.test {
                details {
                    summary { "As a test" }
                    pre tabindex="0" { @for line in test.lines() { (show(line)) "\n" } }
                }
            }
        }
    }
}

/// What was reached of the model and of the race windows, as heat maps: a colour, and the number that it stands for.
fn coverage(results: &Results) -> Markup {
    let ran = results.engines.iter().filter_map(|engine| match &engine.status {
        Status::Ran(ran) => Some((engine, ran)),
        Status::Skipped { .. } | Status::Failed { .. } => None,
    });
    let maps: Vec<Markup> = ran
        .flat_map(|(engine, ran)| {
            let edges = ran.edges.as_ref().map(|edges| edge_map(engine, edges));
            let windows = ran.windows.as_ref().map(|windows| race_windows(engine, windows));
            [edges, windows].into_iter().flatten()
        })
        .collect();
    html! { @if !maps.is_empty() { h2 { "Coverage" } @for map in &maps { (map) } } }
}

/// Edges of the model, by what was done and in which state: how many were reached of how many there are.
fn edge_map(engine: &EngineResult, edges: &ModelEdges) -> Markup {
    let mut states: Vec<&str> = Vec::new();
    let mut whats: Vec<&str> = Vec::new();
    for EdgeCell { state, what, .. } in &edges.cells {
        if !states.contains(&state.as_str()) {
            states.push(state);
        }
        if !whats.contains(&what.as_str()) {
            whats.push(what);
        }
    }
    let cell =
        |state: &str, what: &str| edges.cells.iter().find(|cell| cell.state == state && cell.what == what);
    html! {
        h3 { "Edges of the model: " (show(&words::engine_title(engine))) }
        p { (words::edges(edges)) ". Each cell: how many edges were reached, of how many there are." }
        @if !states.is_empty() {
            details {
                summary { "By state and method" }
                div.scroll role="region" aria-label="Edges of the model" tabindex="0" {
                    table.heat {
                        thead { tr { th scope="col" { "method" } @for state in &states { th scope="col" { (show(state)) } } } }
                        tbody { @for what in &whats { tr {
                            th scope="row" { (show(what)) }
                            @for state in &states { @match cell(state, what) {
                                None => { td.none { "-" } }
                                Some(cell) => { td class=(heat(cell.reached, cell.of)) { (cell.reached) "/" (cell.of) } }
                            } }
                        } } }
                    }
                }
            }
        }
        ul {
            @for name in words::edges_by_name(edges, EDGES_NAMED) { li { (show(&name)) } }
        }
    }
}

/// From nothing to all in five steps.
fn heat(done: u64, of: u64) -> &'static str {
    match (done, of) {
        (0, _) => "heat0",
        (done, of) if done >= of => "heat4",
        (done, of) => ["heat1", "heat2", "heat3"]
            [usize::try_from(u128::from(done) * 3 / u128::from(of)).unwrap_or(2).min(2)],
    }
}

/// How the nights compare, in short: `bgcheck report --trend` has more.
fn trends(trend: &Trend) -> Markup {
    html! {
        details open[trend.nights.len() > 1] {
            summary { "Trends" }
            (trend.in_a_page())
        }
    }
}

fn engines(results: &Results) -> Markup {
    html! {
        h2 #engines { "Engines" }
        @if results.engines.is_empty() {
            p { "No engine ran." }
        } @else {
            div.scroll role="region" aria-labelledby="engines" tabindex="0" {
                table {
                    caption { "What each engine did, and in what time." }
                    thead { tr {
                        th scope="col" { "engine" }
                        th scope="col" { "on" }
                        th scope="col" { "work" }
                        th scope="col" { "time" }
                        th scope="col" { "result" }
                    } }
                    tbody { @for engine in &results.engines { (engine_row(results, engine)) } }
                }
            }
            @if !results.canaries.is_empty() {
                p { "Canaries, broken on purpose:" }
                ul { @for canary in &results.canaries { li { (show(&words::canary(canary))) } } }
            }
            @for engine in &results.engines {
                @if let Status::Ran(ran) = &engine.status { (findings(results, engine, ran)) }
            }
            @for part in words::accounts(results) { (part.html()) }
        }
    }
}

fn engine_row(results: &Results, engine: &EngineResult) -> Markup {
    let exit_code = results.engine_outcome(engine).exit_code;
    html! {
        tr {
            th scope="row" { (show(&engine.name)) }
            td { (show(&words::where_it_ran(engine))) }
            @match &engine.status {
                Status::Ran(ran) => {
                    td { (words::work(ran)) }
                    td.nowrap { (words::duration(ran.time_ms)) }
                }
                Status::Skipped { why, install_hint } => {
                    td {
                        (show(why))
                        @if let Some(hint) = install_hint { small { "to install: " code { (show(hint)) } } }
                    }
                    td { "-" }
                }
                Status::Failed { why } => { td { (show(why)) } td { "-" } }
            }
            td class={ "nowrap " (class_of_code(exit_code)) } { (exit_code.verdict()) }
        }
    }
}

fn findings(results: &Results, engine: &EngineResult, ran: &Ran) -> Markup {
    html! {
        details {
            summary { (show(&words::engine_title(engine))) }
            ul {
                @if let Some(agreement) = words::agreement(ran) { li { (show(&agreement)) } }
                @for result in &ran.findings {
                    li {
                        (show(&words::rule_title(results, &result.rule))) ": "
                        (show(&words::finding(&result.finding)))
                        (witness(ran, &result.rule))
                    }
                }
                @for freedom in &ran.freedoms {
                    li { "freedom used: " (show(&freedom.what)) ", " (words::plural(freedom.times, "time", "times")) }
                }
            }
        }
    }
}

/// Edges of the model that are named where none was reached; `results.json` names them all.
const EDGES_NAMED: usize = 10;

fn race_windows(engine: &EngineResult, windows: &Windows) -> Markup {
    let (head, rows) = words::windows(windows);
    let counts = |row: usize, at: usize| -> u64 {
        let cells = windows.rows.get(row).and_then(|row| row.cells.get(at));
        cells.map_or(0, |counts| counts.iter().fold(0, |sum, count| sum.saturating_add(*count)))
    };
    html! {
        h3 { "Race windows of " (show(&words::engine_title(engine))) }
        div.scroll role="region" aria-label="Race windows" tabindex="0" {
            table.heat {
                caption { "How often a call took effect while another thread stood at an internal step." }
                thead { tr { @for cell in &head { th scope="col" { (show(cell)) } } } }
                tbody { @for (at, row) in rows.iter().enumerate() { tr {
                    @for (index, cell) in row.iter().enumerate() {
                        @if index == 0 { th scope="row" { (show(cell)) } }
                        // By the number of digits: the counts differ by orders of magnitude.
                        @else { td class=(heat(digits(counts(at, index - 1)), 4)) { (show(cell)) } }
                    }
                } } }
            }
        }
        ul { @for line in words::window_coverage(windows) { li { (show(&line)) } } }
    }
}

/// 0 for nothing, then how many digits the number has.
fn digits(number: u64) -> u64 {
    number.checked_ilog10().map_or(0, |log| u64::from(log) + 1)
}

fn witness(ran: &Ran, rule: &RuleId) -> &'static str {
    match ran.witnesses.iter().find(|witness| witness.rule == *rule).map(|witness| witness.seen) {
        Some(WitnessSeen::Reached) => " (witness reached)",
        Some(WitnessSeen::NotReached) => " (NO witness reached)",
        None => "",
    }
}

fn kills(results: &Results) -> Markup {
    let Some(kills) = &results.kills else { return html! {} };
    let (head, rows) = kills.table();
    html! {
        h2 #faults { "Seeded faults" }
        p { (show(&kills.conclusion())) }
        details {
        summary { "Fault by fault" }
        div.scroll role="region" aria-labelledby="faults" tabindex="0" {
            table {
                caption { "Who saw which fault, what of it, when, and in how many runs." }
                thead { tr { @for cell in &head { th scope="col" { (show(cell)) } } } }
                tbody { @for row in &rows { tr {
                    @for (index, cell) in row.iter().enumerate() {
                        @if index == 0 { th scope="row" { (show(cell)) } } @else { td { (show(cell)) } }
                    }
                } } }
            }
        }
        }
    }
}

fn set_up(results: &Results) -> Markup {
    html! {
        @if !results.set_up.is_empty() {
            h2 { "Set-up, apart from the budget" }
            ul {
                @for step in &results.set_up {
                    li {
                        (show(&step.what)) ": " (words::duration(step.time_ms))
                        @if let Some(why) = &step.failed { ", " b { "failed" } ": " (show(why)) }
                    }
                }
            }
        }
    }
}

fn run(results: &Results) -> Markup {
    let run = &results.run;
    html! {
        h2 { "The run" }
        dl {
            dt { "run" } dd { (show(&run.id)) ", " (show(&run.date)) }
            dt { "command" } dd { code { (show(&run.command_line)) } }
            dt { "seed" } dd { (run.seed) }
            dt { "budget" } dd { (words::budget(run)) }
            dt { "version" } dd { "bgcheck " (show(&run.tool_version)) " at commit " code { (show(&run.commit)) } }
            dt { "machine" } dd { (show(&words::machine(run))) }
        }
    }
}

/// The text as it may be shown. Markup in it is escaped by the template; this takes care of what is no markup.
fn show(text: &str) -> String {
    words::printable(text)
}

fn class_of_code(code: ExitCode) -> &'static str {
    match code {
        ExitCode::Held => "good",
        ExitCode::Violated | ExitCode::Flaky | ExitCode::Internal => "bad",
        _ => "warn",
    }
}

fn class_of_standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Violated | Standing::Flaky => "bad",
        Standing::Vacuous => "warn",
        Standing::Proved => "good",
        Standing::Sampled => "sampled",
        Standing::NotDecidable | Standing::NotRun | Standing::NotYet => "none",
    }
}
