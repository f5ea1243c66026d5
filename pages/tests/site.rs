//! The site without a socket: each request has an answer, and what is typed never becomes markup.

use pages::{Ask, Problem, Request, Site};

fn site() -> Site {
    let none = |name: &str, _: &[u8]| {
        Err(Problem::BadTrace { what: format!("{name} is no trace"), help: "record one".to_owned() })
    };
    Site::new(Ask::default(), Box::new(none))
}

/// Numbers that follow from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

#[test]
fn any_address_has_an_answer() {
    let site = site();
    let pieces = [
        "/walk",
        "/",
        "/trace",
        "/graph",
        "/walk.jsonl",
        "?",
        "&",
        "=",
        "path",
        "dialect",
        "both",
        "bits",
        "core",
        "canary",
        "slice",
        "tiny",
        "step",
        "back",
        "random",
        "seed",
        "create",
        "%3B",
        ";",
        "+",
        "j0.add",
        "resume",
        "%",
        "%ff",
        "<b>",
        "\"",
        "99999999999999999999",
        "-1",
        "7",
        "d0:",
        "transfer",
        "done",
        "nearest",
        "é",
        "\u{202e}",
    ];
    let mut chance = Chance(7);
    let mut answers = std::collections::BTreeMap::new();
    for _ in 0..3_000 {
        let page = ["/walk?", "/walk?path=", "/graph?", "/trace/", "/walk.jsonl?path=", "/"][chance.below(6)];
        let rest: String = (0..chance.below(14)).map(|_| pieces[chance.below(pieces.len())]).collect();
        let address = format!("{page}{rest}");
        let reply = site.reply(&Request::get(&address));
        assert!(matches!(reply.status, 200 | 303 | 400 | 404), "{address}: {}", reply.status);
        assert!(!reply.body.contains("<b>\"") && !reply.body.contains("\"<b>"), "{address}\n{}", reply.body);
        *answers.entry(reply.status).or_insert(0) += 1;
    }
    assert!(answers.len() > 2, "{answers:?}");
}

#[test]
fn a_session_of_many_steps_is_shown_in_time() {
    let site = site();
    let steps = "%3Bflags+ERROR%3Bflags+TRANSFERRED".repeat(200);
    let far = format!("/walk?path=create{steps}");
    let begun = std::time::Instant::now();
    let reply = site.reply(&Request::get(&far));
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.body.contains("After step 401"), "{}", reply.body);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    // More than a line of the prompt has is a page that states it.
    let reply = site.reply(&Request::get(&format!("/walk?path=create{}", "%3Bflags+ERROR".repeat(2_000))));
    assert!(reply.status == 400 && reply.body.contains("16384 characters"), "{}", reply.body);
}
