//! The state graph of a job as SVG, laid out here.
//!
//! **What it is.** States that a job leaves again stand in rows, by their distance from the first; the final ones stand at the sides, as
//! high as all of it. So what ends a job are short arrows, and what it does otherwise is in the middle.
//!
//! **What it is not.** A layout of any graph. It takes the rows of the transition table, whatever they are, and needs few states.
//!
//! **The law it keeps.** A state has one place in both dialects, so that two pictures can be compared. Each row of the table is in an arrow.

use std::collections::BTreeMap;

use contract::state::{EDGES, Edge, In};
use contract::{Cause, Dialect, JobState};
use maud::{Markup, PreEscaped, html};
use reports::COLORS;

use crate::ask::Dialects;

/// What a picture shows.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Whose edges.
    pub dialects: Dialects,
    /// The states that are lit, each with what is there, such as `j0`.
    pub here: Vec<(String, JobState)>,
    /// What arrows lead to.
    pub arrows: Arrows,
}

/// What an arrow of the picture leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Arrows {
    /// Nothing.
    #[default]
    Plain,
    /// To the place on the page that has its name, see `arrow_id`.
    Linked,
}

/// The name of the place of an arrow on a page.
pub(crate) fn arrow_id(from: JobState, to: JobState) -> String {
    format!("{from}-{to}")
}

/// Units of the picture.
const NODE: (i32, i32) = (142, 34);
const ROW: i32 = 84;
const GAP: i32 = 44;
const SIDE: i32 = 34;
const EDGE: i32 = 64;
const TOP: i32 = 12;

/// Where everything stands.
struct Layout {
    /// Row and column of the states that a job leaves again.
    places: BTreeMap<JobState, (i32, i32)>,
    /// The final ones, left and right in turn.
    sides: BTreeMap<JobState, Side>,
    rows: i32,
    columns: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Left,
    Right,
}

impl Layout {
    fn new() -> Layout {
        let inner = |edge: &&Edge| !edge.to.is_final() && edge.is_in(Dialect::Bits);
        let mut rows: Vec<Vec<JobState>> = vec![vec![JobState::Suspended]];
        let mut seen = vec![JobState::Suspended];
        while let Some(last) = rows.last().filter(|last| !last.is_empty()) {
            let out = EDGES.iter().filter(inner).filter(|edge| last.contains(&edge.from));
            let mut next: Vec<JobState> = out.map(|edge| edge.to).filter(|to| !seen.contains(to)).collect();
            next.sort_unstable();
            next.dedup();
            seen.extend(&next);
            rows.push(next);
        }
        let places = rows.iter().enumerate().flat_map(|(row, states)| {
            states.iter().enumerate().map(move |(column, state)| (*state, (row as i32, column as i32)))
        });
        let finals = JobState::ALL.into_iter().filter(|state| state.is_final());
        let sides = finals.zip([Side::Right, Side::Left].into_iter().cycle());
        Layout {
            places: places.collect(),
            sides: sides.collect(),
            rows: rows.len() as i32 - 1,
            columns: rows.iter().map(Vec::len).max().unwrap_or(1) as i32,
        }
    }

    fn width(&self) -> i32 {
        2 * (SIDE + EDGE) + self.columns * NODE.0 + (self.columns - 1) * GAP
    }

    fn height(&self) -> i32 {
        2 * TOP + self.rows * ROW
    }

    /// The middle of a state that a job leaves again.
    fn middle(&self, (row, column): (i32, i32)) -> (i32, i32) {
        (SIDE + EDGE + column * (NODE.0 + GAP) + NODE.0 / 2, TOP + row * ROW + ROW / 2)
    }

    /// A side's left edge.
    fn side(&self, side: Side) -> i32 {
        if side == Side::Left { 0 } else { self.width() - SIDE }
    }
}

/// Rows of the table with one beginning, one end and one kind.
struct Arrow {
    from: JobState,
    to: JobState,
    is_call: bool,
    causes: Vec<String>,
    /// The dialect that has it alone, if one has.
    only: Option<Dialect>,
}

fn arrows(dialects: Dialects) -> Vec<Arrow> {
    let shown = dialects.each();
    let mut arrows: Vec<Arrow> = Vec::new();
    for edge in EDGES.iter().filter(|edge| shown.iter().any(|dialect| edge.is_in(*dialect))) {
        let is_call = matches!(edge.cause, Cause::Call(_));
        let only = match edge.dialects {
            In::Only(dialect) if shown.len() > 1 => Some(dialect),
            _ => None,
        };
        let is_same =
            |arrow: &&mut Arrow| (arrow.from, arrow.to, arrow.is_call) == (edge.from, edge.to, is_call);
        match arrows.iter_mut().find(is_same) {
            Some(arrow) => {
                arrow.causes.push(edge.cause.to_string());
                arrow.only = arrow.only.filter(|dialect| Some(*dialect) == only);
            }
            None => arrows.push(Arrow {
                from: edge.from,
                to: edge.to,
                is_call,
                causes: vec![edge.cause.to_string()],
                only,
            }),
        }
    }
    arrows
}

/// The state graph, for a page that has the pages' style.
#[must_use]
pub fn state_graph(shown: &Shown) -> Markup {
    drawn(shown, &html! {})
}

/// The state graph of a dialect as a file of its own, in light and dark.
#[must_use]
pub fn state_picture(dialects: Dialects) -> String {
    let style = concat!(include_str!("states.css"), "svg.states .paper { fill: var(--paper); }\n");
    let first = html! {
        style { (PreEscaped(COLORS)) (PreEscaped(style)) }
        rect.paper width="100%" height="100%" {}
    };
    drawn(&Shown { dialects, ..Shown::default() }, &first).into_string() + "\n"
}

fn drawn(shown: &Shown, first: &Markup) -> Markup {
    let layout = Layout::new();
    let (width, height) = (layout.width(), layout.height());
    let arrows = arrows(shown.dialects);
    let states = JobState::ALL
        .into_iter()
        .filter(|state| arrows.iter().any(|arrow| arrow.from == *state || arrow.to == *state));
    let label = match shown.here.as_slice() {
        [] => format!("State graph of a job, {}", shown.dialects.label()),
        here => {
            let here: Vec<String> = here.iter().map(|(job, state)| format!("{job} is {state}")).collect();
            format!("State graph of a job: {}", here.join(", "))
        }
    };
    html! {
        svg.states xmlns="http://www.w3.org/2000/svg" role=(if shown.arrows == Arrows::Linked { "group" } else { "img" })
            aria-label=(label) viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) {
            (first)
            @for arrow in &arrows { (draw_arrow(shown, &layout, arrow)) }
            @for state in states { (draw_state(shown, &layout, state)) }
        }
    }
}

fn draw_state(shown: &Shown, layout: &Layout, state: JobState) -> Markup {
    let here: Vec<&str> =
        shown.here.iter().filter(|(_, at)| *at == state).map(|(job, _)| job.as_str()).collect();
    let class = match (here.is_empty(), state.is_final()) {
        (false, _) => "state here",
        (true, true) => "state final",
        (true, false) => "state",
    };
    let name = state.to_string();
    let text = if here.is_empty() { name } else { format!("{name} ({})", here.join(", ")) };
    if let Some(side) = layout.sides.get(&state) {
        let (x, height) = (layout.side(*side), layout.height());
        let (middle, y) = (x + SIDE / 2, height / 2);
        return html! {
            g class=(class) {
                rect x=(x + 1) y="1" width=(SIDE - 2) height=(height - 2) rx="8" {}
                text x=(middle) y=(y) transform={ "rotate(-90 " (middle) " " (y) ")" } { (text) }
            }
        };
    }
    let Some(place) = layout.places.get(&state) else { return html! {} };
    let (x, y) = layout.middle(*place);
    // A long name with its jobs takes two lines.
    let jobs = (!here.is_empty()).then(|| here.join(", "));
    html! {
        g class=(class) {
            rect x=(x - NODE.0 / 2) y=(y - NODE.1 / 2) width=(NODE.0) height=(NODE.1) rx="8" {}
            @match jobs {
                None => { text x=(x) y=(y) { (state) } }
                Some(jobs) => {
                    text x=(x) y=(y - 6) { (state) }
                    text.job x=(x) y=(y + 9) { (jobs) }
                }
            }
        }
    }
}

fn draw_arrow(shown: &Shown, layout: &Layout, arrow: &Arrow) -> Markup {
    let Some((line, head)) = path(layout, arrow) else { return html! {} };
    let kind = if arrow.is_call { "call" } else { "env" };
    let only = match arrow.only {
        Some(Dialect::Bits) => " only-bits",
        Some(Dialect::Do) => " only-do",
        None => "",
    };
    let leaves = shown.here.iter().any(|(_, at)| *at == arrow.from);
    let class = format!("arrow {kind}{only}{}", if leaves { " leaves" } else { "" });
    let whose = arrow.only.map_or("", |dialect| {
        if dialect == Dialect::Bits { ", BITS only" } else { ", Delivery Optimization only" }
    });
    let says = format!("{} to {}: {}{whose}", arrow.from, arrow.to, arrow.causes.join(", "));
    let drawn = html! {
        title { (says) }
        path.hit d=(line) {}
        path.line d=(line) {}
        path.head d=(head) {}
    };
    match shown.arrows {
        Arrows::Linked => {
            html! { a class=(class) href={ "#" (arrow_id(arrow.from, arrow.to)) } aria-label=(says) { (drawn) } }
        }
        Arrows::Plain => html! { g class=(class) { (drawn) } },
    }
}

/// The line of an arrow, and its head.
fn path(layout: &Layout, arrow: &Arrow) -> Option<(String, String)> {
    let from = *layout.places.get(&arrow.from)?;
    if let Some(side) = layout.sides.get(&arrow.to) {
        return Some(to_side(layout, from, *side, arrow.is_call));
    }
    Some(curve(layout, from, *layout.places.get(&arrow.to)?, arrow.is_call))
}

/// A short way out to a side; below a neighbour that stands between.
fn to_side(layout: &Layout, from: (i32, i32), side: Side, is_call: bool) -> (String, String) {
    let (x, y) = layout.middle(from);
    let (out, end) = match side {
        Side::Left => (-1, SIDE),
        Side::Right => (1, layout.width() - SIDE),
    };
    let is_between = |other: &&(i32, i32)| other.0 == from.0 && (other.1 - from.1) * out > 0;
    let shift = if is_call { -6 } else { 6 };
    if layout.places.values().find(is_between).is_none() {
        let y = y + shift;
        return (format!("M{} {y}H{}", x + out * NODE.0 / 2, end - out * 5), head((end, y), (out, 0)));
    }
    let (begin, y) = (y + NODE.1 / 2, y + NODE.1 / 2 + 12 + shift / 2);
    (
        format!("M{} {begin}V{y}H{}", x + out * (NODE.0 / 2 - 14 + shift), end - out * 5),
        head((end, y), (out, 0)),
    )
}

/// From one state to another. In a column what goes down bows to the right, and what goes up to the left, around the states between.
fn curve(layout: &Layout, from: (i32, i32), to: (i32, i32), is_call: bool) -> (String, String) {
    let (begin, end) = (layout.middle(from), layout.middle(to));
    let (along, across) = (f64::from(end.0 - begin.0), f64::from(end.1 - begin.1));
    let length = along.hypot(across).max(1.0);
    let more = if is_call { 10.0 } else { 0.0 };
    let bow = match ((to.0 - from.0).abs(), from.1 == to.1) {
        (0 | 1, true) => 24.0 + more,
        (rows, true) => 130.0 + 20.0 * f64::from(rows) + more,
        (_, false) => 22.0 + more,
    };
    let middle = (
        f64::from(begin.0 + end.0) / 2.0 + across / length * bow,
        f64::from(begin.1 + end.1) / 2.0 - along / length * bow,
    );
    let middle = (middle.0.round() as i32, middle.1.round() as i32);
    let (leave, arrive) = (border(begin, middle), border(end, middle));
    let (dx, dy) = (f64::from(arrive.0 - middle.0), f64::from(arrive.1 - middle.1));
    let long = dx.hypot(dy).max(1.0);
    let (dx, dy) = (dx / long, dy / long);
    let stop = (f64::from(arrive.0) - dx * 5.0, f64::from(arrive.1) - dy * 5.0);
    let line = format!("M{} {}Q{} {} {:.0} {:.0}", leave.0, leave.1, middle.0, middle.1, stop.0, stop.1);
    (line, head_of(arrive, (dx, dy)))
}

/// Where the way from the middle of a state towards a point leaves its box.
fn border(middle: (i32, i32), towards: (i32, i32)) -> (i32, i32) {
    let (dx, dy) = (f64::from(towards.0 - middle.0), f64::from(towards.1 - middle.1));
    let (half, high) = (f64::from(NODE.0) / 2.0, f64::from(NODE.1) / 2.0);
    let scale = (half / dx.abs().max(0.01)).min(high / dy.abs().max(0.01));
    (middle.0 + (dx * scale).round() as i32, middle.1 + (dy * scale).round() as i32)
}

fn head(tip: (i32, i32), towards: (i32, i32)) -> String {
    head_of(tip, (f64::from(towards.0), f64::from(towards.1)))
}

fn head_of(tip: (i32, i32), (dx, dy): (f64, f64)) -> String {
    let (x, y) = (f64::from(tip.0), f64::from(tip.1));
    let (back, wide) = ((x - dx * 8.0, y - dy * 8.0), (-dy * 4.0, dx * 4.0));
    format!(
        "M{x:.0} {y:.0}L{:.1} {:.1}L{:.1} {:.1}Z",
        back.0 + wide.0,
        back.1 + wide.1,
        back.0 - wide.0,
        back.1 - wide.1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_place_of_its_own_and_each_row_of_the_table_is_in_an_arrow() {
        let layout = Layout::new();
        let mut places: Vec<(i32, i32)> = layout.places.values().copied().collect();
        places.dedup();
        assert_eq!(places.len() + layout.sides.len(), JobState::ALL.len());
        for dialects in Dialects::ALL {
            let arrows = arrows(dialects);
            let picture =
                state_graph(&Shown { dialects, arrows: Arrows::Linked, ..Shown::default() }).into_string();
            for edge in EDGES.iter().filter(|edge| dialects.each().iter().any(|one| edge.is_in(*one))) {
                let cause = edge.cause.to_string();
                let has = |arrow: &&Arrow| {
                    (arrow.from, arrow.to) == (edge.from, edge.to) && arrow.causes.contains(&cause)
                };
                assert!(arrows.iter().any(|arrow| has(&arrow)), "{edge:?}");
                assert!(picture.contains(&format!("#{}", arrow_id(edge.from, edge.to))), "{edge:?}");
            }
        }
    }

    #[test]
    fn the_state_of_a_job_is_lit_and_connecting_is_no_state_of_delivery_optimization() {
        let here = vec![("j0".to_owned(), JobState::Queued)];
        let shown = Shown { dialects: Dialects::One(Dialect::Do), here, arrows: Arrows::Plain };
        let picture = state_graph(&shown).into_string();
        assert_eq!(picture.matches("state here").count(), 1, "{picture}");
        assert!(picture.contains("j0 is QUEUED") && !picture.contains("CONNECTING"), "{picture}");
    }
}
