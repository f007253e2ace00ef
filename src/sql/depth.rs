//! How deep a text is, and how deep it may be.
//!
//! A text becomes a tree, and whatever goes through a tree needs stack for each of its levels: for
//! parentheses inside of parentheses, and for each operator of `1 + 1 + 1 ..`, whose left side is all
//! that stands before it. A text beyond the bounds is refused before anything is made of it.
//!
//! Chains of AND, OR and UNION are no depth: [`balance`](crate::sql::ast::balance) makes them flat.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Result;
use crate::sql::dialect::at;

/// How many parentheses, types, CASE expressions and prefixes may be open at a time.
const MOST_OPEN: usize = 200;

/// How many levels the tree may have.
const MOST_LEVELS: usize = 500;

/// How often the parser may call itself: some times for each level that is open.
pub(super) const PARSER_CALLS: usize = 5 * MOST_OPEN;

/// Refuses a text that is too deep.
///
/// # Errors
/// `Invalid` with the place.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut open = vec![Frame::new(Kind::Statement)];
    for (at, token) in tokens.iter().enumerate() {
        if matches!(token.token, Token::Whitespace(_)) {
            continue;
        }
        step(&mut open, tokens, at);
        let prefixes = open.last().map_or(0, |frame| frame.prefixes);
        let levels = open.iter().map(Frame::levels).max().unwrap_or_default();
        if open.len() + prefixes > MOST_OPEN || levels > MOST_LEVELS {
            return Err(self::at(
                token.span.start,
                "the statement is nested too deeply here; take it apart with views, or write long \
                 lists as IN (..), VALUES or arrays",
            ));
        }
    }
    Ok(())
}

/// What is open, and closed by another token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Statement,
    Parenthesis,
    Bracket,
    Case,
    Type,
}

/// What is known about the inside of something that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    /// Operators since the last comma or clause.
    chain: usize,
    /// The most levels of something closed since then.
    inside: usize,
    /// JOIN, EXCEPT and INTERSECT, each of which has all before it on its left side.
    relations: usize,
    /// The most levels of a part that ended with a comma or clause.
    parts: usize,
    /// Prefixes one after another, such as NOT.
    prefixes: usize,
}

impl Frame {
    const fn new(kind: Kind) -> Self {
        Self { kind, chain: 0, inside: 0, relations: 0, parts: 0, prefixes: 0 }
    }

    fn levels(&self) -> usize {
        1 + self.relations + self.parts.max(self.chain + self.inside)
    }

    fn end_part(&mut self) {
        self.parts = self.parts.max(self.chain + self.inside);
        (self.chain, self.inside) = (0, 0);
    }
}

fn step(open: &mut Vec<Frame>, tokens: &[TokenWithSpan], at: usize) {
    let word = |at: usize| match &tokens.get(at)?.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    };
    let is_blank = |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    let before = tokens[..at].iter().rposition(|token| !is_blank(token));
    let opens_type = || {
        let types = [Keyword::ARRAY, Keyword::MAP, Keyword::STRUCT];
        before.and_then(word).is_some_and(|word| types.contains(&word))
    };
    let is_prefix = matches!(tokens[at].token, Token::Minus | Token::Plus | Token::Tilde)
        || word(at) == Some(Keyword::NOT);
    let Some(top) = open.last_mut() else { return };
    top.prefixes = if is_prefix { top.prefixes + 1 } else { 0 };
    match &tokens[at].token {
        Token::LParen => open.push(Frame::new(Kind::Parenthesis)),
        Token::LBracket => open.push(Frame::new(Kind::Bracket)),
        Token::Lt if opens_type() => open.push(Frame::new(Kind::Type)),
        Token::RParen => close(open, Kind::Parenthesis),
        Token::RBracket => close(open, Kind::Bracket),
        Token::Gt if top.kind == Kind::Type => close(open, Kind::Type),
        Token::ShiftRight if top.kind == Kind::Type => {
            close(open, Kind::Type);
            close(open, Kind::Type);
        }
        Token::Comma | Token::SemiColon => top.end_part(),
        Token::Word(_) => word_step(open, word(at)),
        _ => top.chain += usize::from(is_operator(&tokens[at].token)),
    }
}

fn word_step(open: &mut Vec<Frame>, word: Option<Keyword>) {
    let Some(top) = open.last_mut() else { return };
    match word {
        Some(Keyword::CASE) => open.push(Frame::new(Kind::Case)),
        Some(Keyword::END) => close(open, Kind::Case),
        Some(Keyword::JOIN | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS) => {
            top.end_part();
            top.relations += 1;
        }
        Some(
            Keyword::AND
            | Keyword::OR
            | Keyword::UNION
            | Keyword::SELECT
            | Keyword::FROM
            | Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::ORDER
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE,
        ) => top.end_part(),
        Some(
            Keyword::NOT
            | Keyword::IS
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::BETWEEN
            | Keyword::DIV,
        ) => top.chain += 1,
        _ => (),
    }
}

const fn is_operator(token: &Token) -> bool {
    matches!(
        token,
        Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::StringConcat
            | Token::Eq
            | Token::DoubleEq
            | Token::Neq
            | Token::Lt
            | Token::Gt
            | Token::LtEq
            | Token::GtEq
            | Token::Spaceship
            | Token::Pipe
            | Token::Ampersand
            | Token::Caret
            | Token::Tilde
            | Token::ShiftLeft
            | Token::ShiftRight
            | Token::DoubleColon
            | Token::Arrow
    )
}

/// Closes the innermost thing that is open, if it is of this kind.
fn close(open: &mut Vec<Frame>, kind: Kind) {
    if open.last().is_none_or(|frame| frame.kind != kind) {
        return;
    }
    let Some(closed) = open.pop() else { return };
    if let Some(outer) = open.last_mut() {
        outer.inside = outer.inside.max(closed.levels());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::cursor::significant;
    use crate::sql::dialect::tokenize;

    fn fits(text: &str) -> bool {
        check(&significant(tokenize(text).unwrap())).is_ok()
    }

    #[test]
    fn long_lists_and_chains_of_conditions_are_not_deep() {
        assert!(fits(&format!("SELECT a IN ({})", vec!["1 + 1"; 50_000].join(", "))));
        assert!(fits(&format!("VALUES {}", vec!["(-1, array(2))"; 50_000].join(", "))));
        assert!(fits(&vec!["SELECT 1 + 1 AS a"; 3_000].join(" UNION ALL ")));
        assert!(fits(&format!("SELECT {}", vec!["a = 1 AND b < 2"; 20_000].join(" OR "))));
    }

    #[test]
    fn what_every_level_needs_stack_for_has_a_bound() {
        for (part, most) in [("1+", MOST_LEVELS), ("(", MOST_OPEN), ("NOT ", MOST_OPEN)] {
            let text = |times: usize| format!("SELECT {}", part.repeat(times));
            assert!(fits(&text(most - 5)), "{part}");
            assert!(!fits(&text(most + 5)), "{part}");
        }
        assert!(!fits(&format!("SELECT cast(a AS {}", "ARRAY<".repeat(5_000))));
        assert!(!fits(&format!("SELECT {}", "CASE WHEN a THEN ".repeat(5_000))));
        // What is inside of the first of many terms lies below all of them.
        let levels = MOST_LEVELS / 2 + 5;
        let terms = "+ 1".repeat(levels);
        assert!(!fits(&format!("SELECT (1 {terms}) {terms}")));
        assert!(fits(&format!("SELECT (1 {terms}), (1 {terms})")));
    }
}
