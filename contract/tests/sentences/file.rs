//! The file keeps to its form, and a file that does not is refused with what is wrong.

use contract::Sentence;
use contract::sentence::{FILE, MAX_SAYS, SentenceError, read};

#[test]
fn the_compiler_and_the_reader_of_toml_find_the_same_sentences() {
    let texts = read(FILE).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let read: Vec<&str> = texts.iter().map(|text| text.id.as_str()).collect();
    let compiled: Vec<&str> = Sentence::all().map(Sentence::id).collect();
    assert_eq!(read, compiled);
    assert!(compiled.len() >= 100, "{} sentences", compiled.len());
    for sentence in Sentence::all() {
        assert_eq!(sentence.text().id, sentence.id());
        assert_eq!(Sentence::find(sentence.id()), Some(sentence));
    }
    assert_eq!(Sentence::find("resume.emty"), None);
    assert_eq!(Sentence::find("resume.empt"), None);
}

const GOOD: &str = r#"
[[sentence]]
id = "suspend.twice"
says = "Suspend of a SUSPENDED job changes nothing."
dialect = "bits"
facts = ["B1", "C3.8", "G62"]
pages = ["api:suspend"]
"#;

/// What is wrong with the good file after a change.
fn broken(from: &str, to: &str) -> Vec<SentenceError> {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    read(&GOOD.replace(from, to)).expect_err(to)
}

#[test]
fn a_file_with_a_mistake_is_refused_with_what_is_wrong() {
    assert_eq!(read(GOOD).map(|texts| texts.len()), Ok(1));
    for id in ["suspend", "Suspend.twice", "suspend.", "suspend.twice.again", "suspend.zwölf"] {
        assert_eq!(broken("suspend.twice", id), [SentenceError::BadId(id.to_owned())]);
    }
    let long = format!("{}.", "x".repeat(MAX_SAYS));
    let two_lines = "Suspend changes\\nnothing.";
    for says in [long.as_str(), "", "No full stop", "A bar | in a table.", " Blank before.", two_lines] {
        let errors = broken("Suspend of a SUSPENDED job changes nothing.", says);
        assert!(matches!(&errors[..], [SentenceError::NotALine { .. }]), "{says:?}: {errors:?}");
    }
    for facts in ["B6", "B0", "B01", "B+1", "K1", "G63", "G1.2", "C3.10", "C5", "E1", "b1", "", "B 1"] {
        let errors = broken("\"B1\"", &format!("{facts:?}"));
        assert!(matches!(&errors[..], [SentenceError::BadSource { .. }]), "{facts:?}: {errors:?}");
    }
    for page in ["suspend", "https://suspend", "api:", "api:Suspend", "api:a b"] {
        let errors = broken("api:suspend", page);
        assert!(matches!(errors[0], SentenceError::BadSource { .. }), "{page:?}: {errors:?}");
    }
    let other = [SentenceError::OtherDialect("suspend.twice".to_owned())];
    assert_eq!(broken("api:suspend", "do:ibackgroundcopyjob-suspend"), other);
    assert_eq!(broken("\"bits\"", "\"both\""), other, "both services, and a page of one");
    assert_eq!(broken("[\"api:suspend\"]", "[]"), other);
    for toml in ["says = 1", "said = \"x.\"", "dialect = \"neither\"", "id ="] {
        let errors = broken("dialect = \"bits\"", toml);
        assert!(matches!(&errors[..], [SentenceError::Toml(_)]), "{toml}: {errors:?}");
    }
    let twice = format!("{GOOD}{GOOD}");
    assert_eq!(read(&twice), Err(vec![SentenceError::Twice("suspend.twice".to_owned())]));
}
