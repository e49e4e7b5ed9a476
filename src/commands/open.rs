//! `git agentenv open`: opens the application of an environment in a browser.

use crate::commands::completions::candidates;
use crate::commands::output::environment::url;
use crate::environment::context::Context;
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::sys::{env, exec};
use crate::ui::{self, Ui};
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::time::Duration;

/// The arguments of `open`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Only print the URL
    #[arg(short, long)]
    pub print: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv open
  git agentenv open feature-x
  curl \"$(git agentenv open --print)\"";

/// Programs that open a URL in the user's browser: of freedesktop.org, and of macOS.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// A program that starts a browser ends, and a browser that is started itself stays: one that fails does so by then.
const MOMENT: Duration = Duration::from_secs(2);

/// `open`: the URL of the application.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// Where the environment's first port is reached in a browser.
    url: String,
    /// A browser was started with it.
    opened: bool,
}

/// Opens it where a person is, and prints the URL.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let lease = resolve::named_or_here(&context, args.env.as_deref())?;
    let Some(url) = url(&lease) else {
        let failure = error::not_found(format!("environment `{}` has no port", lease.name));
        return Err(failure.hint("name one under `ports:` in .agentenv.yaml").into());
    };
    let opened = !args.print && ui::is_terminal() && browse(ui, &url);
    let answer = Answer { url, opened };
    ui.answer(&answer, || format!("{}\n", answer.url))
}

/// The command lines that `$BROWSER` names: a list with `:`, each with `%s` for the URL or the URL behind it.
fn named(browser: &str, url: &str) -> Vec<Vec<String>> {
    let lines = browser.split(':').filter(|line| !line.trim().is_empty());
    let words = |line: &str| -> Vec<String> {
        let mut words: Vec<String> =
            line.split_whitespace().map(|word| word.replace("%s", url)).collect();
        if !line.contains("%s") {
            words.push(url.to_owned());
        }
        words
    };
    lines.map(words).collect()
}

fn browse(ui: &Ui, url: &str) -> bool {
    let named = env::var("BROWSER").map(|browser| named(&browser, url)).unwrap_or_default();
    let openers = OPENERS.map(|opener| vec![opener.to_owned(), url.to_owned()]);
    let mut lines = named.into_iter().chain(openers);
    let Some(line) = lines.find(|line| exec::find(&line[0]).is_some()) else {
        return false;
    };
    let program = &line[0];
    let failure = match exec::Cmd::new(program).args(&line[1..]).launch(MOMENT) {
        Ok(None | Some(0)) => return true,
        Ok(Some(code)) => format!("`{program}` exited with {code}"),
        Err(error) => format!("{error:#}"),
    };
    ui.warn(format!("cannot open a browser: {failure}"));
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_is_a_list_of_commands() {
        let lines = |browser: &str| {
            named(browser, "http://x:1").iter().map(|line| line.join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(lines("firefox"), ["firefox http://x:1"]);
        assert_eq!(
            lines("firefox --new-tab:w3m"),
            ["firefox --new-tab http://x:1", "w3m http://x:1"]
        );
        assert_eq!(lines("lynx -dump %s::"), ["lynx -dump http://x:1"]);
        assert_eq!(named("a 'b c'", "u"), [["a", "'b", "c'", "u"]]);
    }
}
