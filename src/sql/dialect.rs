//! How text becomes tokens and tokens become sqlparser's trees: Spark's dialect with the few
//! liberties that its own parser lacks, and errors that say where in the user's text they are.

use std::any::TypeId;

use sqlparser::ast::{BinaryOperator, Expr, Query};
use sqlparser::dialect::{Dialect, SparkSqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, Result};
use crate::runtime::stack::with_room;
use crate::sql::aliases;
use crate::sql::ast::balance::balance;
use crate::sql::depth::{self, PARSER_CALLS};
use crate::sql::escapes::unescaped;
use crate::sql::raw_strings::made_plain;

/// How tight a shift binds: between `&` and `+`.
const SHIFT: u8 = 25;

/// The operator that shifts to the right and fills up with zeros.
pub(super) const UNSIGNED_SHIFT: &str = ">>>";

/// Spark's dialect with string escapes, adjacent strings and letters of all scripts in names.
#[derive(Debug)]
pub(super) struct StreamDialect;

const SPARK: SparkSqlDialect = SparkSqlDialect;

impl Dialect for StreamDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<SparkSqlDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        SPARK.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    // The token pass leaves one string behind INTERVAL, which has its units inside.
    fn require_interval_qualifier(&self) -> bool {
        false
    }

    // Fields of `extract` that only Spark has.
    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        SPARK.supports_filter_during_aggregation()
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        SPARK.supports_group_by_expr()
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        SPARK.supports_group_by_with_modifier()
    }

    fn supports_lambda_functions(&self) -> bool {
        SPARK.supports_lambda_functions()
    }

    fn supports_select_wildcard_except(&self) -> bool {
        SPARK.supports_select_wildcard_except()
    }

    fn supports_struct_literal(&self) -> bool {
        SPARK.supports_struct_literal()
    }

    fn supports_nested_comments(&self) -> bool {
        SPARK.supports_nested_comments()
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        SPARK.supports_long_type_as_bigint()
    }

    fn supports_values_as_table_factor(&self) -> bool {
        SPARK.supports_values_as_table_factor()
    }

    fn supports_bang_not_operator(&self) -> bool {
        SPARK.supports_bang_not_operator()
    }

    fn supports_select_item_multi_column_alias(&self) -> bool {
        SPARK.supports_select_item_multi_column_alias()
    }

    fn supports_cte_without_as(&self) -> bool {
        SPARK.supports_cte_without_as()
    }

    fn supports_map_literal_with_angle_brackets(&self) -> bool {
        SPARK.supports_map_literal_with_angle_brackets()
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn is_column_alias(&self, word: &Keyword, parser: &mut Parser<'_>) -> bool {
        aliases::names_column(*word, parser)
    }

    fn is_table_alias(&self, word: &Keyword, parser: &mut Parser<'_>) -> bool {
        aliases::names_relation(*word, parser)
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    /// Shifts bind less than `+` and more than `&`.
    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        match parser.peek_token_ref().token {
            Token::ShiftLeft | Token::ShiftRight => Some(Ok(SHIFT)),
            _ => SPARK.get_next_precedence(parser),
        }
    }

    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if parser.peek_token_ref().token == Token::ShiftRight
            && parser.peek_nth_token_ref(1).token == Token::Gt
        {
            parser.next_token();
            parser.next_token();
            let op = BinaryOperator::Custom(UNSIGNED_SHIFT.to_owned());
            return Some(parser.parse_subexpr(SHIFT).map(|right| Expr::BinaryOp {
                left: Box::new(expr.clone()),
                op,
                right: Box::new(right),
            }));
        }
        // sqlparser takes all that follows DIV for its right side: `7 DIV 2 + 1` would be 7 DIV 3.
        if parser.parse_keyword(Keyword::DIV) {
            return Some(parser.parse_subexpr(precedence).map(|right| Expr::BinaryOp {
                left: Box::new(expr.clone()),
                op: BinaryOperator::MyIntegerDivide,
                right: Box::new(right),
            }));
        }
        SPARK.parse_infix(parser, expr, precedence)
    }
}

/// Splits a text into tokens; blanks and comments are tokens too.
pub(super) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    // What is escaped is read here: the tokenizer knows few of the escapes.
    let tokens = Tokenizer::new(&StreamDialect, &made_plain(text))
        .with_unescape(false)
        .tokenize_with_location()
        .map_err(|error| at(error.location, &error.message))?;
    let read = |token: TokenWithSpan| TokenWithSpan { token: unescaped(token.token), ..token };
    Ok(tokens.into_iter().map(read).collect())
}

/// Runs `parse` over all of `tokens`.
pub(super) fn parse_all<T>(
    tokens: Vec<TokenWithSpan>,
    parse: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T> {
    depth::check(&tokens)?;
    let mut parser = Parser::new(&StreamDialect)
        .with_recursion_limit(PARSER_CALLS)
        .with_tokens_with_locations(tokens);
    let parsed = with_room(|| parse(&mut parser)).map_err(parser_error)?;
    let rest = parser.peek_token();
    match rest.token {
        Token::EOF => Ok(parsed),
        token => Err(at(rest.span.start, &format!("`{token}` was not expected here"))),
    }
}

/// Parses a query whose tokens went through the token pass.
pub(super) fn parse_query(tokens: Vec<TokenWithSpan>) -> Result<Query> {
    let mut query = parse_all(tokens, |parser| parser.parse_query())?;
    with_room(|| balance(&mut query));
    Ok(*query)
}

/// An `Invalid` error at a place in the user's text.
pub(super) fn at(location: Location, message: &str) -> Error {
    Error::invalid(format!("{}{message}", place(location)))
}

/// An `Unsupported` error at a place in the user's text.
pub(super) fn unsupported_at(location: Location, message: &str) -> Error {
    Error::unsupported(format!("{}{message}", place(location)))
}

fn place(location: Location) -> String {
    if location.line == 0 {
        return String::new();
    }
    format!("line {}, column {}: ", location.line, location.column)
}

fn parser_error(error: ParserError) -> Error {
    let (ParserError::ParserError(message) | ParserError::TokenizerError(message)) = error else {
        return Error::invalid("the statement is nested too deeply; take it apart with views");
    };
    // sqlparser appends the place to its messages; it reads better in front.
    let (message, place) = match message.rsplit_once(" at Line: ") {
        Some((head, tail)) => (head, format!("line {}: ", tail.replacen("Column: ", "column ", 1))),
        None => (message.as_str(), String::new()),
    };
    let lowered = message.strip_prefix("Expected: ").map(|rest| format!("expected {rest}"));
    Error::invalid(format!("{place}{}", lowered.as_deref().unwrap_or(message)))
}
