//! The register against the definition it implements, spelled out over whole histories.

use proptest::prelude::*;

use super::*;

const CALLS: usize = 3;

/// One thing that happens to a register.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A setter of this value starts, in this slot.
    Set(usize, u8),
    /// A getter starts, in this slot.
    Get(usize),
    /// The call in this slot is back, with success or not.
    Return(usize, bool),
}

/// A setter as the definition sees it: when it was called, when it was back, and how.
#[derive(Clone, Copy, Debug)]
struct Setter {
    slot: usize,
    value: u8,
    called: usize,
    returned: Option<(usize, bool)>,
}

/// The definition in contract section 2, word by word, quadratic and slow.
fn possible(setters: &[Setter], value: u8) -> bool {
    setters.iter().enumerate().any(|(x, setter)| {
        if setter.value != value || matches!(setter.returned, Some((_, false))) {
            return false;
        }
        let Some((back, _)) = setter.returned else { return true };
        let superseded = |(other, y): (usize, &Setter)| {
            other != x && y.called > back && matches!(y.returned, Some((_, true)))
        };
        !setters.iter().enumerate().any(superseded)
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..CALLS, 0_u8..4).prop_map(|(slot, value)| Step::Set(slot, value)),
        1 => (0..CALLS).prop_map(Step::Get),
        4 => (0..CALLS, prop::bool::weighted(0.75)).prop_map(|(slot, good)| Step::Return(slot, good)),
    ];
    prop::collection::vec(step, 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_register_holds_exactly_the_possible_values(steps in steps()) {
        let mut registers = Registers::<CALLS>::new();
        // The initial value counts as returned before everything.
        let mut setters = vec![Setter { slot: usize::MAX, value: 3, called: 0, returned: Some((0, true)) }];
        let mut busy = [false; CALLS];
        let mut seen = [None; CALLS];
        for (now, step) in steps.into_iter().enumerate() {
            let now = now + 1;
            match step {
                Step::Set(slot, value) if !busy[slot] => {
                    busy[slot] = true;
                    registers.set_called(slot, Register::Mask, value);
                    setters.push(Setter { slot, value, called: now, returned: None });
                }
                Step::Get(slot) if !busy[slot] => {
                    busy[slot] = true;
                    registers.get_called(slot, Register::Mask);
                    seen[slot] = Some(0);
                }
                Step::Return(slot, good) if busy[slot] => {
                    busy[slot] = false;
                    if let Some(seen) = seen[slot].take() {
                        prop_assert_eq!(registers.seen(slot), Some((Register::Mask, seen)));
                    }
                    registers.returned(slot, if good { Success::Yes } else { Success::No });
                    if let Some(open) = setters.iter_mut().find(|s| s.slot == slot && s.returned.is_none()) {
                        open.returned = Some((now, good));
                    }
                }
                _ => continue,
            }
            let expected = (0..64).filter(|value| possible(&setters, *value)).fold(0, |set, v| set | bit(v));
            prop_assert_eq!(registers.possible(Register::Mask), expected, "after step {}", now);
            // A getter may give back whatever was possible at some moment while it was open.
            for values in seen.iter_mut().flatten() {
                *values |= expected;
            }
        }
        // What was open leaves nothing behind: equal futures have equal states.
        for slot in 0..CALLS {
            registers.returned(slot, Success::No);
        }
        prop_assert_eq!(registers.sets, [0; CALLS]);
        prop_assert_eq!(registers.uses, [Use::Nothing; CALLS]);
    }
}

#[test]
fn one_property_does_not_touch_another_and_an_accepted_nonsense_value_ends_all_certainty() {
    let mut registers = Registers::<CALLS>::new();
    registers.set_called(0, Register::Registration, 5);
    registers.returned(0, Success::Yes);
    assert_eq!(registers.possible(Register::Registration), bit(5));
    assert_eq!(registers.possible(Register::Mask), bit(3));
    registers.set_called(0, Register::Mask, NO_VALUE);
    assert_eq!(registers.possible(Register::Mask), bit(3));
    registers.returned(0, Success::Yes);
    assert_eq!(registers.possible(Register::Mask), u64::MAX);
}
