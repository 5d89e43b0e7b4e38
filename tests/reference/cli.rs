//! `docs/cli.md`, from clap's command tree, the exit codes and an example of each command.

use clap::{Arg, ArgAction, Command};
use cli::Exit;

use crate::markdown::{block, code, link, table};

/// How a command is used, and what its exit codes mean beyond the common table.
pub struct Example {
    /// The command's words.
    pub command: &'static str,
    /// A whole command line.
    pub line: &'static str,
    /// Exit codes that say more here.
    pub exits: &'static str,
}

const fn of(command: &'static str, line: &'static str, exits: &'static str) -> Example {
    Example { command, line, exits }
}

/// One of each command.
pub const EXAMPLES: &[Example] = &[
    of(
        "init",
        "tradepost init --data HQ --org Demo --site HQ --kind head-office --currency CNY",
        "5: the folder holds a node already.",
    ),
    of(
        "join",
        "tradepost join --data S1 tradepostaeaqcaibaeaq",
        "0: admitted, and the admission is on this disk. 1: the ticket is used, expired or broken. 6: the inviter is not reached; \
         the same ticket may be tried again.",
    ),
    of(
        "serve",
        "tradepost serve --data HQ --listen 127.0.0.1:7070",
        "0: stopped by Ctrl-C. 1: a port is taken. 5: no node in the folder, or not admitted yet. 6: another process has the folder; \
         the text names its address.",
    ),
    of("demo", "tradepost demo --for 30", "1: a figure differs, or the folder of --dir is not empty."),
    of("status", "tradepost status --wait-ready 30 --json", "6: with --wait-ready, no node was ready in time."),
    of(
        "channel add",
        "tradepost channel add online-retail --home SH01 --zone Europe/London",
        "5: the channel exists, or the command is given at another site than head office.",
    ),
    of("channel list", "tradepost channel list", ""),
    of(
        "product import",
        "tradepost product import products.csv --map sku=Code --map name=Title",
        "3: some rows are rejected.",
    ),
    of("product list", "tradepost product list --limit 20", ""),
    of("product show", "tradepost product show TEA-100", "1: there is no such product."),
    of(
        "product edit",
        "tradepost product edit MUG --barcode 4006381333931 --price 2.50",
        "1: there is no such product, or a code has a wrong check digit. 5: head office keeps the product.",
    ),
    of(
        "product adopt",
        "tradepost product adopt MUG --site SH01",
        "5: this is no node of head office, or the product was taken over as something else.",
    ),
    of(
        "product alias",
        "tradepost product alias mug --to MUG --site SH01",
        "5: this is no node of head office, or the product was taken over as something else.",
    ),
    of("customer list", "tradepost customer list", ""),
    of(
        "order new",
        "tradepost order new --line MUG:7:2.50 --line TEA-100:1:30 --name 张三 --phone 13800138000 --pay wechat:47.50",
        "1: a field is wrong; each is named. 5: the channel's home is another site, or the key was used for another order.",
    ),
    of("order list", "tradepost order list --status confirmed --limit 20", ""),
    of("order show", "tradepost order show HQ-A-000001", "1: there is no such order."),
    of("order confirm", "tradepost order confirm HQ-A-000001", "5: the order is cancelled or finished."),
    of("order ship", "tradepost order ship HQ-A-000001 --line 1:3", "5: less is open, or nothing."),
    of(
        "order send",
        "tradepost order send HQ-A-000001 --from WH01 --line 1:3",
        "5: less is open, or the order is cancelled or finished.",
    ),
    of("order cancel", "tradepost order cancel HQ-A-000001 --reason 'changed her mind'", "5: nothing is open."),
    of(
        "order import",
        "tradepost order import invoices.csv.gz --preset online-retail --rejects rejects.csv",
        "3: some rows are rejected, or the import was cancelled. 5: the channel's home is another site. 6: the node went away; the same command goes on.",
    ),
    of("fulfilment list", "tradepost fulfilment list --site WH01 --status planned", ""),
    of("fulfilment show", "tradepost fulfilment show SH01-A-000001", "1: there is no such fulfilment."),
    of(
        "fulfilment ship",
        "tradepost fulfilment ship SH01-A-000001 --reference SF-1",
        "5: less is open, it is cancelled, or another site ships it.",
    ),
    of("fulfilment cancel", "tradepost fulfilment cancel SH01-A-000001 --reason 'not found'", "5: nothing is open."),
    of("stock show", "tradepost stock show MUG", "1: there is no such product."),
    of("stock history", "tradepost stock history MUG --limit 20", "1: there is no such product."),
    of("stock receive", "tradepost stock receive MUG 10 --reference DN-1", ""),
    of("stock adjust", "tradepost stock adjust MUG -2 --reason broken", ""),
    of(
        "stock lend",
        "tradepost stock lend MUG 5 --to B",
        "5: this till is not the keeper of the site's stock rights, or has fewer of them.",
    ),
    of("stock loans", "tradepost stock loans --sku MUG", ""),
    of(
        "stock return",
        "tradepost stock return 0192f0c1a2b37c4d8e5f60718293a4b5 --quantity 2",
        "5: another till holds the loan, or less is left.",
    ),
    of("case list", "tradepost case list", ""),
    of("report run", "tradepost report run sales --by item --top 10 --from 2010-12-01 --to 2010-12-31", ""),
    of(
        "peer invite",
        "tradepost peer invite --site SH01 --kind store --zone Europe/London",
        "5: only the node that began the organisation invites.",
    ),
    of("peer list", "tradepost peer list", ""),
    of("peer address set", "tradepost peer address set SH01 192.168.1.7:4433", "1: there is no such node."),
    of("sync status", "tradepost sync status", ""),
    of(
        "sync now",
        "tradepost sync now --wait --timeout 600",
        "With --wait, 0: every node has all that was here at the call, and all of theirs is here. 1: the time is over. \
         3: some node was not reached; it is named with a reason code. 5: paused here. 6: the node does not run.",
    ),
    of("sync pause", "tradepost sync pause", ""),
    of("sync resume", "tradepost sync resume", ""),
    of("open", "tradepost open", "5: the node is not running, so it has no pages."),
    of("completion", "tradepost completion bash", ""),
    of("rebuild", "tradepost rebuild", ""),
];

const INTRODUCTION: &str = "\
# Command line

Written by a test from the program's own command tree; `UPDATE_GOLDEN=1 cargo test -p tests` writes it anew. `tradepost
COMMAND --help` shows the same.

One noun, one verb. A command talks to the node that runs on the data folder; where none runs it opens the folder itself, does
its work and leaves. `tradepost` alone shows the node and what to do next. Data goes to stdout, everything else to stderr.
`--json` prints exactly one object on stdout, also for an error: `{\"error\": {\"code\", \"detail\", \"remedy\", \"exit_code\", ...}}`.
Help is in English; what commands print is in Chinese or English, by `--lang` or the locale.

";

/// A command that does something, with its words.
pub struct Leaf {
    /// Its words, such as `order new`.
    pub name: String,
    command: Command,
}

/// Every command that does something, in the order of the help.
pub fn commands() -> Vec<Leaf> {
    let mut tree = cli::command_tree();
    tree.build();
    let mut found = Vec::new();
    gather(&tree, "", &mut found);
    found
}

fn gather(command: &Command, words: &str, found: &mut Vec<Leaf>) {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let name = format!("{words} {}", below.get_name()).trim().to_owned();
        if below.has_subcommands() {
            gather(below, &name, found);
        } else {
            found.push(Leaf { name, command: below.clone() });
        }
    }
}

/// The words of a command line; text in quotes is one word.
pub fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    let words = quoted.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        _inside => vec![part.to_owned()],
    });
    words.collect()
}

/// The page.
pub fn page() -> String {
    let mut tree = cli::command_tree();
    tree.build();
    let commands = commands();
    let mut page = INTRODUCTION.to_owned() + &contents(&commands) + &common(&tree);
    for group in groups(&commands) {
        let below = tree.find_subcommand(group).filter(|below| below.has_subcommands());
        if let Some(below) = below {
            page.push_str(&format!("## {}\n\n{}.\n\n", code(group), about(below)));
        }
        let own = commands.iter().filter(|leaf| leaf.name.split(' ').next() == Some(group));
        own.for_each(|leaf| page.push_str(&section(leaf, if below.is_some() { "###" } else { "##" })));
    }
    page.trim_end().to_owned() + "\n"
}

fn groups(commands: &[Leaf]) -> Vec<&str> {
    let mut groups: Vec<&str> = commands.iter().filter_map(|leaf| leaf.name.split(' ').next()).collect();
    groups.dedup();
    groups
}

fn contents(commands: &[Leaf]) -> String {
    let row = |leaf: &Leaf| vec![link(&code(&leaf.name)), about(&leaf.command)];
    let rows: Vec<Vec<String>> = commands.iter().map(row).collect();
    "## Contents\n\n".to_owned()
        + &table(&["command", "what it does"], &rows)
        + "Then: [Options of every command](#options-of-every-command), [Exit codes](#exit-codes).\n\n"
}

fn common(tree: &Command) -> String {
    let rows: Vec<Vec<String>> = tree.get_arguments().filter(|arg| arg.is_global_set()).map(option).collect();
    let exits = Exit::ALL.map(|exit| vec![exit.code().to_string(), exit.meaning().to_owned()]);
    "## Options of every command\n\n".to_owned()
        + &table(&["option", "meaning", "values"], &rows)
        + "## Exit codes\n\n"
        + &table(&["code", "when"], &exits)
        + "What a code says more at a command stands there.\n\n"
}

fn section(leaf: &Leaf, level: &str) -> String {
    let usage = leaf.command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let mut text = format!("{level} {}\n\n{}.\n\n", code(&leaf.name), about(&leaf.command)) + &block("text", &usage);
    let own = || leaf.command.get_arguments().filter(|arg| !arg.is_global_set() && !is_help(arg));
    let (places, options): (Vec<&Arg>, Vec<&Arg>) = own().partition(|arg| arg.is_positional());
    text.push_str(&table(&["argument", "meaning", "values"], &places.into_iter().map(option).collect::<Vec<_>>()));
    text.push_str(&table(&["option", "meaning", "values"], &options.into_iter().map(option).collect::<Vec<_>>()));
    let example = EXAMPLES.iter().find(|example| example.command == leaf.name);
    if let Some(Example { line, exits, .. }) = example {
        if !exits.is_empty() {
            text.push_str(&format!("Exit codes: {exits}\n\n"));
        }
        text.push_str(&block("sh", line));
    }
    text
}

fn is_help(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version)
}

fn option(arg: &Arg) -> Vec<String> {
    let value =
        arg.get_value_names().map(|names| names.iter().map(|name| name.to_string()).collect::<Vec<_>>().join(" "));
    let value = value.filter(|_| arg.get_action().takes_values());
    let flags = [arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}"))];
    let aliases = arg.get_visible_aliases().unwrap_or_default().into_iter().map(|alias| format!("--{alias}"));
    let flags: Vec<String> = flags.into_iter().flatten().chain(aliases).collect();
    let name = match (flags.is_empty(), value) {
        (true, value) => code(&value.unwrap_or_else(|| arg.get_id().to_string())),
        (false, Some(value)) => format!("{} {}", codes(&flags), code(&value)),
        (false, None) => codes(&flags),
    };
    let star = if arg.is_required_set() { " *" } else { "" };
    vec![name + star, help(arg), values(arg)]
}

fn codes(words: &[String]) -> String {
    words.iter().map(|word| code(word)).collect::<Vec<_>>().join(", ")
}

fn help(arg: &Arg) -> String {
    let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let many = matches!(arg.get_action(), ArgAction::Append) && !text.contains("several times");
    if many { text + "; may be given several times" } else { text }
}

fn values(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let possible = arg.get_possible_values();
    let possible = possible.iter().filter(|value| !value.is_hide_set()).map(|value| match value.get_help() {
        Some(help) => format!("{} ({help})", code(value.get_name())),
        None => code(value.get_name()),
    });
    let possible = possible.collect::<Vec<_>>().join(", ");
    let default = arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
    let default = default.collect::<Vec<_>>().join(" ");
    let default = if default.is_empty() { String::new() } else { format!("default {}", code(&default)) };
    [possible, default].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}
