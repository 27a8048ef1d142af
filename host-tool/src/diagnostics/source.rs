//! The texts that were read, and places in them.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// One of the files in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A stretch of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Place {
    /// The stretch `span` of `file`. Offsets fit, because no file above [`FILE_BYTES`] is taken in.
    #[must_use]
    pub fn new(file: FileId, span: Range<usize>) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { file, start: offset(span.start), end: offset(span.end) }
    }
}

/// The largest file that is read. An inventory of a million devices is about a tenth of it.
pub const FILE_BYTES: usize = 1 << 30;

/// All files read so far, in the order of reading. Text is kept, so that a message can quote it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// A file's path, relative to the fleet's folder, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the fleet's folder, with `/` between its parts.
    pub path: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    /// Where each line starts, once somebody has asked: a fault in each row of a large inventory asks a million times.
    starts: OnceLock<Vec<usize>>,
}

impl SourceFile {
    /// The line that a byte is on, from 0, and where it starts.
    fn line(&self, at: usize) -> (usize, usize) {
        let starts = self.starts.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(end, _)| end + 1)).collect()
        });
        let line = starts.partition_point(|start| *start <= at).saturating_sub(1);
        (line, starts[line])
    }
}

/// A place as people count: lines and columns from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The file's path.
    pub path: Arc<str>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Sources {
    /// Takes a file in.
    pub fn add(&mut self, path: &str, text: &str) -> FileId {
        let id = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(SourceFile { path: path.into(), text: text.into(), starts: OnceLock::new() });
        FileId(id)
    }

    /// The file with this id.
    ///
    /// # Panics
    /// When the id comes from other sources.
    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The file of this path, as it was read last.
    #[must_use]
    pub fn named(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().rfind(|file| &*file.path == path)
    }

    /// Line and column of the place's first byte.
    #[must_use]
    pub fn position(&self, place: Place) -> Position {
        let file = self.file(place.file);
        let at = floor_boundary(&file.text, place.start as usize);
        let (line, start) = file.line(at);
        Position { path: file.path.clone(), line: line + 1, column: file.text[start..at].chars().count() + 1 }
    }

    /// The lines around a place, their first line's number, and the place within them.
    #[must_use]
    pub fn excerpt(&self, place: Place) -> Excerpt<'_> {
        let file = self.file(place.file);
        let text: &str = &file.text;
        let start = floor_boundary(text, place.start as usize);
        let end = floor_boundary(text, place.end as usize).max(start);
        let (line, first) = file.line(start);
        let last = text[end..].find('\n').map_or(text.len(), |at| end + at);
        Excerpt { path: &file.path, lines: &text[first..last], first_line: line + 1, span: start - first..end - first }
    }
}

/// What a message quotes of a file.
#[derive(Clone, Debug)]
pub struct Excerpt<'a> {
    /// The file's path.
    pub path: &'a str,
    /// Whole lines, without the last line's end.
    pub lines: &'a str,
    /// The number of the first of them, from 1.
    pub first_line: usize,
    /// The place, as byte offsets into `lines`.
    pub span: Range<usize>,
}

impl Excerpt<'_> {
    /// The place's own text.
    #[must_use]
    pub fn marked(&self) -> &str {
        &self.lines[self.span.clone()]
    }
}

/// The nearest character boundary at or before `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "x = 1\nñame = 2\n");
        let at = "x = 1\nñame = ".len();
        let position = sources.position(Place::new(file, at..at + 1));
        assert_eq!((position.line, position.column), (2, 8));
        let excerpt = sources.excerpt(Place::new(file, at..at + 1));
        assert_eq!((excerpt.lines, excerpt.first_line, excerpt.span), ("ñame = 2", 2, 8..9));
    }

    #[test]
    fn a_fault_in_each_row_of_a_large_inventory_finds_its_line() {
        let (mut sources, row) = (Sources::default(), "0123456789abcdef0123456789abcdef,device,sensor,site\n");
        let file = sources.add("inventory/devices.csv", &row.repeat(400_000));
        // Counting lines from the start of the file each time would take hours.
        for line in 0..400_000 {
            let place = Place::new(file, line * row.len()..line * row.len() + 1);
            assert_eq!((sources.position(place).line, sources.excerpt(place).first_line), (line + 1, line + 1));
        }
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "x");
        assert_eq!(sources.position(Place::new(file, 7..9)).column, 2);
    }
}
