//! The HTTP API pinned: its description, and an example of every route with the shape of its answer.
//!
//! Not a test of the gate (token, Host) nor of limits: those stand in `node/src/http`. A changed field shows here as a
//! difference of a file in `tests/golden`; `UPDATE_GOLDEN=1 cargo test -p tests` writes the files anew.

use serde_json::Value;
use tests::examples::{Asked, asked, examples, fits};
use tests::{golden, mask};

#[test]
fn an_example_of_every_route_is_pinned() {
    let session: String = asked().iter().map(Asked::to_string).map(|example| example + "\n").collect();
    golden("http-api.txt", &mask(&session));
}

#[test]
fn the_description_is_pinned() {
    let description: Value = serde_json::from_str(&node::http::openapi_json()).expect("a JSON description");
    golden("openapi.json", &(serde_json::to_string_pretty(&description).expect("JSON is text") + "\n"));
}

#[test]
fn every_route_of_the_description_has_an_example() {
    let description: Value = serde_json::from_str(&node::http::openapi_json()).expect("a JSON description");
    let given = examples();
    let has =
        |method: &str, path: &str| given.iter().any(|example| example.method == method && fits(path, example.path));
    // An upload and the file that it leaves are examples of the command line; the description pins itself; events have
    // no end.
    let elsewhere = ["POST /api/v1/imports", "GET /openapi.json", "GET /api/v1/customers/{id}", "GET /api/v1/events"];
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let route = format!("{} {path}", method.to_uppercase());
            assert!(has(&method.to_uppercase(), path) || elsewhere.contains(&route.as_str()), "{route} has no example");
        }
    }
}
