//! `LATERAL VIEW [OUTER] f(..) [name] [[AS] column, ..]` with all its optional words written out,
//! because the parser guesses wrong where they are missing.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Result;
use crate::sql::cursor::{closing, is_word};
use crate::sql::dialect::at;
use crate::sql::tokens::{AFTER_RELATIONS, rewrite};

/// Stands for the columns of a view that names none, and for the name of one without.
pub(super) const UNNAMED: &str = "__millstream_unnamed";

/// Reads the clause that `tokens` begin with; gives it in full, and how many tokens it took.
///
/// # Errors
/// `Invalid` where no function follows.
pub(super) fn in_full(tokens: &[TokenWithSpan]) -> Result<(Vec<TokenWithSpan>, usize)> {
    let here = tokens[0].span;
    let word = |text: &str| TokenWithSpan::new(Token::make_word(text, None), here);
    let mut next = 2;
    let mut out = vec![word("LATERAL"), word("VIEW")];
    if tokens.get(next).is_some_and(|token| is_word(token, "OUTER")) {
        out.push(word("OUTER"));
        next += 1;
    }
    let is_call = matches!(tokens.get(next).map(|t| &t.token), Some(Token::Word(_)))
        && tokens.get(next + 1).is_some_and(|t| t.token == Token::LParen);
    if !is_call {
        return Err(at(here.start, "LATERAL VIEW takes a generator, such as explode(..)"));
    }
    let end = closing(tokens, next + 1)?;
    out.extend(rewrite(&tokens[next..=end])?);
    next = end + 1;
    match tokens.get(next).filter(|token| is_name(token) && !is_word(token, "AS")) {
        Some(name) => {
            out.push(name.clone());
            next += 1;
        }
        None => out.push(word(UNNAMED)),
    }
    out.push(word("AS"));
    let has_as = tokens.get(next).is_some_and(|token| is_word(token, "AS"));
    next += usize::from(has_as);
    let Some(first) = tokens.get(next).filter(|token| is_name(token)) else {
        if has_as {
            return Err(at(here.start, "the columns of LATERAL VIEW are missing behind AS"));
        }
        out.push(word(UNNAMED));
        return Ok((out, next));
    };
    out.push(first.clone());
    next += 1;
    while let [comma, name, ..] = &tokens[next..]
        && comma.token == Token::Comma
        && is_name(name)
    {
        out.extend([word("AS"), name.clone()].into_iter().fold(
            vec![comma.clone()],
            |mut all, token| {
                all.push(token);
                all
            },
        ));
        next += 2;
    }
    Ok((out, next))
}

/// Whether a token is a name and not the next clause.
fn is_name(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Word(word) if word.quote_style.is_some() => true,
        Token::Word(_) => !AFTER_RELATIONS
            .iter()
            .chain(&["LATERAL", "PIVOT", "UNPIVOT", "WINDOW", "JOIN"])
            .any(|clause| is_word(token, clause)),
        _ => false,
    }
}
