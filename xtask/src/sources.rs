//! Every generated file, and what writes it.
//!
//! The order is that of the run: what is compiled into the command comes before what the command prints.

use std::fmt::Write as _;

/// A step: files that have one source.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Source {
    pub(crate) name: &'static str,
    /// Files, and directories with all that is in them; from the top of the repository.
    pub(crate) files: &'static [&'static str],
    pub(crate) by: By,
    pub(crate) takes: Takes,
}

/// What writes the files.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum By {
    /// A test that compares, and writes where a variable is set.
    Test {
        variable: &'static str,
        value: &'static str,
        /// Targets of `--test`, and the part of a test's name that chooses among their tests.
        targets: &'static [&'static str],
        filter: &'static str,
        /// The package and its feature, where the tests need another build than the others.
        feature: Option<(&'static str, &'static str)>,
    },
    /// The command, which writes the files itself.
    Command(&'static [&'static str]),
    /// The command, whose output is the file.
    Output(&'static [&'static str], Depth),
}

/// What becomes of the depth in an output: with several threads it is not exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Depth {
    Kept,
    LeftOut,
}

/// Whether a step takes minutes, when its sources are built, or many of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takes {
    Minutes,
    Long,
}

/// A test that writes where a variable is set, and needs no build of its own.
const fn test(
    variable: &'static str,
    value: &'static str,
    targets: &'static [&'static str],
    filter: &'static str,
) -> By {
    By::Test { variable, value, targets, filter, feature: None }
}

/// Every step.
pub(crate) const SOURCES: &[Source] = &[
    Source {
        name: "schemas",
        files: &["adapter/schema.json", "judge/schema", "reports/schema"],
        by: test("UPDATE_SCHEMA", "1", &["schema", "trace", "reports"], "schema"),
        takes: Takes::Minutes,
    },
    Source {
        name: "citations",
        files: &["contract/citations.txt"],
        by: test("UPDATE_CITATIONS", "1", &["sentences"], "the_list_of_citations"),
        takes: Takes::Minutes,
    },
    Source {
        name: "cases",
        files: &["judge/tests/rules/cases.jsonl", "judge/tests/rules/examples.jsonl"],
        by: test("UPDATE_CASES", "1", &["rules"], ""),
        takes: Takes::Minutes,
    },
    Source {
        name: "regressions",
        files: &["properties/regressions/R6-program-epoch.jsonl"],
        by: test("UPDATE_REGRESSIONS", "1", &["programs"], "program_epoch"),
        takes: Takes::Minutes,
    },
    Source {
        name: "edges",
        files: &["model/edges.txt"],
        by: By::Command(&["graph", "--table", "edges", "--out", "model/edges.txt"]),
        takes: Takes::Minutes,
    },
    Source {
        name: "suites",
        files: &["properties/suites"],
        by: By::Command(&["generate", "--committed"]),
        takes: Takes::Minutes,
    },
    Source {
        name: "rules",
        files: &["docs/rules.md"],
        by: test("UPDATE_RULES", "1", &["explain"], "the_document_of_the_rules"),
        takes: Takes::Minutes,
    },
    Source {
        name: "barrier",
        files: &["docs/barrier.md"],
        by: test("BARRIER", "overwrite", &["protocol"], "document"),
        takes: Takes::Minutes,
    },
    Source {
        name: "pictures",
        files: &["docs/pictures"],
        by: test("UPDATE_PICTURES", "1", &["pictures"], ""),
        takes: Takes::Minutes,
    },
    Source {
        name: "check-small",
        files: &["docs/pinned/check-small.txt"],
        by: By::Output(&["check", "--scope", "small", "--no-times", "--quiet"], Depth::LeftOut),
        takes: Takes::Minutes,
    },
    Source {
        name: "check-default",
        files: &["docs/pinned/check-default.txt"],
        by: By::Output(&["check", "--scope", "default", "--no-times", "--quiet"], Depth::LeftOut),
        takes: Takes::Minutes,
    },
    Source {
        name: "check-protocol",
        files: &["docs/pinned/check-protocol.txt"],
        by: By::Output(&["check", "--model", "protocol", "--no-times", "--quiet"], Depth::LeftOut),
        takes: Takes::Minutes,
    },
    Source {
        name: "race-tiny",
        files: &["docs/pinned/race-tiny.txt"],
        by: By::Output(&["race", "--complete", "--refine", "--no-times", "--quiet"], Depth::Kept),
        takes: Takes::Minutes,
    },
    Source {
        name: "race-default",
        files: &["docs/pinned/race-default.txt"],
        by: By::Output(
            &["race", "--complete", "--scope", "default", "--refine", "--no-times", "--quiet"],
            Depth::Kept,
        ),
        takes: Takes::Minutes,
    },
    Source {
        name: "transcripts",
        files: &["tests/cmd", "docs/howto/simulate.md", "docs/reading-a-counterexample.md"],
        by: test("TRYCMD", "overwrite", &["commands"], "transcripts"),
        takes: Takes::Minutes,
    },
    Source {
        name: "check-wide",
        files: &["docs/pinned/check-wide.txt"],
        by: By::Output(
            &["check", "--scope", "wide", "--model", "protocol", "--no-times", "--quiet"],
            Depth::LeftOut,
        ),
        takes: Takes::Long,
    },
    Source {
        name: "race-small",
        files: &["docs/pinned/race-small.txt"],
        by: By::Output(
            &["race", "--complete", "--scope", "small", "--refine", "--no-times", "--quiet"],
            Depth::Kept,
        ),
        takes: Takes::Long,
    },
    Source {
        name: "race-bites",
        files: &["docs/pinned/race-bites.txt"],
        by: By::Test {
            variable: "BITES",
            value: "overwrite",
            targets: &["faults"],
            filter: "bites",
            feature: Some(("properties", "faults")),
        },
        takes: Takes::Long,
    },
    Source {
        name: "adapter-bites",
        files: &["docs/pinned/adapter-bites.txt"],
        by: By::Test {
            variable: "BITES",
            value: "overwrite",
            targets: &["defects"],
            filter: "through_the_pipe",
            feature: Some(("bgcheck", "faults")),
        },
        takes: Takes::Long,
    },
    Source {
        name: "faults",
        files: &["docs/faults.md", "docs/pinned/kill-expected.json"],
        by: By::Command(&["kill", "--budget", "4s", "--seed", "1", "--bless", "-o", "docs/faults.md"]),
        takes: Takes::Long,
    },
];

/// What `--list` prints.
pub(crate) fn list() -> String {
    let mut text = String::new();
    let width = SOURCES.iter().map(|source| source.name.len()).max().unwrap_or(0);
    for source in SOURCES {
        let takes = match source.takes {
            Takes::Minutes => "",
            Takes::Long => " (takes long; --quick leaves it out)",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:width$}  {}", source.name, source.files.join(" "));
        let _ = writeln!(text, "{:width$}  from {}{takes}", "", source.by.shown("release"));
    }
    text
}

impl By {
    /// The command, as it may be typed at the top of the repository.
    pub(crate) fn shown(&self, profile: &str) -> String {
        match self {
            By::Test { variable, value, .. } => {
                format!("{variable}={value} cargo {}", self.test_args(profile).join(" "))
            }
            By::Command(args) => format!("bgcheck {}", args.join(" ")),
            By::Output(args, Depth::Kept) => format!("bgcheck {}", args.join(" ")),
            By::Output(args, Depth::LeftOut) => {
                format!("bgcheck {}, each line without `, depth N`", args.join(" "))
            }
        }
    }

    /// The arguments of cargo for a test; none for what is no test.
    pub(crate) fn test_args(&self, profile: &str) -> Vec<String> {
        let By::Test { targets, filter, feature, .. } = self else { return Vec::new() };
        let mut args = vec!["test".to_owned(), "--profile".to_owned(), profile.to_owned()];
        match feature {
            // One choice of features for all of them, so that little is built twice.
            None => args.push("--workspace".to_owned()),
            Some((package, feature)) => {
                args.extend(["--package", package, "--features", feature].map(str::to_owned));
            }
        }
        args.extend(targets.iter().flat_map(|target| ["--test".to_owned(), (*target).to_owned()]));
        args.extend(Some((*filter).to_owned()).filter(|filter| !filter.is_empty()));
        args
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn every_file_is_there_and_has_one_source() {
        let files: Vec<&str> = SOURCES.iter().flat_map(|source| source.files).copied().collect();
        for (number, file) in files.iter().enumerate() {
            assert!(root().join(file).exists(), "{file} is not there");
            assert!(!files[..number].contains(file), "{file} has two sources");
        }
    }

    /// A test that writes a file reads a variable; a new one that is not in the list is found here.
    #[test]
    fn every_variable_by_which_a_test_writes_is_in_the_list() {
        let known = |name: &str| {
            let is = |source: &Source| matches!(source.by, By::Test { variable, .. } if variable == name);
            SOURCES.iter().any(is)
        };
        let mut found = 0;
        for file in sources(root()) {
            let text = std::fs::read_to_string(&file).expect("a source is text");
            for asked in text.split("env::var_os(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let writes = asked.starts_with("UPDATE_") || matches!(asked, "BARRIER" | "BITES");
                assert!(!writes || known(asked), "{} asks for {asked}", file.display());
                found += usize::from(writes);
            }
        }
        assert!(found > 6, "only {found} tests ask for a variable: has their form changed?");
    }

    /// The page of documents marks what is generated.
    #[test]
    fn what_the_list_of_documents_calls_generated_is_in_the_list() {
        let page = std::fs::read_to_string(root().join("docs/README.md")).expect("the page is there");
        let rows = page.lines().filter(|line| line.starts_with("| [") && line.contains("enerated"));
        let mut rows = rows.filter(|line| !line.contains("generated (`kill --mutants`)")).peekable();
        assert!(rows.peek().is_some(), "no row is marked");
        for row in rows {
            let mut pages = row.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let known =
                |page: &str| SOURCES.iter().any(|source| source.files.contains(&&*format!("docs/{page}")));
            assert!(pages.all(known), "no step writes a file of: {row}");
        }
    }

    /// The sources of the repository, without what is built.
    fn sources(directory: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
        let mut files = Vec::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                files.extend(sources(&path));
            } else if name.ends_with(".rs") {
                files.push(path);
            }
        }
        files
    }
}
