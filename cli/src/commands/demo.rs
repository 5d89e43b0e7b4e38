//! `demo`: a store is cut off, trades on and catches up; head office, store and warehouse in this process.
//! It tells the story (`crate::demo`) and serves its nodes afterwards; a figure that differs is exit 1.
//! Invariant: a folder that holds something is left alone; proved by `a_folder_with_something_in_it_is_refused`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::api::local;
use crate::context::Context;
use crate::demo::words as w;
use crate::demo::{Chain, Checks, Place, Play, REALITY};
use crate::error::CliError;
use crate::exit::Exit;

/// Options of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Keep the three folders in this one, which must be empty [default: a temporary folder, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// End so many seconds after it is ready [default: at Ctrl-C]
    #[arg(long = "for", value_name = "SECONDS")]
    pub serve_for: Option<u32>,
}

/// Runs the command.
pub fn run(args: &DemoArgs, context: &mut Context<'_>) -> Result<Exit, CliError> {
    let temporary;
    let folder = match &args.dir {
        Some(folder) => {
            empty(folder, context)?;
            folder.as_path()
        }
        None => {
            let made = tempfile::Builder::new().prefix("tradepost-demo-").tempdir();
            temporary = made.map_err(|cause| CliError::File { path: std::env::temp_dir(), cause })?;
            temporary.path()
        }
    };
    // Asked to end in the middle, it tells its story to the end and leaves nothing behind.
    let mut ending = local::listen_for_end()?;
    let lang = context.lang;
    let json = context.output.json;
    let mut play = Play::start(folder)?;
    let mut checks = Checks::new(lang);
    let mut chain;
    {
        let output = &mut context.output;
        let mut say = |line: &str| if json { output.talk(line) } else { output.data(line) };
        play.tell(&mut checks, &REALITY, &mut say)?;
        chain = Chain::start(folder)?;
        chain.fill(&mut checks, &mut say)?;
    }
    let good = checks.good();
    let mut nodes = play.places();
    nodes.extend(chain.places());
    if json {
        let object =
            |place: &Place| json!({"site": place.site, "url": place.url, "sign_in": place.sign_in, "data": place.data});
        let nodes: Vec<_> = nodes.iter().map(object).collect();
        let object = json!({"ready": good, "checks": checks.objects(), "nodes": nodes});
        context.output.data(&object.to_string());
    } else {
        let ended = if good { w::ALL_GOOD } else { w::NOT_GOOD };
        context.output.data(&ended.with(lang, &[&checks.passed().to_string(), &checks.count().to_string()]));
    }
    if !good {
        return Ok(Exit::Failed);
    }
    if !json {
        for Place { site, url, data, .. } in &nodes {
            context.output.data(&format!("ready {site} {url} {data}"));
        }
        for Place { site, sign_in, .. } in &nodes {
            context.output.data(&format!("sign-in {site} {sign_in}"));
        }
        let shop = &nodes[1].data;
        let program =
            std::env::current_exe().map_or_else(|_| "tradepost".to_owned(), |path| path.display().to_string());
        context.output.talk(&w::TRY_NEXT.with(lang, &[&program, shop, &program, shop, &program, shop]));
    }
    ending.wait(args.serve_for.map(|seconds| Duration::from_secs(seconds.into())));
    play.stop()?;
    chain.stop()?;
    Ok(Exit::Ok)
}

fn empty(folder: &Path, context: &Context<'_>) -> Result<(), CliError> {
    let failed = |cause| CliError::File { path: folder.to_owned(), cause };
    std::fs::create_dir_all(folder).map_err(failed)?;
    match std::fs::read_dir(folder).map_err(failed)?.next() {
        None => Ok(()),
        Some(_) => Err(CliError::Node {
            code: "not_empty".to_owned(),
            detail: w::NOT_EMPTY.with(context.lang, &[&folder.display().to_string()]),
            remedy: w::NOT_EMPTY_REMEDY.get(context.lang).to_owned(),
            page: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::exit::Exit;
    use crate::fake_node::Terminal;

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine"), "kept").unwrap();
        let ran = Terminal::new().run(&["demo", "--dir", &folder.path().display().to_string(), "--json"]);
        assert_eq!(ran.exit, Exit::Failed);
        assert!(ran.out.contains("not_empty"), "{}", ran.out);
        assert_eq!(std::fs::read_to_string(folder.path().join("mine")).unwrap(), "kept");
    }
}
