//! Every problem code with its status, its meaning and the routes that may answer with it.
//!
//! Not the texts of an answer, which `error.rs` and the application make with names and numbers; not the commands' exit
//! codes. `docs/http-api.md` is written from this list.
//!
//! Invariant: it names exactly the codes that the source can answer with, each once. Proved by
//! `the_list_of_problem_codes_is_that_of_the_source` and `each_problem_code_is_listed_once_and_its_routes_exist`.

/// A problem code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemCode {
    /// The machine-readable name.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// When it is answered.
    pub meaning: &'static str,
    /// Who may answer with it.
    pub routes: Routes,
}

/// The routes that may answer with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routes {
    /// Each of them.
    All,
    /// Each that wants the token.
    WithToken,
    /// Each that takes parameters or a body.
    WithInput,
    /// Each that takes a body.
    WithBody,
    /// Each that takes an Idempotency-Key.
    WithKey,
    /// Each that writes.
    Writing,
    /// Those with these operation ids.
    Only(&'static [&'static str]),
}

const fn code(code: &'static str, status: u16, routes: Routes, meaning: &'static str) -> ProblemCode {
    ProblemCode { code, status, meaning, routes }
}

/// Every problem code, by status.
pub const PROBLEM_CODES: &[ProblemCode] = &[
    code("bad_request", 400, Routes::All, "Address or headers cannot be read."),
    code("body_broken", 400, Routes::WithBody, "The body broke off."),
    code("malformed_json", 400, Routes::WithBody, "The body is not one JSON object in UTF-8."),
    code(
        "idempotency_key_invalid",
        400,
        Routes::WithKey,
        "The key is not one text of 1 to 128 visible ASCII characters.",
    ),
    code("import_as_missing", 400, IMPORT, "Nothing says whether the file is history or new orders."),
    code("import_as_new_unavailable", 400, IMPORT, "New orders cannot be imported yet."),
    code(
        "import_cut",
        400,
        Routes::Only(&["list_imports", "show_import"]),
        "In `error` of an import: the node ended while it ran.",
    ),
    code(
        "import_failed",
        400,
        Routes::Only(&["list_imports", "show_import"]),
        "In `error` of an import that failed before the node was started anew.",
    ),
    code("import_columns", 400, IMPORT, "A column is missing, unknown or mapped twice."),
    code("import_damaged", 400, IMPORT, "The .gz file is damaged."),
    code("import_disk", 400, IMPORT, "The file cannot be read, or what the import keeps beside it cannot be written."),
    code("import_encoding", 400, IMPORT, "The encoding is unknown, or the text is not in it."),
    code("import_header", 400, IMPORT, "The file is empty, or does not begin with a row of column names."),
    code("import_limit", 400, IMPORT, "The file, a row or the number of columns or rows is too large."),
    code("import_not_text", 400, IMPORT, "The file is no text: a spreadsheet, an archive or a picture."),
    code("import_option_unknown", 400, IMPORT, "A word among the parameters is not known."),
    code("token_required", 401, Routes::WithToken, "The token is missing or wrong."),
    code("page_token_required", 403, Routes::Writing, "A browser's session without the token of the page."),
    code("foreign_page", 403, Routes::All, "The request comes from a web page of another origin."),
    code("no_such_route", 404, Routes::All, "There is no such address."),
    code("not_found", 404, Routes::Only(NAMING), "What the address or the body names does not exist here."),
    code("method_not_allowed", 405, Routes::All, "The address does not take this method."),
    code("body_timeout", 408, Routes::WithBody, "The body did not arrive in time."),
    code("in_progress", 409, Routes::WithKey, "The first request with this key is still running."),
    code("not_admitted", 409, Routes::Writing, "The node is not admitted to its organisation yet."),
    code("not_allowed", 409, Routes::Writing, "The node's site may not do that: another site or head office may."),
    code("parked", 409, Routes::Writing, "The document waits for a newer version of the program and is read-only."),
    code("rebuild_needed", 409, Routes::WithToken, "A stored row cannot be read; `tradepost rebuild` makes all anew."),
    code("exists", 409, Routes::Only(MAKING), "It exists already, or exists otherwise."),
    code("no_letter_left", 409, Routes::Only(&["invite_peer"]), "The site has as many devices as there are letters."),
    code("not_registrar", 409, Routes::Only(&["invite_peer"]), "Only the node that began the organisation invites."),
    code("sync_port_taken", 409, Routes::Only(&["invite_peer"]), "Another program has the node's UDP port."),
    code("other_home", 409, Routes::Only(&["create_order", "start_import"]), "The channel's home is another site."),
    code("more_than_open", 409, Routes::Only(CHANGING), "A line has less that is open."),
    code("nothing_open", 409, Routes::Only(CHANGING), "Nothing of the order is left to do."),
    code("order_cancelled", 409, Routes::Only(CHANGING), "The order is cancelled."),
    code("order_finished", 409, Routes::Only(CHANGING), "The order is history."),
    code("several", 409, Routes::Only(FULFILLING), "The order has several fulfilments; the id names one."),
    code("other_shipper", 409, Routes::Only(&["ship_fulfilment"]), "Another site ships it."),
    code("details_pending", 409, Routes::Only(&["send_order"]), "The contact of the order has not arrived here yet."),
    code("half_missing", 409, Routes::Only(CHANGING), "A part of the order has not arrived here yet."),
    code("not_keeper", 409, Routes::Only(&["lend_stock"]), "Only the keeper of the site's stock rights lends."),
    code("not_enough_rights", 409, Routes::Only(&["lend_stock"]), "The keeper has fewer free rights."),
    code("not_holder", 409, Routes::Only(&["return_loan"]), "Another till holds the loan."),
    code(
        "more_than_balance",
        409,
        Routes::Only(&["return_loan"]),
        "The loan has less that is neither promised nor sold.",
    ),
    code("ambiguous_code", 409, Routes::Only(&["find_product"]), "Several products carry the bar code."),
    code("not_head_office", 409, Routes::Only(ADOPTING), "Only head office takes products over."),
    code("taken_over", 409, Routes::Only(ADOPTING), "The product was taken over as something else."),
    code("import_ended", 409, Routes::Only(&["cancel_import"]), "The import does not run any more."),
    code("rejects_file_large", 409, Routes::Only(&["download_rejects"]), "The file is too large to be sent."),
    code("sync_paused", 409, Routes::Only(&["sync_now"]), "The exchange is paused at this node."),
    code("not_serving", 409, Routes::Only(&["sync_now"]), "The node is opened for one command and exchanges nothing."),
    code("too_large", 413, Routes::WithBody, "The body is larger than the route takes."),
    code("unsupported_media_type", 415, Routes::WithBody, "The Content-Type is another one."),
    code("misdirected", 421, Routes::All, "The Host header does not name this node."),
    code("invalid", 422, Routes::WithInput, "Fields do not hold what they must; `errors` names each."),
    code("idempotency_key_reused", 422, Routes::WithKey, "The key was used with another body."),
    code("unknown_channel", 422, Routes::Only(&["create_order", "start_import"]), "There is no such channel."),
    code("headers_too_large", 431, Routes::All, "Address and headers are too large."),
    code("internal", 500, Routes::All, "A fault of the node; its cause is in the log under `request_id`."),
    code("stopping", 503, Routes::All, "The node is stopping."),
    code("busy", 503, Routes::All, "Too much is running already."),
    code("disk_full", 507, Routes::Writing, "The disk of the data folder is full; `needed_bytes` must be free."),
];

const IMPORT: Routes = Routes::Only(&["start_import"]);
const MAKING: &[&str] = &["create_channel", "create_product", "invite_peer"];
const CHANGING: &[&str] =
    &["confirm_order", "ship_order", "send_order", "cancel_order", "ship_fulfilment", "cancel_fulfilment"];
const FULFILLING: &[&str] = &["show_fulfilment", "ship_fulfilment", "cancel_fulfilment"];
const ADOPTING: &[&str] = &["adopt_product", "alias_product"];
const NAMING: &[&str] = &[
    "show_product",
    "find_product",
    "edit_product",
    "adopt_product",
    "alias_product",
    "show_customer",
    "show_order",
    "confirm_order",
    "ship_order",
    "send_order",
    "cancel_order",
    "show_fulfilment",
    "ship_fulfilment",
    "cancel_fulfilment",
    "show_stock",
    "stock_ledger",
    "return_loan",
    "show_import",
    "cancel_import",
    "download_rejects",
    "set_peer_address",
    "sync_now",
];
