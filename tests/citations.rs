//! The repository explains itself: what it cites stands in it.
//!
//! A citation of the contract names a section, a clause or a rule; one of the facts names a fact. Each has to have a heading in
//! `docs/contract.md` or `docs/facts.md`, and each relative link of a page a file, and a heading where it names one.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path};

use contract::defect::Design;
use contract::dialect::CELLS;
use judge::Rule;

use support::sources::sources;

/// This file has citations that are made up.
const HERE: &str = "tests/citations.rs";
/// What names something that is not in the repository.
const OUTSIDE: [&str; 7] =
    ["design card", "design.md", "fact sheet", "later issue", "shared/contract", "shared/facts", "seed page"];

#[test]
fn every_citation_has_its_heading() {
    let headings = Headings::of_the_repository();
    let mut found = 0;
    let mut dead = Vec::new();
    for (name, text) in sources() {
        if name == HERE {
            continue;
        }
        let cited = citations(&text);
        found += cited.len();
        dead.extend(cited.into_iter().filter_map(|place| headings.miss(&name, &place)));
    }
    assert!(dead.is_empty(), "{} citations lead nowhere:\n{}", dead.len(), dead.join("\n"));
    assert!(found > 400, "only {found} citations were found: the search is broken");
}

#[test]
fn nothing_points_outside_the_repository() {
    let mut outside = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| name != HERE) {
        for (at, line) in text.lines().enumerate() {
            let line = line.to_lowercase();
            let words = OUTSIDE.iter().filter(|words| line.contains(**words));
            outside.extend(words.map(|words| format!("{name}:{}: {words}", at + 1)));
        }
    }
    assert!(outside.is_empty(), "these are not in the repository:\n{}", outside.join("\n"));
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let sources = sources();
    let pages: BTreeMap<&str, BTreeSet<String>> = sources
        .iter()
        .filter(|(name, _)| is_page(name))
        .map(|(name, text)| (&**name, anchors(text)))
        .collect();
    let mut links = 0;
    let mut dead = Vec::new();
    for (name, text) in sources.iter().filter(|(name, _)| is_page(name)) {
        for Link { line, target } in relative_links(text) {
            links += 1;
            if let Some(why) = is_dead(name, &target, &pages) {
                dead.push(format!("{name}:{line}: {target}: {why}"));
            }
        }
    }
    assert!(dead.is_empty(), "{} links lead nowhere:\n{}", dead.len(), dead.join("\n"));
    assert!(links > 30, "only {links} links were found: the search is broken");
}

/// The page is written by hand, and the tables grow.
#[test]
fn the_contract_has_every_rule_cell_and_design() {
    let page = read("docs/contract.md");
    let rules = Rule::ALL.iter().map(|rule| format!("\n### {rule} {}\n", rule.name()));
    let cells = CELLS.iter().map(|cell| format!("\n| `{cell}`"));
    let designs = Design::ALL.iter().map(|design| format!("\n| `{}` |", design.name()));
    let missing: Vec<String> =
        rules.chain(cells).chain(designs).filter(|wanted| !page.contains(wanted.as_str())).collect();
    assert!(missing.is_empty(), "docs/contract.md lacks {missing:?}");
}

#[test]
fn a_citation_that_leads_nowhere_is_reported() {
    let headings = Headings::of_the_repository();
    let missed = |text: &str| -> Vec<String> {
        citations(text).iter().filter_map(|place| headings.miss("made-up.rs", place)).collect()
    };
    assert_eq!(
        missed("// As ever\n// (facts\n// Z99)."),
        ["made-up.rs:2: facts Z99: no heading in docs/facts.md"]
    );
    assert_eq!(
        missed("Contract section 14, clause 3"),
        ["made-up.rs:1: contract section 14: no heading in docs/contract.md"]
    );
    assert_eq!(missed("contract R20").len(), 1);
    assert_eq!(missed("contract section 4, clauses 3, 4 and 8").len(), 1);
    assert_eq!(missed("facts G60 to G64").len(), 2, "a range ends with what is there");
    assert_eq!(missed("facts = [\"A\", \"C3.8\", \"G70\"]").len(), 1);
    assert_eq!(
        missed("facts of a machine, a contract for 3 years, artifacts Z99, contracts 9"),
        Vec::<String>::new()
    );
}

#[test]
fn citations_are_found_in_every_form() {
    let forms: [(&str, &[&str]); 14] = [
        ("contract section 4", &["contract section 4"]),
        ("contract, section 4.", &["contract section 4"]),
        ("contract 4 clause 3", &["contract section 4", "contract clause 3"]),
        ("Contract sections 2 and 3", &["contract section 2", "contract section 3"]),
        ("clause 1 of contract section 4", &["contract clause 1", "contract section 4"]),
        ("`docs/contract.md` section 6", &["contract section 6"]),
        ("[contract.md](contract.md), section 6", &["contract section 6"]),
        ("contract R19, L1, L2; facts C2", &["contract R19", "contract L1", "contract L2", "facts C2"]),
        ("contract section 3, L3: returns", &["contract section 3", "contract L3"]),
        ("fact G57.", &["facts G57"]),
        ("Facts B1, C3.2 and E", &["facts B1", "facts C3.2", "facts E"]),
        ("facts A2, E, G40 to G42", &["facts A2", "facts E", "facts G40", "facts G41", "facts G42"]),
        ("facts G20\n    /// and\n    /// G21", &["facts G20", "facts G21"]),
        ("\"facts G..\", R5", &["facts G"]),
    ];
    for (text, wanted) in forms {
        let found: Vec<String> = citations(text).iter().map(|place| place.cited.to_string()).collect();
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_reported() {
    let text = "# A page\n\n[a](../README.md), [b](#a-page), [c](#none) and [d](gone.md)\n\n```\n[e](code.md)\n```\n";
    let pages = BTreeMap::from([("docs/page.md", anchors(text)), ("README.md", BTreeSet::new())]);
    let dead: Vec<String> = relative_links(text)
        .into_iter()
        .filter(|link| is_dead("docs/page.md", &link.target, &pages).is_some())
        .map(|link| link.target)
        .collect();
    assert_eq!(dead, ["#none", "gone.md"]);
}

/// What is cited.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Cited {
    Section(String),
    Clause(String),
    Rule(String),
    Fact(String),
}

impl fmt::Display for Cited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cited::Section(number) => write!(f, "contract section {number}"),
            Cited::Clause(number) => write!(f, "contract clause {number}"),
            Cited::Rule(rule) => write!(f, "contract {rule}"),
            Cited::Fact(fact) => write!(f, "facts {fact}"),
        }
    }
}

/// A citation, and the line in which it begins.
#[derive(Debug)]
struct Place {
    cited: Cited,
    line: usize,
}

/// What can be cited.
struct Headings(BTreeSet<Cited>);

impl Headings {
    fn of_the_repository() -> Headings {
        let contract = read("docs/contract.md");
        let facts = read("docs/facts.md");
        let of_contract = headings(&contract).filter_map(|heading| {
            let mut words = heading.split_whitespace();
            let first = words.next()?.trim_end_matches('.');
            match first {
                "Clause" => Some(Cited::Clause(words.next()?.trim_end_matches('.').to_owned())),
                _ if is_number(first) => Some(Cited::Section(first.to_owned())),
                _ if is_rule(first) => Some(Cited::Rule(first.to_owned())),
                _ => None,
            }
        });
        let of_facts = headings(&facts).filter_map(|heading| {
            let (first, _) = heading.split_once(". ")?;
            is_fact(first).then(|| Cited::Fact(first.to_owned()))
        });
        Headings(of_contract.chain(of_facts).collect())
    }

    /// What to report of a citation that has no heading.
    fn miss(&self, file: &str, place: &Place) -> Option<String> {
        let page = match place.cited {
            Cited::Fact(_) => "docs/facts.md",
            _ => "docs/contract.md",
        };
        let Place { cited, line } = place;
        (!self.0.contains(cited)).then(|| format!("{file}:{line}: {cited}: no heading in {page}"))
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// R or L, and a number.
fn is_rule(text: &str) -> bool {
    text.strip_prefix(['R', 'L']).is_some_and(is_number)
}

/// A capital with a number, such as `G57`, with a point of it, as `C3.8`, or alone. A lone I is an English word.
fn is_fact(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(|first: char| first.is_ascii_uppercase()) else { return false };
    match rest.split_once('.') {
        Some((number, point)) => is_number(number) && is_number(point),
        None if rest.is_empty() => text != "I",
        None => is_number(rest),
    }
}

/// The citations of a text, in order.
fn citations(text: &str) -> Vec<Place> {
    let flat = without_leaders(text);
    let tokens = tokens(&flat);
    let line = |token: &Token<'_>| text[..token.at].matches('\n').count() + 1;
    let mut places = Vec::new();
    let mut rest = &tokens[..];
    while let Some((token, after)) = rest.split_first() {
        let (cited, left) = match &*token.text.to_ascii_lowercase() {
            "fact" | "facts" => of_facts(after),
            "contract" => of_contract(after),
            "clause" | "clauses" => list(after, is_number, Cited::Clause),
            _ => (Vec::new(), after),
        };
        places.extend(cited.into_iter().map(|cited| Place { cited, line: line(token) }));
        rest = left;
    }
    places
}

/// What a citation may be made of: a word or number with its points, or a sign.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

type Cites<'a, 't> = (Vec<Cited>, &'t [Token<'a>]);

fn of_facts<'a, 't>(after: &'t [Token<'a>]) -> Cites<'a, 't> {
    let skip = after.iter().take_while(|token| ["(", "=", "[", "\""].contains(&token.text)).count();
    list(&after[skip..], is_fact, Cited::Fact)
}

/// Rules by their numbers, or sections and what follows them.
fn of_contract<'a, 't>(after: &'t [Token<'a>]) -> Cites<'a, 't> {
    let is_of_name = |token: &&Token<'_>| [".", "md", "`", "]", "(", ")", ","].contains(&token.text);
    let mut rest = &after[after.iter().take_while(is_of_name).count()..];
    let (mut cited, left) = list(rest, is_rule, Cited::Rule);
    if !cited.is_empty() {
        return (cited, left);
    }
    let named = rest.first().is_some_and(|token| matches!(token.text, "section" | "sections"));
    if named {
        rest = &rest[1..];
    }
    // A number alone is a section only where it follows at once: there are contracts for 3 years.
    if named || after.first().is_some_and(|token| is_number(token.text)) {
        (cited, rest) = list(rest, is_number, Cited::Section);
    }
    if let [comma, rule, ..] = rest
        && (comma.text, is_rule(rule.text)) == (",", true)
    {
        let (rules, left) = list(&rest[1..], is_rule, Cited::Rule);
        cited.extend(rules);
        rest = left;
    }
    (cited, rest)
}

/// A list such as `B1, C3.2 and E`, or `G40 to G42`, and what comes after it.
fn list<'a, 't>(
    tokens: &'t [Token<'a>],
    is_item: fn(&str) -> bool,
    cites: fn(String) -> Cited,
) -> Cites<'a, 't> {
    let mut cited = Vec::new();
    let mut rest = tokens;
    let mut ranges = false;
    let mut last = "";
    while let Some((item, after)) = rest.split_first()
        && is_item(item.text)
    {
        let all = if ranges { range(last, item.text) } else { vec![item.text.to_owned()] };
        cited.extend(all.into_iter().map(cites));
        last = item.text;
        rest = after;
        let links =
            after.iter().take_while(|token| ["\"", ",", "and", "or", "to"].contains(&token.text)).count();
        ranges = after[..links].iter().any(|token| token.text == "to");
        if links > 0 && after.get(links).is_some_and(|next| is_item(next.text)) {
            rest = &after[links..];
        }
    }
    (cited, rest)
}

/// What comes after the first, up to the last: of different letters, the last alone.
fn range(first: &str, last: &str) -> Vec<String> {
    let numbered = |text: &str| {
        let at = text.find(|each: char| each.is_ascii_digit())?;
        Some((text[..at].to_owned(), text[at..].parse::<u32>().ok()?))
    };
    match (numbered(first), numbered(last)) {
        (Some((letter, from)), Some((of_last, to))) if letter == of_last => {
            (from + 1..=to).map(|number| format!("{letter}{number}")).collect()
        }
        _ => vec![last.to_owned()],
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let is_word = |each: char| each.is_alphanumeric() || each == '_' || each == '-';
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let mut end = at + first.len_utf8();
        if is_word(first) {
            end = at + text[at..].find(|each| !is_word(each)).unwrap_or(text.len() - at);
            // `C3.8` is one word; `contract section 4.` ends with its number.
            let digits = text[end..].strip_prefix('.').map_or(0, |rest| {
                rest.len() - rest.trim_start_matches(|each: char| each.is_ascii_digit()).len()
            });
            if digits > 0 && is_fact(&text[at..end]) {
                end += 1 + digits;
            }
        }
        if !first.is_whitespace() {
            tokens.push(Token { text: &text[at..end], at });
        }
        at = end;
    }
    tokens
}

/// The text with blanks for what a comment begins its lines with; every place stays where it was.
fn without_leaders(text: &str) -> String {
    let blank = |line: &str| {
        let body = line.trim_start().trim_start_matches(['/', '!', '#', '>']);
        format!("{}{body}", " ".repeat(line.len() - body.len()))
    };
    text.split_inclusive('\n').map(blank).collect()
}

/// The headings of a page, without their signs; a fence holds none.
fn headings(page: &str) -> impl Iterator<Item = &str> {
    prose(page).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| line.trim_start_matches('#').trim())
}

/// The lines of a page outside of fences, by number.
fn prose(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    page.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((at + 1, line))
    })
}

/// What a link may name after its `#`, as GitHub makes it of headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut times = BTreeMap::<String, usize>::new();
    let anchor = |heading: &str| {
        let kept = heading
            .to_lowercase()
            .chars()
            .filter(|each| each.is_alphanumeric() || " -_".contains(*each))
            .collect::<String>();
        kept.replace(' ', "-")
    };
    let mut numbered = |anchor: String| {
        let before = times.entry(anchor.clone()).or_default();
        *before += 1;
        if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
    };
    headings(page).map(|heading| numbered(anchor(heading))).collect()
}

struct Link {
    line: usize,
    target: String,
}

/// The links of a page that lead into the repository. What stands between backticks is code.
fn relative_links(page: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for (line, text) in prose(page) {
        let text: String = text.split('`').step_by(2).collect();
        let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        let relative = targets.filter(|target| !target.contains(':'));
        links.extend(relative.map(|target| Link { line, target: target.to_owned() }));
    }
    links
}

/// Why the link of this page leads nowhere; none when it leads somewhere.
fn is_dead(page: &str, target: &str, pages: &BTreeMap<&str, BTreeSet<String>>) -> Option<&'static str> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let below = Path::new(page).parent().unwrap_or(Path::new(""));
    let file = if path.is_empty() { page.to_owned() } else { plain(&below.join(path)) };
    if !root().join(&file).exists() && !pages.contains_key(&*file) {
        return Some("there is no such file");
    }
    let found = anchor.is_empty() || pages.get(&*file).is_none_or(|anchors| anchors.contains(anchor));
    (!found).then_some("there is no such heading")
}

/// The path without `..`, with `/`.
fn plain(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    parts.join("/")
}

fn is_page(name: &str) -> bool {
    name.ends_with(".md")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect("a page of the repository can be read")
}
