//! Who may see and change something through the pages: sessions, forms and the matrix of foreign requests.
#![allow(clippy::unwrap_used)]
use axum::body::Body;
use axum::http::Request;

use crate::http::tests::world::{Answer, World};
use crate::web::session::Secret;

/// A browser at a world: its cookie and its page's token.
pub struct Browser<'w> {
    pub world: &'w World,
    secret: Secret,
}

impl<'w> Browser<'w> {
    pub async fn new(world: &'w World) -> Self {
        let code = world.sessions.new_link().unwrap();
        let secret = world.sessions.sign_in(world.app(), &code).await.unwrap().unwrap();
        Self { world, secret }
    }

    pub fn cookie(&self) -> String {
        format!("{}={}", self.world.sessions.cookie(), self.secret.to_text())
    }

    pub fn token(&self) -> String {
        self.secret.page_token()
    }

    pub fn request(&self, method: &str, target: &str) -> axum::http::request::Builder {
        let builder = Request::builder().method(method).uri(target).header("host", "localhost:7070");
        builder.header("cookie", self.cookie()).header("accept", "text/html").header("accept-language", "en")
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.world.send(self.request("GET", target).body(Body::empty()).unwrap()).await
    }

    /// Sends a form as a browser without the script does.
    pub async fn submit(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("page_token", &self.token()).extend_pairs(fields);
        let request = self.request("POST", target).header("content-type", "application/x-www-form-urlencoded");
        self.world.send(request.body(Body::from(form.finish())).unwrap()).await
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }
}

/// Every address that shows a page.
pub const PAGES: &[&str] = &[
    "/overview",
    "/orders",
    "/orders.csv",
    "/orders.json",
    "/orders/new",
    "/stock",
    "/products",
    "/customers",
    "/inbox",
    "/search?q=a",
    "/imports",
    "/reports/sales",
    "/reports/sales.csv",
    "/network",
];
/// Every address that takes a form.
pub const FORMS: &[&str] = &[
    "/orders/new",
    "/orders/HQ-A-000001/confirm",
    "/stock/A/receive",
    "/products",
    "/customers",
    "/network/pause",
    "/network/invite",
    "/look",
    "/sign-out",
];

#[tokio::test]
async fn every_page_asks_who_has_no_session_to_sign_in() {
    let world = World::new();
    for page in PAGES.iter().chain(&["/", "/none"]) {
        for (language, tag) in [("en", "en"), ("zh-CN", "zh"), ("fr", "zh")] {
            let request = Request::get(*page).header("host", "localhost:7070").header("accept-language", language);
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 401, "{page}");
            assert!(answer.text().contains(&format!("<html lang=\"{tag}\"")), "{page}");
        }
    }
    let browser = Browser::new(&world).await;
    for page in PAGES {
        assert_eq!(browser.get(page).await.status, 200, "{page}");
    }
}

#[tokio::test]
async fn a_link_opens_a_session_with_a_strict_cookie_that_scripts_cannot_read() {
    let world = World::new();
    let code = world.sessions.new_link().unwrap();
    let get = |target: String| Request::get(target).header("host", "localhost:7070").header("accept-language", "en");
    let answer = world.send(get(format!("/sign-in/{code}")).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("SameSite=Strict") && cookie.contains("HttpOnly"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let page = world.send(get("/orders".into()).header("cookie", pair).body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, 200);
    let again = world.send(get(format!("/sign-in/{code}")).body(Body::empty()).unwrap()).await;
    assert_eq!(again.status, 410);
    assert!(again.text().contains("tradepost open"), "a_used_link_says_how_to_get_another");
}

#[tokio::test]
async fn a_form_without_the_page_s_token_changes_nothing() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    for target in FORMS {
        for (fields, origin) in [("", None), ("page_token=00", None), ("", Some("http://evil.example"))] {
            let mut request =
                browser.request("POST", target).header("content-type", "application/x-www-form-urlencoded");
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let answer = world.send(request.body(Body::from(fields)).unwrap()).await;
            assert_eq!(answer.status, 403, "{target} {fields}");
        }
        let request = browser.request("POST", target).header("content-type", "text/plain");
        let answer = world.send(request.body(Body::from(format!("page_token={}", browser.token()))).unwrap()).await;
        assert_eq!(answer.status, 403, "{target} as text");
    }
    let peers = world.get("/api/v1/sync").await.json();
    assert_eq!(peers["paused"], false);
}

#[tokio::test]
async fn a_foreign_host_origin_or_frame_reaches_no_page() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    let mut refused = 0;
    for host in ["evil.example", "localhost", "localhost:7071", "127.0.0.1:7070.", "[::1]:80", "localhost.:7070"] {
        for target in PAGES.iter().chain(FORMS) {
            let method = if FORMS.contains(target) { "POST" } else { "GET" };
            let request = Request::builder().method(method).uri(*target).header("host", host);
            let request = request.header("cookie", browser.cookie()).header("x-tradepost-token", browser.token());
            assert_eq!(world.send(request.body(Body::empty()).unwrap()).await.status, 421, "{host} {target}");
            refused += 1;
        }
    }
    for target in PAGES {
        for (mode, dest) in [("cors", "empty"), ("no-cors", "script"), ("navigate", "iframe"), ("no-cors", "image")] {
            for site in ["cross-site", "same-site"] {
                let request = browser.request("GET", target).header("sec-fetch-site", site);
                let request = request.header("sec-fetch-mode", mode).header("sec-fetch-dest", dest);
                assert_eq!(
                    world.send(request.body(Body::empty()).unwrap()).await.status,
                    403,
                    "{target} {site} {dest}"
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 70);
}

#[tokio::test]
async fn every_answer_forbids_frames_foreign_content_and_sniffing() {
    let world = World::new();
    let browser = Browser::new(&world).await;
    for target in PAGES.iter().chain(&["/sign-in", "/assets/app.css", "/none"]) {
        let answer = browser.get(target).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{target}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers[name], value, "{target}");
        }
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{target}");
    }
}

#[tokio::test]
async fn the_description_of_the_api_is_read_in_the_browser_and_loads_nothing_from_elsewhere() {
    let world = World::new();
    let request = Request::get("/docs/").header("host", "localhost:7070");
    assert_eq!(world.send(request.body(Body::empty()).unwrap()).await.status, 401);
    let browser = Browser::new(&world).await;
    let page = browser.get("/docs/").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
    for part in text.split("src=\"").skip(1).chain(text.split("href=\"").skip(1)) {
        let name = part.split('"').next().unwrap().trim_start_matches("./");
        assert_eq!(browser.get(&format!("/docs/{name}")).await.status, 200, "{name}");
    }
    assert!(browser.get("/docs/swagger-initializer.js").await.text().contains("/openapi.json"));
    assert_eq!(browser.get("/openapi.json").await.status, 200);
}
