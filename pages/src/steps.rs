//! A walk as data: the session of an address, and everything that its page shows.

use contract::Core;
use engine::core::Core as Engine;
use judge::Trace;
use model::scope::ScopeName;
use properties::canary::Canary;
use properties::minimize::CoreName;
use properties::simulate::{
    Choice, NotNow, Registers, Reply, Session, Sided, Situation, Statement, Step, Weak, read,
};

use crate::ask::{Ask, CoreChoice};
use crate::problem::Problem;

/// Where a walk stands.
#[derive(Clone, Debug)]
pub(crate) struct Walked {
    /// The statements, each in the form in which it is read again.
    pub(crate) said: Vec<String>,
    /// The last step.
    pub(crate) last: Option<Step>,
    /// Where everything stands.
    pub(crate) stands: Vec<Sided<Situation>>,
    /// What may be done next.
    pub(crate) choices: Vec<Choice>,
    /// The run so far.
    pub(crate) traces: Vec<Sided<Trace>>,
    /// What the rules remember.
    pub(crate) registers: Vec<Sided<Vec<Registers>>>,
}

/// Something to be done with the session of an address, whatever its core is.
pub(crate) trait Visit {
    /// What comes of it.
    type Out;

    fn visit<C: Core>(self, session: Session<C>) -> Self::Out;
}

/// Makes the session of an address, in which nothing has happened, and visits it.
pub(crate) fn visit<V: Visit>(ask: &Ask, visit: V) -> Result<V::Out, Problem> {
    let dialects = ask.dialects.each();
    match ask.core {
        CoreChoice::Core => begin(ask, Session::new(CoreName::Core, &dialects, Engine::new))
            .map(|session| visit.visit(session)),
        CoreChoice::Canary => begin(ask, Session::new(CoreName::Canary, &dialects, Canary::<Engine>::new))
            .map(|session| visit.visit(session)),
        CoreChoice::Design(design) => {
            let session =
                Session::<Weak<Engine>>::new(CoreName::Core, &dialects, design.maker()).under(design);
            begin(ask, session).map(|session| visit.visit(session))
        }
    }
}

fn begin<C: Core>(ask: &Ask, session: Session<C>) -> Result<Session<C>, Problem> {
    if ask.slice.is_empty() {
        return Ok(session);
    }
    session.in_slice(&ask.slice).ok_or_else(|| Problem::Parameter {
        name: "slice",
        value: ask.slice.clone(),
        choose: slices(ask),
    })
}

/// The slices that there are in each dialect of the walk.
pub(crate) fn slices(ask: &Ask) -> Vec<String> {
    let dialects = ask.dialects.each();
    let of = |dialect: contract::Dialect| {
        let slices =
            ScopeName::ALL.into_iter().flat_map(move |scope| model::scope::slices(scope, dialect.profile()));
        slices.map(|slice| slice.name.to_owned()).collect::<Vec<_>>()
    };
    let mut all = dialects.first().map(|first| of(*first)).unwrap_or_default();
    all.retain(|name| dialects.iter().all(|dialect| of(*dialect).contains(name)));
    all
}

/// Obeys the path; returns the statements and the last step.
pub(crate) fn obey_path<C: Core>(
    session: &mut Session<C>,
    path: &str,
) -> Result<(Vec<String>, Option<Step>), Problem> {
    let (mut said, mut last) = (Vec::new(), None);
    for statement in read(path).map_err(|wrong| Problem::path(&wrong))? {
        let number = said.len() + 1;
        let typed = match &statement {
            Statement::Act(act) => act.to_string(),
            Statement::Job(job) => format!("job {job}"),
            other => return Err(Problem::NoStep { number, typed: name(other) }),
        };
        let refused =
            |not: NotNow| Problem::NotNow { number, typed: typed.clone(), not, before: said.join("; ") };
        if let Reply::Stepped(step) = session.obey(&statement).map_err(refused)? {
            last = Some(step);
        }
        said.push(typed);
    }
    Ok((said, last))
}

/// A statement that is no step, by its word.
fn name(statement: &Statement) -> String {
    let debug = format!("{statement:?}");
    let word: String = debug.chars().take_while(char::is_ascii_alphabetic).collect();
    word.to_lowercase()
}

/// Walks the path of an address.
pub(crate) fn walk(ask: &Ask) -> Result<Walked, Problem> {
    struct Walk<'a>(&'a str);
    impl Visit for Walk<'_> {
        type Out = Result<Walked, Problem>;

        fn visit<C: Core>(self, mut session: Session<C>) -> Self::Out {
            let (said, last) = obey_path(&mut session, self.0)?;
            Ok(Walked::of(&session, said, last))
        }
    }
    visit(ask, Walk(&ask.path))?
}

/// Whether the path of an address can be walked.
///
/// # Errors
/// It cannot: the first thing that is wrong.
pub fn check(ask: &Ask) -> Result<(), Problem> {
    walk(ask).map(drop)
}

/// Steps of one random walk at most.
pub(crate) const MOST_RANDOM: usize = 200;

/// The path of an address, and up to `steps` random steps behind it.
pub(crate) fn wander(ask: &Ask, seed: u64, steps: usize) -> Result<String, Problem> {
    struct Wander<'a>(&'a str, u64, usize);
    impl Visit for Wander<'_> {
        type Out = Result<String, Problem>;

        fn visit<C: Core>(self, mut session: Session<C>) -> Self::Out {
            let (mut said, _) = obey_path(&mut session, self.0)?;
            let before = session.len();
            session.wander(self.1, self.2.min(MOST_RANDOM));
            said.extend(session.typed().skip(before));
            Ok(said.join("; "))
        }
    }
    visit(ask, Wander(&ask.path, seed, steps))?
}

impl Walked {
    pub(crate) fn of<C: Core>(session: &Session<C>, said: Vec<String>, last: Option<Step>) -> Walked {
        Walked {
            said,
            last,
            stands: session.stands(),
            choices: session.choices(),
            traces: session.traces(),
            registers: session.registers(),
        }
    }

    /// Whether a rule is broken, or specification and core part.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.stands.iter().find_map(|one| one.what.broken.as_deref())
    }
}
