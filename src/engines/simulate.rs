//! The lines that lead a session of [`properties::simulate`]: from a prompt at a terminal, arguments, a script or a pipe.
//!
//! **The law it keeps.** A script and a person get equal replies. What is not from a person ends at its first wrong line, which the
//! error names.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use contract::Core;
use properties::simulate::{
    MOST_CHARACTERS, NotNow, Reply, Session, Wrong, complete, json, read, standing, text,
};
use reports::ExitCode;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use crate::error::Error;
use crate::files::write;
use crate::input::trace_in;
use crate::output::{Output, Paint, printable};

/// Where the lines come from.
pub(crate) enum Source<'a> {
    /// The command line.
    Arguments(&'a [String]),
    /// A file.
    Script(&'a Path),
    /// A terminal or a pipe.
    Stdin,
}

/// How replies are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For a reader.
    Text,
    /// A JSON object a line.
    Json,
}

/// Whether the session goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    On,
    Ends,
}

/// Runs the session until the lines are at their end.
pub(crate) fn simulate<C: Core>(
    session: Session<C>,
    source: &Source<'_>,
    form: Form,
    output: &mut Output,
) -> Result<ExitCode, Error> {
    let mut talk = Talk { session, form };
    match source {
        Source::Arguments(lines) => {
            let places =
                lines.iter().enumerate().map(|(at, line)| (format!("argument {}", at + 1), line.clone()));
            talk.obey_all(places.map(Ok), output)
        }
        Source::Script(file) => {
            let name = printable(&file.display().to_string());
            let help = "check the path; a script has a statement a line, such as `create`".to_owned();
            let unreadable = |source| Error::Read { path: file.to_path_buf(), source, help: help.clone() };
            let reader = BufReader::new(File::open(file).map_err(unreadable)?);
            talk.obey_all(lines_of(reader, &name).map(|line| line.map_err(unreadable)), output)
        }
        Source::Stdin if std::io::stdin().is_terminal() => talk.prompt(output),
        Source::Stdin => {
            let unreadable = |source| {
                let help = "type the lines as arguments, or name a file with `--script`".to_owned();
                Error::Read { path: PathBuf::from("stdin"), source, help }
            };
            talk.obey_all(
                lines_of(std::io::stdin().lock(), "stdin").map(|line| line.map_err(unreadable)),
                output,
            )
        }
    }
}

/// Lines with their places. Of a line that is too long so much is kept that it is refused.
fn lines_of(mut reader: impl BufRead, name: &str) -> impl Iterator<Item = std::io::Result<(String, String)>> {
    let mut number = 0;
    std::iter::from_fn(move || {
        let mut bytes = Vec::new();
        // A character has four bytes at most.
        let most = 4 * MOST_CHARACTERS as u64 + 16;
        match reader.by_ref().take(most).read_until(b'\n', &mut bytes) {
            Ok(0) => None,
            Ok(_) => {
                number += 1;
                let line = String::from_utf8_lossy(&bytes);
                let line = line.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
                Some(Ok((format!("{name}:{number}"), line.to_owned())))
            }
            Err(error) => Some(Err(error)),
        }
    })
}

struct Talk<C: Core> {
    session: Session<C>,
    form: Form,
}

impl<C: Core> Talk<C> {
    fn code(&self) -> ExitCode {
        if self.session.is_broken() { ExitCode::Violated } else { ExitCode::Held }
    }

    /// What does not come from a person ends at the first line that is wrong.
    fn obey_all(
        &mut self,
        lines: impl Iterator<Item = Result<(String, String), Error>>,
        output: &mut Output,
    ) -> Result<ExitCode, Error> {
        for line in lines {
            let (place, line) = line?;
            if self.form == Form::Text && !line.trim().is_empty() {
                output.text(&output.paint(Paint::Dim, &format!("> {}", printable(&line))))?;
            }
            match self.obey(&line, output) {
                Ok(Goes::On) => {}
                Ok(Goes::Ends) => break,
                // That a rule is broken is the result, whatever is typed behind it.
                Err(error) if self.session.is_broken() => {
                    output.complain(error.at(&place));
                    break;
                }
                Err(error) => return Err(error.at(&place)),
            }
        }
        Ok(self.code())
    }

    /// Obeys a line, and writes what comes of it.
    fn obey(&mut self, line: &str, output: &mut Output) -> Result<Goes, Stop> {
        let mut stands = None;
        for statement in read(line).map_err(Stop::Wrong)? {
            let reply = match self.session.obey(&statement).map_err(Stop::NotNow)? {
                Reply::Quit => return Ok(Goes::Ends),
                Reply::Load(file) => {
                    let trace = trace_in(Path::new(&file)).map_err(Stop::Other)?;
                    self.session.load(&trace).map_err(Stop::NotNow)?
                }
                Reply::Save(file, trace) => {
                    write(Path::new(&file), &trace.print()).map_err(Stop::Other)?;
                    Reply::Save(file, trace)
                }
                reply => reply,
            };
            self.write(&reply, output).map_err(Stop::Other)?;
            if let Reply::Stepped(step) = reply {
                stands = Some(step.stands);
            }
        }
        // Where everything stands is printed once for a line, behind its last statement.
        if let Some(stands) = stands.filter(|_| self.form == Form::Text) {
            output.text(&standing(&stands)).map_err(Stop::Other)?;
        }
        Ok(Goes::On)
    }

    fn write(&self, reply: &Reply, output: &mut Output) -> Result<(), Error> {
        match self.form {
            Form::Text => {
                let painted = |line: &str| match line.trim_start() {
                    broken if broken.starts_with("BROKEN") => output.paint(Paint::Bad, line),
                    because if because.starts_with("because ") => output.paint(Paint::Dim, line),
                    _ => line.to_owned(),
                };
                let lines: Vec<String> = text(reply).lines().map(painted).collect();
                if lines.is_empty() { Ok(()) } else { output.text(&lines.join("\n")) }
            }
            Form::Json => output.text(&json(reply).to_string()),
        }
    }

    /// Reads the lines of a person, whose slips end nothing.
    fn prompt(&mut self, output: &mut Output) -> Result<ExitCode, Error> {
        let broken = |error: ReadlineError| Error::Usage {
            what: format!("the terminal cannot be read: {error}"),
            help: "type the lines as arguments, or name a file with `--script`".to_owned(),
        };
        let config = Config::builder().auto_add_history(true).build();
        let mut editor: Editor<Words, FileHistory> = Editor::with_config(config).map_err(broken)?;
        editor.set_helper(Some(Words(self.session.names())));
        let history = history();
        if let Some(file) = &history {
            // There is none yet, the first time.
            let _ = editor.load_history(file);
        }
        output.note("type `help` for what can be typed, and `quit` or Ctrl-D to end; TAB completes");
        loop {
            match editor.readline("> ") {
                Ok(line) => match self.obey(&line, output) {
                    Ok(Goes::On) => {}
                    Ok(Goes::Ends) => break,
                    Err(Stop::Other(error @ Error::Stdout(_))) => return Err(error),
                    Err(error) => output.complain(error.at("")),
                },
                Err(ReadlineError::Interrupted) => output.note("type `quit` or Ctrl-D to end"),
                Err(ReadlineError::Eof) => break,
                Err(error) => return Err(broken(error)),
            }
            if let Some(words) = editor.helper_mut() {
                words.0 = self.session.names();
            }
        }
        if let Some(file) = history {
            // A history that cannot be kept costs nothing but the history.
            let kept = file.parent().map(std::fs::create_dir_all).transpose();
            let _ = kept.map(|_| editor.save_history(&file));
        }
        Ok(self.code())
    }
}

/// Why a line comes to its end early.
enum Stop {
    Wrong(Wrong),
    NotNow(NotNow),
    Other(Error),
}

impl Stop {
    /// The error, with the place of the line; at a prompt the place is plain.
    fn at(self, place: &str) -> Error {
        let sign = if place.is_empty() { String::new() } else { format!("{place}: ") };
        match self {
            Stop::Wrong(wrong) => Error::usage(format!("{sign}{wrong}"), wrong.help()),
            Stop::NotNow(not) => Error::usage(format!("{sign}{not}"), not.help),
            Stop::Other(error) => error,
        }
    }
}

/// Where the lines of a person are kept, if the system has a place for it.
fn history() -> Option<PathBuf> {
    let of = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = of("XDG_STATE_HOME")
        .or_else(|| of("LOCALAPPDATA"))
        .or_else(|| of("HOME").map(|home| home.join(".local/state")));
    state.filter(|state| state.is_absolute()).map(|state| state.join("bgcheck/simulate-history"))
}

/// What completes the words of a statement; the names are those of the session.
struct Words(Vec<String>);

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line, at, &self.0))
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Validator for Words {}

impl Helper for Words {}
