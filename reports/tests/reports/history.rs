//! The history: lines that read back, files that merge, and figures with their denominators.

use crate::fixture;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use reports::{Figure, Finding, History, News, Night, NightFinding, Results, Status, history_schema};

const CLASS: &str = "linux x86_64, 2 cores, A CPU, opt-level 3";

fn night(results: &Results, before: &History) -> Night {
    Night::of(results, CLASS, "rustc 1.90.0", before)
}

fn on(mut results: Results, date: &str) -> Results {
    results.run.date = format!("{date} 03:04 UTC");
    date.clone_into(&mut results.run.id);
    results
}

/// Nights one after the other, as `nightly` adds them.
fn nights(all: impl IntoIterator<Item = Results>) -> History {
    let mut history = History::default();
    for results in all {
        let night = night(&results, &history);
        history.add(night, 400);
    }
    history
}

#[test]
fn a_night_is_a_line_with_every_figure_and_its_denominator() {
    let line = night(&fixture::violated(), &History::default()).line();
    let value: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).expect("it was JSON"));
    assert!(line.len() < 8_000 && !line.contains('\n'), "{} bytes", line.len());
}

#[test]
fn what_was_found_before_keeps_its_first_night_and_schedules_add_up() {
    let history = nights([
        on(fixture::violated(), "2026-01-01"),
        on(fixture::held(), "2026-01-02"),
        on(fixture::violated(), "2026-01-03"),
    ]);
    let last = history.nights().next_back().expect("there is one");
    assert!(last.findings.iter().all(|finding| finding.first == "2026-01-01 03:04 UTC"), "{last:?}");
    let one = night(&fixture::held(), &History::default()).schedules();
    assert!(one > 0 && last.schedules_before == 2 * one && history.schedules() == 3 * one);
    // The oldest go, and neither the first night nor the sum is lost with them.
    let mut history = history;
    let results = on(fixture::violated(), "2026-01-04");
    let tonight = night(&results, &history);
    history.add(tonight, 1);
    assert_eq!((history.len(), history.schedules()), (1, 4 * one));
    assert_eq!(history.first("R1-7f3a09c2"), Some("2026-01-01 03:04 UTC"));
}

#[test]
fn news_are_what_no_night_before_has_found() {
    let ids = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let first = News::of(&fixture::violated(), &History::default());
    assert_eq!((first.since, first.new), (None, ids(&["R1-7f3a09c2", "R2-01d5ce11"])));
    let mut other = on(fixture::violated(), "2026-01-01");
    let Some(Status::Ran(ran)) = other.engines.last_mut().map(|engine| &mut engine.status) else {
        unreachable!("it ran")
    };
    ran.findings[0].finding = Finding::Violated(fixture::failure("R1-0"));
    let news = News::of(&fixture::violated(), &nights([other]));
    assert_eq!(news.since.as_deref(), Some("2026-01-01 03:04 UTC"));
    assert_eq!((news.new, news.gone), (ids(&["R1-7f3a09c2"]), ids(&["R1-0"])));
    assert_eq!(news.known.len(), 1);
}

#[test]
fn what_is_no_night_is_named_and_kept_and_takes_no_other_with_it() {
    let history = nights([on(fixture::held(), "2026-01-01"), on(fixture::held(), "2026-01-02")]);
    let text = history.text();
    let (first, second) = text.split_once('\n').expect("there are two lines");
    let torn = &first[..first.len() / 2];
    let newer = "{\"version\":2}";
    let spoilt = format!("{torn}\n<<<<<<< ours\n{newer}\n[]\n{{\"version\":1}}\n\n{second}");
    let read = History::parse(&spoilt);
    assert_eq!(read.nights().collect::<Vec<_>>(), history.nights().skip(1).collect::<Vec<_>>());
    let why: Vec<(usize, &str)> =
        read.unread().iter().map(|unread| (unread.line, unread.why.as_str())).collect();
    let expected = [
        (1, "it is torn, or no JSON: EOF"),
        (2, "it is torn, or no JSON: expected value"),
        (3, "it has version 2, and only version 1 can be read"),
        (4, "it has no version, so it is no night"),
        (5, "it does not keep to version 1: missing field"),
    ];
    assert_eq!(why.len(), expected.len(), "{why:?}");
    for ((line, why), (expected_line, begins)) in why.iter().zip(expected) {
        assert!(*line == expected_line && why.starts_with(begins), "{line}: {why}");
    }
    for kept in [torn, newer, "<<<<<<< ours"] {
        assert!(read.text().contains(kept), "{kept}");
    }
    let again = History::parse(&read.text());
    assert_eq!((again.text(), again.len()), (read.text(), 1));
}

#[test]
fn the_committed_schema_is_the_format_and_judges_the_lines() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/history-v1.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&committed, history_schema()).expect("the schema can be written");
    }
    let hint = "the format has changed: is it still version 1? If so, run this test with UPDATE_SCHEMA=1";
    let text = fs::read_to_string(&committed).expect("it is committed");
    assert_eq!(text, history_schema(), "{hint}");
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("history.json", serde_json::from_str(&text).expect("it is JSON"))
        .expect("a schema");
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("history.json", &mut schemas).expect("a schema");
    for results in [fixture::held(), fixture::violated(), fixture::skipped(), fixture::said("x")] {
        let mut line = serde_json::to_value(night(&results, &History::default())).expect("it is JSON");
        schemas.validate(&line, index).expect("it keeps to the schema");
        line["engines"][0]["time_ms"] = "long".into();
        schemas.validate(&line, index).expect_err("a time is a number");
    }
}

prop_compose! {
    /// Few of them differ, so that two histories share some.
    fn any_night()(day in 1..5_u32, seed in 0..3_u64, done in 0..2_u64, found in any::<bool>(), text in "\\PC{0,3}") -> Night {
        let mut results = on(fixture::held(), &format!("2026-01-0{day}"));
        results.run.seed = seed;
        results.engines.truncate(1);
        results.engines[0].name = text;
        let mut night = night(&results, &History::default());
        night.engines[0].figures = vec![Figure { what: "schedules".to_owned(), done, of: None }];
        if found {
            let first = "2026-01-01 03:04 UTC".to_owned();
            night.findings.push(NightFinding { id: "R1-0".to_owned(), rule: "R1".to_owned(), first, rate: None });
        }
        night
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// What git makes of two files by `merge=union` has the lines of both, in some order, and some perhaps twice.
    #[test]
    fn two_histories_merged_line_by_line_read_as_both_together(
        ours in prop::collection::vec(any_night(), 0..6),
        theirs in prop::collection::vec(any_night(), 0..6),
        cut in 0..6_usize,
    ) {
        let history = |nights: &[Night]| {
            let mut history = History::default();
            nights.iter().for_each(|night| history.add(night.clone(), usize::MAX));
            history
        };
        let (ours_text, theirs_text) = (history(&ours).text(), history(&theirs).text());
        let lines: Vec<&str> = ours_text.lines().collect();
        let (begin, end) = lines.split_at(cut.min(lines.len()));
        let merged: String =
            begin.iter().copied().chain(theirs_text.lines()).chain(end.iter().copied()).map(|line| format!("{line}\n")).collect();
        let read: BTreeSet<Night> = History::parse(&merged).nights().cloned().collect();
        let both: BTreeSet<Night> = ours.iter().chain(&theirs).cloned().collect();
        prop_assert_eq!(&read, &both);
        // And adding what is there already changes nothing.
        let mut again = History::parse(&merged);
        let before = again.text();
        both.into_iter().for_each(|night| again.add(night, usize::MAX));
        prop_assert_eq!(again.text(), before);
    }
}
