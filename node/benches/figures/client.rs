//! A lean HTTP/1.1 client over one kept-alive connection: it costs the cores little beside the node.
//!
//! Not a general client: it knows answers with a length and nothing else. Invariant: one answer is read whole before the
//! next request leaves.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::Outcome;

/// An answer.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON, if the status is the expected one.
    pub fn json(self, expected: u16) -> Outcome<serde_json::Value> {
        self.expect(expected)?;
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// Fails if the status is another one.
    pub fn expect(&self, expected: u16) -> Outcome<()> {
        match self.status == expected {
            true => Ok(()),
            false => Err(format!("status {}: {}", self.status, String::from_utf8_lossy(&self.body)).into()),
        }
    }
}

/// One connection to a node.
pub struct Client {
    stream: TcpStream,
    head: String,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects to `address` (host and port) with the node's token.
    pub fn connect(address: &str, token: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let head = format!("Host: {address}\r\nAuthorization: Bearer {token}\r\n");
        Ok(Self { stream, head, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Asks for a path.
    pub fn get(&mut self, path: &str) -> Outcome<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.head);
        self.stream.write_all(request.as_bytes())?;
        self.answer()
    }

    /// Sends a body; `headers` are whole lines.
    pub fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Outcome<Answer> {
        let length = body.len();
        let mut request =
            format!("POST {path} HTTP/1.1\r\n{}{headers}Content-Length: {length}\r\n\r\n", self.head).into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request)?;
        self.answer()
    }

    /// Sends JSON.
    pub fn post_json(&mut self, path: &str, body: &str) -> Outcome<Answer> {
        self.post(path, "Content-Type: application/json\r\n", body.as_bytes())
    }

    fn answer(&mut self) -> Outcome<Answer> {
        self.buffer.clear();
        let head = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.fill()?;
        };
        let (status, length) = read_head(&self.buffer[..head])?;
        while self.buffer.len() < head + length {
            self.fill()?;
        }
        Ok(Answer { status, body: self.buffer[head..head + length].to_vec() })
    }

    fn fill(&mut self) -> Outcome<()> {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece)? {
            0 => Err("the node closed the connection".into()),
            count => {
                self.buffer.extend_from_slice(&piece[..count]);
                Ok(())
            }
        }
    }
}

fn read_head(head: &[u8]) -> Outcome<(u16, usize)> {
    let text = std::str::from_utf8(head)?;
    let status = text.get(9..12).ok_or("an answer without a status")?.parse()?;
    let lengths = text.lines().filter_map(|line| line.split_once(':'));
    let length = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    Ok((status, length.ok_or("an answer without a length")?.trim().parse()?))
}
