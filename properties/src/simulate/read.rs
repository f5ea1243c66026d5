//! Reading what is typed.
//!
//! A line has statements, parted by `;`. A comment begins with `#`. A statement is `[WHO:] [JOB.]VERB [ARGUMENT...]`, or a command of the
//! session, such as `undo`. Texts with blanks stand in quotation marks.
//!
//! **The law it keeps.** Any text is read, or refused with the column, what was expected there, and the words that come closest.

use std::fmt;

use contract::core::{Failure, TransferEvent};
use contract::event::Leave;
use contract::{DeliveryId, Dialect, ErrorContext, FileId, HResult, JobId, Method, Text, ThreadId, UserId};
use model::drive::DiskResult;

use super::act::{Act, MOST_THREADS, On, Verb, Who};
use super::call;

/// Characters of a line at most.
pub const MOST_CHARACTERS: usize = 16 << 10;

/// One statement.
#[derive(Clone, PartialEq, Debug)]
pub enum Statement {
    /// Something happens.
    Act(Act),
    /// `cancel?`: what would this call answer?
    Ask(Act),
    /// `?`: what would each call answer?
    Answers,
    /// `what-if ...`: what would become of these? Nothing is changed.
    WhatIf(Vec<Act>),
    /// `job j1`: chooses the job of what follows.
    Job(JobId),
    /// `undo`: takes this number of statements back.
    Undo(usize),
    /// `back 3`: takes everything back behind the step of this number.
    Back(usize),
    /// `why`: explains the last step, or the step of this number.
    Why(Option<usize>),
    /// `show`: where everything stands.
    Show,
    /// `steps`: what was done so far.
    Steps,
    /// `timeline`: the run as a picture.
    Timeline,
    /// `save FILE`: writes the run as a trace.
    Save(String, Option<Dialect>),
    /// `load FILE`: begins anew with the steps of a trace.
    Load(String),
    /// `test [NAME]`: prints the run as a Rust test.
    Test(Option<String>),
    /// `help [WORD]`.
    Help(Option<String>),
    /// `quit`.
    Quit,
}

/// The verbs that are no calls, each with its arguments and what it does.
pub(super) const MOVES: [(&str, &str, &str); 12] = [
    ("turn", "", "the scheduler gives a job its turn"),
    (
        "transfer",
        "connected | size N | bytes N | restarted | done | fails [fatal|transient] [CODE|STATUS] [CONTEXT]",
        "the transfer reports; a job that waits for its turn gets it first",
    ),
    ("disk", "[good | rename-fails N | leaves-behind]", "the disk work of Cancel or Complete is done"),
    ("begin", "[j0]", "a delivery begins: calls that forbid it wait for it"),
    ("enter", "[j0]", "the delivery that has begun enters the client's code; also `d0: enter`"),
    ("leave", "[j0] [CODE|panics]", "the callback leaves, with S_OK when nothing is typed"),
    ("exit", "[j0] [NUMBER]", "the notification program exits, with 0 when nothing is typed"),
    ("deliver", "[j0] [CODE|panics]", "begin, enter and leave in one statement"),
    ("time", "", "time passes up to the next timer"),
    ("logoff", "[u0]", "a user logs off"),
    ("network", "lost | back", "the network goes or comes back"),
    (
        "late",
        "transfer EVENT | disk RESULT | called | left CODE | started",
        "something comes too late, and must change nothing",
    ),
];

/// The commands of a session, each with its arguments and what it does.
pub(super) const COMMANDS: [(&str, &str, &str); 14] = [
    ("?", "", "what each call would answer now"),
    ("CALL?", "", "what this call would answer now, and why, as in `cancel?`"),
    ("what-if", "STATEMENT; ...", "what would become of these statements; nothing is changed"),
    ("why", "[N]", "explains the last step, or step N, by table, rule and sentence"),
    ("show", "", "where everything stands"),
    ("job", "j0", "chooses the job of what follows"),
    ("steps", "", "what was done so far"),
    ("undo", "[N]", "takes the last statement back, or the last N"),
    ("back", "N", "takes everything back behind step N"),
    ("timeline", "", "the run as a picture"),
    ("save", "FILE [bits|do]", "writes the run as a trace, for `bgcheck replay`"),
    ("load", "FILE", "begins anew with the steps of a trace"),
    (
        "test",
        "[NAME]",
        "prints the run as a Rust test; of one that breaks a rule, its smallest counterexample",
    ),
    ("help", "[WORD]", "this list, or one word of it; `quit` ends the session"),
];

/// Why a text cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    what: String,
    /// Where, in characters from 1.
    at: usize,
    help: String,
}

impl Wrong {
    /// The column, from 1.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// What to type next.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.help
    }

    fn new(what: impl Into<String>, at: usize, help: impl Into<String>) -> Wrong {
        Wrong { what: what.into(), at, help: help.into() }
    }

    pub(super) fn unknown(word: &str, close: Vec<&str>) -> Wrong {
        let help = match close.as_slice() {
            [] => "type `help` for the words that there are".to_owned(),
            close => {
                let close: Vec<String> = close.iter().map(|word| format!("`{word}`")).collect();
                format!("did you mean {}? `help` lists all words", close.join(" or "))
            }
        };
        Wrong::new(format!("{} is no word here", shown(word)), 1, help)
    }

    fn at_column(self, at: usize) -> Wrong {
        Wrong { at, ..self }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.at, self.what)
    }
}

impl std::error::Error for Wrong {}

/// What was typed, short enough for a message, without anything that a terminal would obey.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("{short:?}")
}

/// A word of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) quoted: bool,
    at: usize,
}

impl Word {
    pub(super) fn is_null(&self) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case("null")
    }
}

/// Reads a line.
///
/// # Errors
/// What cannot be read, and where.
pub fn read(line: &str) -> Result<Vec<Statement>, Wrong> {
    let mut statements = Vec::new();
    let mut parts = split(line)?.into_iter();
    while let Some(words) = parts.next() {
        let asks_for_more = |word: &Word| !word.quoted && word.text.eq_ignore_ascii_case("what-if");
        if words.first().is_some_and(asks_for_more) {
            let at = words[0].at;
            let first = words[1..].to_vec();
            let rest = std::iter::once(first).chain(parts.by_ref()).filter(|words| !words.is_empty());
            let acts: Vec<Act> = rest.map(act).collect::<Result<_, _>>()?;
            if acts.is_empty() {
                return Err(Wrong::new(
                    "what if what?",
                    at,
                    "type statements behind it: `what-if cancel; disk`",
                ));
            }
            statements.push(Statement::WhatIf(acts));
        } else if !words.is_empty() {
            statements.push(statement(words)?);
        }
    }
    Ok(statements)
}

/// The words of each statement of a line.
fn split(line: &str) -> Result<Vec<Vec<Word>>, Wrong> {
    let mut statements = vec![Vec::new()];
    let mut word: Option<Word> = None;
    let mut letters = line.chars().enumerate().map(|(at, letter)| (at + 1, letter)).peekable();
    while let Some((at, letter)) = letters.next() {
        if at > MOST_CHARACTERS {
            let what = format!("the line has more than {MOST_CHARACTERS} characters");
            return Err(Wrong::new(what, at, "part it into several lines"));
        }
        let ends = letter.is_whitespace() || letter == ';' || letter == '#' || letter == '"';
        if ends && let (Some(done), Some(words)) = (word.take(), statements.last_mut()) {
            words.push(done);
        }
        match letter {
            '#' => break,
            ';' => statements.push(Vec::new()),
            '"' => {
                let text = quotation(&mut letters, at)?;
                if let Some(words) = statements.last_mut() {
                    words.push(Word { text, quoted: true, at });
                }
            }
            letter if letter.is_whitespace() => {}
            letter => {
                word.get_or_insert_with(|| Word { text: String::new(), quoted: false, at }).text.push(letter)
            }
        }
    }
    if let (Some(done), Some(words)) = (word, statements.last_mut()) {
        words.push(done);
    }
    Ok(statements)
}

type Letters<'a> = dyn Iterator<Item = (usize, char)> + 'a;

/// The text up to the closing quotation mark. `\"`, `\\` and `\u{41}` are what they are in Rust.
fn quotation(letters: &mut Letters<'_>, at: usize) -> Result<String, Wrong> {
    let mut text = String::new();
    let open = || Wrong::new("the quotation mark is not closed", at, "close it: `\"a text\"`");
    loop {
        match letters.next().ok_or_else(open)? {
            (_, '"') => return Ok(text),
            (_, '\\') => {
                let (here, letter) = letters.next().ok_or_else(open)?;
                let wrong = || Wrong::new("this is no escape", here, "type `\\\"`, `\\\\` or `\\u{41}`");
                match letter {
                    '"' | '\\' => text.push(letter),
                    'u' => {
                        let code = letters.map(|(_, letter)| letter).skip_while(|letter| *letter == '{');
                        let digits: String = code.take_while(|letter| *letter != '}').take(7).collect();
                        let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                        text.push(code.ok_or_else(wrong)?);
                    }
                    _ => return Err(wrong()),
                }
            }
            (_, letter) => text.push(letter),
        }
    }
}

/// The arguments of a verb, taken one after the other.
#[derive(Clone, Debug)]
pub(super) struct Args {
    words: std::collections::VecDeque<Word>,
    verb: String,
    usage: &'static str,
    end: usize,
}

impl Args {
    /// The arguments in a text.
    pub(super) fn of(text: &str) -> Result<Args, Wrong> {
        let words = split(text)?.into_iter().next().unwrap_or_default();
        Ok(Args::new(words, 1))
    }

    fn new(words: Vec<Word>, at: usize) -> Args {
        let end = words.last().map_or(at, |word| word.at + word.text.chars().count());
        Args { words: words.into(), verb: String::new(), usage: "", end }
    }

    /// Sets the verb whose arguments these are, and its usage.
    pub(super) fn about(&mut self, verb: &str, usage: &'static str) {
        verb.clone_into(&mut self.verb);
        self.usage = usage;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn usage(&self) -> String {
        match self.usage {
            "" => format!("type `{}` and nothing behind it", self.verb),
            usage => format!("type `{} {usage}`", self.verb),
        }
    }

    pub(super) fn bad(&self, word: &Word, expected: &str) -> Wrong {
        let what = format!("{} is not {expected}", shown(&word.text));
        Wrong::new(what, word.at, self.usage())
    }

    fn take(&mut self) -> Option<Word> {
        self.words.pop_front()
    }

    /// The next word, which has to be there.
    pub(super) fn required(&mut self, expected: &str) -> Result<Word, Wrong> {
        let (end, usage) = (self.end, self.usage());
        let missing = || Wrong::new(format!("`{}` needs {expected}", self.verb), end, usage);
        self.words.pop_front().ok_or_else(missing)
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), Wrong> {
        match self.take() {
            None => Ok(()),
            Some(word) => {
                let what = format!("{} is one word too many", shown(&word.text));
                Err(Wrong::new(what, word.at, self.usage()))
            }
        }
    }

    /// A text, or NULL.
    pub(super) fn text(&mut self) -> Result<Option<Text>, Wrong> {
        let word = self.required("a text, or NULL")?;
        Ok((!word.is_null()).then(|| call::text_of(word.text)))
    }

    /// A text that is there.
    pub(super) fn a_text(&mut self) -> Result<Text, Wrong> {
        Ok(call::text_of(self.required("one text more")?.text))
    }

    pub(super) fn text_or(&mut self, usual: Option<&'static str>) -> Result<Option<Text>, Wrong> {
        if self.is_empty() { Ok(usual.map(Text::Borrowed)) } else { self.text() }
    }

    pub(super) fn as_number<N: std::str::FromStr>(&self, word: &Word, expected: &str) -> Result<N, Wrong> {
        word.text.parse().map_err(|_| self.bad(word, expected))
    }

    pub(super) fn number<N: std::str::FromStr>(&mut self, expected: &str) -> Result<N, Wrong> {
        let word = self.required(expected)?;
        self.as_number(&word, expected)
    }

    pub(super) fn number_or<N: std::str::FromStr>(&mut self, usual: N) -> Result<N, Wrong> {
        if self.is_empty() { Ok(usual) } else { self.number("a number") }
    }

    fn id(&self, word: &Word, letter: char) -> Option<u32> {
        word.text.strip_prefix(letter)?.parse().ok().filter(|_| !word.quoted)
    }

    pub(super) fn file(&mut self) -> Result<FileId, Wrong> {
        let word = self.required("a file such as f0")?;
        self.id(&word, 'f').map(FileId).ok_or_else(|| self.bad(&word, "a file such as f0"))
    }

    pub(super) fn file_or(&mut self, usual: FileId) -> Result<FileId, Wrong> {
        if self.is_empty() { Ok(usual) } else { self.file() }
    }

    fn job(&mut self) -> Result<JobId, Wrong> {
        let word = self.required("a job such as j0")?;
        self.id(&word, 'j').map(JobId).ok_or_else(|| self.bad(&word, "a job such as j0"))
    }

    /// The job that stands before other arguments.
    fn job_before(&mut self) -> Option<JobId> {
        let job = self.words.front().and_then(|word| self.id(word, 'j')).map(JobId)?;
        self.take();
        Some(job)
    }

    fn user_or(&mut self, usual: UserId) -> Result<UserId, Wrong> {
        if self.is_empty() {
            return Ok(usual);
        }
        let word = self.required("a user such as u0")?;
        let user = self.id(&word, 'u').filter(|user| *user <= MOST_USERS).map(UserId);
        user.ok_or_else(|| self.bad(&word, "a user such as u0"))
    }

    pub(super) fn code(&mut self) -> Result<HResult, Wrong> {
        let word = self.required("a code such as E_FAIL")?;
        as_code(&word).ok_or_else(|| self.bad(&word, "a code such as E_FAIL or 0x80004005"))
    }

    pub(super) fn choice_or<T: Copy>(&mut self, choices: &[(&str, T)], usual: T) -> Result<T, Wrong> {
        let Some(word) = self.take() else { return Ok(usual) };
        let chosen = choices.iter().find(|(name, _)| word.text.eq_ignore_ascii_case(name));
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        chosen.map(|(_, value)| *value).ok_or_else(|| self.bad(&word, &names.join(" or ")))
    }

    /// Bits by names with `|` between them, or as a number.
    pub(super) fn joined(
        &mut self,
        names: &[&str],
        bits: impl Fn(&str) -> Option<u32>,
    ) -> Result<u32, Wrong> {
        let first = self.required(names.join("|").as_str())?;
        let at = first.at;
        let mut text = first.text;
        while let Some(word) = self.take() {
            text.push_str(&word.text);
        }
        if let Some(number) = number_of(&text) {
            return Ok(number);
        }
        let mut all = 0;
        for name in text.split('|') {
            let Some(bit) = bits(name) else {
                let what = format!("{} is none of {}", shown(name), names.join(", "));
                let close = closest(name, names.iter().copied());
                let help = match close.first() {
                    Some(close) => format!("did you mean `{close}`? {}", self.usage()),
                    None => self.usage(),
                };
                return Err(Wrong::new(what, at, help));
            };
            all |= bit;
        }
        Ok(all)
    }
}

/// Users are numbered up to here.
const MOST_USERS: u32 = 9;

fn number_of(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A code by name or number; three decimal digits are an HTTP status.
fn as_code(word: &Word) -> Option<HResult> {
    let status = word.text.parse::<u16>().ok().filter(|status| (100..=599).contains(status));
    status.map(HResult::from_http).or_else(|| word.text.parse().ok())
}

/// The words that come closest to what was typed.
pub(super) fn closest<'a>(typed: &str, words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let plain = typed.to_lowercase();
    let mut close: Vec<(f64, &str)> = words
        .map(|word| (strsim::jaro_winkler(&plain, &word.to_lowercase()), word))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .collect();
    close.sort_by(|one, other| other.0.total_cmp(&one.0));
    // A method and its short word are one.
    let mut known: Vec<String> = Vec::new();
    close.retain(|(_, word)| {
        let lower = word.to_lowercase();
        let is_new = !known.contains(&lower);
        known.push(lower);
        is_new
    });
    close.into_iter().map(|(_, word)| word).take(3).collect()
}

/// How alike words are that may be meant.
const CLOSE: f64 = 0.8;

/// Every word that a statement may begin with.
pub(super) fn verbs() -> impl Iterator<Item = &'static str> {
    let commands = COMMANDS.iter().map(|(word, ..)| *word).filter(|word| !word.contains('?'));
    let short = call::SHORT.iter().map(|(word, _)| *word);
    let methods = Method::ALL.iter().map(|method| method.name());
    MOVES.iter().map(|(word, ..)| *word).chain(commands).chain(["quit"]).chain(short).chain(methods)
}

fn statement(mut words: Vec<Word>) -> Result<Statement, Wrong> {
    let end = |word: &Word| word.at + word.text.chars().count();
    let asks = words.last().is_some_and(|last| !last.quoted && last.text.ends_with('?'));
    if asks {
        let at = words.last().map_or(1, end);
        if let Some(last) = words.last_mut() {
            last.text.pop();
        }
        words.retain(|word| word.quoted || !word.text.is_empty());
        if words.is_empty() {
            return Ok(Statement::Answers);
        }
        let asked = act(words)?;
        return match asked.verb {
            Verb::Call(_) => Ok(Statement::Ask(asked)),
            _ => Err(Wrong::new("only a call has an answer", at, "type `what-if` before it instead of `?`")),
        };
    }
    let first = words[0].clone();
    let word = if first.quoted { String::new() } else { first.text.to_lowercase() };
    let known = COMMANDS.iter().find(|(name, ..)| *name == word);
    let quits = word == "quit";
    let Some((name, usage, _)) = known.or(quits.then_some(&("quit", "", ""))) else {
        return act(words).map(Statement::Act);
    };
    let mut args = Args::new(words[1..].to_vec(), end(&first));
    args.about(name, usage);
    let statement = match *name {
        "why" => {
            Statement::Why(args.take().map(|word| args.as_number(&word, "the number of a step")).transpose()?)
        }
        "show" => Statement::Show,
        "job" => Statement::Job(args.job()?),
        "steps" => Statement::Steps,
        "undo" => Statement::Undo(args.number_or(1)?),
        "back" => Statement::Back(args.number("the number of a step")?),
        "timeline" => Statement::Timeline,
        "save" => {
            let file = args.required("the name of a file")?.text;
            let dialects = [("bits", Some(Dialect::Bits)), ("do", Some(Dialect::Do))];
            Statement::Save(file, args.choice_or(&dialects, None)?)
        }
        "load" => Statement::Load(args.required("the name of a trace")?.text),
        "test" => Statement::Test(args.take().map(|word| name_of_test(&args, &word)).transpose()?),
        "help" => Statement::Help(args.take().map(|word| word.text)),
        _ => Statement::Quit,
    };
    args.end()?;
    Ok(statement)
}

fn name_of_test(args: &Args, word: &Word) -> Result<String, Wrong> {
    let mut letters = word.text.chars();
    let begins = letters.next().is_some_and(|first| first.is_ascii_lowercase());
    let goes_on =
        letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    let good = begins && goes_on && word.text.len() <= 80;
    if good { Ok(word.text.clone()) } else { Err(args.bad(word, "a name such as `masked_end`")) }
}

/// A statement that is an act.
fn act(words: Vec<Word>) -> Result<Act, Wrong> {
    let mut words = std::collections::VecDeque::from(words);
    let who = words.front().filter(|word| !word.quoted).and_then(|word| Some((word.at, prefix(word)?)));
    if who.is_some() {
        words.pop_front();
    }
    let Some(mut verb) = words.pop_front() else {
        let at = who.map_or(1, |(at, _)| at);
        return Err(Wrong::new(
            "nothing is to be done",
            at,
            "type a verb behind it: `t1: cancel`, `d0: enter`",
        ));
    };
    let on = job_of(&mut verb);
    let at = verb.at + verb.text.chars().count();
    let mut args = Args::new(words.into(), at);
    let (verb, on) = verb_of(&verb, on, &mut args)?;
    let act = Act { who: who.map(|(_, who)| who), on, verb };
    check(&act, who.map_or(1, |(at, _)| at))?;
    Ok(act)
}

/// `t1:`, `d0:`, `cb0:`, `u1:`.
fn prefix(word: &Word) -> Option<Who> {
    let name = word.text.strip_suffix(':')?;
    let number = |prefix: &str| name.strip_prefix(prefix).and_then(|number| number.parse::<u32>().ok());
    let callback = number("cb").map(|job| Who::CallbackOf(JobId(job)));
    let thread =
        number("t").filter(|thread| *thread <= MOST_THREADS).map(|thread| Who::Thread(ThreadId(thread)));
    let delivery = number("d").map(|delivery| Who::Delivery(DeliveryId(delivery)));
    let user = number("u").filter(|user| *user <= MOST_USERS).map(|user| Who::User(UserId(user)));
    callback.or(thread).or(delivery).or(user)
}

/// Takes `j1.` or `none.` off a verb.
fn job_of(verb: &mut Word) -> On {
    let Some((job, rest)) = verb.text.split_once('.').filter(|_| !verb.quoted) else { return On::Chosen };
    let on = match job.strip_prefix('j').and_then(|job| job.parse().ok()) {
        Some(job) => On::Job(JobId(job)),
        None if job == "none" => On::None,
        None => return On::Chosen,
    };
    (verb.at, verb.text) = (verb.at + job.chars().count() + 1, rest.to_owned());
    on
}

fn verb_of(word: &Word, on: On, args: &mut Args) -> Result<(Verb, On), Wrong> {
    let typed = if word.quoted { String::new() } else { word.text.to_lowercase() };
    let Some((name, usage, _)) = MOVES.iter().find(|(name, ..)| *name == typed) else {
        let method = call::method(&word.text).filter(|_| !word.quoted);
        let method = method
            .ok_or_else(|| Wrong::unknown(&word.text, closest(&word.text, verbs())).at_column(word.at))?;
        return Ok((Verb::Call(call::read(method, args)?), on));
    };
    args.about(name, usage);
    let about_job = !matches!(*name, "turn" | "time" | "logoff" | "network");
    let on = match args.job_before().filter(|_| about_job) {
        Some(job) if on == On::Chosen => On::Job(job),
        Some(_) => return Err(Wrong::new("the job is named twice", word.at, args.usage())),
        None => on,
    };
    let verb = match *name {
        "turn" => Verb::Turn,
        "transfer" => Verb::Transfer(event(args)?),
        "disk" => Verb::Disk(disk(args)?),
        "begin" => Verb::Begin,
        "enter" => Verb::Enter,
        "leave" => Verb::Leave(leave(args)?),
        "exit" => Verb::Exit(args.number_or(0)?),
        "deliver" => Verb::Deliver(leave(args)?),
        "time" => Verb::Time,
        "logoff" => Verb::Logoff(args.user_or(UserId(0))?),
        "network" => {
            let word = args.required("`lost` or `back`")?;
            match word.text.as_str() {
                "lost" => Verb::NetworkLost,
                "back" => Verb::NetworkBack,
                _ => return Err(args.bad(&word, "`lost` or `back`")),
            }
        }
        _ => {
            let word = args.required("what comes too late")?;
            match word.text.as_str() {
                "transfer" => Verb::LateTransfer(event(args)?),
                "disk" => Verb::LateDisk(disk(args)?),
                "called" => Verb::LateCall,
                "left" => Verb::LateLeave(leave(args)?),
                "started" => Verb::LateStart,
                _ => return Err(args.bad(&word, "`transfer`, `disk`, `called`, `left` or `started`")),
            }
        }
    };
    args.end()?;
    Ok((verb, on))
}

/// What belongs together: a callback enters and leaves by itself, and the rest has no callback and no client.
fn check(act: &Act, at: usize) -> Result<(), Wrong> {
    let wrong = |what: &str, help: &str| Err(Wrong::new(what, at, help));
    match (&act.verb, act.who) {
        (Verb::Call(_), _) | (_, None) => Ok(()),
        (Verb::Enter | Verb::Leave(_) | Verb::Exit(_), Some(Who::Delivery(_) | Who::CallbackOf(_))) => {
            if act.on == On::Chosen {
                Ok(())
            } else {
                wrong("the callback and its job are both named", "leave the job out: `d0: enter`")
            }
        }
        (Verb::Enter | Verb::Leave(_) | Verb::Exit(_), Some(_)) => {
            wrong("only a callback enters and leaves", "type its number before it: `d0: enter`")
        }
        (_, Some(_)) => wrong(
            "this is done by the service, the network, the disk or the clock",
            "leave out who does it; clients and callbacks make calls",
        ),
    }
}

fn event(args: &mut Args) -> Result<TransferEvent, Wrong> {
    let expected = "`connected`, `size`, `bytes`, `restarted`, `done` or `fails`";
    let word = args.required(expected)?;
    Ok(match word.text.as_str() {
        "connected" => TransferEvent::Connected,
        "size" => TransferEvent::SizeKnown(args.number("a number of bytes")?),
        "bytes" => TransferEvent::Bytes(args.number("a number of bytes")?),
        "restarted" => TransferEvent::Restarted,
        "done" => TransferEvent::FileDone,
        "fails" => {
            let classes = [("fatal", Failure::Fatal), ("transient", Failure::Transient)];
            let class = args.choice_or(&classes, Failure::Fatal)?;
            let usual = match class {
                Failure::Fatal => HResult::BG_E_HTTP_ERROR_404,
                Failure::Transient => HResult::BG_E_HTTP_ERROR_503,
            };
            let hr = if args.is_empty() { usual } else { args.code()? };
            TransferEvent::Failed { class, hr, context: args.choice_or(&CONTEXTS, ErrorContext::RemoteFile)? }
        }
        _ => return Err(args.bad(&word, expected)),
    })
}

const CONTEXTS: [(&str, ErrorContext); 8] = [
    ("None", ErrorContext::None),
    ("Unknown", ErrorContext::Unknown),
    ("GeneralQueueManager", ErrorContext::GeneralQueueManager),
    ("QueueManagerNotification", ErrorContext::QueueManagerNotification),
    ("LocalFile", ErrorContext::LocalFile),
    ("RemoteFile", ErrorContext::RemoteFile),
    ("GeneralTransport", ErrorContext::GeneralTransport),
    ("RemoteApplication", ErrorContext::RemoteApplication),
];

fn disk(args: &mut Args) -> Result<DiskResult, Wrong> {
    let Some(word) = args.take() else { return Ok(DiskResult::Good) };
    match word.text.as_str() {
        "good" => Ok(DiskResult::Good),
        "rename-fails" => Ok(DiskResult::RenameFails(args.number_or(0)?)),
        "leaves-behind" => Ok(DiskResult::LeavesBehind),
        _ => Err(args.bad(&word, "`good`, `rename-fails` or `leaves-behind`")),
    }
}

fn leave(args: &mut Args) -> Result<Leave, Wrong> {
    let Some(word) = args.take() else { return Ok(Leave::Returned(HResult::S_OK)) };
    match word.text.as_str() {
        "panics" => Ok(Leave::Panicked),
        "exited" => Ok(Leave::Exited(args.number("an exit code")?)),
        _ => match as_code(&word) {
            Some(hr) => Ok(Leave::Returned(hr)),
            None => Err(args.bad(&word, "a code such as E_FAIL, or `panics`")),
        },
    }
}
