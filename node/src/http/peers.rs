//! Peers and invitations over HTTP.
//!
//! Invariant: a ticket is told once, in the answer that makes it. Proved by `an_invitation_is_made_and_listed_nowhere`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono_tz::Tz;
use crdt_model::control::event::SiteKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::{At, Errors};
use super::error::{Problem, ProblemBody};
use super::extract::{Posted, read};
use crate::app::App;
use crate::app::peers::{INVITE_HOURS, INVITE_HOURS_MAX, InviteView, NewInvite, PeerView, TicketAlert};

/// Every other node of the organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeersBody {
    /// By site and letter.
    items: Vec<PeerBody>,
    /// Tickets that somebody without a right to them tried to use, the latest first.
    alerts: Vec<TicketAlertBody>,
}

/// A ticket that somebody without a right to it tried to use: it may have been copied.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketAlertBody {
    /// `ticket_used` or `ticket_expired`.
    code: &'static str,
    /// The site of the ticket.
    site: String,
    /// The short name of the device that tried.
    device: String,
    /// When it tried last, RFC 3339.
    at: String,
}

impl From<TicketAlert> for TicketAlertBody {
    fn from(alert: TicketAlert) -> Self {
        Self { code: alert.code, site: alert.site.to_string(), device: alert.device, at: alert.at.rfc3339() }
    }
}

/// Another node of the organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeerBody {
    /// Its author's short name.
    node: String,
    /// Its site.
    site: String,
    /// The site's kind.
    kind: &'static str,
    /// The letter in its order numbers.
    letter: String,
    /// `connected`, `offline`, or `apart` where the two exchange nothing directly.
    state: &'static str,
    /// Why: a stable code.
    reason: Option<&'static str>,
    /// RFC 3339; null where they never met.
    last_exchange: Option<String>,
    /// Where it is dialled.
    addresses: Vec<String>,
}

impl From<PeerView> for PeerBody {
    fn from(peer: PeerView) -> Self {
        let state = match &peer.link {
            Some(link) if link.is_open() => "connected",
            Some(_) => "offline",
            None => "apart",
        };
        Self {
            node: peer.node,
            site: peer.site.to_string(),
            kind: peer.kind,
            letter: peer.letter.to_string(),
            state,
            reason: peer.link.map(|link| link.reason.code()),
            last_exchange: peer.last_exchange.map(|at| at.rfc3339()),
            addresses: peer.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

/// An invitation to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInviteBody {
    /// The code of the new device's site.
    #[schema(example = "SH01")]
    pub site: String,
    /// `head-office`, `store`, `warehouse` or `field`; may be left out where the site exists.
    #[serde(default)]
    pub kind: Option<String>,
    /// A zone of the IANA database; may be left out where the site exists.
    #[serde(default)]
    #[schema(example = "Europe/London")]
    pub zone: Option<String>,
    /// The site's territory; `MAIN` where a new site has none.
    #[serde(default)]
    pub territory: Option<String>,
    /// How long the ticket is good for; 48 where it is left out.
    #[serde(default)]
    pub hours: Option<u32>,
}

/// A ticket for one device.
#[derive(Debug, Serialize, ToSchema)]
pub struct InviteBody {
    /// To be given to `tradepost join`; told this once.
    ticket: String,
    /// RFC 3339.
    expires: String,
    /// The new device's site.
    site: String,
}

impl From<InviteView> for InviteBody {
    fn from(invite: InviteView) -> Self {
        Self { ticket: invite.ticket, expires: invite.expires.rfc3339(), site: invite.site.to_string() }
    }
}

impl NewInviteBody {
    /// The invitation, or everything that is wrong with it.
    pub fn check(self) -> Result<NewInvite, Problem> {
        let mut errors = Errors::default();
        let site = errors.site(At::Field("site"), &self.site);
        let kinds = SiteKind::ALL.map(|(_, name)| name);
        let kind = self.kind.and_then(|kind| errors.word(At::Field("kind"), &kind, SiteKind::from_name, &kinds));
        let zone = self.zone.and_then(|zone| {
            let known = zone.parse::<Tz>().ok();
            if known.is_none() {
                let remedy = "Give a zone of the IANA database, such as Asia/Shanghai.";
                errors.add(At::Field("zone"), "it is not a known zone", remedy);
            }
            known
        });
        let territory = self.territory.and_then(|code| errors.site(At::Field("territory"), &code));
        let hours = self.hours.unwrap_or(INVITE_HOURS);
        if !(1..=INVITE_HOURS_MAX).contains(&hours) {
            errors.add(At::Field("hours"), format!("{hours} hours"), format!("Give 1 to {INVITE_HOURS_MAX} hours."));
        }
        let invite = site.map(|site| NewInvite { site, kind, zone, territory, hours });
        errors.finish(invite)?.ok_or_else(|| Problem::internal("an invitation without errors has no site".to_owned()))
    }
}

/// Where a peer is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressBody {
    /// Address and UDP port.
    #[schema(example = "192.168.1.7:4433")]
    address: String,
}

/// Lists the other nodes.
#[utoipa::path(get, path = "/api/v1/peers", tag = "peers", responses(
    (status = 200, description = "Done.", body = PeersBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_peers(State(app): State<App>) -> Result<Json<PeersBody>, Problem> {
    let (peers, alerts) = read(move || Ok((app.peers()?, app.ticket_alerts()?))).await?;
    let items = peers.into_iter().map(PeerBody::from).collect();
    Ok(Json(PeersBody { items, alerts: alerts.into_iter().map(TicketAlertBody::from).collect() }))
}

/// Makes a ticket for one new device.
#[utoipa::path(post, path = "/api/v1/peers/invites", tag = "peers", request_body = NewInviteBody, responses(
    (status = 201, description = "Created.", body = InviteBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn invite_peer(
    State(app): State<App>,
    posted: Posted<NewInviteBody>,
) -> Result<(StatusCode, Json<InviteBody>), Problem> {
    let invite = posted.body.check()?;
    let made = app.invite(invite).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Sets where a node is dialled first.
#[utoipa::path(put, path = "/api/v1/peers/{node}/address", tag = "peers", request_body = AddressBody,
    params(("node" = String, Path, description = "Digits of its name, or its site's code.")), responses(
    (status = 200, description = "Done.", body = PeersBody),
    (status = "4XX", description = "What was sent cannot be taken.", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn set_peer_address(
    State(app): State<App>,
    Path(node): Path<String>,
    posted: Posted<AddressBody>,
) -> Result<Json<PeersBody>, Problem> {
    let mut errors = Errors::default();
    let address = posted.body.address.parse().ok();
    if address.is_none() {
        errors.add(At::Field("address"), "it is not an address with a port", "Write it as 192.168.1.7:4433.");
    }
    if let Some(address) = errors.finish(address)? {
        app.set_peer_address(&node, address).await?;
    }
    list_peers(State(app)).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http::tests::world::World;

    const INVITE: &str = r#"{"site": "SH01", "kind": "store", "zone": "Europe/London"}"#;

    #[tokio::test]
    async fn an_invitation_is_made_and_listed_nowhere() {
        let world = World::new();
        let made = world.post("/api/v1/peers/invites", INVITE).await;
        let body = made.json();
        assert_eq!((made.status, body["site"].as_str()), (201, Some("SH01")));
        assert!(body["ticket"].as_str().unwrap().starts_with("tradepost"));
        assert_eq!(world.get("/api/v1/peers").await.json(), serde_json::json!({"items": [], "alerts": []}));
    }

    #[test]
    fn an_invitation_names_what_is_wrong() {
        let pointers = |text: &str| {
            let body: NewInviteBody = serde_json::from_str(text).unwrap();
            let errors = body.check().map_or_else(|problem| problem.into_body(None).errors, |_| Vec::new());
            errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>()
        };
        assert!(pointers(INVITE).is_empty());
        let wrong = r#"{"site": "x", "kind": "shop", "zone": "Mars/Base", "territory": "!", "hours": 0}"#;
        assert_eq!(pointers(wrong), ["/site", "/kind", "/zone", "/territory", "/hours"]);
        for (hours, fits) in [(1, true), (INVITE_HOURS_MAX, true), (INVITE_HOURS_MAX + 1, false)] {
            assert_eq!(pointers(&format!(r#"{{"site": "SH01", "hours": {hours}}}"#)).is_empty(), fits);
        }
    }

    #[tokio::test]
    async fn an_address_is_set_for_a_peer_that_exists() {
        let world = World::new();
        let set = async |node: &str, body: &str| {
            let request = World::request("PUT", &format!("/api/v1/peers/{node}/address"));
            let request = request.header("content-type", "application/json");
            world.send(request.body(axum::body::Body::from(body.to_owned())).unwrap()).await.status
        };
        assert_eq!(set("SH01", r#"{"address": "10.0.0.1:4433"}"#).await, 404);
        assert_eq!(set("SH01", r#"{"address": "10.0.0.1"}"#).await, 422);
    }
}
