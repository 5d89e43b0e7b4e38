//! What the two sides of an enrolment say, in the project's own codec, one message a frame.
//!
//! Invariant: decode then encode is the identity, and every list has a limit. Proved by
//! `every_join_message_has_one_encoding`.

use std::net::SocketAddr;
use std::time::Duration;

use crdt_model::codec::{DecodeError, Reader, Writer};
use crdt_model::commit::COMMIT_BYTES_MAX;
use crdt_model::id::{AuthorId, DeviceId};
use crdt_model::text::Text;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::link::rows::{PEER_ADDRESSES_MAX, decode_address, encode_address};
use crate::link::wire::{FRAME_BYTES_MAX, WireError, read_frame};

/// The version of this conversation.
pub const JOIN_VERSION: u16 = 1;
/// Bytes of commits in one message; one commit always fits.
pub const BATCH_BYTES_MAX: usize = 512 * 1024;
/// How long the next message may take, in milliseconds.
pub const MESSAGE_MS_MAX: u64 = 10_000;
/// Commits in one message.
const BATCH_COMMITS_MAX: usize = 4_096;
/// Peers that a new device is told of.
const PEERS_MAX: usize = 256;
const LENGTH_BYTES: usize = 4;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Guest: which invitation this is about.
    Begin {
        /// The version that it speaks.
        version: u16,
        /// The invitation.
        invite: [u8; 16],
    },
    /// Host: prove it over this.
    Challenge {
        /// Random bytes.
        nonce: [u8; 32],
    },
    /// Guest: the proof of the secret.
    Proof {
        /// Keyed hash over the meeting.
        proof: [u8; 32],
    },
    /// Host: commits of `control` in the order in which they came.
    Commits {
        /// Their bytes.
        commits: Vec<Vec<u8>>,
    },
    /// Host: that was all of `control`.
    ControlEnds,
    /// Guest: its keys.
    Keys {
        /// The key that signs its commits.
        author: AuthorId,
        /// The proof that it has it.
        proof: [u8; 64],
        /// Where it will be reached.
        addresses: Vec<SocketAddr>,
    },
    /// Host: the admission was sent; nothing follows.
    Admitted {
        /// The letter in its order numbers.
        letter: Text,
        /// Where others of the organisation were seen.
        peers: Vec<(DeviceId, Vec<SocketAddr>)>,
    },
    /// Host: no.
    Refused {
        /// The stable code.
        code: Text,
    },
    /// Guest: the admission is durable here.
    Done,
}

/// Why a conversation ended early.
#[derive(Debug, Error)]
pub enum TalkError {
    /// The stream ended or broke.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The other side says nothing.
    #[error("nothing came within {MESSAGE_MS_MAX} ms")]
    Silent,
    /// What came is not a message.
    #[error("not a message: {0}")]
    Decode(#[from] DecodeError),
    /// A message that does not belong here.
    #[error("a message out of turn")]
    OutOfTurn,
}

impl Message {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Begin { version, invite } => writer.byte(1).number(u64::from(*version)).fixed(invite),
            Self::Challenge { nonce } => writer.byte(2).fixed(nonce),
            Self::Proof { proof } => writer.byte(3).fixed(proof),
            Self::Commits { commits } => writer.byte(4).list(commits, |w, commit| {
                w.blob(commit);
            }),
            Self::ControlEnds => writer.byte(5),
            Self::Keys { author, proof, addresses } => {
                writer.byte(6).fixed(&author.0).fixed(proof).list(addresses, encode_address)
            }
            Self::Admitted { letter, peers } => writer.byte(7).text(letter).list(peers, |w, (device, addresses)| {
                w.fixed(&device.0).list(addresses, encode_address);
            }),
            Self::Refused { code } => writer.byte(8).text(code),
            Self::Done => writer.byte(9),
        };
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let message = match reader.byte("message")? {
            1 => Self::Begin {
                version: reader.number_up_to("version", u64::from(u16::MAX))? as u16,
                invite: reader.array("invite")?,
            },
            2 => Self::Challenge { nonce: reader.array("nonce")? },
            3 => Self::Proof { proof: reader.array("proof")? },
            4 => Self::Commits {
                commits: reader
                    .list("commits", BATCH_COMMITS_MAX, |r| Ok(r.blob("commit", COMMIT_BYTES_MAX)?.to_vec()))?,
            },
            5 => Self::ControlEnds,
            6 => Self::Keys {
                author: AuthorId::decode("author", &mut reader)?,
                proof: reader.array("proof")?,
                addresses: reader.list("addresses", PEER_ADDRESSES_MAX, decode_address)?,
            },
            7 => Self::Admitted {
                letter: reader.text("letter")?,
                peers: reader.list("peers", PEERS_MAX, |r| {
                    let device = DeviceId::decode("device", r)?;
                    Ok((device, r.list("addresses", PEER_ADDRESSES_MAX, decode_address)?))
                })?,
            },
            8 => Self::Refused { code: reader.text("code")? },
            9 => Self::Done,
            _unknown => return Err(DecodeError::OutOfRange { field: "message" }),
        };
        reader.end()?;
        Ok(message)
    }
}

/// Commits in messages of a bounded size.
pub fn batches(commits: Vec<Vec<u8>>) -> Vec<Message> {
    let mut messages = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for commit in commits {
        if !batch.is_empty() && (bytes + commit.len() > BATCH_BYTES_MAX || batch.len() == BATCH_COMMITS_MAX) {
            messages.push(Message::Commits { commits: std::mem::take(&mut batch) });
            bytes = 0;
        }
        bytes += commit.len();
        batch.push(commit);
    }
    if !batch.is_empty() {
        messages.push(Message::Commits { commits: batch });
    }
    messages
}

/// Sends a message.
pub async fn say(stream: &mut (impl AsyncWrite + Unpin), message: &Message) -> Result<(), TalkError> {
    let body = message.encode();
    debug_assert!(LENGTH_BYTES + body.len() <= FRAME_BYTES_MAX, "a batch and its envelope fit a frame");
    let frame = [&(body.len() as u32).to_be_bytes()[..], &body].concat();
    let sending = async {
        stream.write_all(&frame).await?;
        stream.flush().await
    };
    let sent = timeout(Duration::from_millis(MESSAGE_MS_MAX), sending).await;
    sent.map_err(|_| TalkError::Silent)?.map_err(|error| TalkError::Wire(error.into()))
}

/// Waits for the next message.
pub async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Result<Message, TalkError> {
    let read = timeout(Duration::from_millis(MESSAGE_MS_MAX), read_frame(stream)).await;
    let frame = read.map_err(|_| TalkError::Silent)??;
    Ok(Message::decode(&frame[LENGTH_BYTES..])?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn one_of_each() -> Vec<Message> {
        let addresses: Vec<SocketAddr> = vec!["10.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
        vec![
            Message::Begin { version: JOIN_VERSION, invite: [1; 16] },
            Message::Challenge { nonce: [2; 32] },
            Message::Proof { proof: [3; 32] },
            Message::Commits { commits: vec![vec![1], vec![2, 3]] },
            Message::ControlEnds,
            Message::Keys { author: AuthorId([4; 32]), proof: [5; 64], addresses: addresses.clone() },
            Message::Admitted { letter: Text::new("A").unwrap(), peers: vec![(DeviceId([6; 32]), addresses)] },
            Message::Refused { code: Text::new("ticket_used").unwrap() },
            Message::Done,
        ]
    }

    #[test]
    fn every_join_message_has_one_encoding() {
        for message in one_of_each() {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes).unwrap(), message);
            assert!(Message::decode(&[&bytes[..], &[0]].concat()).is_err(), "{message:?}");
            assert!(Message::decode(&bytes[..bytes.len() - 1]).is_err(), "{message:?}");
        }
        assert!(Message::decode(&[10]).is_err());
    }

    #[test]
    fn commits_are_cut_into_messages_that_fit_a_frame() {
        let commits = vec![vec![0; 200 * 1024]; 5];
        let sizes: Vec<usize> = batches(commits).iter().map(|message| message.encode().len()).collect();
        assert_eq!(sizes.len(), 3);
        assert!(sizes.iter().all(|bytes| bytes + LENGTH_BYTES <= FRAME_BYTES_MAX));
        let small = batches(vec![vec![1]; BATCH_COMMITS_MAX + 1]);
        assert_eq!(small.len(), 2);
        assert!(batches(Vec::new()).is_empty());
    }

    #[tokio::test]
    async fn what_is_said_is_heard() {
        let (mut one, mut other) = tokio::io::duplex(1024);
        for message in one_of_each() {
            say(&mut one, &message).await.unwrap();
            assert_eq!(hear(&mut other).await.unwrap(), message);
        }
        drop(one);
        assert!(matches!(hear(&mut other).await, Err(TalkError::Wire(WireError::Ended))));
    }
}
