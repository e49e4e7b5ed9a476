//! A block of lines that this program manages in a text file of the user, between two marker lines.

use std::ops::Range;

/// The marker lines, without line ends.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// The first line.
    pub begin: &'static str,
    /// The last line.
    pub end: &'static str,
}

impl Marks {
    /// The block with these lines.
    pub fn block(self, lines: &str) -> String {
        format!("{}\n{}\n{}\n", self.begin, lines.trim_end(), self.end)
    }

    /// Finds the block, markers included; `None` without a complete block.
    pub fn find(self, text: &str) -> Option<&str> {
        self.range(text).map(|range| &text[range])
    }

    /// The text without the block; `None` without a complete block.
    pub fn without(self, text: &str) -> Option<String> {
        self.range(text).map(|range| [&text[..range.start], &text[range.end..]].concat())
    }

    /// The text with `block` in the place of the old one; `None` without a complete old block.
    pub fn replaced(self, text: &str, block: &str) -> Option<String> {
        self.range(text).map(|range| [&text[..range.start], block, &text[range.end..]].concat())
    }

    fn range(self, text: &str) -> Option<Range<usize>> {
        let mut start = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let end = at + line.len();
            match line.trim_end() {
                found if found == self.begin => start = Some(at),
                found if found == self.end => {
                    if let Some(start) = start {
                        return Some(start..end);
                    }
                }
                _ => {}
            }
            at = end;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks { begin: "# >>>", end: "# <<<" };

    #[test]
    fn a_block_comes_and_goes_without_a_trace() {
        let block = MARKS.block("one\ntwo\n");
        assert_eq!(block, "# >>>\none\ntwo\n# <<<\n");
        for (before, after) in [("", ""), ("a\n", "b"), ("a\n\n", "\nb\n")] {
            let text = format!("{before}{block}{after}");
            assert_eq!(MARKS.find(&text), Some(block.as_str()));
            assert_eq!(MARKS.without(&text), Some(format!("{before}{after}")));
            assert_eq!(MARKS.replaced(&text, "x\n"), Some(format!("{before}x\n{after}")));
        }
    }

    #[test]
    fn half_a_block_is_none() {
        for text in ["", "# >>>\na\n", "a\n# <<<\n", "# <<<\n# >>>\n", "x # >>>\na\n# <<<\n"] {
            assert_eq!(MARKS.find(text), None, "{text}");
            assert_eq!(MARKS.without(text), None, "{text}");
        }
    }
}
