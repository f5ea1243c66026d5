//! Client objects of each version: what has one interface more is told what it was told before.
//!
//! **What it is.** A path of a suite on which every object has the third callback interface, too. Every second path is led so, where the
//! adapter makes such objects.
//!
//! **What it is not.** Another path: in the specification it has each state and each callback of the first one. So what it covers is
//! counted by the first one.

use contract::{Call, Interfaces};
use model::drive::Stimulus;

use super::abilities::Abilities;
use crate::suite::{Case, again_as, slice_of, steps_of};

/// The path with objects of the third version, where its number is odd and the adapter can; nothing where it has none.
pub(super) fn varied(number: u64, case: &Case, abilities: &Abilities) -> Option<Case> {
    let slice = slice_of(&case.trace.header)?;
    let steps = steps_of(&case.trace).ok()?;
    let third: Vec<Stimulus> = steps.iter().cloned().map(of_the_third_version).collect();
    // Asked of each path, so that it is named as left out where the adapter has no such objects.
    let can = third.iter().all(|step| abilities.allows(step));
    (can && number % 2 == 1 && third != steps).then(|| again_as(&slice, case, &third))
}

fn of_the_third_version(mut step: Stimulus) -> Stimulus {
    if let Stimulus::Call { call: Call::SetNotifyInterface { receiver: Some(receiver) }, .. } = &mut step {
        receiver.interfaces |= Interfaces::CALLBACK3;
    }
    step
}

#[cfg(test)]
mod tests {
    use contract::{Core as _, Dialect};
    use engine::core::Core;
    use model::scope::ScopeName;
    use model::suite::{Cover, Pace};

    use super::super::path::Path;
    use super::*;
    use crate::suite::{Order, generate_for};

    #[test]
    fn every_second_path_has_objects_of_the_third_version_and_nothing_else_differs() {
        let dialect = Dialect::Bits;
        let (cover, scope, pace) = (Cover::Transition, ScopeName::Tiny, Pace::Untimed);
        let order = Order { cover, dialect, scope, pace, longest: 60 };
        let abilities = Abilities::everything();
        let suite = generate_for(
            &order,
            Core::new,
            (&|slice| abilities.fits(slice), &|step| abilities.allows(step)),
            &|_, _| (),
        )
        .expect("the engine's core is right");
        let (mut third, mut objects) = (0, 0);
        for (case, number) in suite.cases.iter().zip(0..) {
            let steps = |case: &Case| steps_of(&case.trace).expect("a path of ours");
            objects += u64::from(steps(case).into_iter().map(of_the_third_version).ne(steps(case)));
            let Some(varied) = varied(number, case, &abilities) else { continue };
            third += 1;
            assert_eq!(varied.name, case.name);
            assert_eq!(varied.trace.lines.len(), case.trace.lines.len());
            let slice = slice_of(&case.trace.header).expect("a slice");
            let led = |case: &Case| {
                let path = Path::of(&slice, dialect.profile(), &steps(case)).expect("it can be led");
                path.acts.into_iter().map(|act| ((act.enters, act.due), act.rest)).collect::<Vec<_>>()
            };
            assert_eq!(led(&varied), led(case), "{}", case.name);
        }
        assert!(third > 0 && third * 3 > objects, "{third} of {objects}");
        let mut without = Abilities::everything();
        without.forget_third_version();
        assert!(suite.cases.iter().all(|case| varied(1, case, &without).is_none()));
        assert!(without.left_out().iter().any(|left| left.what == "objects with CALLBACK3"));
    }
}
