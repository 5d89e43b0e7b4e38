//! `init`: a new organisation and its first node.
//! It makes no key: the node does.
//! Invariant: the words go to stdout once, whole; proved by `words_are_shown_whole`.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::api::local::{self, InitReport, InitRequest};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Style, facts};
use crate::text;

/// Words of a list that stand in one row.
const WORDS_IN_A_ROW: usize = 6;

/// What a site is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SiteKind {
    /// Sees everything, keeps the members
    HeadOffice,
    /// Sells over the counter
    Store,
    /// Keeps and ships goods
    Warehouse,
    /// A seller on the road
    Field,
}

impl SiteKind {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            SiteKind::HeadOffice => "head-office",
            SiteKind::Store => "store",
            SiteKind::Warehouse => "warehouse",
            SiteKind::Field => "field",
        }
    }
}

/// Options of `init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// Name of the organisation
    #[arg(long)]
    pub org: String,
    /// Short code of this site, such as HQ
    #[arg(long)]
    pub site: String,
    /// What this site is
    #[arg(long, value_enum)]
    pub kind: SiteKind,
    /// Currency of the books, such as CNY
    #[arg(long)]
    pub currency: String,
    /// Zone of this site's dates
    #[arg(long, default_value = "Asia/Shanghai")]
    pub zone: String,
    /// Territory this site belongs to
    #[arg(long, default_value = "MAIN")]
    pub territory: String,
    /// Where other nodes reach this one over UDP [default: a free port]
    #[arg(long, value_name = "IP:PORT")]
    pub sync_listen: Option<SocketAddr>,
}

/// Runs the command.
pub fn run(args: &InitArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let report = local::init(&InitRequest {
        data: context.data.clone(),
        org: args.org.clone(),
        site: args.site.clone(),
        kind: args.kind.name().to_owned(),
        currency: args.currency.clone(),
        zone: args.zone.clone(),
        territory: args.territory.clone(),
        sync_listen: args.sync_listen,
    })?;
    if context.output.json {
        context.output.data(&object(&report).to_string());
        return Ok(Exit::Ok);
    }
    let lang = context.lang;
    let folder = context.data.display().to_string();
    let done = text::INIT_DONE.with(lang, &[&report.node, &report.site, &folder]);
    context.output.talk(&done);
    context.output.talk(text::WORDS_ONCE.get(lang));
    let words = view(&report, context.style());
    context.output.data(&words);
    Ok(Exit::Ok)
}

fn object(report: &InitReport) -> Value {
    json!({
        "org_id": report.org_id,
        "site": report.site,
        "node": report.node,
        "root_words": report.root_words,
        "recovery_words": report.recovery_words,
    })
}

fn view(report: &InitReport, style: Style) -> String {
    let shown =
        [(text::ORG, report.org_id.clone()), (text::SITE, report.site.clone()), (text::NODE, report.node.clone())];
    let words = [(text::ROOT_WORDS, &report.root_words), (text::RECOVERY_WORDS, &report.recovery_words)];
    let words = words.map(|(title, words)| format!("{}\n{}", title.get(style.lang), numbered(words)));
    [vec![facts(&shown, style)], words.to_vec()].concat().join("\n\n")
}

/// Rows of numbered words, to be copied by hand.
fn numbered(words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    let row = |(row, words): (usize, &[&str])| {
        let first = row * WORDS_IN_A_ROW + 1;
        let cells = (first..).zip(words).map(|(number, word)| format!("{number:>2} {word:<9}"));
        format!("  {}", cells.collect::<Vec<_>>().join(" ").trim_end())
    };
    words.chunks(WORDS_IN_A_ROW).enumerate().map(row).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_node::Terminal;
    use crate::text::Lang;

    fn report() -> InitReport {
        InitReport {
            org_id: "00ff".to_owned(),
            site: "HQ".to_owned(),
            node: "abcd".to_owned(),
            root_words: vec!["abandon"; 24].join(" "),
            recovery_words: ["zoo"; 12].join(" "),
        }
    }

    #[test]
    fn words_are_shown_whole() {
        let report = report();
        let shown = view(&report, Style { lang: Lang::En, bold: false });
        let count = |word: &str| shown.matches(word).count();
        assert_eq!((count("abandon"), count("zoo")), (24, 12), "{shown}");
        assert!(shown.contains("24 abandon") && shown.contains("12 zoo"), "{shown}");
        assert_eq!(object(&report)["root_words"], report.root_words);
    }

    #[test]
    fn init_without_its_options_is_a_usage_error() {
        let ran = Terminal::new().run(&["init", "--org", "Demo"]);
        assert_eq!(ran.exit, Exit::Usage);
        assert!(ran.err.contains("--currency"), "{}", ran.err);
    }
}
