//! The timeline of a failure as a sequence chart: read from the text that engines draw, and drawn as SVG.
//!
//! **What it is.** [`Chart::read`] finds lanes and events in a timeline (`judge::timeline` has the form); [`Chart::svg`] draws them inside a
//! page, and [`Chart::picture`] as a file of its own.
//!
//! **What it is not.** Needed: a timeline of another form has no chart, and is shown as the text that it is.
//!
//! **The law it keeps.** Each event of the text is in the chart, with its number, in its lane.

use maud::{Markup, PreEscaped, html};

use crate::results::Failure;
use crate::words::{self, Line};

/// A sequence chart.
///
/// ```
/// let timeline = "   seq  t0  service\n     1  ┌            t0: CreateJob\n>>   2  └            t0: CreateJob -> S_OK\n";
/// let chart = reports::Chart::read(timeline).unwrap();
/// assert!(chart.picture("a first call").starts_with("<svg"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chart {
    lanes: Vec<Lane>,
    pub(crate) events: Vec<Event>,
}

/// A column: a client's thread, the service, or its callbacks.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Lane {
    name: String,
    /// Where it begins in the text.
    column: usize,
}

/// A line of the chart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    /// Its number in the trace.
    pub(crate) seq: String,
    /// Whether it decides the matter.
    pub(crate) line: Line,
    /// What happened.
    pub(crate) text: String,
    /// Where something is drawn, and what.
    marks: Vec<(usize, Mark)>,
}

/// What is drawn in a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mark {
    Begins,
    Ends,
    GoesOn,
    Inside,
    Happens,
}

impl Mark {
    const fn of(glyph: char) -> Option<Mark> {
        match glyph {
            '┌' => Some(Mark::Begins),
            '└' => Some(Mark::Ends),
            '│' => Some(Mark::GoesOn),
            '├' => Some(Mark::Inside),
            '●' => Some(Mark::Happens),
            _ => None,
        }
    }
}

impl Chart {
    /// The chart of a timeline; none of one that has another form.
    pub(crate) fn of(failure: &Failure) -> Option<Chart> {
        Chart::of_lines(words::timeline(failure))
    }

    /// The chart of a timeline in which `>>` marks the lines that decide; none of a text of another form.
    #[must_use]
    pub fn read(timeline: &str) -> Option<Chart> {
        let line = |text: &str| {
            let line = if text.starts_with(">>") { Line::Decisive } else { Line::Plain };
            (line, words::printable(text))
        };
        Chart::of_lines(timeline.lines().map(line))
    }

    fn of_lines(lines: impl Iterator<Item = (Line, String)>) -> Option<Chart> {
        let mut lines = lines.skip_while(|(_, text)| !text.trim_start().starts_with("seq  "));
        let lanes = lanes(&lines.next()?.1);
        let first = lanes.first()?.column;
        let events: Vec<Event> = lines
            .take_while(|(_, text)| !text.trim().is_empty())
            .filter_map(|(line, text)| event(line, &text, first))
            .collect();
        (!events.is_empty()).then_some(Chart { lanes, events })
    }

    /// The lane of a column of the text, and how far inside it is.
    fn place(&self, column: usize) -> (usize, usize) {
        let lane = self.lanes.iter().rposition(|lane| lane.column <= column).unwrap_or(0);
        (lane, (column - self.lanes[lane].column.min(column)) / 2)
    }

    /// Where a column of the text is drawn.
    fn x(&self, column: usize) -> usize {
        let (lane, inside) = self.place(column);
        NUMBERS + lane * LANE + LANE / 4 + inside * INSIDE
    }

    /// Drawn for a page that has [`STYLE`](crate::STYLE). Of a long one the events that decide and those around them, `most` at most.
    #[must_use]
    pub fn svg(&self, name: &str, most: usize) -> Markup {
        self.drawn(name, most, &html! {})
    }

    /// Drawn as a file of its own, in light and dark.
    #[must_use]
    pub fn picture(&self, name: &str) -> String {
        let style = html! {
            style { (PreEscaped(ALONE)) }
            rect.paper width="100%" height="100%" {}
        };
        self.drawn(name, usize::MAX, &style).into_string() + "\n"
    }

    fn drawn(&self, name: &str, most: usize, first: &Markup) -> Markup {
        let rows = self.shown(most);
        let columns = self.events.iter().flat_map(|event| &event.marks).map(|(column, _)| *column);
        let right = columns.map(|column| self.x(column)).max().unwrap_or(0);
        let label = (NUMBERS + self.lanes.len() * LANE).max(right + INSIDE);
        let longest =
            rows.iter().filter_map(|row| row.as_ref().map(|event| event.text.chars().count())).max();
        let width = label + (longest.unwrap_or(0).min(TEXT) + 2) * LETTER;
        let height = (rows.len() + 1) * ROW + ROW / 2;
        html! {
            svg.chart xmlns="http://www.w3.org/2000/svg" role="img"
                aria-label={ "Sequence chart of " (words::printable(name)) }
                viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) {
                (first)
                @for lane in &self.lanes {
                    @let x = self.x(lane.column);
                    text.lane x=(x) y=(ROW - 6) { (lane.name) }
                    path.lane d={ "M" (x) " " (ROW) "V" (height) } {}
                }
                @for (row, at) in rows.iter().zip(1..) {
                    @match row {
                        None => { text.gap x=(NUMBERS) y=(at * ROW + BASE) { "..." } }
                        Some(event) => {
                            g.row data-seq=(event.seq) { (self.row(event, at * ROW, label, width)) }
                        }
                    }
                }
            }
        }
    }

    /// The chart as a list: the names of the lanes above, then a row for each event.
    ///
    /// The words of a row are text of the page, beside its part of the lanes. So they wrap, and can be read aloud.
    #[must_use]
    pub fn rows(&self) -> (Markup, Vec<Row<'_>>) {
        let strip = Strip::of(self);
        let rows = self.events.iter().map(|event| Row {
            seq: &event.seq,
            text: &event.text,
            decisive: event.line == Line::Decisive,
            lanes: strip.row(self, event),
        });
        (strip.head(self), rows.collect())
    }

    fn row(&self, event: &Event, y: usize, label: usize, width: usize) -> Markup {
        let is_decisive = event.line == Line::Decisive;
        let text: String = event.text.chars().take(TEXT).collect();
        let cut = if text.len() < event.text.len() { "..." } else { "" };
        html! {
            @if is_decisive { rect.decisive x="0" y=(y) width=(width) height=(ROW) {} }
            @for (column, mark) in &event.marks {
                @let x = self.x(*column);
                @match mark {
                    Mark::Happens => { circle cx=(x) cy=(y + ROW / 2) r="4" {} }
                    Mark::Begins => { rect.bar x=(x - 4) y=(y + ROW / 2) width="8" height=(ROW - ROW / 2) {} }
                    Mark::Ends => { rect.bar x=(x - 4) y=(y) width="8" height=(ROW / 2) {} }
                    Mark::GoesOn => { rect.bar x=(x - 4) y=(y) width="8" height=(ROW) {} }
                    Mark::Inside => {
                        rect.bar x=(x - 4) y=(y) width="8" height=(ROW) {}
                        circle cx=(x) cy=(y + ROW / 2) r="4" {}
                    }
                }
            }
            text.seq x=(NUMBERS - 12) y=(y + BASE) { (event.seq) }
            text.decisive[is_decisive] x=(label) y=(y + BASE) { (text) (cut) }
        }
    }

    /// The events that are drawn; nothing stands for those that are left out.
    fn shown(&self, most: usize) -> Vec<Option<&Event>> {
        if self.events.len() <= most {
            return self.events.iter().map(Some).collect();
        }
        let lines: Vec<Line> = self.events.iter().map(|event| event.line).collect();
        let kept = words::nearest(&lines, most);
        let mut rows: Vec<Option<&Event>> = Vec::new();
        for (at, event) in self.events.iter().enumerate() {
            if kept.contains(&at) {
                rows.push(Some(event));
            } else if !matches!(rows.last(), Some(None)) {
                rows.push(None);
            }
        }
        rows
    }
}

/// An event of a chart as a row of a list.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Its number in the trace.
    pub seq: &'a str,
    /// What happened.
    pub text: &'a str,
    /// Whether it decides the matter.
    pub decisive: bool,
    /// Its part of the lanes, as high as the row becomes.
    pub lanes: Markup,
}

/// The lanes of a list, narrower than those of a picture.
struct Strip {
    /// Where each lane begins.
    begins: Vec<usize>,
    width: usize,
}

/// Units of a strip: a letter of a name, a column in a lane, and the room before the first one.
const NAME: usize = 7;
const COLUMN: usize = 14;
const MARGIN: usize = 10;

impl Strip {
    fn of(chart: &Chart) -> Strip {
        let places =
            chart.events.iter().flat_map(|event| &event.marks).map(|(column, _)| chart.place(*column));
        let mut inside = vec![0; chart.lanes.len()];
        places.for_each(|(lane, column)| inside[lane] = inside[lane].max(column));
        let mut begins = Vec::new();
        let mut width = 0;
        for (lane, inside) in chart.lanes.iter().zip(inside) {
            begins.push(width);
            width += (lane.name.chars().count() * NAME + MARGIN).max(MARGIN + (inside + 1) * COLUMN);
        }
        Strip { begins, width }
    }

    fn x(&self, chart: &Chart, column: usize) -> usize {
        let (lane, inside) = chart.place(column);
        self.begins[lane] + MARGIN + inside * COLUMN
    }

    fn head(&self, chart: &Chart) -> Markup {
        html! {
            svg.lanes aria-hidden="true" width=(self.width) height=(ROW) {
                @for (lane, begin) in chart.lanes.iter().zip(&self.begins) { text x=(begin + 4) y=(BASE) { (lane.name) } }
            }
        }
    }

    fn row(&self, chart: &Chart, event: &Event) -> Markup {
        html! {
            svg.lanes aria-hidden="true" width=(self.width) {
                @for begin in &self.begins {
                    line x1=(begin + MARGIN) x2=(begin + MARGIN) y1="0" y2="100%" {}
                }
                @for (column, mark) in &event.marks {
                    @let x = self.x(chart, *column);
                    @match mark {
                        Mark::Happens => {}
                        Mark::Begins => { rect x=(x - 4) y="50%" width="8" height="50%" {} }
                        Mark::Ends => { rect x=(x - 4) y="0" width="8" height="50%" {} }
                        Mark::GoesOn | Mark::Inside => { rect x=(x - 4) y="0" width="8" height="100%" {} }
                    }
                    @if matches!(mark, Mark::Happens | Mark::Inside) { circle cx=(x) cy="50%" r="4" {} }
                }
            }
        }
    }
}

/// What a picture looks like that stands in no page.
const ALONE: &str = concat!(
    include_str!("colors.css"),
    include_str!("chart.css"),
    "svg.chart .paper { fill: var(--paper); }\n"
);

/// Units of the picture: a line, the baseline in it, room for numbers, a lane, a column in a lane, and a letter.
const ROW: usize = 20;
const BASE: usize = 14;
const NUMBERS: usize = 48;
const LANE: usize = 72;
const INSIDE: usize = 16;
const LETTER: usize = 8;

/// Letters of a line that are drawn; the text beside the chart has them all.
const TEXT: usize = 90;

/// The names in the heading, each with where it begins.
fn lanes(heading: &str) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    let mut is_inside = false;
    for (column, each) in heading.chars().enumerate() {
        if each == ' ' {
            is_inside = false;
        } else if is_inside {
            if let Some(lane) = lanes.last_mut() {
                lane.name.push(each);
            }
        } else {
            lanes.push(Lane { name: each.to_string(), column });
            is_inside = true;
        }
    }
    lanes.retain(|lane| lane.name != "seq");
    lanes
}

fn event(line: Line, text: &str, first: usize) -> Option<Event> {
    let chars: Vec<char> = text.chars().collect();
    let number: String = chars.iter().take(first).filter(|each| !matches!(each, ' ' | '>')).collect();
    let drawn = chars.iter().enumerate().skip(first);
    let marks: Vec<(usize, Mark)> = drawn
        .clone()
        .take_while(|(_, each)| **each == ' ' || Mark::of(**each).is_some())
        .filter_map(|(column, each)| Some((column, Mark::of(*each)?)))
        .collect();
    let begin = drawn.clone().find(|(_, each)| **each != ' ' && Mark::of(**each).is_none())?.0;
    let text: String = chars[begin..].iter().collect();
    // Lines that stand for others, as `...`, have no number.
    let is_event = !number.is_empty() && number.chars().all(|each| each.is_ascii_digit());
    is_event.then(|| Event { seq: number, line, text: text.trim_end().to_owned(), marks })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMELINE: &str = "\
R1 (cancelled) at seq 26, job j0: Once a Cancel has returned with success, no callback of that job starts.

   seq  t0  t10  service  callbacks
     1  ┌                            t0: CreateJob(\"job\", 0)
     2  │        ●                   j0: new, SUSPENDED, by CreateJob
>>  20  ├   ┌             │ ┌        d0: p0.JobError(j0) begins
   ...
>>  26  └                 └          d0: p0.JobError(j0) starts

the program
   1  t0: CreateJob(\"job\", 0)
";

    fn chart(timeline: &str) -> Option<Chart> {
        Chart::of(&Failure { timeline: timeline.to_owned(), decisive_lines: vec![6], ..Failure::default() })
    }

    #[test]
    fn every_event_is_found_in_its_lane_and_nothing_else() {
        let chart = chart(TIMELINE).expect("it has a heading");
        let names: Vec<&str> = chart.lanes.iter().map(|lane| lane.name.as_str()).collect();
        assert_eq!(names, ["t0", "t10", "service", "callbacks"]);
        let numbers: Vec<&str> = chart.events.iter().map(|event| event.seq.as_str()).collect();
        assert_eq!(numbers, ["1", "2", "20", "26"]);
        let third = &chart.events[2];
        let places: Vec<_> = third.marks.iter().map(|(column, mark)| (chart.place(*column), *mark)).collect();
        let expected =
            [((0, 0), Mark::Inside), ((1, 0), Mark::Begins), ((3, 0), Mark::GoesOn), ((3, 1), Mark::Begins)];
        assert_eq!(places, expected);
        assert_eq!((third.line, third.text.as_str()), (Line::Decisive, "d0: p0.JobError(j0) begins"));
    }

    #[test]
    fn a_long_chart_keeps_what_decides() {
        let event = |at: usize| format!("{at:6}  ┌   event {at}\n");
        let events: String = (1..=200).map(event).collect();
        let failure = Failure {
            timeline: format!("   seq  t0\n{events}"),
            decisive_lines: vec![100],
            ..Failure::default()
        };
        let drawn = Chart::of(&failure).expect("it has a heading").svg("R1", 40).into_string();
        assert!(drawn.contains(">event 99<") && !drawn.contains(">event 3<"), "{drawn}");
        assert_eq!(drawn.matches("class=\"gap\"").count(), 2);
    }

    #[test]
    fn a_text_of_another_form_has_no_chart() {
        for text in ["", "just a text\n", "   seq  t0\n", "   seq  \n 1 x\n", "   seq  t0\n\n     1  ┌  x\n"]
        {
            assert_eq!(chart(text), None, "{text:?}");
        }
    }
}
