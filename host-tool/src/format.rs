//! One form for TOML files: `steadfast fmt`.
//!
//! It works on the words of the file and changes nothing but the white space between them, and the comma after the last item of a
//! list: none on one line, one in a list of several. So comments, order, line breaks within lists and the way in which a value is written stay its author's. What
//! comes out is read again and compared, because a formatter that changes a value would change what devices run.
//!
//! The form: one blank after and before `=`, none within `[]`, one within `{}`; no indentation but four blanks for each open
//! list; a comment behind a value at least two blanks away, or where its author lined it up; at most one empty line, none at either end.

use thiserror::Error;
use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

/// Blanks for each list that is open.
const INDENT: usize = 4;

/// Least blanks before a comment that shares its line.
const BEFORE_COMMENT: usize = 2;

/// Why a text stays as it is.
#[derive(Debug, Error)]
pub enum FormatError {
    /// It is no TOML.
    #[error("{0}")]
    Syntax(String),
    /// A fault of this module, found before it could do harm.
    #[error("formatting would change its meaning, so it was left alone; please report this file as a bug")]
    Meaning,
}

/// The text in its one form.
///
/// # Errors
/// [`FormatError`].
pub fn format(text: &str) -> Result<String, FormatError> {
    let before = meaning(text).map_err(FormatError::Syntax)?;
    let mut writer = Writer::new(text);
    let tokens = Source::new(text).lex().into_vec();
    tokens.iter().enumerate().for_each(|(index, token)| writer.take(&tokens, index, token));
    let formatted = writer.out;
    if meaning(&formatted).is_ok_and(|after| after == before) { Ok(formatted) } else { Err(FormatError::Meaning) }
}

/// What the text says; two texts that differ in nothing but white space and comments have one.
fn meaning(text: &str) -> Result<String, String> {
    // As text, because a number that is none differs from itself.
    text.parse::<toml::Table>().map(|table| format!("{table:?}")).map_err(|error| error.to_string())
}

/// A list or inline table that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Whether it has lines of its own.
    is_long: bool,
    /// Whether it is a list, whose last comma is this module's business.
    is_list: bool,
}

struct Writer<'t> {
    text: &'t str,
    out: String,
    open: Vec<Open>,
    /// Line ends since the last word.
    newlines: usize,
    /// The white space before the next word, where it has meaning.
    blanks: &'t str,
    last: Option<TokenKind>,
    /// Whether the line so far is a key or a table's header.
    in_key: bool,
}

impl<'t> Writer<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, out: String::new(), open: Vec::new(), newlines: 0, blanks: "", last: None, in_key: true }
    }

    fn take(&mut self, tokens: &[Token], index: usize, token: &Token) {
        let word = self.text.get(token.span().start()..token.span().end()).unwrap_or_default();
        match token.kind() {
            TokenKind::Whitespace => self.blanks = word,
            TokenKind::Newline => {
                self.newlines += 1;
                self.in_key |= self.open.is_empty();
            }
            TokenKind::Eof if self.out.is_empty() => {}
            TokenKind::Eof => self.out.push('\n'),
            TokenKind::Comma if self.is_in_list() && is_last(&tokens[index..]) => {}
            kind => self.put(kind, word, &tokens[index..]),
        }
    }

    fn put(&mut self, kind: TokenKind, word: &str, rest: &[Token]) {
        let closes = matches!(kind, TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket) && !self.in_key;
        if closes {
            self.close(kind);
        } else {
            self.space(kind);
        }
        self.out.push_str(if kind == TokenKind::Comment { word.trim_end() } else { word });
        if kind == TokenKind::Equals {
            self.in_key = false;
        }
        if matches!(kind, TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) && !self.in_key {
            self.open.push(Open { is_long: is_long(rest), is_list: kind == TokenKind::LeftSquareBracket });
        } else if self.is_in_list() && self.is_in_long() && ends_value(kind) && is_last(rest) {
            self.out.push(',');
        }
        (self.last, self.newlines, self.blanks) = (Some(kind), 0, "");
    }

    fn is_in_list(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_list)
    }

    fn is_in_long(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_long)
    }

    /// The end of a list: on a line of its own if it has several, and then behind a comma.
    fn close(&mut self, kind: TokenKind) {
        let open = self.open.pop();
        let is_empty = matches!(self.last, Some(TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket));
        if open.is_some_and(|open| open.is_long) {
            self.line(self.newlines.min(1));
        } else if kind == TokenKind::RightCurlyBracket && !is_empty {
            self.out.push(' ');
        }
    }

    /// White space before a word that closes nothing.
    fn space(&mut self, kind: TokenKind) {
        let Some(last) = self.last else { return };
        let starts = matches!(last, TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) && !self.in_key;
        let breaks =
            if self.open.is_empty() { self.newlines > 0 } else { self.is_in_long() && (self.newlines > 0 || starts) };
        match kind {
            TokenKind::Comment if !breaks || (starts && self.newlines == 0) => self.before_comment(),
            TokenKind::Comma | TokenKind::Dot if last != TokenKind::Comment => {}
            _ if breaks => self.line(if starts { 1 } else { self.newlines.min(2) }),
            TokenKind::Equals => self.out.push(' '),
            TokenKind::LeftSquareBracket | TokenKind::RightSquareBracket if self.in_key => {}
            _ if self.in_key && last == TokenKind::LeftSquareBracket => {}
            _ if last == TokenKind::Dot || last == TokenKind::LeftSquareBracket => {}
            _ => self.out.push(' '),
        }
    }

    fn before_comment(&mut self) {
        let is_lined_up = self.blanks.len() >= BEFORE_COMMENT && self.blanks.bytes().all(|byte| byte == b' ');
        self.out.push_str(if is_lined_up { self.blanks } else { "  " });
    }

    /// Ends the line; the next begins below it or, with 2, after an empty one.
    fn line(&mut self, newlines: usize) {
        (0..newlines.max(1)).for_each(|_| self.out.push('\n'));
        self.out.push_str(&" ".repeat(INDENT * self.open.len()));
    }
}

/// Whether a value of a list can end with this word.
fn ends_value(kind: TokenKind) -> bool {
    !matches!(kind, TokenKind::Comment | TokenKind::Comma | TokenKind::Dot)
}

/// Whether nothing of a list follows the word here but its end, a comma and comments aside.
fn is_last(rest: &[Token]) -> bool {
    let aside = [TokenKind::Whitespace, TokenKind::Newline, TokenKind::Comment, TokenKind::Comma];
    let next = rest.iter().skip(1).map(Token::kind).find(|kind| !aside.contains(kind));
    next == Some(TokenKind::RightSquareBracket)
}

/// Whether what opens here has a line end before it closes, at its own level or within.
fn is_long(rest: &[Token]) -> bool {
    let mut depth = 0_usize;
    for token in rest {
        match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket if depth == 1 => return false,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth = depth.saturating_sub(1),
            TokenKind::Newline => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file with everything that white space can stand around.
    const MESSY: &str = "\n\n  # head  \n[ fleet ]\nname=\"a\"   # said\n\n\n\nid  = 1_000 # kept\nt=1979-05-27 07:32:00\nf = -1.50\n[[ x . \"y z\" ]]\n\
        a.b . c=[1,2 , 3,]\nd = [ # first\n1, 2, # two\n\n\n3\n# end\n]\ne={a=1 ,b = {} , c=[ ]}\n  [x.z] # t\nm = \"\"\"\n  kept  \n\"\"\"\nn = [\n[1,\n2],{x=1}\n]\n";

    #[test]
    fn every_kind_of_white_space_has_one_form() {
        let formed = "# head\n[fleet]\nname = \"a\"   # said\n\nid = 1_000  # kept\nt = 1979-05-27 07:32:00\nf = -1.50\n[[x.\"y z\"]]\n\
            a.b.c = [1, 2, 3]\nd = [  # first\n    1, 2,  # two\n\n    3,\n    # end\n]\ne = { a = 1, b = {}, c = [] }\n[x.z]  # t\n\
            m = \"\"\"\n  kept  \n\"\"\"\nn = [\n    [\n        1,\n        2,\n    ], { x = 1 },\n]\n";
        assert_eq!(format(MESSY).unwrap(), formed);
    }

    #[test]
    fn what_is_no_toml_is_an_error() {
        assert!(matches!(format("a = \n"), Err(FormatError::Syntax(_))));
    }

    #[test]
    fn an_empty_file_stays_empty() {
        assert_eq!(format("").unwrap(), "");
        assert_eq!(format("\n \n").unwrap(), "");
        assert_eq!(format("a=1").unwrap(), "a = 1\n");
    }

    proptest! {
        /// White space thrown in anywhere: what is still TOML keeps its meaning, and formatting twice is formatting once.
        #[test]
        fn formatting_is_idempotent_and_keeps_the_meaning(cuts in prop::collection::vec((0..MESSY.len(), 0..6_usize), 0..12)) {
            let mut text = MESSY.to_owned();
            for (at, what) in cuts {
                let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.insert_str(at, [" ", "\n", "\t", " # note\n", "\r\n", ","][what]);
            }
            if text.parse::<toml::Table>().is_ok() {
                let once = format(&text).unwrap();
                prop_assert_eq!(&format(&once).unwrap(), &once);
            }
        }
    }
}
