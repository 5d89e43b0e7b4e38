//! The reference pages `docs/http-api.md` and `docs/cli.md`, written from the program itself.
//!
//! Not a test of behaviour: `http_api` and `cli_examples` pin that. A changed route, option or text shows here as a
//! difference of a page; `UPDATE_GOLDEN=1 cargo test -p tests` writes the pages anew.

#[path = "reference/cli.rs"]
mod cli_page;
#[path = "reference/codes.rs"]
mod codes;
#[path = "reference/http.rs"]
mod http_page;
#[path = "reference/markdown.rs"]
mod markdown;

use std::collections::BTreeSet;

use serde_json::Value;
use tests::document;

fn description() -> Value {
    serde_json::from_str(&node::http::openapi_json()).expect("a JSON description")
}

#[test]
fn the_page_of_the_http_api_is_up_to_date() {
    document("http-api.md", &http_page::page(&description()));
}

#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    document("cli.md", &cli_page::page());
}

#[test]
fn the_list_of_problem_codes_is_that_of_the_source() {
    let listed: BTreeSet<String> = node::http::PROBLEM_CODES.iter().map(|known| known.code.to_owned()).collect();
    assert_eq!(listed, codes::of_the_source());
}

#[test]
fn each_problem_code_is_listed_once_and_its_routes_exist() {
    let description = description();
    let operations: BTreeSet<&str> = http_page::operations(&description).iter().map(|route| route.id()).collect();
    let mut seen = BTreeSet::new();
    for known in node::http::PROBLEM_CODES {
        assert!(seen.insert(known.code), "{} stands twice", known.code);
        if let node::http::Routes::Only(routes) = known.routes {
            routes.iter().for_each(|route| assert!(operations.contains(route), "{}: no route {route}", known.code));
        }
    }
    assert!(node::http::PROBLEM_CODES.is_sorted_by_key(|known| known.status), "by status");
}

#[test]
fn every_command_has_an_example_that_parses() {
    let commands: BTreeSet<String> = cli_page::commands().into_iter().map(|command| command.name).collect();
    let given: BTreeSet<String> = cli_page::EXAMPLES.iter().map(|example| example.command.to_owned()).collect();
    assert_eq!(given, commands);
    for example in cli_page::EXAMPLES {
        let words = cli_page::words(example.line);
        let parsed = cli::command_tree().try_get_matches_from(&words);
        assert!(
            parsed.is_ok(),
            "{}: {}",
            example.line,
            parsed.err().map(|error| error.to_string()).unwrap_or_default()
        );
        let begins = format!("tradepost {}", example.command);
        assert!(example.line.starts_with(&begins), "{} is no example of `{}`", example.line, example.command);
    }
}
