//! `docs/http-api.md`, from the OpenAPI document, the list of problem codes and the pinned examples.

use node::http::{PROBLEM_CODES, Routes};
use serde_json::{Map, Value};
use tests::examples::{Asked, asked, fits};

use crate::markdown::{anchor, block, code, link, table};

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];
/// Areas in the order of the page, with what stands below their heading; one that is not here comes last.
const AREAS: &[(&str, &str)] = &[
    ("node", "The node itself."),
    ("products", "The items of the catalogue, and provisional ones of a site until head office takes them over."),
    ("customers", "Names, phones and addresses are stored sealed; erasing the key erases them everywhere."),
    ("channels", "The ways orders come in. A channel has a home site; its orders are taken there."),
    ("orders", "Take, confirm, ship and cancel orders."),
    ("stock", "What is on the shelf, what is promised, and what the keeper has lent to other tills of its site."),
    ("cases", "What a merge or a rule left for a person to decide. Cases are derived; they go when their reason goes."),
    ("reports", "Every report says which sites it covers and up to when."),
    ("imports", "Files of orders or products; each runs in the background."),
    ("peers", "The other nodes of the organisation, and tickets for new ones."),
    ("sync", "The exchange with the other nodes."),
];
/// Requests that the examples cannot make: their body is no JSON, or what they name is made by chance.
const BY_HAND: &[(&str, &str)] = &[
    (
        "POST /api/v1/imports",
        "curl -sS -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: text/csv' \\\n  \
         --data-binary @orders.csv \"$URL/api/v1/imports?kind=orders&as=history&channel=web\"\n\
         # 202 {\"id\":\"0192f0c1a2b37c4d8e5f60718293a4b5\"}",
    ),
    (
        "GET /api/v1/customers/{id}",
        "curl -sS -H \"Authorization: Bearer $TOKEN\" \"$URL/api/v1/customers/0192f0c1a2b37c4d8e5f60718293a4b5\"",
    ),
    (
        "GET /api/v1/events",
        "curl -sSN -H \"Authorization: Bearer $TOKEN\" \"$URL/api/v1/events\"\n\
         # event: ready\n# id: 42\n# data: {\"commits\":42}",
    ),
    ("GET /openapi.json", "curl -sS -H \"Authorization: Bearer $TOKEN\" \"$URL/openapi.json\""),
];
const INTRODUCTION: &str = "\
# HTTP API

Written by a test from the program's own OpenAPI 3.1 document (`GET /openapi.json`), its list of problem codes and its
pinned examples; `UPDATE_GOLDEN=1 cargo test -p tests` writes it anew.

## How to call

`tradepost serve` prints the address and writes `node.json` into the data folder, readable by its owner alone: `url` and
`token`. Every route but health wants the token:

```sh
URL=$(jq -r .url DIR/node.json); TOKEN=$(jq -r .token DIR/node.json)
curl -sS -H \"Authorization: Bearer $TOKEN\" \"$URL/api/v1/status\"
```

- The `Host` header must name the node (`localhost`, `127.0.0.1` or `[::1]` with its port). No answer carries a CORS header.
- Bodies are one JSON object in UTF-8; an unknown field is refused by name.
- Money, prices and quantities are decimal texts (`\"2.55\"`), never JSON numbers.
- A success is durable: the answer leaves after the fsync.
- `Idempotency-Key` (1 to 128 visible ASCII characters, a fresh UUID): the same key with the same body gives the same answer and does
  nothing twice.
- Lists answer `items`, `has_more` and `next_cursor`; give the cursor back as `cursor` for the next page.
- Answers have the headers `X-Request-Id`, `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`.

In the tables a `*` marks what must be given, in answers what is always there.

";

/// A route with its description.
pub struct Route<'a> {
    path: &'a str,
    method: String,
    operation: &'a Value,
}

impl<'a> Route<'a> {
    /// Its operation id.
    pub fn id(&self) -> &'a str {
        text(&self.operation["operationId"])
    }

    fn area(&self) -> &'a str {
        text(&self.operation["tags"][0])
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn heading(&self) -> String {
        format!("{} `{}`", self.method, self.path)
    }

    fn summary(&self) -> String {
        let all = [&self.operation["summary"], &self.operation["description"]].map(text).join(" ");
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn parameters(&self) -> &'a [Value] {
        self.operation["parameters"].as_array().map_or(&[], Vec::as_slice)
    }

    fn body(&self) -> Option<&'a Map<String, Value>> {
        self.operation["requestBody"]["content"].as_object()
    }

    fn may_answer(&self, routes: Routes) -> bool {
        let takes_key = || self.parameters().iter().any(|parameter| parameter["name"] == "Idempotency-Key");
        match routes {
            Routes::All => true,
            Routes::WithToken => self.id() != "health",
            Routes::WithInput => self.body().is_some() || !self.parameters().is_empty(),
            Routes::WithBody => self.body().is_some(),
            Routes::WithKey => takes_key(),
            Routes::Writing => self.method != "GET",
            Routes::Only(ids) => ids.contains(&self.id()),
        }
    }
}

/// Every route of a description, by path.
pub fn operations(description: &Value) -> Vec<Route<'_>> {
    let paths = description["paths"].as_object().expect("paths");
    let routes = paths.iter().flat_map(|(path, item)| {
        let methods = METHODS.iter().filter_map(|method| Some((method.to_uppercase(), item.get(*method)?)));
        methods.map(move |(method, operation)| Route { path, method, operation })
    });
    routes.collect()
}

/// The page.
pub fn page(description: &Value) -> String {
    let (routes, asked) = (operations(description), asked());
    let mut page = INTRODUCTION.to_owned();
    page.push_str(&contents(&routes));
    page.push_str(&problems());
    for (area, about) in areas(&routes) {
        page.push_str(&format!("## {}\n\n{about}\n\n", capital(area)));
        routes
            .iter()
            .filter(|route| route.area() == area)
            .for_each(|route| page.push_str(&section(route, &asked, description)));
    }
    page.push_str("## Objects\n\n");
    for (name, schema) in description["components"]["schemas"].as_object().expect("schemas") {
        if !name.starts_with("PageBody_") {
            page.push_str(&object(name, schema));
        }
    }
    page.trim_end().to_owned() + "\n"
}

fn areas<'a>(routes: &[Route<'a>]) -> Vec<(&'a str, &'static str)> {
    let known: Vec<(&str, &str)> =
        AREAS.iter().copied().filter(|(area, _)| routes.iter().any(|r| r.area() == *area)).collect();
    let mut all = known;
    for route in routes {
        if !all.iter().any(|(area, _)| *area == route.area()) {
            all.push((route.area(), ""));
        }
    }
    all
}

fn contents(routes: &[Route<'_>]) -> String {
    let mut text = "## Contents\n\n".to_owned();
    for (area, _) in areas(routes) {
        let own = routes.iter().filter(|route| route.area() == area);
        let rows: Vec<Vec<String>> = own.map(|route| vec![link(&route.heading()), route.summary()]).collect();
        text.push_str(&table(&[&link(&capital(area)), "what it does"], &rows));
    }
    text + "Then: [Problems](#problems), [Objects](#objects).\n\n"
}

fn problems() -> String {
    let mut text =
        "## Problems\n\nEvery answer that is no success is an RFC 9457 document (`application/problem+json`, "
            .to_owned();
    text.push_str(&format!(
        "{}): `code` is for programs and never changes its meaning, `detail` and `remedy` ",
        object_link("ProblemBody")
    ));
    text.push_str("are for people, `errors` names each wrong field with a JSON pointer, `retryable` says whether the same request may succeed later.\n\n");
    let who = |routes| match routes {
        Routes::All => "every route",
        Routes::WithToken => "every route but health",
        Routes::WithInput => "routes with parameters or a body",
        Routes::WithBody => "routes with a body",
        Routes::WithKey => "routes with an Idempotency-Key",
        Routes::Writing => "routes that write",
        Routes::Only(_) => "named at the routes",
    };
    let row = |known: &node::http::ProblemCode| {
        vec![known.status.to_string(), code(known.code), known.meaning.to_owned(), who(known.routes).to_owned()]
    };
    let rows: Vec<Vec<String>> = PROBLEM_CODES.iter().map(row).collect();
    text + &table(&["status", "code", "when", "where"], &rows)
}

fn section(route: &Route<'_>, asked: &[Asked], description: &Value) -> String {
    let mut text = format!("### {}\n\n{}\n\n", route.heading(), route.summary());
    let rows: Vec<Vec<String>> = route.parameters().iter().map(parameter).collect();
    text.push_str(&table(&["parameter", "in", "meaning"], &rows));
    if let Some((kind, content)) = route.body().and_then(|content| content.iter().next()) {
        text.push_str(&format!("Body {}: {}\n\n", code(kind), body_of(route, kind, &content["schema"], description)));
    }
    text.push_str(&answers(route));
    let own =
        PROBLEM_CODES.iter().filter(|known| matches!(known.routes, Routes::Only(_)) && route.may_answer(known.routes));
    let own: Vec<String> = own.map(|known| format!("{} {}", known.status, code(known.code))).collect();
    let shared =
        [("with a body", Routes::WithBody), ("with input", Routes::WithInput), ("with a key", Routes::WithKey)];
    let shared = shared.iter().chain([("that write", Routes::Writing)].iter());
    let shared: Vec<&str> = shared.filter(|(_, routes)| route.may_answer(*routes)).map(|(word, _)| *word).collect();
    let of_all = if shared.is_empty() { String::new() } else { format!(", those {}", shared.join(", ")) };
    let own = if own.is_empty() { String::new() } else { format!("{}; ", own.join(", ")) };
    text.push_str(&format!("Problems: {own}those of every route{of_all} ({}).\n\n", link("Problems")));
    text + &example(route, asked)
}

fn parameter(parameter: &Value) -> Vec<String> {
    let name = text(&parameter["name"]);
    let about = match (name, text(&parameter["description"])) {
        ("Idempotency-Key", "") => "Makes the request repeatable.",
        ("id", "") => "Its id.",
        ("sku", "") => "The exact SKU, percent-encoded.",
        (_, about) => about,
    };
    let star = if parameter["required"] == true { " *" } else { "" };
    vec![code(name) + star, text(&parameter["in"]).to_owned(), about.to_owned()]
}

fn body_of(route: &Route<'_>, kind: &str, schema: &Value, description: &Value) -> String {
    match schema["$ref"].as_str() {
        Some(reference) => type_of(schema) + ".\n\n" + table_of(described(reference, description)).trim_end(),
        None if kind == "application/octet-stream" => {
            text(&route.operation["requestBody"]["description"]).to_owned() + "."
        }
        None => type_of(schema) + ".",
    }
}

fn answers(route: &Route<'_>) -> String {
    let all = route.operation["responses"].as_object().expect("responses");
    let good = all.iter().filter(|(status, _)| status.starts_with('2'));
    let line = |(status, answer): (&String, &Value)| {
        let content = answer["content"].as_object().and_then(|content| content.iter().next());
        let what = content.map_or("nothing".to_owned(), |(kind, content)| match kind.as_str() {
            "application/json" => type_of(&content["schema"]),
            other => code(other),
        });
        format!("Answer {status}: {what}. {}\n\n", text(&answer["description"]))
    };
    good.map(line).collect()
}

fn example(route: &Route<'_>, asked: &[Asked]) -> String {
    let name = route.name();
    if let Some((_, command)) = BY_HAND.iter().find(|(known, _)| *known == name) {
        return block("sh", command);
    }
    let fitting = || asked.iter().filter(|a| a.example.method == route.method && fits(route.path, a.example.path));
    let best = fitting().find(|asked| asked.status < 300).or_else(|| fitting().next());
    best.map_or(String::new(), |asked| {
        block("http", &asked.sent()) + &format!("-> {}\n\n", asked.status) + &block("json", &asked.answer)
    })
}

fn object(name: &str, schema: &Value) -> String {
    format!("### {}\n\n{}\n\n{}", object_heading(name), text(&schema["description"]), table_of(schema))
}

fn described<'a>(reference: &str, description: &'a Value) -> &'a Value {
    description.pointer(reference.trim_start_matches('#')).expect("a schema of the description")
}

fn table_of(schema: &Value) -> String {
    let mut rows = Vec::new();
    fields(schema, &mut rows);
    if rows.is_empty() { "No field.\n\n".to_owned() } else { table(&["field", "type", "meaning"], &rows) }
}

fn fields(schema: &Value, rows: &mut Vec<Vec<String>>) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        match part["$ref"].as_str() {
            Some(_) => rows.push(vec![format!("all of {}", type_of(part)), String::new(), String::new()]),
            None => fields(part, rows),
        }
    }
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|known| known == name));
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let inner = field["oneOf"].as_array().and_then(|parts| parts.iter().find(|part| part["type"] != "null"));
        let own = inner.unwrap_or(field);
        let star = if required(name) { " *" } else { "" };
        let mut about = text(&own["description"]).to_owned();
        if !field["example"].is_null() {
            about.push_str(&format!(" Example: {}", code(&field["example"].to_string())));
        }
        rows.push(vec![code(name) + star, type_of(own), about]);
    }
}

/// What a schema is, with a link to its object.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return match name.strip_prefix("PageBody_") {
            Some(item) => format!("a page of {}", object_link(item)),
            None => object_link(name),
        };
    }
    let word = |kind: &str| match kind {
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "whole number".to_owned(),
        "array" => format!("list of {}", type_of(&schema["items"])),
        other => other.to_owned(),
    };
    match &schema["type"] {
        Value::String(kind) => word(kind),
        Value::Array(kinds) => {
            let kinds: Vec<String> = kinds.iter().map(text).filter(|kind| *kind != "null").map(word).collect();
            kinds.join(" or ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

fn object_link(name: &str) -> String {
    let heading = object_heading(name);
    format!("[{}](#{})", name.strip_suffix("Body").unwrap_or(name), anchor(&heading))
}

fn object_heading(name: &str) -> String {
    format!("Object `{}`", name.strip_suffix("Body").unwrap_or(name))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
