//! The mutation score: what was noticed once must be noticed again, and what is equivalent to the model is counted apart.

use reports::{ExitCode, Extent, Fate, Meaning, MutantRow, Mutations, Survivor, Survivors};

const NOTICED: &str = "rule/r1/silent";

fn run(fate: Fate) -> Mutations {
    let row = |name: &str, fate: Fate| MutantRow {
        name: name.to_owned(),
        what: "Something is gone.".to_owned(),
        fate,
        survivor: None,
    };
    let same = Fate::Survived { time_ms: 1, same_states: Some(7) };
    Mutations {
        stopped_by: None,
        commit: "abc".to_owned(),
        command_line: "bgcheck mutate".to_owned(),
        seed: 1,
        engines: vec!["traces".to_owned()],
        extent: Extent::EveryEngine,
        wolves: Vec::new(),
        rows: vec![row(NOTICED, fate), row("mark/owed/not-set", same)],
        time_ms: 1_500,
    }
}

fn noticed() -> Fate {
    Fate::Noticed { by: "traces".to_owned(), sign: "R1".to_owned(), time_ms: 1 }
}

fn survived() -> Fate {
    Fate::Survived { time_ms: 1, same_states: None }
}

fn known() -> Survivors {
    let survivor = Survivor { meaning: Meaning::Equivalent, why: "Nobody can tell.".to_owned() };
    let names = [NOTICED, "mark/owed/not-set", "spec/not-asked-for"];
    Survivors { survivors: names.map(|name| (name.to_owned(), survivor.clone())).into() }
}

#[test]
fn what_was_noticed_by_a_blessed_run_must_be_noticed_again() {
    let ends_with = |known: &Survivors, fate: Fate| {
        let mut mutations = run(fate);
        mutations.explain(known);
        mutations.exit_code()
    };
    let mut known = known();
    assert_eq!(ends_with(&known, survived()), ExitCode::Held);
    known.take_over(&run(noticed()));
    let left: Vec<&str> = known.survivors.keys().map(String::as_str).collect();
    assert_eq!(left, ["mark/owed/not-set", "spec/not-asked-for"]);
    assert_eq!(ends_with(&known, noticed()), ExitCode::Held);
    assert_eq!(ends_with(&known, survived()), ExitCode::Violated);
}

#[test]
fn the_same_model_counts_against_the_score_and_is_counted_apart() {
    let mut mutations = run(noticed());
    mutations.explain(&known());
    let text = mutations.text();
    let score = "1 of 2 mutants were noticed (50.0 %); 1 that survive are shown to be equivalent to the model, and of the other 1 it is 100.0 %.";
    assert!(text.contains(score), "{text}");
    assert!(mutations.markdown().contains("Nobody can tell. Shown: equal in 7 states."), "{text}");
}
