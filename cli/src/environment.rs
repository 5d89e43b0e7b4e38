//! What the process's surroundings say: variables, terminals, the default data folder.
//! The only reader of environment variables; everything else takes an [`Environment`].
//! Invariant: `--lang` default follows `LC_ALL`, `LC_MESSAGES`, `LANG` in this order; proved by
//! `chinese_locale_means_chinese`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use crate::text::Lang;

/// Pause between two looks at an import or a starting node.
const POLL_INTERVAL: Duration = Duration::from_millis(75);

/// The surroundings of one run.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `TRADEPOST_DATA`, if set.
    pub data: Option<PathBuf>,
    /// The platform's data folder for this program.
    pub default_data: PathBuf,
    /// The locale text, such as `zh_CN.UTF-8`.
    pub locale: String,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// stdout is a terminal.
    pub out_is_terminal: bool,
    /// stderr is a terminal.
    pub err_is_terminal: bool,
    /// Pause between two polls.
    pub poll_interval: Duration,
}

impl Default for Environment {
    fn default() -> Environment {
        Environment {
            data: None,
            default_data: PathBuf::from("tradepost"),
            locale: String::new(),
            no_color: false,
            out_is_terminal: false,
            err_is_terminal: false,
            poll_interval: POLL_INTERVAL,
        }
    }
}

impl Environment {
    /// Reads the surroundings of this process.
    pub fn from_process() -> Environment {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).next().unwrap_or_default();
        Environment {
            data: variable("TRADEPOST_DATA").map(PathBuf::from),
            default_data: default_data(),
            locale,
            no_color: variable("NO_COLOR").is_some(),
            out_is_terminal: std::io::stdout().is_terminal(),
            err_is_terminal: std::io::stderr().is_terminal(),
            poll_interval: POLL_INTERVAL,
        }
    }

    /// The language of the locale: Chinese for `zh...`, else English.
    pub fn lang(&self) -> Lang {
        if self.locale.to_ascii_lowercase().starts_with("zh") { Lang::Zh } else { Lang::En }
    }
}

/// A variable's value; empty counts as unset.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn default_data() -> PathBuf {
    let home = || variable("HOME").map(PathBuf::from).unwrap_or_default();
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA").map(PathBuf::from).unwrap_or_default()
    } else if cfg!(target_os = "macos") {
        home().join("Library/Application Support")
    } else {
        variable("XDG_DATA_HOME").map_or_else(|| home().join(".local/share"), PathBuf::from)
    };
    base.join("tradepost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_locale(locale: &str) -> Environment {
        Environment { locale: locale.to_owned(), ..Environment::default() }
    }

    #[test]
    fn chinese_locale_means_chinese() {
        assert_eq!(with_locale("zh_CN.UTF-8").lang(), Lang::Zh);
        assert_eq!(with_locale("ZH-TW").lang(), Lang::Zh);
        assert_eq!(with_locale("en_GB.UTF-8").lang(), Lang::En);
        assert_eq!(with_locale("").lang(), Lang::En);
    }
}
