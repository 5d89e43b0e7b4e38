//! What every command gets: where the data is, the language, the output, and the way to a node.
//! Not a place for commands' own rules.
//! Invariant: the folder is `--data`, else `TRADEPOST_DATA`, else the platform's; proved by
//! `data_flag_beats_the_variable_beats_the_default`.

use std::path::PathBuf;

use serde_json::Value;

use crate::api::{Answer, Api, Request};
use crate::args::GlobalArgs;
use crate::environment::Environment;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::output::table::Style;
use crate::text::Lang;

/// One run's surroundings, settled.
pub struct Context<'a> {
    /// What the process sees.
    pub environment: &'a Environment,
    /// The node's folder.
    pub data: PathBuf,
    /// `--data` as it was given, for commands that are suggested.
    pub data_option: Option<String>,
    /// Language of the human texts.
    pub lang: Lang,
    /// The two streams.
    pub output: Output<'a>,
}

impl<'a> Context<'a> {
    /// Settles the global options against the environment.
    pub fn new(global: &GlobalArgs, environment: &'a Environment, mut output: Output<'a>) -> Context<'a> {
        output.json = global.json;
        output.quiet = global.quiet;
        output.colour = environment.out_is_terminal && !environment.no_color && !global.no_color;
        Context {
            environment,
            data: data_folder(global, environment),
            data_option: global.data.as_ref().map(|folder| folder.display().to_string()),
            lang: global.lang.unwrap_or_else(|| environment.lang()),
            output,
        }
    }

    /// The way to the node: the running one, else the folder opened in this process.
    pub fn api(&self) -> Result<Api, CliError> {
        Api::open(&self.data)
    }

    /// Asks the node once.
    pub fn ask(&self, request: &Request) -> Result<Answer, CliError> {
        self.api()?.call(request)
    }

    /// How tables look for this person.
    pub fn style(&self) -> Style {
        Style { lang: self.lang, bold: self.output.colour }
    }

    /// Prints an answer: as it came with `--json`, else through `view`.
    pub fn show(&mut self, answer: &Answer, view: impl FnOnce(&Value, Style) -> String) -> Exit {
        if self.output.json {
            self.output.data(answer.text());
        } else {
            let text = view(answer.value(), self.style());
            self.output.data(&text);
        }
        Exit::Ok
    }
}

fn data_folder(global: &GlobalArgs, environment: &Environment) -> PathBuf {
    global.data.clone().or_else(|| environment.data.clone()).unwrap_or_else(|| environment.default_data.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_flag_beats_the_variable_beats_the_default() {
        let mut environment = Environment::default();
        let mut global = GlobalArgs::default();
        assert_eq!(data_folder(&global, &environment), PathBuf::from("tradepost"));
        environment.data = Some(PathBuf::from("from-variable"));
        assert_eq!(data_folder(&global, &environment), PathBuf::from("from-variable"));
        global.data = Some(PathBuf::from("from-flag"));
        assert_eq!(data_folder(&global, &environment), PathBuf::from("from-flag"));
    }
}
