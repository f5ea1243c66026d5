//! A page of tables, for a terminal, as Markdown and as HTML.
//!
//! **What it is.** What [`crate::Trend`] and [`crate::Comparison`] are shown as.
//!
//! **The law it keeps.** Every rendering has each row, and no text gets out of its place.

use std::borrow::Cow;

use maud::{Markup, PreEscaped, html};

use crate::grid::{Grid, Paint};
use crate::html;
use crate::markdown::inline;
use crate::spark::Spark;
use crate::terminal::{Page, Style, field};
use crate::words;

/// A page.
pub(crate) struct Sheet {
    pub(crate) title: String,
    pub(crate) lead: Vec<Sentence>,
    pub(crate) parts: Vec<Part>,
    /// What it comes to.
    pub(crate) close: Vec<Sentence>,
}

/// A line with how it is meant.
pub(crate) struct Sentence {
    pub(crate) mood: Mood,
    pub(crate) text: String,
}

/// How a line or row is meant. The words state it, too: colour alone states nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Plain,
    Good,
    Warn,
    Bad,
}

/// A table with its title.
pub(crate) struct Part {
    pub(crate) title: Cow<'static, str>,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
    /// What stands there when there is no row; without it the part is left out.
    pub(crate) empty: Option<&'static str>,
}

/// A row.
pub(crate) struct Row {
    pub(crate) mood: Mood,
    pub(crate) cells: Vec<Cell>,
}

/// A cell.
pub(crate) enum Cell {
    Text(String),
    Spark(Spark),
}

impl Sentence {
    pub(crate) fn new(mood: Mood, text: impl Into<String>) -> Sentence {
        Sentence { mood, text: text.into() }
    }
}

impl Row {
    pub(crate) fn new(mood: Mood, cells: impl IntoIterator<Item = String>) -> Row {
        Row { mood, cells: cells.into_iter().map(Cell::Text).collect() }
    }

    pub(crate) fn and(mut self, spark: Spark) -> Row {
        self.cells.push(Cell::Spark(spark));
        self
    }
}

impl Mood {
    const fn paint(self) -> Paint {
        match self {
            Mood::Plain => Paint::Plain,
            Mood::Good => Paint::Good,
            Mood::Warn => Paint::Warn,
            Mood::Bad => Paint::Bad,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Mood::Plain => "",
            Mood::Good => "good",
            Mood::Warn => "warn",
            Mood::Bad => "bad",
        }
    }
}

/// Nights that a small picture shows as text: more do not fit into a line.
const NIGHTS: usize = 30;

impl Sheet {
    fn shown(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.is_shown())
    }

    pub(crate) fn terminal(&self, style: Style) -> String {
        let mut page = Page::new(style);
        page.line(0, &self.title, Paint::Bold);
        for Sentence { mood, text } in &self.lead {
            page.line(0, text, mood.paint());
        }
        self.shown().for_each(|part| part.terminal(&mut page));
        if !self.close.is_empty() {
            page.end();
        }
        for Sentence { mood, text } in &self.close {
            page.line(0, text, mood.paint());
        }
        page.text()
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n", inline(&self.title));
        let list = |sentences: &[Sentence]| -> String {
            sentences.iter().map(|sentence| format!("\n- {}", inline(&sentence.text))).collect()
        };
        text += &list(&self.lead);
        for part in self.shown() {
            text += &format!("\n\n## {}\n", inline(&part.title));
            text += &part.markdown();
        }
        if !self.close.is_empty() {
            text += "\n";
        }
        text + &list(&self.close) + "\n"
    }

    /// What stands below its title, for another page.
    pub(crate) fn in_a_page(&self) -> Markup {
        html! {
            (sentences(&self.lead))
            (sentences(&self.close))
            @for part in self.shown() { (part.html()) }
        }
    }

    pub(crate) fn html(&self) -> String {
        html::page(
            &format!("bgcheck: {}", words::printable(&self.title)),
            &html! {
                header {
                    h1 { (words::printable(&self.title)) }
                    (sentences(&self.lead))
                    (sentences(&self.close))
                }
                main { @for part in self.shown() { (part.html()) } }
            },
        )
    }
}

fn sentences(all: &[Sentence]) -> Markup {
    html! { @for sentence in all { p class=(sentence.mood.class()) { (words::printable(&sentence.text)) } } }
}

impl Part {
    /// Whether there is anything of it to show.
    pub(crate) fn is_shown(&self) -> bool {
        self.empty.is_some() || !self.rows.is_empty()
    }

    /// What stands there in place of rows.
    fn nothing(&self) -> Option<&'static str> {
        self.empty.filter(|_| self.rows.is_empty())
    }

    pub(crate) fn terminal(&self, page: &mut Page) {
        page.title(&self.title);
        match self.nothing() {
            Some(empty) => page.line(2, empty, Paint::Plain),
            None => page.grid(&self.grid()),
        }
    }

    fn grid(&self) -> Grid<'_> {
        let mut grid = Grid::new(self.head.clone());
        for row in &self.rows {
            let cells = row.cells.iter().map(|cell| match cell {
                Cell::Text(text) => field(text, row.mood.paint()),
                Cell::Spark(spark) => (spark.text(NIGHTS), Paint::Plain),
            });
            grid.push(cells.collect());
        }
        grid
    }

    /// What stands below its title.
    pub(crate) fn markdown(&self) -> String {
        if let Some(empty) = self.nothing() {
            return format!("\n{empty}");
        }
        let mut text = format!("\n| {} |\n|{}", self.head.join(" | "), "---|".repeat(self.head.len()));
        for row in &self.rows {
            let cells = row.cells.iter().map(|cell| match cell {
                Cell::Text(text) => inline(text),
                Cell::Spark(spark) => inline(&spark.text(NIGHTS)),
            });
            text += &format!("\n| {} |", cells.collect::<Vec<_>>().join(" | "));
        }
        text
    }

    pub(crate) fn html(&self) -> Markup {
        let title = words::printable(&self.title);
        html! {
            h2 { (title) }
            @if let Some(empty) = self.nothing() { p { (empty) } }
            @else {
                div.scroll role="region" aria-label=(title) tabindex="0" {
                    table {
                        thead { tr { @for cell in &self.head { th scope="col" { (cell) } } } }
                        tbody { @for row in &self.rows { (row.html()) } }
                    }
                }
            }
        }
    }
}

impl Row {
    fn html(&self) -> Markup {
        html! {
            tr {
                @for (at, cell) in self.cells.iter().enumerate() {
                    @match cell {
                        Cell::Text(text) if at == 0 => { th scope="row" class=(self.mood.class()) { (words::printable(text)) } }
                        Cell::Text(text) => { td { (words::printable(text)) } }
                        // It is made of numbers alone.
                        Cell::Spark(spark) => { td.nowrap { (PreEscaped(spark.svg())) } }
                    }
                }
            }
        }
    }
}
