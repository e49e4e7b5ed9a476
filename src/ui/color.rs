//! Colours: whether to use them, and their meanings.

use crate::sys::env;
use console::{Style, Term};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or CLICOLOR=0 is set; with CLICOLOR_FORCE everywhere.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The meaning of a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Success.
    Good,
    /// In transition, or a reminder.
    Wait,
    /// A fault.
    Bad,
    /// Secondary text.
    Quiet,
    /// A heading.
    Strong,
    /// One of several that are told apart, by its place among them.
    One(usize),
}

/// How a terminal shows those that are told apart. Red is a fault's.
const SEVERAL: [fn(Style) -> Style; 5] =
    [Style::cyan, Style::yellow, Style::green, Style::magenta, Style::blue];

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Good => Style::new().green(),
            Tone::Wait => Style::new().yellow(),
            Tone::Bad => Style::new().red(),
            Tone::Quiet => Style::new().dim(),
            Tone::Strong => Style::new().bold(),
            Tone::One(place) => SEVERAL[place % SEVERAL.len()](Style::new()),
        }
    }

    /// The text in this tone, for stdout.
    pub fn paint(self, text: &str) -> String {
        self.style().apply_to(text).to_string()
    }

    /// The text in this tone, for stderr.
    pub fn paint_stderr(self, text: &str) -> String {
        self.style().for_stderr().apply_to(text).to_string()
    }
}

/// Applies the choice to all later output.
pub fn choose(color: Color) {
    console::set_colors_enabled(is_wanted(color, &env::var, is_capable(&Term::stdout())));
    console::set_colors_enabled_stderr(is_wanted(color, &env::var, is_capable(&Term::stderr())));
}

/// The flag wins over the variables, NO_COLOR over CLICOLOR_FORCE; without either the terminal decides.
fn is_wanted(color: Color, var: &dyn Fn(&str) -> Option<String>, capable: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if var("NO_COLOR").is_some() => false,
        Color::Auto if var("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => capable && var("CLICOLOR").as_deref() != Some("0"),
    }
}

fn is_capable(term: &Term) -> bool {
    term.features().is_attended() && env::var("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_then_the_variables_then_the_terminal_decide() {
        let wanted = |color, set: &[(&str, &str)], capable| {
            let var = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            is_wanted(color, &var, capable)
        };
        assert!(wanted(Color::Auto, &[], true) && !wanted(Color::Auto, &[], false));
        assert!(wanted(Color::Always, &[("NO_COLOR", "1")], false));
        assert!(!wanted(Color::Never, &[("CLICOLOR_FORCE", "1")], true));
        assert!(!wanted(Color::Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
        assert!(!wanted(Color::Auto, &[("CLICOLOR", "0")], true));
        assert!(wanted(Color::Auto, &[("CLICOLOR_FORCE", "1")], false));
        assert!(!wanted(Color::Auto, &[("CLICOLOR_FORCE", "0")], false));
    }
}
