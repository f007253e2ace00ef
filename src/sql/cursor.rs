//! A place in the tokens of one statement, and the small questions that its grammar asks there.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use crate::error::{Error, Result};
use crate::sql::catalog::DATABASE;
use crate::sql::dialect::at;

/// The tokens without blanks and comments.
pub(super) fn significant(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect()
}

/// Whether a token is this word, in any case, without quotes.
pub(super) fn is_word(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// Where the parenthesis that opens at `open` closes.
pub(super) fn closing(tokens: &[TokenWithSpan], open: usize) -> Result<usize> {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => return Ok(i),
            Token::RParen => depth -= 1,
            _ => (),
        }
    }
    let place = tokens.get(open).map_or_else(Location::empty, |token| token.span.start);
    Err(at(place, "this parenthesis is never closed"))
}

/// A place in the tokens of one statement.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    tokens: &'a [TokenWithSpan],
    next: usize,
}

impl<'a> Cursor<'a> {
    /// Stands before the first of `tokens`, which hold no blanks.
    pub(super) const fn new(tokens: &'a [TokenWithSpan]) -> Self {
        Self { tokens, next: 0 }
    }

    /// The token that comes next.
    pub(super) fn peek(&self) -> Option<&'a TokenWithSpan> {
        self.tokens.get(self.next)
    }

    /// Takes the token that comes next.
    pub(super) fn take(&mut self) -> Option<&'a TokenWithSpan> {
        let token = self.peek()?;
        self.next += 1;
        Some(token)
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'a [TokenWithSpan] {
        &self.tokens[self.next..]
    }

    /// Goes on by `count` tokens.
    pub(super) fn skip(&mut self, count: usize) {
        self.next = (self.next + count).min(self.tokens.len());
    }

    /// Takes these words if all of them come next, otherwise nothing.
    pub(super) fn eat(&mut self, words: &[&str]) -> bool {
        let rest = self.rest();
        let all = rest.len() >= words.len()
            && words.iter().zip(rest).all(|(word, token)| is_word(token, word));
        if all {
            self.next += words.len();
        }
        all
    }

    /// Takes a token of punctuation if it comes next.
    pub(super) fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.peek().is_some_and(|next| next.token == *token);
        self.next += usize::from(found);
        found
    }

    /// Takes these words.
    pub(super) fn expect(&mut self, words: &[&str]) -> Result<()> {
        if self.eat(words) { Ok(()) } else { Err(self.unexpected(&words.join(" "))) }
    }

    /// Takes a name. In front of the name of a table there may be the one database; any other is
    /// refused.
    pub(super) fn name(&mut self, what: &str) -> Result<String> {
        let name = self.part(what)?;
        let Some(period) = self.peek().filter(|token| token.token == Token::Period) else {
            return Ok(name);
        };
        let is_relation = what.ends_with("table") || what.ends_with("view");
        if is_relation && name.eq_ignore_ascii_case(DATABASE) {
            self.next += 1;
            let name = self.part(what)?;
            if self.peek().is_none_or(|token| token.token != Token::Period) {
                return Ok(name);
            }
        }
        Err(at(
            period.span.start,
            &format!("the name of a {what} has one part only; leave out the database"),
        ))
    }

    fn part(&mut self, what: &str) -> Result<String> {
        let Some(TokenWithSpan { token: Token::Word(word), .. }) = self.peek() else {
            return Err(self.unexpected(&format!("the name of a {what}")));
        };
        self.next += 1;
        Ok(word.value.clone())
    }

    /// Takes what stands between the parenthesis that comes next and its end.
    pub(super) fn parenthesized(&mut self) -> Result<&'a [TokenWithSpan]> {
        if self.peek().is_none_or(|token| token.token != Token::LParen) {
            return Err(self.unexpected("`(`"));
        }
        let end = closing(self.tokens, self.next)?;
        let inside = &self.tokens[self.next + 1..end];
        self.next = end + 1;
        Ok(inside)
    }

    /// Takes the text of a string.
    pub(super) fn string(&mut self, what: &str) -> Result<&'a str> {
        match self.peek().map(|token| &token.token) {
            Some(Token::SingleQuotedString(text) | Token::DoubleQuotedString(text)) => {
                self.next += 1;
                Ok(text)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(&self) -> Result<()> {
        if self.peek().is_none() {
            Ok(())
        } else {
            Err(self.unexpected("the end of the statement"))
        }
    }

    /// The error of a token that does not fit here.
    pub(super) fn unexpected(&self, expected: &str) -> Error {
        let found = self.peek().map_or_else(
            || "the end of the statement".to_owned(),
            |token| format!("`{}`", token.token),
        );
        at(self.location(), &format!("expected {expected}, found {found}"))
    }

    /// Where the next token stands; behind the last one at the end.
    pub(super) fn location(&self) -> Location {
        self.peek()
            .map(|token| token.span.start)
            .or_else(|| self.tokens.last().map(|token| token.span.end))
            .unwrap_or_else(Location::empty)
    }
}
