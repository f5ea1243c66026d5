//! The live run, small: real threads, HTTP and files, judged by the rules; and the canary, which has to be noticed.
//!
//! The figures of a whole one: `cargo test --release -p properties --test live_run -- --ignored --nocapture`.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use contract::{Dialect, StepKind};
use judge::{Rule, RuleSet, TimelineOptions, Verdict, timeline};
use properties::live::{Canary, LiveConfig, LiveReport, run};

fn small(dialect: Dialect, canary: Canary, directory: &Path) -> LiveReport {
    small_of(5, dialect, canary, directory)
}

fn small_of(seed: u64, dialect: Dialect, canary: Canary, directory: &Path) -> LiveReport {
    let budget = Duration::from_secs(15);
    let config =
        LiveConfig { jobs: 40, budget, canary, seed, ..LiveConfig::new(dialect.profile(), directory) };
    run(&config, &|_| {}).expect("the machine has threads and a port")
}

fn decisions(report: &LiveReport, rule: Rule) -> u64 {
    match report.verdicts.rules.get(&rule) {
        Some(Verdict::Held { decisions }) => *decisions,
        _ => 0,
    }
}

#[test]
fn the_engine_keeps_the_rules_on_real_threads() {
    for dialect in Dialect::ALL {
        let directory = tempfile::tempdir().expect("there is room for files");
        let report = small(dialect, Canary::Off, directory.path());
        assert_eq!(report.hang, None, "{dialect}");
        if let Some(first) = report.verdicts.first() {
            let options =
                TimelineOptions { violation: Some(first), job: first.job, ..TimelineOptions::default() };
            panic!("{dialect}: {}", timeline(&report.trace, &options));
        }
        assert_eq!(report.wrong_files, [], "{dialect}");
        for rule in [Rule::R1, Rule::R2, Rule::R3, Rule::R5, Rule::R6, Rule::R9, Rule::R15, Rule::R16] {
            assert!(decisions(&report, rule) > 0, "{dialect}: {rule} decided nothing");
        }
        assert_eq!(report.jobs, 40, "{dialect}");
        assert!(report.files_compared > 0 && report.callbacks > 0, "{dialect}");
    }
}

#[test]
fn a_few_runs_meet_errors_of_each_kind_and_a_retry() {
    for dialect in Dialect::ALL {
        let mut missing =
            BTreeSet::from([StepKind::TransientError, StepKind::RetryDelayOver, StepKind::FatalError]);
        // On a busy machine a run may be over before a retry is due.
        for seed in 5..15 {
            let directory = tempfile::tempdir().expect("there is room for files");
            let report = small_of(seed, dialect, Canary::Off, directory.path());
            missing.retain(|step| !report.seen.steps.contains_key(step));
            if missing.is_empty() {
                break;
            }
        }
        assert_eq!(missing, BTreeSet::new(), "{dialect}");
    }
}

#[test]
fn the_canary_is_noticed_and_named() {
    for dialect in Dialect::ALL {
        let directory = tempfile::tempdir().expect("there is room for files");
        let report = small(dialect, Canary::On, directory.path());
        assert_eq!(report.verdicts.violated(), RuleSet::of(&[Rule::R1, Rule::R2]), "{dialect}");
    }
}

#[test]
#[ignore = "prints figures, and takes a few seconds"]
fn two_hundred_jobs() {
    for dialect in Dialect::ALL {
        let directory = tempfile::tempdir().expect("there is room for files");
        let config = LiveConfig::new(dialect.profile(), directory.path());
        let report = run(&config, &|_| {}).expect("the machine has threads and a port");
        let LiveReport { jobs, callbacks, calls, files_compared, bytes_compared, elapsed, .. } = &report;
        println!(
            "{dialect}: {jobs} jobs, {calls} calls, {callbacks} callbacks, {} events, {files_compared} files \
             ({bytes_compared} bytes) compared in {:.1} s, {:?}",
            report.verdicts.events,
            elapsed.as_secs_f64(),
            report.trace.header.ended,
        );
        println!("{:?}", report.seen);
        assert_eq!((report.verdicts.first(), report.hang), (None, None), "{dialect}");
        assert_eq!(report.wrong_files, [], "{dialect}");
    }
}
