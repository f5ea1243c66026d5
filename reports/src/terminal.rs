//! The verdict on a terminal: plain aligned text, the verdict last, where the eye is when a command ends.

use crate::explanation::{Body, Explanation, Passage};
use crate::grid::{Field, GLUE, Grid, Paint, wrap};
use crate::outcome::ExitCode;
use crate::results::{EngineResult, Ran, Results, Status};
use crate::sentences::{self, Sentences};
use crate::table::{Standing, Table};
use crate::words::{self, Cause, Found, Line};

/// Whether to colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Color {
    /// With ANSI colours.
    Always,
    /// Without: for a file, a pipe, or `NO_COLOR`.
    Never,
}

/// How a terminal wants its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Whether to colour.
    pub color: Color,
    /// Columns to fit in. Fewer than 60 are treated as 60, because no table is readable in less.
    pub width: usize,
    /// How many of the model's edges that were not reached to name.
    pub edges: EdgesNamed,
}

/// How many of the model's edges that no input reached are named on a terminal; `results.json` has them all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EdgesNamed {
    /// The first ten.
    #[default]
    Few,
    /// All.
    All,
}

impl EdgesNamed {
    const fn most(self) -> usize {
        match self {
            EdgesNamed::Few => 10,
            EdgesNamed::All => usize::MAX,
        }
    }
}

impl Style {
    /// No colour, 100 columns.
    pub const PLAIN: Style = Style { color: Color::Never, width: 100, edges: EdgesNamed::Few };
}

/// Failures that are shown with their lines; the report has them all.
const SHOWN_FAILURES: usize = 5;
/// Lines that are shown of a timeline of which none is marked as decisive.
const LAST_LINES: usize = 6;

/// The results as text for a terminal, every line ended.
///
/// Only a command to replay is ever longer than the width: it is there to be copied.
#[must_use]
pub fn terminal(results: &Results, style: Style) -> String {
    let table = Table::of(results);
    let mut page = Page::new(style);
    head(&mut page, results);
    engines(&mut page, results);
    canaries(&mut page, results);
    kills(&mut page, results);
    rules(&mut page, results, &table);
    words::accounts(results).iter().for_each(|part| part.terminal(&mut page));
    windows(&mut page, results);
    edges(&mut page, results, style.edges);
    failures(&mut page, results);
    claims(&mut page, results, &table);
    verdict(&mut page, results, &table);
    page.text
}

impl Sentences {
    /// The lists as text for a terminal, every line ended: what no rule judges, what is ours, and what nothing exercises.
    #[must_use]
    pub fn terminal(&self, style: Style) -> String {
        let mut page = Page::new(style);
        page.line(0, &self.counts.phrase(), Paint::Bold);
        let [lists @ .., _] = self.sections();
        for section in lists {
            page.title(&format!("{} ({})", section.title, section.lines.len()));
            for sentences::Line { name, says, note, .. } in &section.lines {
                page.line(2, &format!("{name}: {says}"), Paint::Plain);
                page.line(4, &format!("{}: {note}", section.head[2]), Paint::Dim);
            }
        }
        page.text
    }
}

impl Explanation {
    /// The page as text for a terminal, every line ended.
    #[must_use]
    pub fn terminal(&self, style: Style) -> String {
        let mut page = Page::new(style);
        page.line(0, &format!("{} ({})", self.name, self.kind), Paint::Bold);
        page.line(2, &self.says, Paint::Plain);
        for Passage { title, body } in &self.passages {
            page.title(title);
            match body {
                Body::Text(text) => page.line(2, text, Paint::Plain),
                Body::List(items) => items.iter().for_each(|item| page.line(2, item, Paint::Plain)),
                Body::Words(words) => page.line(2, &words.join(", "), Paint::Plain),
                Body::Picture(picture) => picture.lines().for_each(|line| page.cut(2, line)),
                Body::Commands(commands) => commands.iter().for_each(|command| page.copyable(2, command)),
            }
        }
        page.text
    }
}

fn head(page: &mut Page, results: &Results) {
    let run = &results.run;
    page.line(0, &run.command_line, Paint::Bold);
    let budget = words::budget(run);
    page.line(
        0,
        &format!(
            "run {} on {}, seed {}, {budget}, bgcheck {} at {}",
            run.id, run.date, run.seed, run.tool_version, run.commit
        ),
        Paint::Plain,
    );
    page.line(0, &words::machine(run), Paint::Plain);
    for step in &results.set_up {
        let time = words::duration(step.time_ms);
        match &step.failed {
            None => {
                page.line(0, &format!("set-up: {}: {time}, apart from the budget", step.what), Paint::Plain)
            }
            Some(why) => {
                page.line(0, &format!("set-up: {} FAILED after {time}: {why}", step.what), Paint::Warn)
            }
        }
    }
}

fn engines(page: &mut Page, results: &Results) {
    page.title("Engines");
    let mut grid = Grid::new(vec!["engine", "on", "work", "time", "result"]);
    for engine in &results.engines {
        grid.push(engine_row(results, engine));
    }
    page.grid(&grid);
    if results.engines.is_empty() {
        page.line(2, "No engine ran.", Paint::Warn);
    }
}

fn canaries(page: &mut Page, results: &Results) {
    if results.canaries.is_empty() {
        return;
    }
    page.title("Canaries");
    for canary in &results.canaries {
        let paint = if canary.is_caught() { Paint::Plain } else { Paint::Warn };
        page.line(2, &words::canary(canary), paint);
    }
}

fn kills(page: &mut Page, results: &Results) {
    let Some(kills) = &results.kills else { return };
    page.title("Seeded faults");
    let paint = if kills.exit_code() == ExitCode::Held { Paint::Plain } else { Paint::Warn };
    page.line(2, &kills.conclusion(), paint);
}

fn engine_row(results: &Results, engine: &EngineResult) -> Vec<Field> {
    let exit_code = results.engine_outcome(engine).exit_code;
    let (work, time) = match &engine.status {
        Status::Ran(ran) => (glued(ran), words::duration(ran.time_ms)),
        Status::Skipped { why, install_hint: Some(hint) } => {
            (format!("{why}; to install: {hint}"), "-".to_owned())
        }
        Status::Skipped { why, install_hint: None } | Status::Failed { why } => (why.clone(), "-".to_owned()),
    };
    vec![
        field(&engine.name, Paint::Plain),
        field(&words::where_it_ran(engine), Paint::Plain),
        field(&work, Paint::Plain),
        field(&time, Paint::Plain),
        field(exit_code.verdict(), paint_of_code(exit_code)),
    ]
}

/// The work, to be broken only between amounts: a number on another line than its unit is hard to read.
fn glued(ran: &Ran) -> String {
    if ran.work.is_empty() {
        return words::work(ran);
    }
    let amounts =
        words::amounts(ran).into_iter().map(|amount| amount.replace(' ', GLUE.encode_utf8(&mut [0; 2])));
    amounts.collect::<Vec<_>>().join(", ")
}

fn rules(page: &mut Page, results: &Results, table: &Table) {
    page.title("Rules x subjects");
    let (shown, missing) = table.subjects();
    let mut head = vec!["rule"];
    head.extend(shown.iter().map(|subject| subject.name()));
    let mut grid = Grid::new(head);
    for row in &table.rows {
        let mut fields = vec![field(&words::rule_title(results, &row.rule), Paint::Plain)];
        for cell in row.cells.iter().filter(|cell| shown.contains(&cell.subject)) {
            fields.push(field(&words::cell(cell), paint_of_standing(cell.standing)));
        }
        grid.push(fields);
    }
    page.grid(&grid);
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(ToString::to_string).collect();
        page.line(2, &format!("Nothing ran on the subjects: {}.", names.join(", ")), Paint::Dim);
    }
}

fn windows(page: &mut Page, results: &Results) {
    for engine in &results.engines {
        let Status::Ran(Ran { windows: Some(windows), .. }) = &engine.status else { continue };
        page.title(&format!(
            "Race windows of {}: calls that took effect inside a step",
            words::engine_title(engine)
        ));
        let (head, rows) = words::windows(windows);
        let head: Vec<String> = head.into_iter().map(words::printable).collect();
        let mut grid = Grid::new(head.iter().map(String::as_str).collect());
        for row in rows {
            let paint = |text: &str| if text == "0" { Paint::Warn } else { Paint::Plain };
            grid.push(row.iter().map(|text| field(text, paint(text))).collect());
        }
        page.grid(&grid);
        for line in words::window_coverage(windows) {
            page.line(2, &line, Paint::Plain);
        }
    }
}

fn edges(page: &mut Page, results: &Results, named: EdgesNamed) {
    for engine in &results.engines {
        let Status::Ran(Ran { edges: Some(edges), .. }) = &engine.status else { continue };
        page.title(&format!("Edges of the model in {}", words::engine_title(engine)));
        page.line(2, &words::edges(edges), Paint::Plain);
        for name in words::edges_by_name(edges, named.most()) {
            page.line(2, &name, Paint::Plain);
        }
    }
}

fn failures(page: &mut Page, results: &Results) {
    let all = words::failures(results);
    if all.is_empty() {
        return;
    }
    page.title("Failures");
    let causes = words::causes(&all);
    for cause in causes.iter().take(SHOWN_FAILURES) {
        if let Some(name) = &cause.name {
            page.line(2, &format!("one cause of {} failures: {name}", cause.size()), Paint::Bold);
        }
        failure(page, &all[cause.shown]);
        for also in cause.others.iter().map(|at| &all[*at]) {
            page.line(4, &format!("also: {}, in {}", also.failure.id, also.found_by()), Paint::Plain);
            page.copyable(6, &format!("replay: {}", also.failure.replay_command));
        }
    }
    let more: usize = causes.iter().skip(SHOWN_FAILURES).map(Cause::size).sum();
    if more > 0 {
        page.line(2, &format!("{more} of {} failures are only in the report.", all.len()), Paint::Warn);
    }
}

fn failure(page: &mut Page, found: &Found<'_>) {
    let flaky = found.flaky.as_ref().map(|flaky| format!(", {flaky}")).unwrap_or_default();
    page.line(
        2,
        &format!("{}: {} in {}{flaky}", found.failure.id, found.broken, found.found_by()),
        Paint::Bad,
    );
    page.line(4, found.sentence, Paint::Plain);
    if let Some(owed) = &found.failure.owed {
        page.line(4, &format!("owed: {owed}"), Paint::Plain);
    }
    let lines: Vec<_> = words::timeline(found.failure).collect();
    let decisive = lines.iter().filter(|(line, _)| *line == Line::Decisive).count();
    // Without a mark the end of the trace is the best guess at what decided.
    let first = if decisive > 0 { 0 } else { lines.len().saturating_sub(LAST_LINES) };
    for (line, text) in &lines[first..] {
        if decisive == 0 || *line == Line::Decisive {
            page.cut(6, text);
        }
    }
    for note in &found.failure.notes {
        page.line(4, note, Paint::Plain);
    }
    if let Some(file) = &found.failure.trace_file {
        page.line(4, &format!("trace:  {file}"), Paint::Plain);
    }
    page.copyable(4, &format!("replay: {}", found.failure.replay_command));
}

fn claims(page: &mut Page, results: &Results, table: &Table) {
    page.title("Proved, sampled, not tried");
    for (whom, text) in words::claims(results, table) {
        page.line(2, &format!("{whom}: {text}"), Paint::Plain);
    }
}

fn verdict(page: &mut Page, results: &Results, table: &Table) {
    let outcome = results.outcome();
    page.title("Verdict");
    for reason in &outcome.reasons {
        page.line(
            2,
            &format!("exit {}: {}", reason.exit_code.code(), reason.what),
            paint_of_code(reason.exit_code),
        );
    }
    if let Some(partial) = words::partial(&results.run) {
        page.line(2, &partial, Paint::Warn);
    }
    if let Some(canary) = words::canary_subject(results) {
        page.line(2, canary, Paint::Plain);
    }
    if let Some(news) = words::news(results) {
        page.line(2, &news, Paint::Plain);
    }
    page.line(2, &words::verdict(&outcome, table), paint_of_code(outcome.exit_code));
}

/// The text so far. Everything that came from outside passes through here, and leaves without control characters.
pub(crate) struct Page {
    text: String,
    color: Color,
    width: usize,
}

impl Page {
    pub(crate) fn new(style: Style) -> Page {
        Page { text: String::new(), color: style.color, width: style.width.max(60) }
    }

    pub(crate) fn title(&mut self, title: &str) {
        self.text.push('\n');
        self.line(0, title, Paint::Bold);
    }

    /// An empty line, after which the end comes.
    pub(crate) fn end(&mut self) {
        self.text.push('\n');
    }

    /// All of it.
    pub(crate) fn text(self) -> String {
        self.text
    }

    /// Wrapped to the width, further lines two columns further in.
    pub(crate) fn line(&mut self, indent: usize, text: &str, paint: Paint) {
        let room = self.width - indent - 2;
        for (index, line) in wrap(&words::printable(text), room).iter().enumerate() {
            let indent = indent + if index == 0 { 0 } else { 2 };
            self.push(indent, line, paint);
        }
    }

    /// Cut to the width: a line of a timeline keeps its columns.
    fn cut(&mut self, indent: usize, text: &str) {
        let room = self.width - indent;
        let text = if text.chars().count() > room {
            text.chars().take(room - 3).chain("...".chars()).collect()
        } else {
            text.to_owned()
        };
        self.push(indent, text.trim_end(), Paint::Plain);
    }

    /// In one piece, however long.
    fn copyable(&mut self, indent: usize, text: &str) {
        self.push(indent, &words::printable(text), Paint::Plain);
    }

    pub(crate) fn grid(&mut self, grid: &Grid<'_>) {
        self.text.push_str(&grid.render(self.width, self.color));
    }

    fn push(&mut self, indent: usize, text: &str, paint: Paint) {
        if !text.is_empty() {
            self.text.extend(std::iter::repeat_n(' ', indent));
            self.text.push_str(&paint.on(text, self.color));
        }
        self.text.push('\n');
    }
}

pub(crate) fn field(text: &str, paint: Paint) -> Field {
    (words::printable(text), paint)
}

fn paint_of_code(code: ExitCode) -> Paint {
    match code {
        ExitCode::Held => Paint::Good,
        ExitCode::Violated | ExitCode::Flaky | ExitCode::Internal => Paint::Bad,
        _ => Paint::Warn,
    }
}

fn paint_of_standing(standing: Standing) -> Paint {
    match standing {
        Standing::Violated | Standing::Flaky => Paint::Bad,
        Standing::Vacuous => Paint::Warn,
        Standing::Proved => Paint::Good,
        Standing::Sampled => Paint::Plain,
        Standing::NotDecidable | Standing::NotRun | Standing::NotYet => Paint::Dim,
    }
}
