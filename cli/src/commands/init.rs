//! `init`: a new organisation and its first node.
//! It makes no key: the node does.
//! Invariant: the words go to stdout once, whole; proved by `words_are_shown_whole`.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::api::local::{self, InitReport, InitRequest};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Style, facts};
use crate::text;

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
    fn name(self) -> &'static str {
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
    let shown = [
        (text::ORG, report.org_id.clone()),
        (text::SITE, report.site.clone()),
        (text::NODE, report.node.clone()),
        (text::ROOT_WORDS, report.root_words.clone()),
        (text::RECOVERY_WORDS, report.recovery_words.clone()),
    ];
    facts(&shown, style)
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
            recovery_words: vec!["zoo"; 24].join(" "),
        }
    }

    #[test]
    fn words_are_shown_whole() {
        let report = report();
        let shown = view(&report, Style { lang: Lang::En, bold: false });
        assert!(shown.contains(&report.root_words), "{shown}");
        assert!(shown.contains(&report.recovery_words), "{shown}");
        assert_eq!(shown.lines().count(), 5);
        assert_eq!(object(&report)["root_words"], report.root_words);
    }

    #[test]
    fn init_without_its_options_is_a_usage_error() {
        let ran = Terminal::new().run(&["init", "--org", "Demo"]);
        assert_eq!(ran.exit, Exit::Usage);
        assert!(ran.err.contains("--currency"), "{}", ran.err);
    }
}
