//! What can go wrong in the command line, with the exit code, the fact and the remedy of each.
//! Problems of the node pass through unchanged; only `exit_code` is added.
//! Invariant: every problem has `code`, `detail`, `remedy` and `exit_code`; proved by
//! `every_error_has_code_detail_remedy_and_exit_code`.

use std::path::PathBuf;

use serde_json::{Value, json};
use thiserror::Error;

use crate::exit::Exit;
use crate::text::{self, Lang};

/// A command that did not do what was asked.
#[derive(Debug, Error)]
pub enum CliError {
    /// The command line is wrong in a way the parser cannot see.
    #[error("{detail}")]
    Usage {
        /// What is wrong.
        detail: String,
        /// What to write instead.
        remedy: String,
    },
    /// The node refused, with a problem body.
    #[error("HTTP {status}")]
    Problem {
        /// HTTP status.
        status: u16,
        /// The problem object as the node sent it.
        problem: Value,
    },
    /// The node answered something that is not JSON.
    #[error("HTTP {status} without a readable body")]
    BadAnswer {
        /// HTTP status.
        status: u16,
    },
    /// No answer from the node.
    #[error("no answer from {url}: {cause}")]
    Unreachable {
        /// Address asked.
        url: String,
        /// What the connection said.
        cause: String,
    },
    /// The node closed the connection during an upload but lives.
    #[error("{url} closed the upload: {cause}")]
    UploadBroken {
        /// Address asked.
        url: String,
        /// What the connection said.
        cause: String,
    },
    /// No node became ready in time.
    #[error("no node ready after {seconds} s")]
    NotReady {
        /// The folder watched.
        data: PathBuf,
        /// How long.
        seconds: u64,
    },
    /// The node was restarted while it imported.
    #[error("import {id} is unknown to the node now")]
    ImportLost {
        /// The import's id.
        id: String,
    },
    /// The node, opened in this process, refused.
    #[error("{detail}")]
    Node {
        /// Stable code, such as `locked`.
        code: String,
        /// What happened.
        detail: String,
        /// What to do.
        remedy: String,
        /// Address of the running node, when it holds the folder.
        page: Option<String>,
    },
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}

impl CliError {
    /// The exit of the command.
    pub fn exit(&self) -> Exit {
        match self {
            CliError::Usage { .. } => Exit::Usage,
            CliError::Problem { status, problem } => {
                Exit::of_problem(*status, problem["code"].as_str().unwrap_or_default())
            }
            CliError::BadAnswer { status } => Exit::of_problem(*status, ""),
            CliError::Unreachable { .. } | CliError::NotReady { .. } | CliError::ImportLost { .. } => Exit::Unreachable,
            CliError::Node { code, .. } => Exit::of_node_code(code),
            CliError::UploadBroken { .. } | CliError::File { .. } => Exit::Failed,
        }
    }

    /// The problem object printed with `--json`.
    pub fn problem(&self, lang: Lang) -> Value {
        let mut problem = match self.sent() {
            Some(sent) if sent.is_object() => sent.clone(),
            Some(_) | None => json!({}),
        };
        if let CliError::Node { page: Some(page), .. } = self {
            problem["page"] = json!(page);
        }
        for (key, value) in [("code", self.code()), ("detail", self.detail(lang)), ("remedy", self.remedy(lang))] {
            problem[key] = json!(value);
        }
        problem["exit_code"] = json!(self.exit().code());
        problem
    }

    /// The error for people: the fact, the fields concerned, the remedy.
    pub fn message(&self, lang: Lang) -> String {
        let mut lines = vec![format!("{}: {}", text::ERROR.get(lang), self.detail(lang))];
        if let Some(problem) = self.sent() {
            let fields: Vec<_> = problem["errors"].as_array().into_iter().flatten().map(field_line).collect();
            let told = matches!(&fields[..], [only] if lines[0].ends_with(only.as_str()));
            lines.extend(fields.iter().filter(|_| !told).map(|field| format!("  {field}")));
        }
        if let CliError::Node { page: Some(page), .. } = self {
            lines.push(format!("{}: {page}", text::RUNNING_AT.get(lang)));
        }
        let remedy = self.remedy(lang);
        if !remedy.is_empty() {
            lines.push(format!("{}: {remedy}", text::HELP.get(lang)));
        }
        lines.join("\n")
    }

    /// The problem as the node sent it, if it is the node's.
    fn sent(&self) -> Option<&Value> {
        if let CliError::Problem { problem, .. } = self { Some(problem) } else { None }
    }

    fn code(&self) -> String {
        match self {
            CliError::Usage { .. } => "usage".to_owned(),
            CliError::Problem { problem, .. } => own_text(problem, "code", "problem"),
            CliError::BadAnswer { .. } => "bad_answer".to_owned(),
            CliError::Unreachable { .. } => "node_unreachable".to_owned(),
            CliError::UploadBroken { .. } => "upload_broken".to_owned(),
            CliError::NotReady { .. } => "node_not_ready".to_owned(),
            CliError::ImportLost { .. } => "import_interrupted".to_owned(),
            CliError::Node { code, .. } => code.clone(),
            CliError::File { .. } => "file".to_owned(),
        }
    }

    fn detail(&self, lang: Lang) -> String {
        match self {
            CliError::Usage { detail, .. } | CliError::Node { detail, .. } => detail.clone(),
            CliError::Problem { status, problem } => {
                let title = own_text(problem, "title", &format!("HTTP {status}"));
                own_text(problem, "detail", &title)
            }
            CliError::BadAnswer { status } => text::BAD_ANSWER.with(lang, &[&status.to_string()]),
            CliError::Unreachable { url, cause } => text::UNREACHABLE.with(lang, &[url, cause]),
            CliError::UploadBroken { url, cause } => text::UPLOAD_BROKEN.with(lang, &[url, cause]),
            CliError::NotReady { data, seconds } => {
                text::NOT_READY.with(lang, &[&data.display().to_string(), &seconds.to_string()])
            }
            CliError::ImportLost { id } => text::IMPORT_LOST.with(lang, &[id]),
            CliError::File { path, cause } => {
                text::FILE_FAILED.with(lang, &[&path.display().to_string(), &cause.to_string()])
            }
        }
    }

    fn remedy(&self, lang: Lang) -> String {
        match self {
            CliError::Usage { remedy, .. } | CliError::Node { remedy, .. } => remedy.clone(),
            CliError::Problem { problem, .. } => own_text(problem, "remedy", ""),
            CliError::BadAnswer { .. } => text::BAD_ANSWER_REMEDY.get(lang).to_owned(),
            CliError::Unreachable { .. } | CliError::ImportLost { .. } => text::UNREACHABLE_REMEDY.get(lang).to_owned(),
            CliError::UploadBroken { .. } => text::UPLOAD_BROKEN_REMEDY.get(lang).to_owned(),
            CliError::NotReady { .. } => text::NOT_READY_REMEDY.get(lang).to_owned(),
            CliError::File { .. } => text::FILE_REMEDY.get(lang).to_owned(),
        }
    }
}

fn own_text(problem: &Value, key: &str, fallback: &str) -> String {
    problem[key].as_str().unwrap_or(fallback).to_owned()
}

fn field_line(field: &Value) -> String {
    let pointer = field["pointer"].as_str().unwrap_or_default();
    let detail = field["detail"].as_str().unwrap_or_default();
    format!("{pointer}: {detail}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn one_of_each() -> Vec<CliError> {
        let text = || "x".to_owned();
        vec![
            CliError::Usage { detail: text(), remedy: text() },
            CliError::Problem { status: 409, problem: json!({"title": "t"}) },
            CliError::Problem { status: 500, problem: json!("not an object") },
            CliError::BadAnswer { status: 502 },
            CliError::Unreachable { url: text(), cause: text() },
            CliError::UploadBroken { url: text(), cause: text() },
            CliError::NotReady { data: PathBuf::from("d"), seconds: 3 },
            CliError::ImportLost { id: text() },
            CliError::Node { code: "locked".into(), detail: text(), remedy: text(), page: Some(text()) },
            CliError::File { path: PathBuf::from("f"), cause: std::io::ErrorKind::NotFound.into() },
        ]
    }

    #[test]
    fn every_error_has_code_detail_remedy_and_exit_code() {
        for error in one_of_each() {
            for lang in [Lang::En, Lang::Zh] {
                let problem = error.problem(lang);
                assert!(!problem["code"].as_str().unwrap().is_empty(), "{error:?}");
                assert!(!problem["detail"].as_str().unwrap().is_empty(), "{error:?}");
                assert!(problem["remedy"].is_string(), "{error:?}");
                assert_eq!(problem["exit_code"], error.exit().code(), "{error:?}");
            }
        }
    }

    #[test]
    fn problem_of_the_node_passes_through_unchanged() {
        let problem = json!({"code": "bad_price", "detail": "7 decimals", "remedy": "use 6",
            "errors": [{"pointer": "/lines/3/price", "detail": "7 decimals"}], "retryable": false});
        let error = CliError::Problem { status: 422, problem: problem.clone() };
        let mut expected = problem;
        expected["exit_code"] = json!(1);
        assert_eq!(error.problem(Lang::En), expected);
        let message = error.message(Lang::En);
        assert_eq!(message, "error: 7 decimals\n  /lines/3/price: 7 decimals\nhelp: use 6");
    }

    #[test]
    fn one_field_is_told_once() {
        let problem = json!({"detail": "/sku: no product `X`", "remedy": "r",
            "errors": [{"pointer": "/sku", "detail": "no product `X`"}]});
        let message = CliError::Problem { status: 422, problem }.message(Lang::En);
        assert_eq!(message, "error: /sku: no product `X`\nhelp: r");
    }

    #[test]
    fn locked_folder_names_the_page() {
        let error = CliError::Node {
            code: "locked".to_owned(),
            detail: "in use".to_owned(),
            remedy: "open it".to_owned(),
            page: Some("http://127.0.0.1:7000".to_owned()),
        };
        assert_eq!(error.exit(), Exit::Unreachable);
        assert!(error.message(Lang::En).contains("http://127.0.0.1:7000"));
        assert_eq!(error.problem(Lang::En)["page"], "http://127.0.0.1:7000");
    }
}
