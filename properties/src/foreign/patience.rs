//! Servers whose answers begin and never end, for implementations that promise when they give such a server up.
//!
//! **What it is.** A job for each way in which an answer can last for ever: silence, framing without a byte of the file, a byte from time to time. All
//! go on at once. When the promised time is over, and that for what is due, each job has left CONNECTING and TRANSFERRING, or its
//! connection is closed.
//!
//! **What it is not.** A demand on an implementation that promises nothing: no document names such a time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use adapter::Fault as AdapterFault;
use adapter::wire::{GivesUp, Slow};
use contract::{Call, FileNames, JobId, Method, Priority};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop, is_on_its_way};
use super::tally::Tally;
use crate::server::{Page, Piece, Reply, Scheme, Script as Conversation};

/// An answer that never ends.
struct Trial {
    path: &'static str,
    what: &'static str,
    reply: Reply,
    /// When it is given up.
    promised: Duration,
}

/// How often framing comes. No single read waits for long.
const FRAMES: Duration = Duration::from_millis(100);

const HEAD: &str = "HTTP/1.1 200 OK\r\nETag: \"slow\"\r\nConnection: close\r\n";

/// How long it takes, where there is anything to try.
pub(super) fn takes(stage: &Stage, abilities: &Abilities) -> Option<Duration> {
    let needed = [Method::CreateJob, Method::AddFile, Method::Resume];
    let can = abilities.has_all(&needed);
    let longest = trials(stage.session.hello().gives_up?).iter().map(|trial| trial.promised).max()?;
    can.then(|| longest + stage.session.limits().due)
}

/// Tries what was promised, unless time is over before. What it found goes to the tally. Returns how many were not decided.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn patience(
    stage: &mut Stage,
    _: &Abilities,
    is_over: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, AdapterFault> {
    let trials = stage.session.hello().gives_up.map(trials).unwrap_or_default();
    if trials.is_empty() {
        return Ok(0);
    }
    let pages = trials.iter().map(|trial| Page { path: trial.path, replies: vec![trial.reply.clone()] });
    let conversation = stage.server.play(pages.collect());
    // The tally is the script's while it is played, and nothing is found before its end.
    let before = tally.clone();
    let ends = || is_over(&before);
    let left = Cell::new(0);
    Script::play(stage, PLACE, tally, |script| {
        left.set(are_given_up(script, &trials, &conversation, &ends)?);
        Ok(())
    })?;
    Ok(left.get())
}

/// What it is called in the report.
pub(super) const PLACE: &str = "servers that never end";

fn trials(gives_up: GivesUp) -> Vec<Trial> {
    let GivesUp { silence_ms, slow } = gives_up;
    let silences = silence_ms.map(Duration::from_millis).map(silent);
    silences.into_iter().flatten().chain(slow.map(slowly)).collect()
}

fn silent(promised: Duration) -> Vec<Trial> {
    let sized = "Content-Length: 1000";
    let chunked = "Transfer-Encoding: chunked";
    let frames = |begin: &str, more: &str| {
        vec![Piece::Text(begin.to_owned()), Piece::ForEver(more.as_bytes().to_vec(), FRAMES)]
    };
    let trial = |path, what, header: &str, body: Vec<Piece>| {
        let head = Piece::Text(format!("{HEAD}{header}\r\n\r\n"));
        Trial { path, what, reply: Reply([vec![head], body].concat()), promised }
    };
    vec![
        trial("/head", "a server that is silent behind its head", sized, vec![Piece::Silence]),
        trial(
            "/half",
            "a server that is silent in the middle",
            sized,
            vec![Piece::Bytes(vec![b'a'; 500]), Piece::Silence],
        ),
        trial("/extension", "a server that sends framing alone", chunked, frames("8;x=", "a")),
        trial(
            "/trailers",
            "a server that sends trailers alone",
            chunked,
            frames("5\r\nhello\r\n0\r\n", "a: b\r\n"),
        ),
    ]
}

/// Half as fast as is too slow.
fn slowly(slow: Slow) -> Trial {
    let pause =
        Duration::from_millis(slow.ms.saturating_mul(2).checked_div(slow.bytes).unwrap_or(slow.ms).max(20));
    let head = format!("{HEAD}Content-Length: {}\r\n\r\n", u32::MAX);
    Trial {
        path: "/slow",
        what: "a server that sends a byte from time to time",
        reply: Reply(vec![Piece::Text(head), Piece::ForEver(b"a".to_vec(), pause)]),
        promised: Duration::from_millis(slow.ms),
    }
}

/// Returns how many were not decided when time was over.
fn are_given_up(
    script: &mut Script<'_>,
    trials: &[Trial],
    conversation: &Conversation,
    is_over: &dyn Fn() -> bool,
) -> Result<usize, Stop> {
    let mut open = Vec::new();
    for (trial, number) in trials.iter().zip(0..) {
        let job = JobId(number);
        let url = conversation.url(Scheme::Http, trial.path);
        let local = script.stage.session.destination(&format!("patience{}", trial.path.replace('/', "-")));
        script.job(job, vec![FileNames { remote: url.into(), local: local.into() }])?;
        if script.stage.session.has(Method::SetPriority) {
            // These are transferred at once (facts E).
            let _set = script.does(job, &Call::SetPriority { priority: Priority::Foreground as u32 })?;
        }
        let _resumed = script.does(job, &Call::Resume)?;
        open.push((job, trial));
    }
    let limits = script.stage.session.limits();
    let mut late = 0;
    while !open.is_empty() && !is_over() {
        let (mut goes_on, mut asked) = (Vec::new(), 0);
        for (job, trial) in open {
            match standing(script, (job, trial), conversation, limits.due)? {
                Standing::NotAsked => goes_on.push((job, trial)),
                Standing::Waits => {
                    goes_on.push((job, trial));
                    asked += 1;
                }
                Standing::GivenUp => {}
                Standing::Late => {
                    late += 1;
                    let sides = (format!("{job} still transfers"), "the server is given up".to_owned());
                    let after = format!("{}, for more than the promised {:?}", trial.what, trial.promised);
                    script.differs([trial.what, "it is not given up"], &after, sides, Rule::R16);
                }
            }
        }
        open = goes_on;
        if late > 0 && asked == 0 {
            // Where one job is transferred after the other, the rest waits for one that has no end.
            break;
        }
        let _never = script.stage.session.wait(LOOKS, &mut |_| false)?;
    }
    Ok(if is_over() { open.len() } else { 0 })
}

const LOOKS: Duration = Duration::from_millis(50);

/// How a job and its server stand.
enum Standing {
    /// The server has received no request for the file yet.
    NotAsked,
    Waits,
    GivenUp,
    Late,
}

fn standing(
    script: &mut Script<'_>,
    (job, trial): (JobId, &Trial),
    conversation: &Conversation,
    due: Duration,
) -> Result<Standing, Stop> {
    let heard = script.stage.server.heard(conversation);
    let first = heard.iter().find(|heard| heard.path == trial.path).map(|heard| (heard.asked, heard.over));
    let state = script.stage.session.poll(job)?;
    script.stage.session.forget_poll();
    let is_waiting = state.is_some_and(is_on_its_way);
    Ok(match first {
        _ if !is_waiting => Standing::GivenUp,
        Some((_, Some(_))) => Standing::GivenUp,
        Some((asked, None)) if Instant::now() > asked + trial.promised + due => Standing::Late,
        Some(_) => Standing::Waits,
        None => Standing::NotAsked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_promised_is_tried() {
        assert!(trials(GivesUp::default()).is_empty());
        let silence = GivesUp { silence_ms: Some(5), slow: None };
        assert!(trials(silence).iter().all(|trial| trial.promised == Duration::from_millis(5)));
        let slow = GivesUp { silence_ms: None, slow: Some(Slow { bytes: 100, ms: 10_000 }) };
        let trials = trials(slow);
        let [trial] = &trials[..] else { panic!("one trial") };
        let Some(Piece::ForEver(bytes, pause)) = trial.reply.0.last() else { panic!("it drips") };
        let come = 10_000 / pause.as_millis() * bytes.len() as u128;
        assert!(come <= 50, "{come} bytes");
    }
}
