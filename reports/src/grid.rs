//! A plain text table that fits a width: cells wrap, and the widest columns give way first.

use crate::terminal::Color;

/// How a piece of text is painted when colour is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Paint {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Paint {
    /// The text in this paint.
    pub(crate) fn on(self, text: &str, color: Color) -> String {
        let code = match self {
            Paint::Plain => return text.to_owned(),
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Good => "32",
            Paint::Warn => "33",
            Paint::Bad => "1;31",
        };
        match color {
            Color::Always => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Color::Never => text.to_owned(),
        }
    }
}

/// A cell: a text, and its paint.
pub(crate) type Field = (String, Paint);

/// Rows of as many cells as the head has.
pub(crate) struct Grid<'a> {
    head: Vec<&'a str>,
    rows: Vec<Vec<Field>>,
}

const INDENT: usize = 2;
const GAP: usize = 2;
/// Below this a column is no longer a column.
const NARROWEST: usize = 5;

impl<'a> Grid<'a> {
    pub(crate) fn new(head: Vec<&'a str>) -> Grid<'a> {
        Grid { head, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Vec<Field>) {
        debug_assert_eq!(row.len(), self.head.len(), "a row has as many cells as the head");
        self.rows.push(row);
    }

    /// The table, every line ended, none longer than `width` as long as the columns can be that narrow.
    pub(crate) fn render(&self, width: usize, color: Color) -> String {
        let widths = self.widths(width);
        let head = self.head.iter().map(|name| ((*name).to_owned(), Paint::Dim)).collect();
        let mut text = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            text.push_str(&line_up(row, &widths, color));
        }
        text
    }

    /// What each column gets: what it wants, minus what the widest must give up.
    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|name| length(name)).collect();
        for row in &self.rows {
            for (widest, (text, _)) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(length(text));
            }
        }
        let room = width.saturating_sub(INDENT + GAP * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = widths.iter_mut().max() else { break };
            if *widest <= NARROWEST {
                break;
            }
            *widest -= 1;
        }
        widths
    }
}

/// Where a line should not be broken as long as there is another place. Printed as a blank.
pub(crate) const GLUE: char = '\u{a0}';

/// The text in lines of at most `width` characters, broken between words where that is possible.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = vec![String::new()];
    for word in words(text, width) {
        let mut rest: Vec<char> = word.chars().map(|each| if each == GLUE { ' ' } else { each }).collect();
        while !rest.is_empty() {
            let last = lines.last_mut().expect("there is a line from the start");
            let used = length(last);
            let space = usize::from(used > 0);
            if used + space + rest.len() <= width {
                last.extend(std::iter::repeat_n(' ', space).chain(rest.drain(..)));
            } else if used == 0 {
                // The word alone is too long for any line.
                last.extend(rest.drain(..width));
                lines.push(String::new());
            } else {
                lines.push(String::new());
            }
        }
    }
    lines
}

/// The pieces between which a line may be broken; glue holds as long as what it holds together fits.
fn words(text: &str, width: usize) -> impl Iterator<Item = &str> {
    let pieces = text.split(' ').flat_map(move |piece| {
        let glued = length(piece) <= width;
        piece.split(move |each| each == GLUE && !glued)
    });
    pieces.filter(|piece| !piece.is_empty())
}

fn line_up(row: &[Field], widths: &[usize], color: Color) -> String {
    let cells: Vec<Vec<String>> =
        row.iter().zip(widths).map(|((text, _), width)| wrap(text, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for index in 0..height {
        let mut line = " ".repeat(INDENT);
        let mut owed = 0;
        for ((cell, (_, paint)), width) in cells.iter().zip(row).zip(widths) {
            let piece = cell.get(index).map_or("", String::as_str);
            // Padding is owed until something follows it, so that no line ends in blanks.
            if !piece.is_empty() {
                line.extend(std::iter::repeat_n(' ', owed));
                line.push_str(&paint.on(piece, color));
                owed = 0;
            }
            owed += width.saturating_sub(length(piece)) + GAP;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_long_words_break() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("a b\u{a0}c d", 3), ["a", "b c", "d"]);
        assert_eq!(wrap("a b\u{a0}c", 2), ["a", "b", "c"]);
    }

    #[test]
    fn the_widest_column_gives_way() {
        let mut grid = Grid::new(vec!["a", "b"]);
        grid.push(vec![
            ("short".to_owned(), Paint::Plain),
            ("a good many words here".to_owned(), Paint::Plain),
        ]);
        assert_eq!(grid.render(24, Color::Never), "  a      b\n  short  a good many\n         words here\n");
    }
}
