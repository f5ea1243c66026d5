//! A row of figures as a small picture: text, or a line of SVG.
//!
//! **The law it keeps.** Each night has one cell, also one without the figure, and where the machine class changes the line breaks.

use std::fmt::Write as _;

/// A figure over the nights.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Spark {
    /// One for each night, the oldest first.
    pub(crate) cells: Vec<Spot>,
}

/// One night of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Spot {
    /// The figure, where the night has it.
    pub(crate) value: Option<u64>,
    /// Whether the line goes on from the night before.
    pub(crate) joint: Joint,
}

/// See [`Spot`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Joint {
    /// Both were on one class of machines, or it is the first.
    On,
    /// It was on another class.
    Break,
}

/// From the lowest figure to the highest.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A night without the figure.
const NONE: char = '·';

/// Between two nights on different classes.
const BREAK: char = '|';

impl Spark {
    /// The newest `most` nights as text.
    pub(crate) fn text(&self, most: usize) -> String {
        let cells = &self.cells[self.cells.len().saturating_sub(most)..];
        let range = range(cells);
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 && cell.joint == Joint::Break {
                text.push(BREAK);
            }
            text.push(cell.value.zip(range).map_or(NONE, |(value, range)| LEVELS[level(value, range, 7)]));
        }
        text
    }

    /// As a picture: a line, with gaps where figures are missing and a bar where the class changes.
    pub(crate) fn svg(&self) -> String {
        let width = (self.cells.len() * STEP).max(STEP);
        let mut text = format!(
            "<svg class=\"spark\" role=\"img\" aria-label=\"{} nights\" width=\"{width}\" height=\"{HEIGHT}\" \
             viewBox=\"0 0 {width} {HEIGHT}\">",
            self.cells.len()
        );
        let range = range(&self.cells);
        let mut path = String::new();
        let mut is_down = false;
        for (at, cell) in self.cells.iter().enumerate() {
            let x = at * STEP + STEP / 2;
            if at > 0 && cell.joint == Joint::Break {
                let _ = write!(text, "<path class=\"break\" d=\"M{} 0V{HEIGHT}\"/>", at * STEP);
                is_down = false;
            }
            let Some((value, range)) = cell.value.zip(range) else {
                is_down = false;
                continue;
            };
            let y = HEIGHT - 2 - level(value, range, HEIGHT - 4);
            // The little stroke back makes a dot of a point that stands alone.
            let _ = match is_down {
                true => write!(path, "L{x} {y}"),
                false => write!(path, "M{} {y}H{x}", x - 1),
            };
            is_down = true;
        }
        let _ = write!(text, "<path d=\"{path}\"/></svg>");
        text
    }
}

/// Units of a picture for each night, and its height.
const STEP: usize = 6;
const HEIGHT: usize = 24;

fn range(cells: &[Spot]) -> Option<(u64, u64)> {
    let values = || cells.iter().filter_map(|cell| cell.value);
    values().min().zip(values().max())
}

/// How high a figure stands, up to `top`; in the middle, where all are equal.
fn level(value: u64, (low, high): (u64, u64), top: usize) -> usize {
    if low == high {
        return top / 2;
    }
    let (above, whole) = (u128::from(value - low), u128::from(high - low));
    // At most `top`, which fits.
    (above * top as u128 / whole) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spark(values: &[(Option<u64>, bool)]) -> Spark {
        let joint = |breaks| if breaks { Joint::Break } else { Joint::On };
        Spark {
            cells: values
                .iter()
                .map(|(value, breaks)| Spot { value: *value, joint: joint(*breaks) })
                .collect(),
        }
    }

    #[test]
    fn the_lowest_the_highest_and_the_missing_are_told_apart() {
        let values = [(Some(1), false), (None, false), (Some(8), false), (Some(4), true), (Some(1), false)];
        assert_eq!(spark(&values).text(80), "▁·█|▄▁");
        assert_eq!(spark(&values).text(2), "█▁");
        assert_eq!(spark(&[(Some(5), false), (Some(5), true)]).text(80), "▄|▄");
        assert_eq!(spark(&[]).text(80), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_night_has_a_cell_and_each_break_a_bar(
            values in prop::collection::vec((prop::option::of(any::<u64>()), any::<bool>()), 0..40),
        ) {
            let (spark, nights) = (spark(&values), values.len());
            let breaks = values.iter().skip(1).filter(|(_, breaks)| *breaks).count();
            let text = spark.text(usize::MAX);
            prop_assert_eq!(text.chars().filter(|each| *each != BREAK).count(), nights);
            prop_assert_eq!(text.chars().filter(|each| *each == BREAK).count(), breaks);
            let missing = values.iter().filter(|(value, _)| value.is_none()).count();
            prop_assert_eq!(text.chars().filter(|each| *each == NONE).count(), missing);
            prop_assert_eq!(spark.text(7).chars().filter(|each| *each != BREAK).count(), nights.min(7));
            prop_assert_eq!(spark.svg().matches("class=\"break\"").count(), breaks);
        }
    }
}
