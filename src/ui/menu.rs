//! A menu with fuzzy search: the user picks one entry, several, or enters a new one.

use super::color::Tone;
use super::screen::{Screen, cancelled};
use anyhow::Result;
use console::Key;
use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use std::collections::BTreeMap;

/// How many entries show at once, where the terminal is high enough.
const ROWS: usize = 10;

/// An entry.
#[derive(Debug, Clone)]
pub struct Item {
    /// The text that is searched.
    pub label: String,
    /// Details, shown beside the label.
    pub note: String,
}

/// The user's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Entries, by position.
    Items(Vec<usize>),
    /// Typed text that is no entry.
    New(String),
}

/// Says what typed text that is no entry would do, or why it is invalid.
pub type Judge<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A question with entries to choose from.
pub struct Menu<'a> {
    /// The question.
    pub prompt: &'a str,
    /// The entries.
    pub items: &'a [Item],
    /// Judges typed text that is no entry; `None`: only entries can be chosen.
    pub new: Option<Judge<'a>>,
    /// Several entries can be marked with the space bar.
    pub several: bool,
    /// Details of the entry under the cursor, shown below.
    pub preview: Option<Preview<'a>>,
}

/// The details of an entry, line by line.
pub type Preview<'a> = &'a dyn Fn(usize) -> Vec<String>;

/// The menu's state between two keys.
struct State<'a> {
    menu: &'a Menu<'a>,
    typed: String,
    rows: Vec<Row>,
    at: usize,
    marked: Vec<bool>,
    previews: BTreeMap<usize, Vec<String>>,
}

/// A selectable line.
enum Row {
    Item(usize),
    New(Result<String, String>),
}

impl Menu<'_> {
    /// Asks, and clears the menu afterwards. Esc and Ctrl-C cancel.
    pub(super) fn ask(&self) -> Result<Choice> {
        let mut screen = Screen::open()?;
        let mut state = State {
            menu: self,
            typed: String::new(),
            rows: Vec::new(),
            at: 0,
            marked: vec![false; self.items.len()],
            previews: BTreeMap::new(),
        };
        state.search();
        loop {
            state.look();
            screen.draw(&state.lines(screen.height()))?;
            match screen.key(self.prompt)? {
                Key::Escape | Key::CtrlC => return Err(cancelled(self.prompt)),
                Key::Enter => {
                    if let Some(choice) = state.chosen() {
                        return Ok(choice);
                    }
                }
                key => state.press(key),
            }
        }
    }
}

impl State<'_> {
    fn press(&mut self, key: Key) {
        let last = self.rows.len().saturating_sub(1);
        match key {
            Key::ArrowUp | Key::BackTab => self.at = self.at.checked_sub(1).unwrap_or(last),
            Key::ArrowDown | Key::Tab => self.at = if self.at >= last { 0 } else { self.at + 1 },
            Key::Char(' ') if self.menu.several => self.mark(),
            Key::Char('\x15') => self.retype(|typed| typed.clear()),
            Key::Backspace => self.retype(|typed| typed.truncate(last_char(typed))),
            Key::Char(char) if !char.is_control() => self.retype(|typed| typed.push(char)),
            _ => {}
        }
    }

    fn retype(&mut self, edit: impl FnOnce(&mut String)) {
        edit(&mut self.typed);
        self.search();
    }

    /// Makes the preview of the entry under the cursor, once.
    fn look(&mut self) {
        if let (Some(preview), Some(Row::Item(item))) = (self.menu.preview, self.rows.get(self.at))
        {
            self.previews.entry(*item).or_insert_with(|| preview(*item));
        }
    }

    fn mark(&mut self) {
        if let Some(Row::Item(item)) = self.rows.get(self.at) {
            self.marked[*item] = !self.marked[*item];
        }
    }

    /// Sorts by score, best first, stable; then offers the typed text as a new entry.
    fn search(&mut self) {
        let matcher = SkimMatcherV2::default();
        let score = |item: &Item| match self.typed.as_str() {
            "" => Some(0),
            typed if typed == item.label => Some(i64::MAX),
            typed => matcher.fuzzy_match(&item.label, typed),
        };
        let items = self.menu.items.iter().enumerate();
        let mut found: Vec<_> =
            items.filter_map(|(at, item)| Some((score(item)?, Row::Item(at)))).collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.rows = found.into_iter().map(|(_, row)| row).collect();
        let is_entry = self.menu.items.iter().any(|item| item.label == self.typed);
        if let (Some(judge), false, false) = (self.menu.new, self.typed.is_empty(), is_entry) {
            self.rows.push(Row::New(judge(&self.typed)));
        }
        self.at = 0;
    }

    /// What Enter picks: the marked entries, else the one under the cursor.
    fn chosen(&self) -> Option<Choice> {
        let marked: Vec<usize> = (0..self.marked.len()).filter(|&at| self.marked[at]).collect();
        if !marked.is_empty() {
            return Some(Choice::Items(marked));
        }
        match self.rows.get(self.at)? {
            Row::Item(item) => Some(Choice::Items(vec![*item])),
            Row::New(Ok(_)) => Some(Choice::New(self.typed.clone())),
            Row::New(Err(_)) => None,
        }
    }

    /// The lines for a terminal that shows so many. What has no room is cut from the end: first the preview.
    fn lines(&self, height: usize) -> Vec<String> {
        let prompt = Tone::Strong.paint_stderr(self.menu.prompt);
        let mut lines = vec![format!("{prompt} {}▏", self.typed)];
        const PROMPT_AND_KEYS: usize = 2;
        let shown = height.saturating_sub(PROMPT_AND_KEYS).clamp(1, ROWS);
        let first = (self.at + 1).saturating_sub(shown);
        let visible = self.rows.iter().enumerate().skip(first).take(shown);
        lines.extend(visible.map(|(at, row)| self.line(row, at == self.at)));
        let keys = if self.menu.several {
            "type to search, ↑ ↓ to move, space to mark, enter to accept, esc to cancel"
        } else {
            "type to search, ↑ ↓ to move, enter to accept, esc to cancel"
        };
        let more = match self.rows.len().saturating_sub(shown) {
            0 => String::new(),
            more => format!("{more} more; "),
        };
        lines.push(Tone::Quiet.paint_stderr(&format!("  {more}{keys}")));
        if let Some(Row::Item(item)) = self.rows.get(self.at) {
            let preview = self.previews.get(item).into_iter().flatten();
            lines.extend(preview.map(|line| format!("  │ {line}")));
        }
        lines
    }

    fn line(&self, row: &Row, here: bool) -> String {
        let arrow = if here { Tone::Good.paint_stderr(">") } else { " ".to_owned() };
        let text = match row {
            Row::Item(item) => self.item(*item),
            Row::New(Ok(meaning)) => format!("{} {meaning}", Tone::Good.paint_stderr("+")),
            Row::New(Err(why)) => Tone::Bad.paint_stderr(&format!("✗ {why}")),
        };
        format!("{arrow} {text}")
    }

    fn item(&self, at: usize) -> String {
        let Item { label, note } = &self.menu.items[at];
        let mark = match (self.menu.several, self.marked[at]) {
            (false, _) => "",
            (true, true) => "[x] ",
            (true, false) => "[ ] ",
        };
        format!("{mark}{label}  {}", Tone::Quiet.paint_stderr(note))
    }
}

/// The byte offset of the last character.
fn last_char(text: &str) -> usize {
    text.char_indices().last().map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests;
