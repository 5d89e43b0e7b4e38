//! The network: each peer with its path, what waits, when it was met and why not, pause and resume.
//!
//! Invariant: every reason code has a sentence in both languages. Proved by `every_reason_has_its_sentence`.

use crdt_model::control::event::SiteKind;
use maud::{Markup, html};

use super::{drawings, words};
use crate::app::peers::InviteView;
use crate::app::sync::{SyncPeerView, SyncView};
use crate::link::directory::Exchange;
use crate::web::form::REQUEST_FIELD;
use crate::web::format;
use crate::web::layout::{hidden, kind_key};
use crate::web::visit::Visit;

/// The page.
pub fn page(visit: &Visit, sync: &SyncView) -> Markup {
    let language = visit.language();
    html! {
        div #peers data-live {
            @if sync.peers.is_empty() {
                div.empty { p { (language.text("network-empty")) } p { (language.text("network-empty-next")) } }
            } @else { (peers(visit, sync)) }
        }
        div.actions {
            @match sync.exchange {
                Exchange::Running => { (action(visit, "pause")) (action(visit, "now")) }
                Exchange::Paused => { (action(visit, "resume")) }
            }
            @if visit.place.kind == SiteKind::HeadOffice { (invite(visit)) }
        }
    }
}

fn peers(visit: &Visit, sync: &SyncView) -> Markup {
    let language = visit.language();
    html! {
        table.rows {
            caption.hidden { (language.text("nav-network")) }
            thead { tr { @for key in ["col-site", "col-node", "col-link", "col-out", "col-in", "col-met", "col-path"] {
                th scope="col" { (language.text(key)) }
            } } }
            tbody { @for peer in &sync.peers { (row(visit, peer)) } }
        }
    }
}

fn row(visit: &Visit, peer: &SyncPeerView) -> Markup {
    let language = visit.language();
    let link = &peer.link;
    let met = peer.last_exchange.map_or_else(|| language.text("never-met"), |at| format::moment(language, &at));
    let millis = link.round_trip.map(|time| format!("{:.1} ms", time.as_secs_f64() * 1_000.0));
    html! {
        tr {
            td { strong { (peer.site) } }
            td { code { (peer.node) } }
            td { (words::badge(language, "reason", link.reason.code())) }
            td.number { (format::count(link.waiting_out.commits)) }
            td.number { @if link.is_open() { (format::count(link.waiting_in.commits)) } @else { "?" } }
            td { (met) }
            td { (peer.address.map(|address| address.to_string()).unwrap_or_default()) " " (millis.unwrap_or_default()) }
        }
    }
}

fn invite(visit: &Visit) -> Markup {
    let language = visit.language();
    html! {
        details {
            summary { (language.text("network-invite")) }
            form method="post" action="/network/invite" data-swap {
                (hidden(visit))
                label { (language.text("col-site")) input name="site" required size="6" placeholder="SH02"; }
                label { (language.text("network-kind")) select name="kind" {
                    option value="" { (language.text("network-known-site")) }
                    @for (kind, word) in SiteKind::ALL { option value=(word) { (language.text(kind_key(kind))) } }
                } }
                label { (language.text("network-zone")) input name="zone" placeholder=(visit.place.zone.name()); }
                button.primary { (language.text("network-invite-now")) }
            }
        }
    }
}

/// A ticket, as text and as a code for a camera; it is shown this once.
pub fn ticket(visit: &Visit, invite: &InviteView) -> Markup {
    let language = visit.language();
    let time = format::moment(language, &invite.expires);
    html! {
        h2 { (language.with("network-ticket", &[("site", &invite.site), ("time", &time)])) }
        (drawings::qr(&invite.ticket))
        pre.ticket { (invite.ticket) }
        p { (language.text("network-ticket-next")) }
        p { a href="/network" { (language.text("nav-network")) } }
    }
}

fn action(visit: &Visit, verb: &str) -> Markup {
    html! {
        form method="post" action={ "/network/" (verb) } data-swap {
            (hidden(visit))
            input type="hidden" name=(REQUEST_FIELD) value={ (visit.request) (verb) };
            button { (visit.language().text(&format!("network-{verb}"))) }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::link::reason::Reason;
    use crate::web::pages::words;
    use crate::web::texts::Language;

    #[test]
    fn every_reason_has_its_sentence() {
        for reason in Reason::ALL {
            for language in Language::ALL {
                let key = words::key("reason", reason.code());
                assert_ne!(language.text(&key), key);
            }
        }
    }
}
