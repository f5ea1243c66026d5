//! The adapter's side of the protocol, for adapters in Rust.
//!
//! **What it is.** [`serve`] reads commands and writes lines: threads by number, the counter `q`, orders for callbacks, calls from inside,
//! races, answers to what is not known. An adapter implements [`Subject`] and gives [`Callbacks`] to its client objects.
//!
//! **What it is not.** A client of any implementation: every call goes to the [`Subject`], and it alone defines what a job is.
//!
//! **The laws it keeps.**
//! 1. Calls of one thread are made in order, and a call that blocks holds back no other thread, no poll and no `release`.
//! 2. `q` is taken directly before a call, directly after it, first in a callback and last in it. Nothing is written in between
//!    but the line itself.
//! 3. A line is out before the adapter waits for anything, except in a race. What a race holds back is written at its end, at the end of the
//!    input, and when its racing call does not come back.
//! 4. A panic of the subject is `errored`, and never an answer.

mod callbacks;
mod commands;
mod output;
mod race;
mod subject;
mod threads;

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

pub use self::callbacks::{Callbacks, Entered, Told};
use self::commands::{Received, receive};
use self::output::Output;
pub use self::subject::{Answer, Caller, Refusal, Subject};
use self::threads::Threads;
use crate::wire::{Command, Greeting, Hello, MAX_LINE, VERSION};

/// How long calls, and then the subject, may take to end after the end of the input.
const LETTING_GO: Duration = Duration::from_secs(2);

/// Why there is nothing to serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The input is gone, or the first answer could not be written.
    #[error("the pipe to bgcheck is broken")]
    Pipe(#[from] io::Error),
    /// The first line is another one.
    #[error(
        "the first line must be a `hello`, for example {example}: {why}",
        example = r#"{"hello":1,"dialect":"bits","root":"/tmp/x","http":"http://127.0.0.1:1","seed":1}"#
    )]
    NoHello {
        /// What is wrong with it.
        why: String,
    },
    /// The subject did not start.
    #[error("the implementation did not start: {0}")]
    Start(#[source] io::Error),
}

/// Answers commands until the input ends. `start` gets the first line, and gives the answer to it and the subject; the version and the counter
/// are filled in here.
///
/// When it is back, calls may still be open on threads of its own: the process should then exit.
///
/// # Errors
/// The first line is no greeting, the subject did not start, or the input broke.
pub fn serve(
    mut input: impl BufRead,
    output: impl Write + Send + 'static,
    start: impl FnOnce(&Greeting, &Callbacks) -> io::Result<(Hello, Arc<dyn Subject>)>,
) -> Result<(), ServeError> {
    let greeting = greeting(&mut input)?;
    let callbacks = Callbacks::new(Output::new(Box::new(output)));
    let (hello, subject) = start(&greeting, &callbacks).map_err(ServeError::Start)?;
    callbacks.attach(Arc::downgrade(&subject));
    let output = callbacks.output();
    output.write(&Hello { hello: VERSION, q: output.next_q(), ..hello });
    let mut threads = Threads::new(callbacks.clone(), Arc::clone(&subject));
    let mut text = Vec::new();
    while let Some(read) = read_line(&mut input, &mut text)? {
        match read {
            Read::Line => threads.obey(receive(&text)),
            Read::TooLong => {
                threads.obey(Received::unreadable(format!("a line of more than {MAX_LINE} bytes")))
            }
        }
    }
    callbacks.forget();
    output.release();
    threads.end(LETTING_GO);
    end(subject, LETTING_GO);
    output.release();
    Ok(())
}

/// Ends the subject and drops it, on a thread that is left behind when that does not come back.
fn end(subject: Arc<dyn Subject>, limit: Duration) {
    let (tell, ended) = channel();
    let body = move || {
        subject.end();
        drop(subject);
        // After the limit the receiver is gone, and the send fails.
        let _ = tell.send(());
    };
    if std::thread::Builder::new().name("end".to_owned()).spawn(body).is_ok() {
        // It has ended, or has panicked, or takes too long: the process exits in each case.
        let _ = ended.recv_timeout(limit);
    }
}

fn greeting(input: &mut impl BufRead) -> Result<Greeting, ServeError> {
    let mut text = Vec::new();
    let no_hello = |why: String| ServeError::NoHello { why };
    match read_line(input, &mut text)? {
        Some(Read::Line) => match serde_json::from_slice(&text) {
            Ok(Command::Hello(greeting)) => Ok(greeting),
            Ok(Command::Do { .. }) => Err(no_hello("it is a command".to_owned())),
            Err(error) => Err(no_hello(error.to_string())),
        },
        Some(Read::TooLong) => Err(no_hello("it is too long".to_owned())),
        None => Err(no_hello("there is none".to_owned())),
    }
}

/// What was read.
enum Read {
    Line,
    /// The line is dropped.
    TooLong,
}

/// Reads the next line that is not blank; none at the end.
fn read_line(input: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<Option<Read>> {
    loop {
        text.clear();
        let most = MAX_LINE as u64 + 1;
        if io::Read::take(&mut *input, most).read_until(b'\n', text)? == 0 {
            return Ok(None);
        }
        if text.len() as u64 == most && !text.ends_with(b"\n") {
            skip_line(input)?;
            return Ok(Some(Read::TooLong));
        }
        if !text.trim_ascii().is_empty() {
            return Ok(Some(Read::Line));
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (length, done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(length);
        if done {
            return Ok(());
        }
    }
}
