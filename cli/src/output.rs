//! The one way to stdout and stderr: data, talk and errors, for people or as one JSON object.
//! Not the rendering of tables (`table`) or of single things (`order`, `import`).
//! Invariants: a closed stdout ends quietly (`closed_pipe_is_not_an_error`), a full disk does not
//! (`failed_write_is_exit_1`); with `json` at most one object reaches stdout (`second_object_is_talk`).

pub mod fulfilment;
pub mod import;
pub mod order;
pub mod stock;
pub mod table;

use std::io::{self, ErrorKind, Write};

use crate::error::CliError;
use crate::exit::Exit;
use crate::text::{self, Lang};

/// The two streams of one run.
pub struct Output<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Print one JSON object instead of tables.
    pub json: bool,
    /// Say nothing but data and errors.
    pub quiet: bool,
    /// Headings in bold.
    pub colour: bool,
    printed: bool,
    failure: Option<io::Error>,
}

impl<'a> Output<'a> {
    /// Plain output for people.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Output<'a> {
        Output { out, err, json: false, quiet: false, colour: false, printed: false, failure: None }
    }

    /// Writes data and a line end to stdout, at once.
    pub fn data(&mut self, text: &str) {
        if self.failure.is_some() || text.is_empty() {
            return;
        }
        self.printed = true;
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        self.failure = written.err();
    }

    /// Writes a remark to stderr; a closed stderr is no reason to stop.
    pub fn talk(&mut self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Writes an error: one object on stdout with `json`, else lines on stderr.
    pub fn error(&mut self, error: &CliError, lang: Lang) {
        if self.json && !self.printed {
            let object = serde_json::json!({"error": error.problem(lang)});
            self.data(&object.to_string());
        } else {
            self.say(&table::clean_lines(&error.message(lang)));
        }
    }

    /// Ends the run: a stdout that failed for another reason than a closed pipe makes it fail.
    pub fn finish(mut self, exit: Exit, lang: Lang) -> Exit {
        match self.failure.take() {
            Some(cause) if cause.kind() != ErrorKind::BrokenPipe => {
                self.say(&text::WRITE_FAILED.with(lang, &[&cause.to_string()]));
                Exit::Failed
            }
            Some(_) | None => exit,
        }
    }

    fn say(&mut self, text: &str) {
        // Nobody is left to tell when stderr is closed.
        drop(writeln!(self.err, "{text}").and_then(|()| self.err.flush()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake_node::ClosedPipe;

    struct FullDisk;

    impl Write for FullDisk {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn closed_pipe_is_not_an_error() {
        let (mut pipe, mut err) = (ClosedPipe, Vec::new());
        let mut output = Output::new(&mut pipe, &mut err);
        output.data("one");
        output.data("two");
        assert_eq!(output.finish(Exit::Ok, Lang::En), Exit::Ok);
        assert!(err.is_empty());
    }

    #[test]
    fn failed_write_is_exit_1() {
        let (mut disk, mut err) = (FullDisk, Vec::new());
        let mut output = Output::new(&mut disk, &mut err);
        output.data("one");
        assert_eq!(output.finish(Exit::Ok, Lang::En), Exit::Failed);
        assert!(!err.is_empty());
    }

    #[test]
    fn closed_stderr_does_not_stop_the_command() {
        let (mut out, mut pipe) = (Vec::new(), ClosedPipe);
        let mut output = Output::new(&mut out, &mut pipe);
        output.talk("hello");
        output.data("one");
        assert_eq!(output.finish(Exit::Gaps, Lang::En), Exit::Gaps);
        assert_eq!(out, b"one\n");
    }

    #[test]
    fn second_object_is_talk() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output::new(&mut out, &mut err);
        output.json = true;
        output.data("{}");
        output.error(&CliError::BadAnswer { status: 500 }, Lang::En);
        output.finish(Exit::Failed, Lang::En);
        assert_eq!(out, b"{}\n");
        assert!(String::from_utf8(err).unwrap().contains("500"));
    }

    #[test]
    fn quiet_silences_talk_but_not_errors() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output::new(&mut out, &mut err);
        output.quiet = true;
        output.talk("chatter");
        output.error(&CliError::BadAnswer { status: 500 }, Lang::En);
        let text = String::from_utf8(err).unwrap();
        assert!(!text.contains("chatter") && text.contains("500"));
    }
}
