//! Mutants of the model's source: the engines of `mutate` compare what it decides with a mutant with what it decides without.
//!
//! A child has all mutants of the build inside and switches on one after another, so that what the engines need is worked out once. A child
//! that hangs or crashes has noticed the mutant it had, and another one goes on behind it.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use model::mutants::{Part, Reach};
use reports::{Fate, Kill, KillCell, MutantFate};

use super::judge::{ahead, end, note};
use super::list::{Mutant, Room};
use super::usual::Usual;
use super::weave::Number;
use crate::engines::mutate::{Child, Heard, Said};
use crate::error::Error;
use crate::output::Output;
use crate::run::{cores, is_stopped};

/// A child that is silent for so long about a mutant hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(240);

/// What the engines need is worked out once, which takes minutes on a busy machine.
const TO_BEGIN: Duration = Duration::from_secs(1_800);

/// What the threads that listen to children pass on.
enum News<'m> {
    /// An engine noticed something without a mutant.
    Wolf(KillCell),
    Judged(&'m Mutant, MutantFate),
}

/// Judges these, with a child for each core, and hands over what becomes of each. Returns the engines that notice something without a mutant.
pub(super) fn all<'m>(
    program: &Path,
    mutants: &[(Number, &'m Mutant)],
    seed: u64,
    usual: &Usual,
    output: &Output,
    each: &mut dyn FnMut(&'m Mutant, MutantFate) -> Result<(), Error>,
) -> Result<Vec<KillCell>, Error> {
    let children = cores().clamp(1, mutants.len().max(1));
    let ahead = ahead(children, "mutate", mutants, usual);
    let progress = output.progress_along("mutate", ahead.track());
    let (tell, told) = mpsc::channel();
    let mut wolves = Vec::new();
    std::thread::scope(|scope| {
        for child in 0..children {
            let (tell, own) = (tell.clone(), mutants.iter().skip(child).step_by(children).copied().collect());
            scope.spawn(move || listen(program, own, seed, &|news| tell.send(news).is_ok()));
        }
        drop(tell);
        for news in told {
            match news {
                News::Wolf(cell) => wolves.push(cell),
                News::Judged(mutant, fate) => {
                    note(&progress, mutant, &fate);
                    end(&ahead, "mutate", mutant, &fate);
                    progress.tell(ahead.in_parts("mutants"), || format!("judged {}", mutant.id));
                    each(mutant, fate)?;
                }
            }
        }
        Ok(wolves)
    })
}

/// Has one child after another judge these, until all are judged.
fn listen<'m>(
    program: &Path,
    mut mutants: Vec<(Number, &'m Mutant)>,
    seed: u64,
    pass_on: &dyn Fn(News<'m>) -> bool,
) {
    while !mutants.is_empty() && !is_stopped() {
        let before = mutants.len();
        let ended = child(program, &mut mutants, seed, pass_on);
        let Some((_, mutant)) = mutants.first().copied().filter(|_| !is_stopped()) else { return };
        let fate = match ended {
            Ended::Sign(sign) => {
                MutantFate::Noticed { by: "process".to_owned(), sign: sign.to_owned(), time_ms: 0 }
            }
            // What has judged nothing yet, for every mutant again: there is no process.
            Ended::NoProcess(why) if before == mutants.len() => MutantFate::Failed { why },
            Ended::NoProcess(_) | Ended::Wolf => return,
        };
        mutants.remove(0);
        if !pass_on(News::Judged(mutant, fate)) {
            return;
        }
    }
}

/// How a child ended before all was judged.
enum Ended {
    /// With the mutant that is now the first.
    Sign(&'static str),
    NoProcess(String),
    /// An engine noticed something without a mutant, so that no judgement counts.
    Wolf,
}

/// One child's life. What is judged is taken off the front.
fn child<'m>(
    program: &Path,
    mutants: &mut Vec<(Number, &'m Mutant)>,
    seed: u64,
    pass_on: &dyn Fn(News<'m>) -> bool,
) -> Ended {
    let mut command = Command::new(program);
    command.args(["--quiet", "mutate", "--attack", "--seed", &seed.to_string()]);
    for (number, mutant) in mutants.iter() {
        command.args(["--woven", &format!("{}:{}", number.0, mutant.room())]);
    }
    let mut child = match Child::of(command) {
        Ok(child) => child,
        Err(error) => return Ended::NoProcess(error.to_string()),
    };
    let mut begun = false;
    loop {
        match child.next(if begun { PATIENCE } else { TO_BEGIN }) {
            Ok(Heard::Said(Said::Wolf { engine, sign })) => {
                let kill = Kill::Killed { by: sign, time_ms: 0, runs: 1, runs_are: "looks".to_owned() };
                pass_on(News::Wolf(KillCell { engine, kill }));
                return Ended::Wolf;
            }
            Ok(Heard::Said(Said::Ready)) => begun = true,
            Ok(Heard::Said(Said::Row { row })) => {
                let (_, mutant) = mutants.remove(0);
                if !pass_on(News::Judged(mutant, fate(row.fate))) {
                    return Ended::Wolf;
                }
            }
            Ok(Heard::Silent) if begun => return Ended::Sign("hang"),
            Ok(Heard::Ended) if begun => return Ended::Sign("crash"),
            Ok(Heard::Silent | Heard::Ended) => return Ended::NoProcess("it did not begin".to_owned()),
            Err(error) => return Ended::NoProcess(error.to_string()),
        }
    }
}

fn fate(fate: Fate) -> MutantFate {
    match fate {
        Fate::Noticed { by, sign, time_ms } => MutantFate::Noticed { by, sign, time_ms },
        Fate::Survived { time_ms, .. } => MutantFate::Survived { time_ms },
        Fate::OutOfReach => MutantFate::Failed { why: "no engine reaches it".to_owned() },
    }
}

/// A mutant of the build that a child looks at: its number, and where it is.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "mutants"), expect(dead_code, reason = "only a build with mutants looks"))]
pub(crate) struct Woven {
    pub(crate) number: u32,
    pub(crate) reach: Reach,
}

impl std::str::FromStr for Woven {
    type Err = String;

    fn from_str(text: &str) -> Result<Woven, String> {
        let wrong = || format!("{text:?} is no mutant of a build: expected such as `3:spec`");
        let (number, room) = text.split_once(':').ok_or_else(wrong)?;
        let number = number.parse().map_err(|_| wrong())?;
        let part = match room.parse().map_err(|_| wrong())? {
            Room::Spec => Part::Spec,
            Room::Protocol => Part::Protocol,
            Room::Rules => Part::Rules,
            Room::Core | Room::Service | Room::Transfer => return Err(wrong()),
        };
        Ok(Woven { number, reach: Reach::Only(part) })
    }
}
