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

fn browse(ui: &Ui, url: &str) -> bool {
    let named = env::var("BROWSER").into_iter();
    let mut programs = named.chain(OPENERS.map(str::to_owned));
    let Some(program) = programs.find(|program| exec::find(program).is_some()) else {
        return false;
    };
    let failure = match exec::Cmd::new(&program).arg(url).launch(MOMENT) {
        Ok(None | Some(0)) => return true,
        Ok(Some(code)) => format!("`{program}` exited with {code}"),
        Err(error) => format!("{error:#}"),
    };
    ui.warn(format!("cannot open a browser: {failure}"));
    false
}
