//! A browser, led by the commands of the W3C WebDriver protocol: a POST or GET with JSON for each.
//!
//! **What it is not.** A client for WebDriver in general. The crates that are (fantoccini, thirtyfour) bring an asynchronous runtime and some
//! sixty crates, a second ICU among them, which took more time to build than the rest of this package; of the protocol the test needs this much.
//!
//! A command that fails is a panic with the driver's reason: the test ends with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;

/// The key by which WebDriver marks an element (W3C WebDriver, section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The Enter key (W3C WebDriver, section 17.4.2).
pub const ENTER: &str = "\u{e007}";

/// A browser; it closes when it is dropped.
#[derive(Debug)]
pub struct Browser {
    agent: ureq::Agent,
    session: String,
}

/// An element of the page.
#[derive(Debug)]
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Browser {
    /// Starts one with these capabilities, by the driver at this address.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(driver: &str, capabilities: &Value) -> Browser {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let mut browser = Browser { agent: config.into(), session: format!("{driver}/session") };
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let started = browser.post("", &wanted);
        let id = started["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {started}"));
        browser.session = format!("{driver}/session/{id}");
        browser
    }

    /// Goes to an address, and waits until it is loaded.
    ///
    /// # Panics
    /// There is no such page.
    pub fn goto(&self, address: &str) {
        self.post("/url", &json!({ "url": address }));
    }

    /// Where it is.
    ///
    /// # Panics
    /// It has no address.
    #[must_use]
    pub fn current_url(&self) -> Url {
        let address = self.get("/url");
        address.as_str().and_then(|address| Url::parse(address).ok()).expect("a browser has an address")
    }

    /// Back by one page.
    pub fn back(&self) {
        self.post("/back", &json!({}));
    }

    /// Runs a script in the page, and returns what it returns.
    ///
    /// # Panics
    /// The script fails.
    pub fn execute(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script that calls its last argument when it is done.
    ///
    /// # Panics
    /// The script fails.
    pub fn execute_async(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// The first element that a selector of CSS matches.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn find(&self, css: &str) -> Element<'_> {
        self.element(&self.post("/element", &json!({ "using": "css selector", "value": css })))
    }

    /// The element that has the focus.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn active_element(&self) -> Element<'_> {
        self.element(&self.get("/element/active"))
    }

    /// What the page looks like, as a PNG file.
    ///
    /// # Panics
    /// There is no picture.
    #[must_use]
    pub fn screenshot(&self) -> Vec<u8> {
        let picture = self.get("/screenshot");
        STANDARD.decode(picture.as_str().unwrap_or_default()).expect("a picture is in base 64")
    }

    /// A command of this driver alone, such as `goog/cdp/execute`.
    pub fn vendor(&self, command: &str, parameters: &Value) -> Value {
        self.post(&format!("/{command}"), parameters)
    }

    fn element(&self, found: &Value) -> Element<'_> {
        let id = found[ELEMENT].as_str().unwrap_or_else(|| panic!("no element: {found}"));
        Element { browser: self, id: id.to_owned() }
    }

    fn get(&self, command: &str) -> Value {
        answer(command, self.agent.get(format!("{}{command}", self.session)).call())
    }

    fn post(&self, command: &str, parameters: &Value) -> Value {
        answer(command, self.agent.post(format!("{}{command}", self.session)).send(parameters.to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver may be gone already, and the browser with it.
        let _gone = self.agent.delete(&self.session).call();
    }
}

impl Element<'_> {
    /// What a reader sees of it.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.browser.get(&format!("/element/{}/text", self.id));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Types into it; into a field for a file its path.
    pub fn send_keys(&self, keys: &str) {
        self.browser.post(&format!("/element/{}/value", self.id), &json!({ "text": keys }));
    }
}

/// What an answer has.
fn answer(command: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    let mut answer = answer.unwrap_or_else(|error| panic!("{command}: the driver does not answer: {error}"));
    let text =
        answer.body_mut().with_config().limit(1 << 28).read_to_string().expect("the driver answers in text");
    let mut value: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{command}: {text}"));
    assert!(answer.status().is_success(), "{command}: {value}");
    value["value"].take()
}
