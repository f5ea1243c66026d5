//! What stands around each page: the head, the way to the other pages, and the keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use reports::STYLE;
use ring::digest::{SHA256, digest};

use crate::problem::Problem;

/// The script of every page. A test holds it below 30 KB.
pub(crate) const SCRIPT: &str = include_str!("script.js");

/// The style of every page.
pub(crate) const PAGES: &str = concat!(include_str!("states.css"), include_str!("pages.css"));

/// What a browser may do with a page of the server: nothing that does not come from this server.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages, in the order of the way between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tab {
    Walk,
    Trace,
    Graph,
    None,
}

const TABS: [(Tab, &str, &str); 3] =
    [(Tab::Walk, "/walk", "Walk"), (Tab::Trace, "/trace", "Trace"), (Tab::Graph, "/graph", "Graph")];

/// A page of the server.
pub(crate) fn page(title: &str, tab: Tab, main: &Markup) -> String {
    let head = html! {
        link rel="stylesheet" href="/style.css";
        script src="/script.js" defer {}
    };
    let nav = html! {
        nav aria-label="Pages" {
            @for (other, href, name) in TABS {
                @if other == tab { a href=(href) aria-current="page" { (name) } }
                @else { a href=(href) { (name) } }
            }
        }
    };
    whole(title, &head, &nav, main)
}

/// A page that is a file of its own. `sections` are places on it.
pub(crate) fn file(title: &str, sections: &[(&str, &str)], main: &Markup) -> String {
    let style = style();
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(&style),
        hash(SCRIPT)
    );
    // Before the style and the script, which it permits.
    let head = html! {
        meta http-equiv="Content-Security-Policy" content=(policy);
        style { (PreEscaped(&style)) }
    };
    let nav = html! {
        nav aria-label="Sections" { @for (id, name) in sections { a href={ "#" (id) } { (name) } } }
    };
    let with_script = html! {
        (main)
        script { (PreEscaped(SCRIPT)) }
    };
    whole(title, &head, &nav, &with_script)
}

/// Reports and pages have one style.
pub(crate) fn style() -> String {
    format!("{STYLE}{PAGES}")
}

/// The source of a policy that this text alone fits.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

fn whole(title: &str, head: &Markup, nav: &Markup, main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                (head)
                link rel="icon" href="data:,";
                title { (title) " - bgcheck" }
            }
            body.explore {
                a.skip href="#main" { "Skip to the content" }
                header.bar { p.brand { "bgcheck " span.soft { "explore" } } (nav) }
                p #live.unseen role="status" aria-live="polite" {}
                main #main tabindex="-1" { (main) }
                footer.soft {
                    "Keys: " kbd { "j" } " and " kbd { "k" } " next and previous, " kbd { "Enter" } " does it, "
                    kbd { "b" } " back, " kbd { "r" } " a random step, " kbd { "/" } " type or filter, " kbd { "g" } " to the graph."
                }
            }
        }
    };
    page.into_string()
}

/// The page that states what is wrong.
pub(crate) fn problem(problem: &Problem) -> String {
    let main = html! {
        h1 { "That does not work" }
        div.verdict.bad role="alert" { p { (problem.to_string()) "." } }
        p { (problem.help()) }
        @if let Problem::NotNow { before, number, .. } = problem {
            @let steps = number - 1;
            p { a href={ "/walk?" (crate::ask::Ask::default().with(before.as_str()).path_query()) } {
                "Walk the " (steps) " steps before it"
            } }
        }
        p { a href="/walk" { "Begin a new walk" } ", or " a href="/trace" { "load a trace" } "." }
    };
    page("That does not work", Tab::None, &main)
}
