//! CSV (RFC 4180) with the place of every cell, which general readers do not keep: a wrong cell is shown with its line
//! and column.

use std::borrow::Cow;
use std::ops::Range;

/// A cell: its text without quotes, and its bytes in the file with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell<'a> {
    /// The text that it means; spaces around it belong to nobody and are gone.
    pub(crate) text: Cow<'a, str>,
    /// Where it stands.
    pub(crate) span: Range<usize>,
}

/// A quote that nobody closed, or text after a closing one: where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadQuote(pub(crate) usize);

/// The records of a file, empty lines left out.
pub(crate) struct Records<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Records<'a> {
    /// Starts at the first record.
    #[must_use]
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 } }
    }

    fn record(&mut self) -> Result<Vec<Cell<'a>>, BadQuote> {
        let mut cells = Vec::new();
        loop {
            cells.push(self.cell()?);
            match self.text.as_bytes().get(self.at) {
                Some(b',') => self.at += 1,
                _ => {
                    self.at += 1;
                    return Ok(cells);
                }
            }
        }
    }

    /// Reads up to the comma or line end that closes the cell.
    fn cell(&mut self) -> Result<Cell<'a>, BadQuote> {
        let start = self.at;
        if self.text[start..].starts_with('"') {
            return self.quoted();
        }
        let length = self.text[start..].find([',', '\n']).unwrap_or(self.text.len() - start);
        self.at = start + length;
        let raw = &self.text[start..self.at];
        let text = raw.trim();
        let from = start + raw.len() - raw.trim_start().len();
        Ok(Cell { text: Cow::Borrowed(text), span: from..from + text.len() })
    }

    fn quoted(&mut self) -> Result<Cell<'a>, BadQuote> {
        let start = self.at;
        let mut text = String::new();
        let mut from = start + 1;
        loop {
            let length = self.text[from..].find('"').ok_or(BadQuote(start))?;
            text.push_str(&self.text[from..from + length]);
            from += length + 1;
            if !self.text[from..].starts_with('"') {
                break;
            }
            text.push('"');
            from += 1;
        }
        self.at = from;
        if self.text[from..].starts_with("\r\n") {
            self.at += 1;
        }
        match self.text.as_bytes().get(self.at) {
            None | Some(b',' | b'\n') => Ok(Cell { text: Cow::Owned(text), span: start..from }),
            Some(_) => Err(BadQuote(from)),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Vec<Cell<'a>>, BadQuote>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.text.len() {
            let record = self.record();
            match &record {
                Ok(cells) if cells.len() == 1 && cells[0].span.is_empty() => {}
                Ok(_) => return Some(record),
                Err(_) => {
                    self.at = self.text.len();
                    return Some(record);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<String>> {
        Records::new(text).map(|r| r.unwrap().into_iter().map(|cell| cell.text.into_owned()).collect()).collect()
    }

    #[test]
    fn quotes_spaces_and_line_ends() {
        let rows = texts("a, b ,\"c, \"\"d\"\"\"\r\n\n,x,\"two\nlines\"\r\nlast");
        assert_eq!(rows, [vec!["a", "b", "c, \"d\""], vec!["", "x", "two\nlines"], vec!["last"]]);
    }

    #[test]
    fn spans_are_where_the_text_stands() {
        let text = "a,  bc\n\"d\",e";
        let cells: Vec<_> = Records::new(text).flat_map(Result::unwrap).map(|cell| &text[cell.span]).collect();
        assert_eq!(cells, ["a", "bc", "\"d\"", "e"]);
    }

    #[test]
    fn open_quotes_are_an_error_once() {
        assert_eq!(Records::new("a,\"b\nc,d\n").collect::<Vec<_>>(), [Err(BadQuote(2))]);
        assert_eq!(Records::new("\"a\"b\n").collect::<Vec<_>>(), [Err(BadQuote(3))]);
    }
}
