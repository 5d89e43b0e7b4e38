//! What every list command does: ask for one page, show it, say when there is more.
//! Not a command itself.
//! Invariant: a cut list says so on stderr; proved by `list_that_is_cut_says_so_on_stderr`.

use serde_json::Value;

use crate::api::Request;
use crate::args::ListArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, Style, rows_at, table};
use crate::text;

/// Asks for a page and shows its items as a table of `columns`.
pub fn show_columns(
    request: Request,
    page: &ListArgs,
    columns: &[Column],
    context: &mut Context<'_>,
) -> Result<Exit, CliError> {
    show(request, page, |items, style| table(columns, items, style), context)
}

/// Asks for a page and shows its items through `view`.
pub fn show(
    request: Request,
    page: &ListArgs,
    view: impl FnOnce(&[Value], Style) -> String,
    context: &mut Context<'_>,
) -> Result<Exit, CliError> {
    let request = request.query("limit", &page.limit.to_string()).maybe("cursor", page.cursor.as_deref());
    let answer = context.ask(&request)?;
    let exit = context.show(&answer, |value, style| view(rows_at(value, "/items"), style));
    if !context.output.json {
        remark(answer.value(), context);
    }
    Ok(exit)
}

fn remark(page: &Value, context: &mut Context<'_>) {
    let count = rows_at(page, "/items").len();
    if count == 0 {
        context.output.talk(text::NOTHING.get(context.lang));
    } else if page["has_more"] == true {
        let cursor = page["next_cursor"].as_str().unwrap_or_default();
        let remark = text::MORE.with(context.lang, &[&count.to_string(), cursor]);
        context.output.talk(&remark);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::exit::Exit;
    use crate::fake_node::{FakeNode, Terminal, answer};
    use serde_json::{Value, json};

    fn page(has_more: bool) -> FakeNode {
        FakeNode::start(move |_| {
            answer(
                200,
                &json!({"items": [{"number": "HQ-A-000001", "total": "2.55"}],
                "next_cursor": has_more.then_some("c1"), "has_more": has_more}),
            )
        })
    }

    #[test]
    fn list_that_is_cut_says_so_on_stderr() {
        let node = page(true);
        let ran = Terminal::at(&node).run(&["order", "list"]);
        assert_eq!(ran.exit, Exit::Ok);
        assert!(ran.out.contains("HQ-A-000001"));
        assert!(ran.err.contains("--cursor c1"), "{}", ran.err);
        assert_eq!(node.seen()[1].target, "/api/v1/orders?limit=50");
    }

    #[test]
    fn whole_list_says_nothing_more() {
        let node = page(false);
        assert_eq!(Terminal::at(&node).run(&["order", "list"]).err, "");
    }

    #[test]
    fn json_list_is_the_page_unchanged() {
        let node = page(true);
        let ran = Terminal::at(&node).run(&["order", "list", "--json", "--limit", "1"]);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["next_cursor"], "c1");
        assert_eq!(ran.err, "");
    }

    #[test]
    fn empty_list_is_said_on_stderr() {
        let node = FakeNode::start(|_| answer(200, &json!({"items": [], "has_more": false})));
        let ran = Terminal::at(&node).run(&["case", "list", "--lang", "zh"]);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "没有内容\n"));
    }
}
