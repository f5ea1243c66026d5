//! The page of a walk: where everything stands, what may be done next and where that leads, and how it came so far.

use std::collections::BTreeMap;

use contract::{Dialect, JobId, RuleSet};
use judge::{TimelineOptions, Trace, Verdict, Verdicts, timeline};
use maud::{Markup, html};
use properties::minimize::told;
use properties::simulate::{
    Actor, Choice, Done, Leads, NotNow, Reason, Registers, Sided, Situation, Step, Weight, Where,
};
use reports::Chart;

use crate::ask::{Ask, CoreChoice, Dialects};
use crate::layout::{Arrows, Shown, state_graph};
use crate::steps::{Walked, slices};
use crate::told::values;

/// How a step is done from the page.
pub(crate) enum Doing<'a> {
    /// By asking the server.
    Asked(&'a Ask),
    /// By going to another state of the file: the number of each choice that leads to one.
    There(&'a [Option<usize>]),
}

/// Events of a chart that are drawn at most.
const MOST_DRAWN: usize = 400;

/// The page of a walk that the server gives.
pub(crate) fn page(ask: &Ask, walked: &Walked) -> Markup {
    html! {
        h1.unseen { "Walk through the specification" }
        (options(ask))
        div.columns.three {
            div {
                (now(walked))
                (next(walked, &Doing::Asked(ask)))
            }
            div {
                (chart(walked, &ask.query()))
                (so_far(ask, walked))
            }
            div {
                (graph(ask.dialects, walked))
                (rules(walked))
            }
        }
    }
}

fn options(ask: &Ask) -> Markup {
    html! {
        form.options action="/walk" method="get" data-here="yes" aria-label="What is walked" {
            label { "Dialect"
                select name="dialect" data-auto="yes" {
                    @for dialects in Dialects::ALL {
                        option value=(dialects) selected[dialects == ask.dialects] { (dialects.label()) }
                    }
                }
            }
            label { "Core beside the specification"
                select name="core" data-auto="yes" {
                    @for core in CoreChoice::all() {
                        option value=(core) selected[core == ask.core] { (core_label(core)) }
                    }
                }
            }
            label { "Slice of the checker"
                select name="slice" data-auto="yes" {
                    option value="" selected[ask.slice.is_empty()] { "none: every call" }
                    @for slice in slices(ask) { option value=(slice) selected[slice == ask.slice] { (slice) } }
                }
            }
            input type="hidden" name="path" value=(ask.path);
            button { "Show" }
            a href="/walk" { "Begin anew" }
        }
    }
}

fn core_label(core: CoreChoice) -> String {
    match core {
        CoreChoice::Core => "the engine's".to_owned(),
        CoreChoice::Canary => "canary: broken on purpose".to_owned(),
        CoreChoice::Design(design) => format!("design {design}"),
    }
}

/// The last step, and where everything stands behind it.
pub(crate) fn now(walked: &Walked) -> Markup {
    html! {
        section #now aria-labelledby="now-title" {
            h2 #now-title data-focus="yes" {
                @match walked.said.len() {
                    0 => { "Nothing has happened" }
                    steps => { "After step " (steps) }
                }
            }
            @if let Some(broken) = walked.broken() {
                div.verdict.bad role="alert" { p { (broken) } }
            }
            div data-news="yes" {
                @if let Some(step) = &walked.last { (happened(step)) }
                @for side in by_side(&walked.stands, |one| one) { (stands(&side)) }
            }
            @if let Some(step) = &walked.last { (why(step)) }
        }
    }
}

/// What is equal in all dialects once, and else each with its dialect.
fn by_side<'a, T, V: PartialEq>(sides: &'a [Sided<T>], of: impl Fn(&'a T) -> V) -> Vec<(Option<Dialect>, V)> {
    let mut all: Vec<(Option<Dialect>, V)> =
        sides.iter().map(|side| (Some(side.dialect), of(&side.what))).collect();
    if all.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        all.truncate(1);
        all.iter_mut().for_each(|(dialect, _)| *dialect = None);
    }
    all
}

fn sign(dialect: Option<Dialect>) -> Markup {
    html! { @if let Some(dialect) = dialect { span.dialect { (dialect) } " " } }
}

fn happened(step: &Step) -> Markup {
    let said = |done: &Result<Done, NotNow>| match done {
        Ok(done) => done.happened.join("; "),
        Err(not) => format!("not possible: {not}"),
    };
    html! {
        p { code { (step.typed) } }
        ul {
            @for (dialect, text) in by_side(&step.done, said) { li { (sign(dialect)) (text) } }
        }
    }
}

fn why(step: &Step) -> Markup {
    let reasons =
        |done: &Result<Done, NotNow>| done.as_ref().map(|done| done.why.clone()).unwrap_or_default();
    let sides: Vec<(Option<Dialect>, Vec<Reason>)> = by_side(&step.done, reasons);
    let all: usize = sides.iter().map(|(_, reasons)| reasons.len()).sum();
    html! {
        @if all > 0 {
            details open[all <= 2] {
                summary { "Why" }
                @for (dialect, reasons) in &sides { @for reason in reasons {
                    div.why {
                        p { (sign(*dialect)) (reason.by) }
                        @for cited in &reason.sentences {
                            p.soft { (cited.says) " (" code { (cited.id) } "; " (cited.source) ")" }
                        }
                    }
                } }
            }
        }
    }
}

fn stands((dialect, situation): &(Option<Dialect>, &Situation)) -> Markup {
    html! {
        @if dialect.is_some() { p { (sign(*dialect)) } }
        @if situation.jobs.is_empty() { p { "There is no job." } }
        ul.stands {
            @for job in &situation.jobs { li {
                b { (job.job) } " " span.chip { (job.state) } " " (job.state.what())
                br; span.soft { (job.has) }
                @if !job.due.is_empty() { ul { @for due in &job.due { li { (due.line()) "." } } } }
            } }
            @for open in &situation.open { li { (open) } }
        }
    }
}

/// What may be done, by who does it. What changes nothing is folded.
pub(crate) fn next(walked: &Walked, doing: &Doing<'_>) -> Markup {
    let mut moving: BTreeMap<Actor, Vec<(usize, &Choice)>> = BTreeMap::new();
    let mut idle = Vec::new();
    for (at, choice) in walked.choices.iter().enumerate() {
        if choice.changes_nothing() {
            idle.push((at, choice));
        } else {
            moving.entry(choice.actor).or_default().push((at, choice));
        }
    }
    let groups = html! {
        @for (actor, choices) in &moving {
            fieldset { legend { (actor) }
                (buttons(choices, Weight::Main, doing))
                @let aside = choices.iter().filter(|(_, choice)| choice.weight == Weight::Aside).count();
                @if aside > 0 {
                    details { summary { (aside) " more of the " (actor) } (buttons(choices, Weight::Aside, doing)) }
                }
            }
        }
        @if moving.is_empty() { p { "Nothing can happen any more: go back." } }
        @if !idle.is_empty() {
            details {
                summary { (idle.len()) " more are possible that change nothing: questions, and calls that are refused" }
                div.steps { @for (at, choice) in &idle { (button(*at, choice, doing)) } }
            }
        }
    };
    html! {
        section #next aria-labelledby="next-title" {
            h2 #next-title { "What may be done" }
            @match doing {
                Doing::There(_) => {
                    (groups)
                    p { button #back type="button" data-keep="0" { "Back" } " "
                        button #random type="button" { "A random step" } }
                }
                Doing::Asked(ask) => {
                    form action="/walk" method="get" data-here="yes" aria-label="Steps" {
                        (hidden(ask))
                        (groups)
                    }
                    (other_steps(ask, walked))
                }
            }
        }
    }
}

fn buttons(choices: &[(usize, &Choice)], weight: Weight, doing: &Doing<'_>) -> Markup {
    let shown = choices.iter().filter(|(_, choice)| choice.weight == weight);
    html! { div.steps { @for (at, choice) in shown { (button(*at, choice, doing)) } } }
}

/// What a form sends beside the step.
fn hidden(ask: &Ask) -> Markup {
    html! {
        input type="hidden" name="core" value=(ask.core);
        input type="hidden" name="dialect" value=(ask.dialects);
        input type="hidden" name="slice" value=(ask.slice);
        input type="hidden" name="path" value=(ask.path);
    }
}

fn button(at: usize, choice: &Choice, doing: &Doing<'_>) -> Markup {
    let leads = by_side(&choice.leads, |one| one.clone());
    let breaks = leads.iter().any(|(_, leads)| matches!(leads, Ok(Leads { to: Where::Broken(_), .. })));
    let class = if breaks { "step breaks" } else { "step" };
    let inner = html! {
        code { (choice.typed) }
        @for (dialect, leads) in &leads { small { (sign(*dialect)) (leads_to(choice, leads)) } }
    };
    match doing {
        Doing::Asked(_) => html! { button class=(class) name="step" value=(choice.typed) { (inner) } },
        Doing::There(places) => match places.get(at).copied().flatten() {
            Some(to) => html! { button class=(class) type="button" data-to=(to) { (inner) } },
            None => html! { p class=(class) { (inner) } },
        },
    }
}

fn leads_to(choice: &Choice, leads: &Result<Leads, NotNow>) -> Markup {
    match leads {
        Err(not) => html! { "not possible: " (not) },
        Ok(leads) => html! {
            @for (job, state) in &leads.states { span.moves { (job) " \u{2192} " (state) } " " }
            @match &leads.to {
                Where::Broken(broken) => { (broken) }
                Where::Here | Where::Elsewhere => { (short(choice, leads)) }
            }
        },
    }
}

/// What happens, without the changes of state that stand before it; of what comes back, what it brings.
fn short(choice: &Choice, leads: &Leads) -> String {
    let moves = |line: &&String| {
        leads
            .states
            .iter()
            .any(|(job, state)| line.starts_with(&format!("{job} ")) && line.ends_with(&state.to_string()))
    };
    let is_new =
        |line: &&String| leads.states.iter().any(|(job, _)| line.starts_with(&format!("{job} is new")));
    let lines: Vec<&String> = leads.happens.iter().filter(|line| !moves(line) && !is_new(line)).collect();
    match (lines.as_slice(), choice.actor) {
        // The call is named already.
        ([only], Actor::Client | Actor::Callback) => {
            match (only.split_once(" -> "), only.split_once(" waits ")) {
                (Some((_, answer)), _) => format!("\u{2192} {answer}"),
                (None, Some((_, what))) => format!("waits {what}"),
                (None, None) => (*only).clone(),
            }
        }
        _ => lines.into_iter().cloned().collect::<Vec<_>>().join("; "),
    }
}

/// Steps beside those of the menu: typed, by chance, and back.
fn other_steps(ask: &Ask, walked: &Walked) -> Markup {
    let steps = walked.said.len();
    html! {
        form.typed action="/walk" method="get" data-here="yes" aria-label="Another step" {
            (hidden(ask))
            label { "Another step, as it is typed in " code { "bgcheck simulate" }
                input #say name="step" autocomplete="off" spellcheck="false" placeholder="t1: flags DISABLE" required;
            }
            button { "Do it" }
        }
        form.options action="/walk" method="get" data-here="yes" aria-label="Random walk and back" {
            (hidden(ask))
            label { "Random steps" input name="random" type="number" min="1" max="200" value="1"; }
            label { "Seed" input name="seed" type="number" min="0" value=(steps + 1); }
            button #random { "Walk by chance" }
            button #back name="back" value=(steps.saturating_sub(1)) disabled[steps == 0] formnovalidate { "Back" }
        }
    }
}

/// The sequence chart of the run so far.
pub(crate) fn chart(walked: &Walked, query: &str) -> Markup {
    html! {
        section #chart aria-labelledby="chart-title" {
            h2 #chart-title { "What happened" }
            @for side in &walked.traces {
                @if walked.traces.len() > 1 { p { (sign(Some(side.dialect))) } }
                @match drawn(&side.what) {
                    Some(list) => { (list) }
                    None => { p.soft { "Nothing yet. Begin with a button, or type a step." } }
                }
            }
            @if !query.is_empty() && walked.traces.iter().any(|side| !side.what.lines.is_empty()) {
                p { a href={ "/walk.jsonl?" (query) } download="walk.jsonl" { "Save as a trace" } }
            }
        }
    }
}

fn drawn(trace: &Trace) -> Option<Markup> {
    let violation = Verdicts::of(trace).first();
    let picture = timeline(&told(trace), &TimelineOptions { violation, ..TimelineOptions::default() });
    let chart = Chart::read(&picture)?;
    let (names, rows) = chart.rows();
    let left_out = rows.len().saturating_sub(MOST_DRAWN);
    Some(html! {
        @if left_out > 0 { p.soft { (left_out) " events before these are not drawn." } }
        ol.events data-end="yes" tabindex="0" role="list" aria-label="Sequence chart" {
            li.names aria-hidden="true" { span.seq {} (names) span {} }
            @for row in rows.iter().skip(left_out) {
                li.event.decisive[row.decisive] {
                    span.seq { (row.seq) } (row.lanes) span.text { span.says { (row.text) } }
                }
            }
        }
    })
}

fn so_far(ask: &Ask, walked: &Walked) -> Markup {
    html! {
        @if !walked.said.is_empty() {
            details open[walked.said.len() <= 12] {
                summary { "The " (walked.said.len()) " steps, to go back to one" }
                form action="/walk" method="get" data-here="yes" aria-label="Back to a step" {
                    (hidden(ask))
                    ol.path {
                        @for (said, number) in walked.said.iter().zip(1..) {
                            li { button name="back" value=(number) { code { (said) } } }
                        }
                    }
                }
                p.soft { "In a terminal: " code { "bgcheck simulate" (simulate_flags(ask)) " '" (walked.said.join("; ")) "'" } }
            }
        }
    }
}

fn simulate_flags(ask: &Ask) -> String {
    let dialect = match ask.dialects {
        Dialects::One(Dialect::Bits) => String::new(),
        dialects => format!(" --dialect {dialects}"),
    };
    match ask.core {
        CoreChoice::Core => dialect,
        CoreChoice::Canary => format!("{dialect} --canary"),
        CoreChoice::Design(design) => format!("{dialect} --design {design}"),
    }
}

/// The state graph with the present states lit.
pub(crate) fn graph(dialects: Dialects, walked: &Walked) -> Markup {
    let jobs = |one: &Sided<Situation>| {
        let dialect = one.dialect;
        let many = walked.stands.len() > 1;
        let name = move |job: &str| if many { format!("{job} {dialect}") } else { job.to_owned() };
        one.what.jobs.iter().map(move |job| (name(&job.job), job.state)).collect::<Vec<_>>()
    };
    let mut here: Vec<_> = walked.stands.iter().flat_map(jobs).collect();
    if walked.stands.len() > 1 && walked.stands.windows(2).all(|two| two[0].what.jobs == two[1].what.jobs) {
        here = walked.stands[0].what.jobs.iter().map(|job| (job.job.clone(), job.state)).collect();
    }
    html! {
        section #states aria-labelledby="states-title" {
            h2 #states-title { "Where the jobs are" }
            (state_graph(&Shown { dialects, here, arrows: Arrows::Plain }))
        }
    }
}

/// What became of each rule so far, and what the rules remember.
pub(crate) fn rules(walked: &Walked) -> Markup {
    let last = walked.last.iter().flat_map(|step| &step.done);
    let now = last.filter_map(|one| one.what.as_ref().ok()).map(|done| done.exercised);
    let now = now.fold(RuleSet::EMPTY, RuleSet::union);
    html! {
        section #rules aria-labelledby="rules-title" {
            h2 #rules-title { "Rules" }
            @for side in &walked.traces {
                @if walked.traces.len() > 1 { p { (sign(Some(side.dialect))) } }
                (verdicts(&Verdicts::of(&side.what), now))
            }
            @for side in &walked.registers { @for (registers, job) in side.what.iter().zip(0..) {
                (remembered(JobId(job), registers, (walked.registers.len() > 1).then_some(side.dialect)))
            } }
        }
    }
}

/// A rule a row. Those that had something to decide come first.
pub(crate) fn verdicts(verdicts: &Verdicts, now: RuleSet) -> Markup {
    let is_idle = |verdict: &Verdict| matches!(verdict, Verdict::Vacuous);
    let idle: Vec<String> = verdicts
        .rules
        .iter()
        .filter(|(_, verdict)| is_idle(verdict))
        .map(|(rule, _)| format!("{rule} {}", rule.name()))
        .collect();
    let busy: Vec<_> = verdicts.rules.iter().filter(|(_, verdict)| !is_idle(verdict)).collect();
    html! {
        @if !busy.is_empty() {
            div.scroll role="region" aria-label="Verdicts" tabindex="0" {
                table {
                    thead { tr { th scope="col" { "rule" } th scope="col" { "verdict" } } }
                    tbody { @for (rule, verdict) in busy { tr {
                        th scope="row" { (rule) " " (rule.name()) @if now.contains(*rule) { " \u{25c2}" span.unseen { " decided just now" } }
                            span.soft { (rule.sentence()) } }
                        @match verdict {
                            Verdict::Held { decisions } => {
                                td.good { "held in " (decisions) @if *decisions == 1 { " decision" } @else { " decisions" } }
                            }
                            Verdict::Violated { first, .. } => { td.bad { "broken at seq " (first.seq) } }
                            Verdict::Undecided { why } => { td.warn { "undecided: " (why) } }
                            Verdict::Vacuous => { td.none { "nothing to decide" } }
                        }
                    } } }
                }
            }
        }
        @if !idle.is_empty() {
            details { summary { (idle.len()) " rules had nothing to decide" } p { (idle.join(", ")) "." } }
        }
    }
}

fn remembered(job: JobId, registers: &Registers, dialect: Option<Dialect>) -> Markup {
    html! {
        details {
            summary { (sign(dialect)) "What the rules remember of " (job) }
            dl {
                @for possible in &registers.possible {
                    dt { (possible.register) } dd { (values(possible)) }
                }
            }
            details {
                summary { "What each rule keeps beside these registers" }
                dl { @for (rule, fields) in &registers.memory { dt { (rule) } dd { code { (fields) } } } }
            }
        }
    }
}
