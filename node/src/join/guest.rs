//! The new device's side of an enrolment.
//!
//! Invariants: a folder that is half joined goes on with the same ticket and the same keys; success is told after the
//! admission is durable here. Proved by `a_ticket_admits_one_device_and_that_one_again` and
//! `an_inviter_that_is_away_is_unreachable`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crdt_model::commit::SignedCommit;
use crdt_model::id::{AuthorId, DeviceId, SessionId};
use ed25519_dalek::SigningKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::message::{JOIN_VERSION, MESSAGE_MS_MAX, Message, TalkError, hear, say};
use super::proof::Meeting;
use crate::app::{Organisation, organisation};
use crate::error::NodeError;
use crate::folder::Folder;
use crate::link::rows::{LOCAL_JOINING, PeerRow};
use crate::listen::{bind_error, choose, kept, listen_row};
use crate::replica::{Arrival, Command, Identity, Input, Outcome, Replica};
use crate::run::open_store;
use crate::store::{Store, StoreError, Table};
use crate::transport::quic::QuicTransport;
use crate::transport::ticket::Ticket;
use crate::transport::{Connection, DialError, Door, Protocol, Remote, Transport};
use crate::{clock, entropy};

/// How often the inviter is dialled before it counts as unreachable.
const DIALS_MAX: u32 = 2;

/// How a device joins.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// The folder to make, or the one of an earlier attempt.
    pub data: PathBuf,
    /// The text of the ticket.
    pub ticket: String,
    /// Where other nodes will reach this one; a free port where none is given.
    pub sync_listen: Option<SocketAddr>,
}

/// Where a device belongs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinReport {
    /// The organisation, in hexadecimal digits.
    pub org_id: String,
    /// Its name.
    pub org_name: String,
    /// The device's site.
    pub site: String,
    /// The node's author, in hexadecimal digits.
    pub node: String,
    /// The letter in its order numbers.
    pub letter: String,
}

/// A device with its keys and its store, before it is a member.
struct Guest {
    ticket: Ticket,
    store: Store,
    author: SigningKey,
    device: SigningKey,
    replica: Replica,
    is_empty: bool,
}

/// Nobody may dial a device that is not admitted.
#[derive(Debug)]
struct Nobody;

impl Door for Nobody {
    fn admit(&self, _: DeviceId, _: Protocol) -> Result<(), &'static str> {
        Err("not_admitted")
    }
}

/// Makes the folder's node a member of the ticket's organisation.
pub fn join(request: &JoinRequest) -> Result<JoinReport, NodeError> {
    let ticket = Ticket::from_text(&request.ticket)
        .map_err(|error| NodeError::Join { code: "bad_ticket", detail: error.to_string() })?;
    let folder = Folder::new(&request.data);
    folder.create()?;
    let store = open_store(&folder)?;
    let known = organisation(&store).map_err(|error| NodeError::Write(error.to_string()))?;
    if let Some(known) = known.as_ref().filter(|known| known.id != ticket.org) {
        let detail = format!("the folder belongs to organisation {}, the ticket to {}", known.id, ticket.org);
        return Err(NodeError::Join { code: "wrong_org", detail });
    }
    let (author, device) = (key(&folder, "author.key")?, key(&folder, "device.key")?);
    let own = AuthorId(author.verifying_key().to_bytes());
    if let Some(done) = known.as_ref().and_then(|known| report(known, &own)) {
        return Ok(done);
    }
    let address = match (request.sync_listen, kept(&store)?) {
        (None, Some(kept)) => kept,
        (wanted, _) => choose(wanted)?,
    };
    let joining = [&ticket.org.0[..], ticket.site.as_str().as_bytes()].concat();
    store.write(|tx| {
        let (name, value) = listen_row(address);
        tx.put(Table::Local, name, &value)?;
        tx.put(Table::Local, LOCAL_JOINING, &joining)
    })?;
    let random = entropy::bytes::<8>().and_then(|session| Ok((session, entropy::bytes::<32>()?)));
    let (session, seed) = random.map_err(NodeError::io("asking for random bytes"))?;
    let identity =
        Identity { key: author.clone(), session: SessionId(session), org: ticket.org, site: ticket.site.clone() };
    let replica = Replica::new(identity, seed);
    let guest = Guest { ticket, store, author, device, replica, is_empty: known.is_none() };
    let runtime = Builder::new_current_thread().enable_all().build().map_err(NodeError::io("starting threads"))?;
    runtime.block_on(guest.enrol(address))
}

/// The folder's key; a new one where there is none.
fn key(folder: &Folder, name: &str) -> Result<SigningKey, NodeError> {
    if folder.has_key(name) { folder.key(name) } else { folder.create_key(name) }
}

fn report(organisation: &Organisation, own: &AuthorId) -> Option<JoinReport> {
    let member = organisation.control.members.get(own)?;
    Some(JoinReport {
        org_id: organisation.id.to_string(),
        org_name: organisation.control.genesis.as_ref().map(|genesis| genesis.name.to_string()).unwrap_or_default(),
        site: member.site.to_string(),
        node: own.to_string(),
        letter: member.device_letter.to_string(),
    })
}

impl Guest {
    async fn enrol(mut self, address: SocketAddr) -> Result<JoinReport, NodeError> {
        let transport = QuicTransport::bind(&self.device, address, Arc::new(Nobody)).await.map_err(bind_error)?;
        transport.settled().await;
        let connection = self.dial(&transport).await?;
        let Connection { mut send, mut receive, path, .. } = connection;
        let talked = self.talk(&mut send, &mut receive, transport.addresses()).await;
        let enrolled = match talked {
            Err(Ended::Talk(error)) => {
                // A close by the inviter says more than the broken stream.
                let closed = timeout(Duration::from_millis(500), path.closed()).await.unwrap_or_default();
                Err(closed.map_or_else(|| unreachable_error(error.to_string()), |code| refused(&code)))
            }
            Err(Ended::Node(error)) => Err(error),
            Ok(report) => {
                // The inviter closes once it has read that all is durable; it may as well be gone.
                drop(timeout(Duration::from_millis(MESSAGE_MS_MAX), path.closed()).await);
                Ok(report)
            }
        };
        path.close("done");
        transport.close().await;
        enrolled
    }

    async fn dial(&self, transport: &QuicTransport) -> Result<Connection, NodeError> {
        let remote = Remote { device: self.ticket.inviter, addresses: self.ticket.addresses.clone() };
        let mut tried = 0;
        loop {
            tried += 1;
            match transport.dial(&remote, Protocol::Join).await {
                Ok(connection) => return Ok(connection),
                Err(DialError::Refused { reason, .. }) => return Err(refused(&reason)),
                Err(error) if tried >= DIALS_MAX => return Err(unreachable_error(error.to_string())),
                Err(DialError::NoAddress { .. } | DialError::Unreachable { .. }) => {}
            }
        }
    }

    async fn talk(
        &mut self,
        send: &mut (impl AsyncWrite + Unpin),
        receive: &mut (impl AsyncRead + Unpin),
        addresses: Vec<SocketAddr>,
    ) -> Result<JoinReport, Ended> {
        let invite = self.ticket.invite_id();
        say(send, &Message::Begin { version: JOIN_VERSION, invite }).await?;
        let Message::Challenge { nonce } = self.next(receive).await? else { return Err(TalkError::OutOfTurn.into()) };
        let guest = DeviceId(self.device.verifying_key().to_bytes());
        let meeting = Meeting { org: self.ticket.org, inviter: self.ticket.inviter, guest, nonce };
        let proof = *meeting.secret_proof(&self.ticket.verifier()).as_bytes();
        say(send, &Message::Proof { proof }).await?;
        loop {
            match self.next(receive).await? {
                Message::Commits { commits } => self.take(&commits)?,
                Message::ControlEnds => break,
                _out_of_turn => return Err(TalkError::OutOfTurn.into()),
            }
        }
        let author = AuthorId(self.author.verifying_key().to_bytes());
        let proof = meeting.author_proof(&self.author);
        say(send, &Message::Keys { author, proof, addresses }).await?;
        let peers = loop {
            match self.next(receive).await? {
                Message::Commits { commits } => self.take(&commits)?,
                Message::Admitted { peers, .. } => break peers,
                _out_of_turn => return Err(TalkError::OutOfTurn.into()),
            }
        };
        let report = self.finish(&author, peers)?;
        // The admission is durable here: whether the inviter hears of it changes nothing.
        drop(say(send, &Message::Done).await);
        Ok(report)
    }

    async fn next(&self, receive: &mut (impl AsyncRead + Unpin)) -> Result<Message, Ended> {
        match hear(receive).await? {
            Message::Refused { code } => Err(Ended::Node(refused(code.as_str()))),
            message => Ok(message),
        }
    }

    /// Verifies commits of `control` and stores them; the first of all must be the genesis of the ticket.
    fn take(&mut self, commits: &[Vec<u8>]) -> Result<(), NodeError> {
        let bad = |detail: String| NodeError::Join { code: "bad_commit", detail };
        let verified: Result<Vec<SignedCommit>, _> = commits.iter().map(|bytes| SignedCommit::verify(bytes)).collect();
        let commits = verified.map_err(|error| bad(error.to_string()))?;
        if let Some(first) = commits.first().filter(|_| self.is_empty)
            && !(first.commit().is_genesis() && first.org() == self.ticket.org)
        {
            let detail = "what the inviter sent does not begin with the organisation of the ticket".to_owned();
            return Err(NodeError::Join { code: "wrong_org", detail });
        }
        self.is_empty = false;
        let now = clock::moment(clock::now(), chrono_tz::UTC);
        let command = Command::Receive(Arrival { commits, keys: Vec::new() });
        let input = Input { now, request: None, command };
        let outcomes = self.store.write(|tx| self.replica.handle(tx, &[&input]))?;
        match outcomes.into_iter().next() {
            Some(Ok(Outcome::Received(received))) => match received.refused {
                Some(refusal) => Err(bad(format!("{}: {}", refusal.code, refusal.detail))),
                None => Ok(()),
            },
            Some(Err(error)) => Err(bad(error.to_string())),
            Some(Ok(_)) | None => Err(bad("the commits were answered with another outcome".to_owned())),
        }
    }

    /// Looks for the admission in the own store and keeps where the others are.
    fn finish(&self, author: &AuthorId, peers: Vec<(DeviceId, Vec<SocketAddr>)>) -> Result<JoinReport, NodeError> {
        let known = organisation(&self.store).map_err(|error| NodeError::Write(error.to_string()))?;
        let report = known.as_ref().and_then(|known| report(known, author));
        let report = report.ok_or_else(|| NodeError::Join {
            code: "not_admitted",
            detail: "the inviter's log does not hold the admission".to_owned(),
        })?;
        let inviter = (self.ticket.inviter, self.ticket.addresses.clone());
        self.store.write(|tx| {
            for (device, addresses) in peers.into_iter().chain([inviter]) {
                let row = PeerRow { addresses, ..PeerRow::default() };
                tx.put(Table::Peers, &device.0, &row.encode())?;
            }
            tx.delete(Table::Local, LOCAL_JOINING).map(|_| ())
        })?;
        Ok(report)
    }
}

/// Why a conversation brought no admission.
enum Ended {
    /// It broke.
    Talk(TalkError),
    /// Something was wrong with what was said.
    Node(NodeError),
}

impl From<TalkError> for Ended {
    fn from(error: TalkError) -> Self {
        Self::Talk(error)
    }
}

impl From<NodeError> for Ended {
    fn from(error: NodeError) -> Self {
        Self::Node(error)
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Node(error.into())
    }
}

fn unreachable_error(detail: String) -> NodeError {
    NodeError::Join { code: "inviter_unreachable", detail }
}

/// What a code of the inviter means.
fn refused(code: &str) -> NodeError {
    let (code, detail) = match code {
        "ticket_used" => ("ticket_used", "another device has used the ticket"),
        "ticket_expired" | "no_invite" => ("ticket_expired", "the ticket is not good any more"),
        "bad_ticket" => ("bad_ticket", "the inviter does not know the secret of the ticket"),
        "protocol" => ("protocol", "the inviter speaks another version"),
        "busy" | "unreachable" => ("inviter_unreachable", "the inviter has no time now"),
        _other => ("join_refused", "the inviter refused"),
    };
    NodeError::Join { code, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_inviter_has_a_stable_code_here() {
        let told = ["ticket_used", "ticket_expired", "no_invite", "bad_ticket", "protocol", "busy", "later"];
        let codes: Vec<String> = told.iter().map(|code| refused(code).code().to_owned()).collect();
        let expected = [
            "ticket_used",
            "ticket_expired",
            "ticket_expired",
            "bad_ticket",
            "protocol",
            "inviter_unreachable",
            "join_refused",
        ];
        assert_eq!(codes, expected);
    }
}
