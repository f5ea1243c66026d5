//! Notification programs as real processes.

use std::io;
use std::process::{Child, Command, Stdio};

use contract::CommandLine;

use super::backends::{Process, Programs};

/// The exit code that stands for "no exit code": the process was not created, was killed, or is lost.
pub(super) const NO_EXIT_CODE: i32 = -1;

/// Runs notification programs with [`std::process::Command`], never through a shell.
///
/// BITS hands program and parameters to CreateProcess as they are, and the parameters start with the program's own name. Here
/// they are split into words: white space separates, double quotes hold a word together, `\"` is a quote and every other
/// backslash is itself. The first word is the program's own name and is dropped; what remains are the arguments. The
/// program reads nothing and its output is thrown away.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealPrograms;

impl Programs for RealPrograms {
    fn start(&self, line: &CommandLine) -> io::Result<Box<dyn Process>> {
        let child = Command::new(&*line.program)
            .args(split(&line.parameters).into_iter().skip(1))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Box::new(child))
    }
}

impl Process for Child {
    fn wait(&mut self) -> i32 {
        Child::wait(self).ok().and_then(|status| status.code()).unwrap_or(NO_EXIT_CODE)
    }
}

/// Splits parameters into words. See [`RealPrograms`].
fn split(parameters: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = parameters.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'"') => {
                chars.next();
                word.get_or_insert_default().push('"');
            }
            '"' => {
                // An empty pair of quotes is a word, too.
                word.get_or_insert_default();
                quoted = !quoted;
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn parameters_are_split_at_white_space_outside_quotes() {
        assert_eq!(split(r#" sh -c  "exit 1" "" a\"b c:\d "#), ["sh", "-c", "exit 1", "", "a\"b", r"c:\d"]);
        assert!(split("  ").is_empty());
    }
}
