//! The page of a trace: its events with what each one changes, the verdicts where they fall, and the nearest run that passes beside it.

use std::collections::BTreeSet;

use contract::RuleSet;
use judge::{TimelineOptions, Trace, timeline};
use maud::{Markup, html};
use reports::Chart;
use url::form_urlencoded::{Serializer, parse};

use crate::problem::Problem;
use crate::store::{Loaded, MOST_LINES};
use crate::told::{CHOICE, KINDS, Told};
use crate::walk::verdicts;

/// Events on one page at most; then others are a page further.
const WINDOW: usize = 300;

/// Every kind, with the choices.
const ALL: &str = "all";

/// Which events of a trace are shown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Filter {
    job: String,
    who: String,
    kind: String,
    /// The number of the event that is looked at.
    at: Option<u64>,
}

impl Filter {
    /// Reads the query of an address.
    pub(crate) fn read(query: &str) -> Result<Filter, Problem> {
        let mut filter = Filter::default();
        for (name, value) in parse(query.as_bytes()) {
            match name.as_ref() {
                "job" => filter.job = value.into_owned(),
                "who" => filter.who = value.into_owned(),
                "kind" if value.is_empty() || value == ALL || KINDS.contains(&value.as_ref()) => {
                    filter.kind = value.into_owned()
                }
                "kind" => {
                    let choose = KINDS.iter().chain([&ALL]).map(|kind| (*kind).to_owned()).collect();
                    return Err(Problem::Parameter { name: "kind", value: value.into_owned(), choose });
                }
                "at" if !value.is_empty() => {
                    let wrong = || Problem::Parameter {
                        name: "at",
                        value: value.to_string(),
                        choose: vec!["the numbers of events".to_owned()],
                    };
                    filter.at = Some(value.parse().map_err(|_| wrong())?);
                }
                _ => {}
            }
        }
        Ok(filter)
    }

    fn shows(&self, told: &Told) -> bool {
        let is = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
        let of_job = self.job.is_empty() || told.job.is_none_or(|job| job.to_string() == self.job);
        // A choice is what a replay repeats: the service's own affair, unless it is asked for.
        let of_kind = match self.kind.as_str() {
            "" => told.kind != CHOICE,
            ALL => true,
            kind => kind == told.kind,
        };
        of_job && is(&self.who, &told.who) && of_kind
    }

    /// The query without the place, to be gone on with.
    fn without_at(&self) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in [("job", &self.job), ("who", &self.who), ("kind", &self.kind)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { query } else { query + "&" }
    }
}

/// How much of a trace is on a page, and what the page can ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extent {
    /// A window of it, with a server behind.
    Window,
    /// All of it, and all that belongs to it, in a file.
    Whole,
}

/// The page on which a trace is loaded.
pub(crate) fn load(all: &[std::sync::Arc<Loaded>]) -> Markup {
    html! {
        h1 { "Look at a trace" }
        p { "A trace is what " code { "check" } ", " code { "race" } ", " code { "nightly" } " or another engine has written for a finding. "
            "It stays on this machine." }
        div.drop {
            form action="/trace" method="post" enctype="multipart/form-data" aria-label="Load a trace" {
                label for="file" { "A trace in JSON Lines, plain or packed with gzip; up to " (MOST_LINES) " lines" }
                p { input #file name="file" type="file" required; " " button { "Load" } }
            }
            p.soft { "Or drop the file anywhere on this page." }
        }
        @if !all.is_empty() {
            h2 { "Loaded" }
            ul { @for loaded in all { li {
                a href={ "/trace/" (loaded.id) } { (loaded.name) } " "
                span.soft { (loaded.trace.header.dialect) ", " (loaded.trace.header.subject) ", " (loaded.trace.lines.len()) " lines" }
            } } }
        }
    }
}

/// The page of a trace.
pub(crate) fn page(loaded: &Loaded, filter: &Filter, extent: Extent) -> Markup {
    html! {
        (heading(loaded))
        div.columns.trace {
            div {
                (events(loaded, filter, extent))
            }
            div {
                section aria-labelledby="verdicts-title" {
                    h2 #verdicts-title { "Verdicts" }
                    (verdicts(&loaded.verdicts, RuleSet::EMPTY))
                }
                (nearest(loaded, extent))
            }
        }
    }
}

fn heading(loaded: &Loaded) -> Markup {
    let header = &loaded.trace.header;
    html! {
        h1 data-focus="yes" { (loaded.name) }
        p.soft data-news="yes" {
            "Dialect " (header.dialect) ", subject " (header.subject)
            @if !header.engine.is_empty() { ", engine " (header.engine) }
            @if let Some(seed) = header.seed { ", seed " (seed) }
            ", " (loaded.trace.lines.len()) " lines, " (loaded.verdicts.jobs) @if loaded.verdicts.jobs == 1 { " job" } @else { " jobs" }
        }
        @match loaded.verdicts.first() {
            Some(first) => {
                div.verdict.bad { p { (first) ": " (first.rule.sentence()) }
                    p { a href={ "#e" (first.seq) } { "Go to event " (first.seq) } } }
            }
            None => { div.verdict.good { p { "No rule is broken in this trace." } } }
        }
        @if let Some(finding) = &header.finding { p { "It was written down for " code { (finding.id) } @if !finding.what.is_empty() { ": " (finding.what) } } }
    }
}

fn events(loaded: &Loaded, filter: &Filter, extent: Extent) -> Markup {
    let violation = loaded.verdicts.first();
    // Choices are lines of their own here: they can be hidden by kind.
    let picture = timeline(&loaded.trace, &TimelineOptions { violation, ..TimelineOptions::default() });
    let Some(chart) = Chart::read(&picture) else {
        return html! { p { "This trace has no event." } };
    };
    let (names, rows) = chart.rows();
    let known = |seq: &str| {
        let seq: u64 = seq.parse().ok()?;
        let at = loaded.told.binary_search_by_key(&seq, |told| told.seq).ok()?;
        loaded.told.get(at)
    };
    let shown: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row, known(row.seq)?)))
        .filter(|(_, told)| filter.shows(told))
        .collect();
    let at = filter.at.or(violation.map(|violation| violation.seq));
    let looked_at = at.map_or(0, |seq| shown.partition_point(|(_, told)| told.seq < seq));
    let window = match extent {
        Extent::Whole => 0..shown.len(),
        Extent::Window => {
            let begin = looked_at.saturating_sub(WINDOW / 2).min(shown.len().saturating_sub(WINDOW));
            begin..(begin + WINDOW).min(shown.len())
        }
    };
    let current = shown.get(looked_at).map(|(_, told)| told.seq);
    html! {
        section aria-labelledby="events-title" {
            h2 #events-title { "Events" }
            @if extent == Extent::Window { (filters(loaded, filter)) }
            @if shown.is_empty() { p { "No event is of this kind." } }
            @else {
                (scrub(loaded, filter, &shown.iter().map(|(_, told)| told.seq).collect::<Vec<_>>(), current, extent))
                @if window.start > 0 { (further(loaded, filter, "earlier", window.start, shown[window.start - 1].1.seq)) }
                ol #events.events tabindex="0" role="list" aria-label="Events of the trace" {
                    li.names aria-hidden="true" { span.seq {} (names) span {} }
                    @for (row, told) in &shown[window.clone()] {
                        (event(row, told, Some(told.seq) == current))
                    }
                }
                @if window.end < shown.len() { (further(loaded, filter, "later", shown.len() - window.end, shown[window.end].1.seq)) }
                p.soft { (shown.len()) " of " (rows.len()) " events are shown." }
            }
        }
    }
}

fn event(row: &reports::ChartRow<'_>, told: &Told, is_current: bool) -> Markup {
    html! {
        li.event.decisive[row.decisive] id={ "e" (told.seq) } data-at=(told.seq) aria-current=[is_current.then_some("true")] {
            a.seq href={ "#e" (told.seq) } { (told.seq) }
            (row.lanes)
            div.text {
                span.says { (row.text) }
                @for rule in told.broken.iter() { span.rule.broken { (rule) " broken" } }
                @for rule in told.held.iter() { span.rule.held { (rule) } }
                @if !told.changed.is_empty() { ul.changed { @for one in &told.changed { li { (one) } } } }
            }
        }
    }
}

fn filters(loaded: &Loaded, filter: &Filter) -> Markup {
    let jobs: BTreeSet<String> =
        loaded.told.iter().filter_map(|told| told.job).map(|job| job.to_string()).collect();
    let who: BTreeSet<&str> = loaded.told.iter().map(|told| told.who.as_str()).collect();
    let one =
        |value: &str, chosen: &str| html! { option value=(value) selected[value == chosen] { (value) } };
    html! {
        form.options action={ "/trace/" (loaded.id) } method="get" data-here="yes" aria-label="Which events" {
            label { "Job" select #job name="job" data-auto="yes" { option value="" { "all" } @for job in &jobs { (one(job, &filter.job)) } } }
            label { "Who" select name="who" data-auto="yes" { option value="" { "all" } @for each in &who { (one(each, &filter.who)) } } }
            label { "Kind" select name="kind" data-auto="yes" { option value="" { "all but choices" } @for kind in KINDS { (one(kind, &filter.kind)) } (one(ALL, &filter.kind)) } }
            button { "Show" }
        }
    }
}

fn scrub(loaded: &Loaded, filter: &Filter, seqs: &[u64], current: Option<u64>, extent: Extent) -> Markup {
    let (first, last) = (seqs.first().copied().unwrap_or(1), seqs.last().copied().unwrap_or(1));
    let url = (extent == Extent::Window).then(|| format!("/trace/{}?{}", loaded.id, filter.without_at()));
    html! {
        div.scrub {
            label for="scrub" { "Event" }
            input #scrub type="range" min=(first) max=(last) value=(current.unwrap_or(first)) data-url=[url];
            output #at for="scrub" { (current.unwrap_or(first)) }
        }
    }
}

fn further(loaded: &Loaded, filter: &Filter, which: &str, events: usize, at: u64) -> Markup {
    html! { p { a id=(which) href={ "/trace/" (loaded.id) "?" (filter.without_at()) "at=" (at) } { (events) " " (which) " events" } } }
}

fn nearest(loaded: &Loaded, extent: Extent) -> Markup {
    let is_broken = loaded.verdicts.first().is_some() || loaded.trace.header.finding.is_some();
    html! {
        section aria-labelledby="nearest-title" {
            h2 #nearest-title { "The nearest run that passes" }
            @if loaded.is_recorded() {
                p { "This run was recorded, and nothing here can run it again. So there is no other one to stand beside it." }
            } @else if extent == Extent::Whole {
                (beside(loaded))
            } @else if is_broken {
                div data-beside={ "/trace/" (loaded.id) "/nearest" } aria-live="polite" {
                    p { a href={ "/trace/" (loaded.id) "/nearest" } { "Look for it" } " (it is run again for this)" }
                }
            } @else {
                p { "This run breaks nothing. " a href={ "/trace/" (loaded.id) "/nearest" } { "Run it again" } }
            }
        }
    }
}

/// The page of the nearest run alone, out of which the script takes the part for the page of the trace.
pub(crate) fn nearest_page(loaded: &Loaded) -> Markup {
    html! {
        h1 { "The nearest run that passes" }
        p { a href={ "/trace/" (loaded.id) } { "Back to " (loaded.name) } }
        div #beside { (beside(loaded)) }
    }
}

/// Both runs, and the first event in which they differ.
fn beside(loaded: &Loaded) -> Markup {
    let Some((failed, nearest)) = loaded.beside() else {
        return html! { p { "When it is run again here, it breaks nothing." } };
    };
    let Some(nearest) = nearest else {
        return html! { p { "No run that differs in one decision does as much and passes." } };
    };
    let (failing, passing) = (text(&failed.trace), text(&nearest.trace));
    let (Some(failing), Some(passing)) = (Chart::read(&failing), Chart::read(&passing)) else {
        return html! { p { "Passes when " (nearest.what) "." } };
    };
    let (of_failing, of_passing) = (failing.rows(), passing.rows());
    let same =
        of_failing.1.iter().zip(&of_passing.1).take_while(|(one, other)| one.text == other.text).count();
    html! {
        p { b { "Passes when " (nearest.what) "." } }
        p { @match (of_failing.1.get(same), of_passing.1.get(same)) {
            (Some(fails), Some(passes)) => {
                "The first difference is event " (same + 1) ": here " code { (fails.text) } ", and there " code { (passes.text) } "."
            }
            (Some(fails), None) => { "The other run ends where this one goes on with " code { (fails.text) } "." }
            (None, Some(passes)) => { "The other run goes on with " code { (passes.text) } "." }
            (None, None) => { "The events are equal; the schedules differ." }
        } }
        h3 { "The run that passes" }
        (list(&of_passing, same, "The run that passes"))
        details {
            summary { "The run that fails, run again" }
            (list(&of_failing, same, "The run that fails"))
        }
    }
}

fn list((names, rows): &(Markup, Vec<reports::ChartRow<'_>>), parts: usize, label: &str) -> Markup {
    html! {
        ol.events tabindex="0" role="list" aria-label=(label) {
            li.names aria-hidden="true" { span.seq {} (names) span {} }
            @for (at, row) in rows.iter().enumerate() {
                li.event.decisive[row.decisive].parts[at == parts] {
                    span.seq { (row.seq) } (row.lanes)
                    span.text { span.says { (row.text) } @if at == parts { " " b { "\u{25c2} first difference" } } }
                }
            }
        }
    }
}

/// A run as a timeline, with what decides.
fn text(trace: &Trace) -> String {
    let violation = judge::Verdicts::of(trace).first();
    let told = properties::minimize::told(trace);
    timeline(&told, &TimelineOptions { violation, ..TimelineOptions::default() })
}
