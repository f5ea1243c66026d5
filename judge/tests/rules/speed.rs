//! How long an event takes. Run by hand: `cargo test --release -p judge --test rules -- --ignored
//! --nocapture speed`.

use std::hint::black_box;
use std::time::Instant;

use contract::*;
use judge::{Monitors, RuleSet};

use crate::builder::*;

#[test]
#[ignore = "a measurement, not a check"]
fn speed_of_the_monitors() {
    let trace = slots(&job());
    let events: Vec<_> = trace.events().map(|(_, event)| event).collect();
    let rounds = 2_000_000 / events.len();
    let mut broken = RuleSet::EMPTY;
    let start = Instant::now();
    for _ in 0..rounds {
        let mut monitors = Monitors::<4>::new(RuleSet::HERE);
        for event in &events {
            broken = broken.union(monitors.step(bits(), black_box(event)));
        }
    }
    let nanos = start.elapsed().as_nanos() as f64 / (rounds * events.len()) as f64;
    assert!(broken.is_empty(), "{broken}");
    println!(
        "{nanos:.1} ns per event, {} events in a run, {} bytes of monitors for 4 calls, {} for 3",
        events.len(),
        size_of::<Monitors<4>>(),
        size_of::<Monitors<3>>(),
    );
}

#[test]
#[ignore = "a measurement, not a check"]
fn speed_of_the_judge_and_of_the_parser() {
    let one = job();
    let mut trace = judge::Trace { lines: Vec::new(), ..one.clone() };
    for round in 0..2_000 {
        for (seq, event) in one.events() {
            let seq = round * one.lines.len() as u64 + seq;
            trace.lines.push(judge::Line::from_view(seq, &event));
        }
    }
    let lines = trace.lines.len() as f64;
    let start = Instant::now();
    let text = trace.print();
    let printed = start.elapsed().as_nanos() as f64 / lines;
    let start = Instant::now();
    let read = judge::Trace::parse(&text).expect("what is printed can be read");
    let parsed = start.elapsed().as_nanos() as f64 / lines;
    let start = Instant::now();
    let verdicts = black_box(judge::Verdicts::of(&read));
    let judged = start.elapsed().as_nanos() as f64 / lines;
    println!(
        "{lines} lines: print {printed:.0} ns, parse {parsed:.0} ns, judge {judged:.0} ns per line ({} events)",
        verdicts.events
    );
}

/// A download from start to end.
fn job() -> judge::Trace {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.does(Call::AddFile { file: FileNames { remote: "http://h/a".into(), local: "/a".into() } }, OK);
    run.resumes();
    for transferred in 1..=4 {
        run.env_file(EnvStep::Bytes { transferred, total: Some(4) }, F0);
        run.tells(Event::JobModification, OK);
    }
    run.arrives();
    run.tells_file(F0, OK);
    run.reads(Call::GetState, Out::State(JobState::Transferred));
    run.tells(Event::JobTransferred, OK);
    run.completes();
    run.trace()
}

/// This trace with slots for ids, as the monitors want them: one call and one delivery are open at a time here.
fn slots(trace: &judge::Trace) -> judge::Trace {
    let mut text = trace.print();
    for id in (1..40).rev() {
        for field in ["\"id\":", "\"call\":", "\"delivery\":"] {
            text = text.replace(&format!("{field}{id}"), &format!("{field}0"));
        }
    }
    judge::Trace::parse(&text).expect("ids may be used again")
}
