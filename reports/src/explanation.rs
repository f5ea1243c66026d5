//! What a word of the workbench means: a page for a terminal, for a document or for a machine.
//!
//! The words come from the tables that use them, so a page holds what it is given and contains no rule of its own.

use serde::Serialize;

/// A page about one word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// What the word is, such as `rule`.
    pub kind: String,
    /// The word, as the outputs of the command have it.
    pub name: String,
    /// What it means, in a sentence or two.
    pub says: String,
    /// What else there is to know, in order.
    pub passages: Vec<Passage>,
}

/// A part of a page.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Passage {
    /// What it is about.
    pub title: String,
    /// Its contents.
    #[serde(flatten)]
    pub body: Body,
}

/// The contents of a part of a page, by how they are laid out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Sentences.
    Text(String),
    /// One thing after another.
    List(Vec<String>),
    /// Short words in a row.
    Words(Vec<String>),
    /// Text whose columns matter, such as a timeline.
    Picture(String),
    /// What to type.
    Commands(Vec<String>),
}

impl Explanation {
    /// A page that has a meaning and no more so far.
    #[must_use]
    pub fn new(kind: &str, name: impl Into<String>, says: impl Into<String>) -> Explanation {
        Explanation { kind: kind.to_owned(), name: name.into(), says: says.into(), passages: Vec::new() }
    }

    /// The page with sentences added.
    #[must_use]
    pub fn text(self, title: &str, text: impl Into<String>) -> Explanation {
        self.with(title, Body::Text(text.into()))
    }

    /// The page with a list added, if there is anything in it.
    #[must_use]
    pub fn list(self, title: &str, items: impl IntoIterator<Item = String>) -> Explanation {
        let items: Vec<String> = items.into_iter().collect();
        if items.is_empty() { self } else { self.with(title, Body::List(items)) }
    }

    /// The page with words added, if there are any.
    #[must_use]
    pub fn words(self, title: &str, words: impl IntoIterator<Item = String>) -> Explanation {
        let words: Vec<String> = words.into_iter().collect();
        if words.is_empty() { self } else { self.with(title, Body::Words(words)) }
    }

    /// The page with a picture added.
    #[must_use]
    pub fn picture(self, title: &str, picture: impl Into<String>) -> Explanation {
        self.with(title, Body::Picture(picture.into()))
    }

    /// The page with commands added, if there are any.
    #[must_use]
    pub fn commands(self, title: &str, commands: impl IntoIterator<Item = String>) -> Explanation {
        let commands: Vec<String> = commands.into_iter().collect();
        if commands.is_empty() { self } else { self.with(title, Body::Commands(commands)) }
    }

    fn with(mut self, title: &str, body: Body) -> Explanation {
        self.passages.push(Passage { title: title.to_owned(), body });
        self
    }
}
