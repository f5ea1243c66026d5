//! `bgcheck adapter run` on several processes of one adapter: which numbers they have, and that what is covered does not depend on their number.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::mini::run;

/// Has the adapter write its number into a file when it starts.
fn run_with(workers: &str, numbers: &Path) -> String {
    let first = "if __name__ == \"__main__\":\n";
    let writes = format!(
        "{first}    with open({:?}, \"a\") as numbers: numbers.write(os.environ[\"BGCHECK_PROCESS\"] + \"\\n\")\n",
        numbers.display().to_string()
    );
    let changes = [("adapter.py", first, &*writes)];
    let (code, text) = run(&changes, &["--budget", "20s", "--workers", workers]);
    assert!(matches!(code, Some(0 | 3 | 4)), "{code:?}: {text}");
    text
}

fn covered(text: &str) -> Option<&str> {
    text.lines().find(|line| line.contains("suite tiny transition: "))
}

#[test]
fn each_process_has_a_number_and_all_of_them_cover_what_one_covers() {
    let directory = tempfile::tempdir().expect("a directory");
    let (one, three) = (directory.path().join("one"), directory.path().join("three"));
    let texts = std::thread::scope(|scope| {
        let beside = scope.spawn(|| run_with("1", &one));
        [run_with("3", &three), beside.join().expect("it runs")]
    });
    let [of_three, of_one] = &texts;
    assert!(covered(of_one).is_some(), "{of_one}");
    assert_eq!(covered(of_one), covered(of_three));
    let numbers = |file: &Path| -> BTreeSet<String> {
        let text = std::fs::read_to_string(file).expect("the adapter has started");
        text.lines().map(str::to_owned).collect()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(numbers(&one), words(&["0"]));
    assert!(numbers(&three).is_superset(&words(&["0", "1", "2"])), "{:?}", numbers(&three));
}
