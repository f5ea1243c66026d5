//! The real service over HTTP passes the suites made for subjects that cannot be stepped, and reports which others it cannot follow.

use contract::{Core as _, Dialect};
use engine::core::Core;
use model::scope::ScopeName;
use model::suite::{Cover, Pace};
use properties::server::Server;
use properties::suite::{Case, Conformed, Order, Outcome, Suite, generate, on_live, on_other};

fn suite(pace: Pace) -> Suite {
    let (cover, dialect) = (Cover::Transition, Dialect::Bits);
    let order = Order { cover, dialect, scope: ScopeName::Tiny, pace, longest: 200 };
    generate(&order, Core::new, &|_, _| ()).expect("the engine's core is right")
}

fn on_the_service(suite: &Suite) -> Conformed {
    let server = Server::start().expect("a test may fail here");
    let one = |case: &Case| {
        let directory = tempfile::tempdir().expect("a test may fail here");
        on_live(case, &server, directory.path())
    };
    on_other(suite, Core::new, &|_| (), &one).expect("the manifest names a cover")
}

#[test]
fn the_service_passes_a_suite_in_which_clients_call_at_rest() {
    let suite = suite(Pace::AtRest);
    let ran = on_the_service(&suite);
    assert_eq!((ran.failures().next(), ran.not_runnable().next()), (None, None));
    assert_eq!(ran.passed(), suite.cases.len());
    // What leads to an error or to a retry is compared in part on threads: a job rests on its way there, or not. It is not covered, and named.
    let in_part =
        |edge: &String| ["transfer Failed", "timeout", "Resume()"].iter().any(|kind| edge.contains(kind));
    assert!(
        (ran.missing.len() as u64) < ran.items / 20 && ran.missing.iter().all(in_part),
        "{:?}",
        ran.missing
    );
}

#[test]
fn a_file_that_cannot_be_followed_is_no_pass_and_covers_nothing() {
    let ran = on_the_service(&suite(Pace::AnyTime));
    let (passed, not_runnable) = (ran.passed(), ran.not_runnable().count());
    assert_eq!(ran.failures().next(), None);
    assert!(passed > 0 && not_runnable > passed, "{passed} passed, {not_runnable} not runnable");
    assert_eq!(passed + not_runnable, ran.files.len());
    assert!(!ran.missing.is_empty());
    assert!(ran.not_runnable().any(|(_, why)| why.starts_with("a client calls")));
    assert!(ran.files.iter().all(|(_, outcome)| !matches!(outcome, Outcome::Failed(_))));
}
