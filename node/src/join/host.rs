//! The inviter's side of an enrolment.
//!
//! Invariants: nothing but `control` leaves, and not a byte of it before the secret is proved; an invitation belongs to
//! the first device that proves it, durably, before that device is admitted. Proved by
//! `a_ticket_admits_one_device_and_that_one_again` and `a_wrong_secret_gets_nothing`. A device that knows the secret of a
//! ticket which is not its own is remembered, durably, before it is refused. Proved by
//! `who_uses_a_ticket_again_is_refused_and_told_at_head_office`.

use crdt_model::id::DeviceId;
use crdt_model::text::Text;
use crdt_model::time::Timestamp;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;

use super::message::{JOIN_VERSION, Message, TalkError, batches, hear, say};
use super::proof::Meeting;
use crate::app::App;
use crate::app::error::AppError;
use crate::app::model::Request;
use crate::app::peers::peer_put;
use crate::link::rows::{InviteRow, Misuse, MisuseKind, PeerRow};
use crate::replica::{Admission, Command, LocalChange, LocalTable, Outcome};
use crate::transport::Connection;
use crate::{clock, entropy};

/// Why nobody was admitted.
#[derive(Debug, Error)]
pub enum HostError {
    /// The conversation broke.
    #[error(transparent)]
    Talk(#[from] TalkError),
    /// This node failed.
    #[error(transparent)]
    App(#[from] AppError),
    /// The guest was told why not.
    #[error("refused: {0}")]
    Refused(&'static str),
}

/// Serves one enrolment to its end.
pub async fn serve(app: &App, binding: &Mutex<()>, connection: Connection) -> Result<(), HostError> {
    let Connection { peer, mut send, mut receive, path, .. } = connection;
    let served = talk(app, binding, peer, &mut send, &mut receive).await;
    match &served {
        Ok(()) => {}
        Err(HostError::Refused(code)) => {
            drop(say(&mut send, &Message::Refused { code: Text::new(code).unwrap_or_default() }).await);
            // The guest closes once it has read it; whoever does not is closed below.
            drop(hear(&mut receive).await);
        }
        Err(HostError::Talk(_) | HostError::App(_)) => {}
    }
    path.close("done");
    served
}

async fn talk(
    app: &App,
    binding: &Mutex<()>,
    guest: DeviceId,
    send: &mut (impl AsyncWrite + Unpin),
    receive: &mut (impl AsyncRead + Unpin),
) -> Result<(), HostError> {
    let Message::Begin { version, invite } = hear(receive).await? else { return Err(TalkError::OutOfTurn.into()) };
    if version != JOIN_VERSION {
        return Err(HostError::Refused("protocol"));
    }
    let nonce = entropy::bytes::<32>().map_err(|error| AppError::Storage(error.to_string()))?;
    say(send, &Message::Challenge { nonce }).await?;
    let Message::Proof { proof } = hear(receive).await? else { return Err(TalkError::OutOfTurn.into()) };
    let directory = app.directory()?;
    let inviter = directory.own_member().map_or(DeviceId::ZERO, |member| member.device);
    let meeting = Meeting { org: app.facts().org, inviter, guest, nonce };
    let row = prove(app, binding, &meeting, invite, proof).await?;
    let sent = send_control(app, send, 0).await?;
    say(send, &Message::ControlEnds).await?;
    let Message::Keys { author, proof, addresses } = hear(receive).await? else {
        return Err(TalkError::OutOfTurn.into());
    };
    if !meeting.author_is_proved(&author, &proof) {
        return Err(HostError::Refused("bad_ticket"));
    }
    let admission = Admission { author, device: guest, site: row.site };
    let letter = match app.write(&Request::default(), Command::Admit(admission)).await? {
        Outcome::Admitted { letter } => letter,
        _other => return Err(AppError::Storage("an admission was answered with another outcome".to_owned()).into()),
    };
    let known = directory.peers.get(&guest).cloned().unwrap_or_default();
    app.keep_rows(vec![peer_put(guest, &PeerRow { addresses, ..known })]).await?;
    send_control(app, send, sent).await?;
    let peers = directory.peers.iter().map(|(device, row)| (*device, row.all_addresses()));
    let peers = peers.filter(|(device, _)| *device != guest).collect();
    say(send, &Message::Admitted { letter, peers }).await?;
    match hear(receive).await? {
        Message::Done => Ok(()),
        _out_of_turn => Err(TalkError::OutOfTurn.into()),
    }
}

/// Whether an invitation is good for a device: it says why not.
fn check_invite(row: &InviteRow, guest: DeviceId, now: Timestamp) -> Result<(), MisuseKind> {
    if row.device.is_some_and(|device| device != guest) {
        return Err(MisuseKind::Used);
    }
    if now.0 >= row.expires.0 { Err(MisuseKind::Expired) } else { Ok(()) }
}

/// Checks the proof of an invitation and gives it to the device that proved it: one at a time.
async fn prove(
    app: &App,
    binding: &Mutex<()>,
    meeting: &Meeting,
    invite: [u8; 16],
    proof: [u8; 32],
) -> Result<InviteRow, HostError> {
    let _alone = binding.lock().await;
    let row = app.invite_row(&invite)?.ok_or(HostError::Refused("ticket_expired"))?;
    if meeting.secret_proof(&row.verifier) != blake3::Hash::from_bytes(proof) {
        return Err(HostError::Refused("bad_ticket"));
    }
    let now = clock::now();
    if let Err(why) = check_invite(&row, meeting.guest, now) {
        note_misuse(app, invite, row, Misuse { device: meeting.guest, at: now, why }).await?;
        return Err(HostError::Refused(why.code()));
    }
    let is_new = row.device.is_none();
    let bound = InviteRow { device: Some(meeting.guest), ..row };
    if is_new {
        keep_invite(app, invite, &bound).await?;
    }
    Ok(bound)
}

/// Remembers who tried, unless the ticket is its own and only late.
async fn note_misuse(app: &App, invite: [u8; 16], mut row: InviteRow, misuse: Misuse) -> Result<(), AppError> {
    if row.device == Some(misuse.device) || !row.note(misuse) {
        return Ok(());
    }
    keep_invite(app, invite, &row).await
}

async fn keep_invite(app: &App, invite: [u8; 16], row: &InviteRow) -> Result<(), AppError> {
    app.keep_rows(vec![LocalChange::Put { table: LocalTable::Invites, key: invite.to_vec(), value: row.encode() }])
        .await
}

/// Sends the commits of `control` that arrived after the first `sent`; gives how many there are now.
async fn send_control(app: &App, send: &mut (impl AsyncWrite + Unpin), sent: usize) -> Result<usize, HostError> {
    let commits = app.control_commits(sent)?;
    let count = sent + commits.len();
    for message in batches(commits) {
        say(send, &message).await?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crdt_model::control::event::{Site, SiteKind};
    use crdt_model::scope::SiteCode;

    fn row(device: Option<DeviceId>) -> InviteRow {
        let code = SiteCode::new("SH01").unwrap();
        let zone = Text::new("Europe/London").unwrap();
        let site = Site { code: code.clone(), kind: SiteKind::Store, zone, territory: code };
        InviteRow { verifier: [1; 32], site, expires: Timestamp(1_000), device, misuses: Vec::new() }
    }

    #[test]
    fn an_invitation_is_good_until_it_expires_and_for_one_device() {
        let (one, two) = (DeviceId([1; 32]), DeviceId([2; 32]));
        assert_eq!(check_invite(&row(None), one, Timestamp(999)), Ok(()));
        assert_eq!(check_invite(&row(None), one, Timestamp(1_000)), Err(MisuseKind::Expired));
        assert_eq!(check_invite(&row(Some(one)), one, Timestamp(999)), Ok(()));
        assert_eq!(check_invite(&row(Some(one)), two, Timestamp(999)), Err(MisuseKind::Used));
        assert_eq!(check_invite(&row(Some(one)), two, Timestamp(1_000)), Err(MisuseKind::Used));
    }
}
