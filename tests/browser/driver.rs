//! A browser, steered by the W3C WebDriver protocol: a handful of JSON requests to `chromedriver`.
//!
//! Invariant: a wait ends with the condition or fails with what the page shows. No test sleeps.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

/// How long the page may take to show something.
const PATIENCE: Duration = Duration::from_secs(20);
/// Keys without a character, as the protocol names them.
pub const ENTER: &str = "\u{e007}";
/// The key F4.
pub const F4: &str = "\u{e034}";
/// The tabulator.
pub const TAB: &str = "\u{e004}";

/// Whether browser tests are left out here.
pub fn is_left_out() -> bool {
    let left_out = std::env::var_os("TRADEPOST_WITHOUT_BROWSER").is_some();
    if left_out {
        eprintln_once();
    }
    left_out
}

fn eprintln_once() {
    use std::io::Write;
    drop(writeln!(std::io::stderr(), "left out: no browser here"));
}

/// One browser window.
pub struct Browser {
    driver: Child,
    session: String,
    agent: Agent,
}

impl Browser {
    /// Opens a window that prefers a language.
    pub fn open(language: &str) -> Self {
        let mut driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect(
                "chromedriver is missing\nremedy: ./tests/run.sh installs it, or apt-get install chromium-driver",
            );
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
        let started = lines.find(|line| line.contains("started successfully on port")).unwrap();
        let port = started.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
        // What it says from now on is nobody's business, but its pipe must not fill.
        std::thread::spawn(move || lines.for_each(drop));
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        let mut browser = Self { driver, session: format!("http://127.0.0.1:{port}/session"), agent };
        let options = json!({"args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900",
            format!("--accept-lang={language}")], "prefs": {"intl.accept_languages": language}});
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let made = browser.call("POST", "", &wanted).unwrap();
        browser.session = format!("{}/{}", browser.session, made["sessionId"].as_str().unwrap());
        browser.call("POST", "/timeouts", &json!({"script": 20_000})).unwrap();
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let answer = match method {
            "GET" => self.agent.get(&url).call(),
            "DELETE" => self.agent.delete(&url).call(),
            _ => self.agent.post(&url).send_json(body),
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        let said: Value = answer.body_mut().read_json().map_err(|error| error.to_string())?;
        if answer.status().is_success() { Ok(said["value"].clone()) } else { Err(said["value"]["message"].to_string()) }
    }

    /// Goes to an address.
    pub fn go(&self, address: &str) {
        self.call("POST", "/url", &json!({"url": address})).unwrap();
    }

    /// Runs a script in the page and gives what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({"script": script, "args": []})).unwrap_or(Value::Null)
    }

    /// Waits in the page until an expression is true there, across page loads.
    pub fn until(&self, condition: &str) {
        let script = format!(
            "const done = arguments[arguments.length - 1]; const until = Date.now() + 2000;
             (function look() {{ let is = false; try {{ is = Boolean({condition}); }} catch {{ }}
               if (is) done(true); else if (Date.now() > until) done(false); else setTimeout(look, 20); }})();"
        );
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            // A page that is left in the middle answers with an error; the next one is asked again.
            let seen = self.call("POST", "/execute/async", &json!({"script": script, "args": []}));
            if seen == Ok(Value::Bool(true)) {
                return;
            }
        }
        panic!("not seen: {condition}\naddress: {}\n{}", self.run("return location.href"), self.text("main"));
    }

    /// Waits until an element is there and shows a text.
    pub fn until_shows(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.until(&format!("document.querySelector({selector})?.textContent.includes({text})"));
    }

    /// The text of an element.
    pub fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({})?.innerText ?? ''", json!(selector));
        self.run(&script).as_str().unwrap_or_default().to_owned()
    }

    /// Clicks the element that a selector finds.
    pub fn click(&self, selector: &str) {
        self.until(&format!("document.querySelector({})", json!(selector)));
        let element = self.find(selector);
        self.call("POST", &format!("/element/{element}/click"), &json!({})).unwrap();
    }

    /// Types into the element that a selector finds.
    pub fn fill(&self, selector: &str, text: &str) {
        self.until(&format!("document.querySelector({})", json!(selector)));
        let element = self.find(selector);
        self.call("POST", &format!("/element/{element}/value"), &json!({"text": text})).unwrap();
    }

    /// Presses keys wherever the focus is, `pause` milliseconds apart.
    pub fn press(&self, keys: &str, pause: u64) {
        let mut actions = Vec::new();
        for key in keys.chars().map(String::from) {
            actions.push(json!({"type": "keyDown", "value": key}));
            actions.push(json!({"type": "keyUp", "value": key}));
            actions.push(json!({"type": "pause", "duration": pause}));
        }
        let body = json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]});
        self.call("POST", "/actions", &body).unwrap();
    }

    /// A picture of what the window shows, as PNG in base64.
    pub fn picture(&self) -> String {
        self.call("GET", "/screenshot", &Value::Null).unwrap().as_str().unwrap().to_owned()
    }

    fn find(&self, selector: &str) -> String {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.call("POST", "/element", &wanted).unwrap_or_else(|error| panic!("{selector}: {error}"));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.call("DELETE", "", &Value::Null));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
