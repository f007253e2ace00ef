//! Which words can be an alias that no AS stands before.
//!
//! Spark reserves no word where it does not enforce the reserved ones of the standard. What stands
//! behind a word tells whether it begins a clause or ends what it names: `SELECT 1 limit` names a
//! column, `SELECT 1 LIMIT 2` does not. A few words, those of joins and set operations, can be no
//! alias of a relation at all.

use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// Words of joins and set operations, which Spark keeps from relations.
const NO_RELATION: &[Keyword] = &[
    Keyword::ANTI,
    Keyword::CROSS,
    Keyword::EXCEPT,
    Keyword::FULL,
    Keyword::INNER,
    Keyword::INTERSECT,
    Keyword::JOIN,
    Keyword::LATERAL,
    Keyword::LEFT,
    Keyword::MINUS,
    Keyword::NATURAL,
    Keyword::ON,
    Keyword::RIGHT,
    Keyword::SEMI,
    Keyword::UNION,
    Keyword::USING,
];

/// Words that go on behind a column or a relation.
const CLAUSES: &[Keyword] = &[
    Keyword::CLUSTER,
    Keyword::DISTRIBUTE,
    Keyword::EXCEPT,
    Keyword::FETCH,
    Keyword::FOR,
    Keyword::FROM,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::INTERSECT,
    Keyword::INTO,
    Keyword::LATERAL,
    Keyword::LIMIT,
    Keyword::MINUS,
    Keyword::OFFSET,
    Keyword::ORDER,
    Keyword::PARTITION,
    Keyword::PIVOT,
    Keyword::QUALIFY,
    Keyword::SORT,
    Keyword::TABLESAMPLE,
    Keyword::UNION,
    Keyword::UNPIVOT,
    Keyword::VERSION,
    Keyword::WHERE,
    Keyword::WINDOW,
    Keyword::WITH,
];

/// Whether a word behind an item of SELECT is its alias.
pub(super) fn names_column(word: Keyword, parser: &Parser<'_>) -> bool {
    !CLAUSES.contains(&word) || ends(parser, Keyword::FROM)
}

/// Whether a word behind a relation is its alias.
pub(super) fn names_relation(word: Keyword, parser: &Parser<'_>) -> bool {
    if NO_RELATION.contains(&word) {
        return false;
    }
    match word {
        // Column names may stand behind it.
        Keyword::WINDOW => {
            ends(parser, Keyword::WHERE) || parser.peek_token_ref().token == Token::LParen
        }
        word => !CLAUSES.contains(&word) || ends(parser, Keyword::WHERE),
    }
}

/// Whether what an alias stands behind ends here, or goes on with `clause`.
fn ends(parser: &Parser<'_>, clause: Keyword) -> bool {
    match &parser.peek_token_ref().token {
        Token::Comma | Token::RParen | Token::SemiColon | Token::EOF => true,
        Token::Word(word) => word.quote_style.is_none() && word.keyword == clause,
        _ => false,
    }
}
