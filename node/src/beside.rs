//! Nodes that are served beside others in one process: each on a thread, with a runtime, a folder and sockets of its own.
//!
//! What one process does with several nodes; a node alone is `run`.
//!
//! Invariant: a node that does not come up says why, one that is stopped or dropped has drained its writer. Proved by
//! `nodes_beside_each_other_answer_and_end_one_by_one`.

use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::NodeError;
use crate::run::{Ready, ServeOptions, asked_to_end, runtime, serve_until};

/// A node that is served by a thread of this process; it ends when this is dropped.
#[derive(Debug)]
pub struct ServedNode {
    ready: Ready,
    end: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<Result<(), NodeError>>>,
}

impl ServedNode {
    /// Serves a folder and returns once the node answers.
    ///
    /// # Errors
    /// As [`crate::serve`], before it is ready.
    pub fn start(options: ServeOptions) -> Result<Self, NodeError> {
        let (end, ended) = oneshot::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let serve = move || {
            // Whoever waits is told by the thread's end if it is gone.
            let tell = |told: &Ready| drop(ready.send(told.clone()));
            serve_until(&options, tell, || Ok(async move { drop(ended.await) }))
        };
        let thread = std::thread::Builder::new().name("node".to_owned()).spawn(serve);
        let thread = thread.map_err(NodeError::io("starting threads"))?;
        let mut node = Self { ready: Ready::default(), end: Some(end), thread: Some(thread) };
        match is_ready.recv() {
            Ok(ready) => node.ready = ready,
            Err(mpsc::RecvError) => node.stop()?,
        }
        Ok(node)
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.ready.url
    }

    /// The address that opens its pages, once and for an hour.
    pub fn sign_in(&self) -> &str {
        &self.ready.sign_in
    }

    /// Ends it: its writer is drained, its folder free.
    ///
    /// # Errors
    /// What it ended with.
    pub fn stop(&mut self) -> Result<(), NodeError> {
        drop(self.end.take());
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|_| Err(NodeError::Write("a node's thread broke off".to_owned())))
    }
}

impl Drop for ServedNode {
    fn drop(&mut self) {
        // It ended already or nobody asks how.
        drop(self.stop());
    }
}

/// Hears Ctrl-C and termination signals from its making on: from then they end nothing by themselves.
#[derive(Debug)]
pub struct Ending {
    runtime: Runtime,
    asked: JoinHandle<()>,
}

impl Ending {
    /// Begins to listen.
    ///
    /// # Errors
    /// If signals cannot be heard.
    pub fn listen() -> Result<Self, NodeError> {
        let runtime = runtime()?;
        let asked = runtime.block_on(async { asked_to_end().map(tokio::spawn) })?;
        Ok(Self { runtime, asked })
    }

    /// Waits until asked to end, or for so long if a time is given; at once if it was asked before.
    pub fn wait(&mut self, at_most: Option<Duration>) {
        let Self { runtime, asked } = self;
        runtime.block_on(async {
            match at_most {
                // Over or asked for: both are the end.
                Some(time) => drop(tokio::time::timeout(time, asked).await),
                None => drop(asked.await),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::Purpose;
    use crate::{InitRequest, init};

    #[test]
    fn nodes_beside_each_other_answer_and_end_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let text = |text: &str| text.to_owned();
        let start = |name: &str| {
            let data = folder.path().join(name);
            let sync_listen = Some("127.0.0.1:0".parse().unwrap());
            init(&InitRequest {
                data: data.clone(),
                org: text("Demo"),
                site: text("HQ"),
                kind: text("head-office"),
                currency: text("GBP"),
                zone: text("Europe/London"),
                territory: text("MAIN"),
                sync_listen,
            })
            .unwrap();
            ServeOptions { data, listen: "127.0.0.1:0".parse().unwrap(), sync_listen: None, purpose: Purpose::Work }
        };
        let (one, two) = (start("one"), start("two"));
        let mut first = ServedNode::start(one.clone()).unwrap();
        let second = ServedNode::start(two).unwrap();
        assert_ne!(first.url(), second.url());
        assert!(matches!(ServedNode::start(one.clone()), Err(NodeError::Locked { .. })), "one process, one holder");
        first.stop().unwrap();
        ServedNode::start(one).unwrap().stop().unwrap();
        Ending::listen().unwrap().wait(Some(Duration::ZERO));
    }
}
