//! The token pass: turns what Spark writes and the parser cannot take into what it can.
//!
//! | Spark                                  | afterwards                                       |
//! |----------------------------------------|--------------------------------------------------|
//! | `FROM STREAM t`, `FROM STREAM(t)`      | `FROM t` and a marker                            |
//! | `t WATERMARK c DELAY OF INTERVAL ..`   | `t` and a marker                                 |
//! | `INTERVAL 1 HOUR 30 MINUTES`           | `INTERVAL '1 hour 30 minute'`                    |
//! | `LATERAL VIEW f(..) t c`               | `LATERAL VIEW f(..) t AS c`                      |
//! | `"text"`                               | `'text'`                                         |
//! | `1.5D`, `1e3`                          | `DOUBLE '1.5'`                                   |
//! | `exists(array, lambda)`                | `` `exists`(array, lambda) ``                    |
//! | `LIKE ANY (..)`, `LIKE ALL (..)`       | `LIKE __millstream_any(..)`                      |
//!
//! STREAM and WATERMARK stay usable as names: the first counts only where a relation may begin
//! and a name follows, the second only behind a relation and before DELAY OF.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use crate::error::{Error, Result};
use crate::event_time::interval::Interval;
use crate::sql::cursor::{closing, is_word};
use crate::sql::dialect::{at, unsupported_at};
use crate::sql::interval::find_interval;
use crate::sql::lateral_view;
use crate::sql::marker;
use crate::sql::words;

/// Rewrites the tokens of one query, which hold no blanks.
pub(super) fn rewrite(tokens: &[TokenWithSpan]) -> Result<Vec<TokenWithSpan>> {
    let mut pass = Pass {
        input: tokens,
        next: 0,
        output: Vec::with_capacity(tokens.len() + 16),
        frames: vec![Frame::default()],
    };
    while pass.next < pass.input.len() {
        pass.step()?;
    }
    Ok(pass.output)
}

/// How late rows may be, in microseconds: a month has 31 days and a year twelve months.
pub(super) fn delay_micros(interval: Interval) -> Result<u64> {
    const MONTH: i64 = 31 * 86_400 * 1_000_000;
    interval
        .months
        .checked_mul(MONTH)
        .and_then(|months| months.checked_add(interval.micros))
        .and_then(|micros| u64::try_from(micros).ok())
        .ok_or_else(|| {
            Error::invalid("the delay of a watermark must not be negative or out of range")
        })
}

/// What is known about the parentheses that are open.
#[derive(Default, Clone, Copy)]
struct Frame {
    /// A SELECT stands in them, so that FROM is the clause and not part of a function.
    query: bool,
    /// The list of relations is being read.
    relations: bool,
}

struct Pass<'a> {
    input: &'a [TokenWithSpan],
    next: usize,
    output: Vec<TokenWithSpan>,
    frames: Vec<Frame>,
}

/// Words that end the list of relations of a query.
pub(super) const AFTER_RELATIONS: &[&str] = &[
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "SORT",
    "CLUSTER",
    "DISTRIBUTE",
    "LIMIT",
    "OFFSET",
    "UNION",
    "EXCEPT",
    "MINUS",
    "INTERSECT",
    "QUALIFY",
];

/// Words that may follow a table called `stream`, and so are not the table of STREAM.
const AFTER_A_TABLE: &[&str] = &[
    "AS",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "NATURAL",
    "SEMI",
    "ANTI",
    "ON",
    "USING",
    "WATERMARK",
    "LATERAL",
    "PIVOT",
    "UNPIVOT",
    "TABLESAMPLE",
    "WINDOW",
];

impl Pass<'_> {
    fn step(&mut self) -> Result<()> {
        let token = &self.input[self.next];
        let before = self.next.checked_sub(1).and_then(|before| self.input.get(before));
        if let Some((tokens, taken)) = words::respelled(before, &self.input[self.next..]) {
            for new in tokens {
                self.emit(new, token.span);
            }
            self.next += taken;
            return Ok(());
        }
        match &token.token {
            Token::Word(_) => self.word(),
            Token::LParen => {
                // Inside the parentheses of a nested join stand relations too.
                let relations = self.expects_relation();
                self.frames.push(Frame { query: false, relations });
                self.keep();
                Ok(())
            }
            Token::RParen => {
                if self.frames.len() > 1 {
                    self.frames.pop();
                }
                self.keep();
                Ok(())
            }
            _ => {
                self.keep();
                Ok(())
            }
        }
    }

    fn word(&mut self) -> Result<()> {
        let here = &self.input[self.next];
        if is_word(here, "INTERVAL")
            && let Some(found) = find_interval(&self.input[self.next..])?
        {
            self.keep();
            self.emit(Token::SingleQuotedString(found.text), here.span);
            self.next += found.length - 1;
            return Ok(());
        }
        if is_word(here, "STRUCT") && self.has_wildcard_argument() {
            // The parser takes expressions alone for the fields, but anything for a function.
            let name = Word {
                value: "struct".to_owned(),
                quote_style: Some('`'),
                keyword: Keyword::NoKeyword,
            };
            self.emit(Token::Word(name), here.span);
            self.next += 1;
            return Ok(());
        }
        if is_word(here, "STREAM") && self.expects_relation() && self.stream()? {
            return Ok(());
        }
        if is_word(here, "WATERMARK") && self.frame().relations && self.watermark()? {
            return Ok(());
        }
        if is_word(here, "LATERAL") && self.peek(1).is_some_and(|next| is_word(next, "VIEW")) {
            let (tokens, taken) = lateral_view::in_full(&self.input[self.next..])?;
            self.output.extend(tokens);
            self.next += taken;
            return Ok(());
        }
        self.note_clause(here);
        self.keep();
        Ok(())
    }

    /// Keeps track of where relations may stand.
    fn note_clause(&mut self, word: &TokenWithSpan) {
        let after_distinct = self.output.last().is_some_and(|last| is_word(last, "DISTINCT"));
        let Some(frame) = self.frames.last_mut() else { return };
        if is_word(word, "SELECT") {
            *frame = Frame { query: true, relations: false };
        } else if is_word(word, "FROM") {
            frame.relations = frame.query && !after_distinct;
        } else if AFTER_RELATIONS.iter().any(|clause| is_word(word, clause)) {
            frame.relations = false;
        }
    }

    /// Whether a relation may begin at the next token.
    fn expects_relation(&self) -> bool {
        let Some(last) = self.output.last() else { return false };
        self.frame().relations
            && (is_word(last, "FROM")
                || is_word(last, "JOIN")
                || matches!(last.token, Token::Comma | Token::LParen))
    }

    /// STREAM before the name of a table, with or without parentheses.
    fn stream(&mut self) -> Result<bool> {
        let here = self.input[self.next].span;
        let Some(next) = self.peek(1) else { return Ok(false) };
        let end = match &next.token {
            Token::LParen => {
                let end = closing(self.input, self.next + 1)?;
                if name_length(&self.input[self.next + 2..end]) != Some(end - self.next - 2) {
                    return Err(at(
                        here.start,
                        "STREAM takes the name of a table; put STREAM before each table inside the query instead",
                    ));
                }
                self.output.extend_from_slice(&self.input[self.next + 2..end]);
                end + 1
            }
            Token::Word(word)
                if word.quote_style.is_some()
                    || !AFTER_A_TABLE.iter().chain(AFTER_RELATIONS).any(|w| is_word(next, w)) =>
            {
                let length = name_length(&self.input[self.next + 1..]).unwrap_or(1);
                let end = self.next + 1 + length;
                self.output.extend_from_slice(&self.input[self.next + 1..end]);
                end
            }
            _ => return Ok(false),
        };
        self.next = end;
        self.refuse_stream_options()?;
        self.output.extend(marker::stream_tokens(here));
        Ok(true)
    }

    /// What Spark knows behind the table of STREAM and this engine does not.
    fn refuse_stream_options(&self) -> Result<()> {
        let Some(token) = self.peek(0) else { return Ok(()) };
        let next_is = |word| self.peek(1).is_some_and(|next| is_word(next, word));
        let opens = self.peek(1).is_some_and(|next| next.token == Token::LParen);
        let what = if token.token == Token::LParen {
            "a stream of a table function"
        } else if is_word(token, "CHANGES") && next_is("FROM") {
            "CHANGES FROM"
        } else if is_word(token, "IDENTIFIED") && next_is("BY") {
            "IDENTIFIED BY"
        } else if is_word(token, "WITH") && opens {
            "WITH (...) behind STREAM; options belong to CREATE TABLE, and it"
        } else {
            return Ok(());
        };
        Err(unsupported_at(token.span.start, &format!("{what} is not supported")))
    }

    /// WATERMARK .. DELAY OF INTERVAL .. behind a relation.
    fn watermark(&mut self) -> Result<bool> {
        let here = self.input[self.next].span;
        let Some(delay_of) = self.find_delay_of() else { return Ok(false) };
        if self.closes_join() {
            return Err(unsupported_at(
                here.start,
                "WATERMARK behind parentheses needs a query in them; put it behind each relation of the join instead",
            ));
        }
        let event_time = &self.input[self.next + 1..delay_of];
        let (event_time, name) = split_alias(event_time, here)?;
        let event_time = rewrite(event_time)?;
        let delay = &self.input[delay_of + 2..];
        let Some(found) = find_interval(delay)? else {
            return Err(at(
                self.input[delay_of].span.start,
                "DELAY OF takes an interval, such as DELAY OF INTERVAL 10 MINUTES",
            ));
        };
        let micros =
            delay_micros(found.value).map_err(|e| at(delay[0].span.start, &e.to_string()))?;
        self.output.extend(marker::watermark_tokens(event_time, name, micros, here));
        self.next = delay_of + 2 + found.length;
        Ok(true)
    }

    /// Whether the relation before is a join, or a lone table, in parentheses.
    fn closes_join(&self) -> bool {
        if self.output.last().is_none_or(|last| last.token != Token::RParen) {
            return false;
        }
        let mut depth = 0_usize;
        let open = self.output.iter().rposition(|token| {
            match token.token {
                Token::RParen => depth += 1,
                Token::LParen => depth -= 1,
                _ => (),
            }
            depth == 0
        });
        let Some(open) = open else { return false };
        // A word before the parenthesis that is no clause is the name of a function.
        let is_relation = open.checked_sub(1).is_some_and(|before| {
            let before = &self.output[before];
            ["FROM", "JOIN", "LATERAL"].iter().any(|word| is_word(before, word))
                || matches!(before.token, Token::Comma | Token::LParen)
        });
        let is_query = self.output.get(open + 1).is_some_and(|first| {
            first.token == Token::LParen
                || ["SELECT", "WITH", "VALUES"].iter().any(|word| is_word(first, word))
        });
        is_relation && !is_query
    }

    /// Where DELAY OF stands, if what follows WATERMARK is the clause and not an alias.
    fn find_delay_of(&self) -> Option<usize> {
        let mut depth = 0_usize;
        for i in self.next + 1..self.input.len() {
            let token = &self.input[i];
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.checked_sub(1)?,
                Token::Comma if depth == 0 => return None,
                Token::Word(_) if depth == 0 => {
                    if is_word(token, "DELAY")
                        && self.input.get(i + 1).is_some_and(|next| is_word(next, "OF"))
                    {
                        return (i > self.next + 1).then_some(i);
                    }
                    if is_word(token, "JOIN") || AFTER_RELATIONS.iter().any(|w| is_word(token, w)) {
                        return None;
                    }
                }
                _ => (),
            }
        }
        None
    }

    fn frame(&self) -> Frame {
        self.frames.last().copied().unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<&TokenWithSpan> {
        self.input.get(self.next + ahead)
    }

    /// Whether the arguments behind a name begin with `*` or `t.*`.
    fn has_wildcard_argument(&self) -> bool {
        let token = |ahead| self.peek(ahead).map(|next| &next.token);
        token(1) == Some(&Token::LParen)
            && (token(2) == Some(&Token::Mul)
                || (token(3) == Some(&Token::Period) && token(4) == Some(&Token::Mul)))
    }

    fn keep(&mut self) {
        self.output.push(self.input[self.next].clone());
        self.next += 1;
    }

    fn emit(&mut self, token: Token, span: Span) {
        self.output.push(TokenWithSpan::new(token, span));
    }
}

/// How many tokens the name takes that `tokens` begin with.
fn name_length(tokens: &[TokenWithSpan]) -> Option<usize> {
    let is_word = |i: usize| matches!(tokens.get(i).map(|t| &t.token), Some(Token::Word(_)));
    if !is_word(0) {
        return None;
    }
    let mut length = 1;
    while tokens.get(length).is_some_and(|token| token.token == Token::Period)
        && is_word(length + 1)
    {
        length += 2;
    }
    Some(length)
}

/// Takes the name off an event time that is an expression.
fn split_alias(
    tokens: &[TokenWithSpan],
    watermark: Span,
) -> Result<(&[TokenWithSpan], Option<TokenWithSpan>)> {
    if name_length(tokens) == Some(tokens.len()) {
        return Ok((tokens, None));
    }
    if let [expr @ .., as_, name] = tokens
        && is_word(as_, "AS")
        && matches!(name.token, Token::Word(_))
        && !expr.is_empty()
    {
        return Ok((expr, Some(name.clone())));
    }
    if let [expr @ .., name] = tokens
        && expr.last().is_some_and(|last| last.token == Token::RParen)
        && matches!(name.token, Token::Word(_))
    {
        return Ok((expr, Some(name.clone())));
    }
    Err(at(
        watermark.start,
        "an expression in WATERMARK needs one name; write WATERMARK <expression> AS <name> DELAY OF ..",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::cursor::significant;
    use crate::sql::dialect::{parse_query, tokenize};

    fn try_rewritten(text: &str) -> Result<String> {
        let tokens = significant(tokenize(text)?);
        Ok(parse_query(rewrite(&tokens)?)?.to_string())
    }

    fn rewritten(text: &str) -> String {
        try_rewritten(text).unwrap()
    }

    const STREAM: &str = "PIVOT(__millstream_stream() FOR __millstream IN ('0'))";

    #[test]
    fn stream_marks_a_table_wherever_a_relation_may_stand() {
        assert_eq!(rewritten("SELECT * FROM STREAM t"), format!("SELECT * FROM t {STREAM}"));
        assert_eq!(
            rewritten("SELECT * FROM stream(a.t) x JOIN STREAM u AS y ON x.k = y.k, STREAM `v`"),
            format!("SELECT * FROM a.t {STREAM} x JOIN u {STREAM} AS y ON x.k = y.k, `v` {STREAM}")
        );
    }

    #[test]
    fn stream_and_watermark_stay_names() {
        for text in [
            "SELECT stream FROM stream WHERE stream > 1",
            "SELECT watermark, stream.x FROM stream AS watermark",
            "SELECT * FROM stream JOIN t ON stream.k = t.k",
            "SELECT * FROM t watermark",
            "SELECT EXTRACT(YEAR FROM stream) FROM t",
            "SELECT a IS DISTINCT FROM stream FROM t",
            "SELECT count(a, stream) FROM t GROUP BY stream, watermark",
        ] {
            assert_eq!(rewritten(text), text);
        }
    }

    #[test]
    fn watermark_goes_behind_any_relation() {
        let mark = |time: &str, micros: u64| {
            format!("PIVOT(__millstream_watermark({time}) FOR __millstream IN ('{micros}'))")
        };
        assert_eq!(
            rewritten("SELECT * FROM STREAM t WATERMARK ts DELAY OF INTERVAL 10 MINUTES AS x"),
            format!("SELECT * FROM t {STREAM} {} AS x", mark("ts", 600_000_000))
        );
        assert_eq!(
            rewritten(
                "SELECT * FROM (SELECT ts FROM t) WATERMARK ts DELAY OF INTERVAL '1' MONTH x"
            ),
            format!("SELECT * FROM (SELECT ts FROM t) {} x", mark("ts", 2_678_400_000_000))
        );
        assert_eq!(
            rewritten(
                "SELECT * FROM a JOIN b WATERMARK timestamp_seconds(e) AS ts DELAY OF INTERVAL '5 seconds' ON a.k = b.k"
            ),
            "SELECT * FROM a JOIN b PIVOT(__millstream_watermark(timestamp_seconds(e)) AS ts FOR __millstream IN ('5000000')) ON a.k = b.k"
        );
    }

    #[test]
    fn a_wrong_clause_says_where_and_what_instead() {
        for (text, part) in [
            (
                "SELECT * FROM t WATERMARK f(e) DELAY OF INTERVAL 1 DAY",
                "column 17: an expression in WATERMARK needs one name",
            ),
            ("SELECT * FROM t WATERMARK ts DELAY OF INTERVAL -1 SECOND", "must not be negative"),
            (
                "SELECT * FROM (a JOIN b) WATERMARK ts DELAY OF INTERVAL 1 DAY",
                "behind each relation",
            ),
            ("SELECT * FROM t WATERMARK ts DELAY OF 10", "DELAY OF takes an interval"),
            (
                "SELECT * FROM t WATERMARK ts DELAY OF INTERVAL 'soon'",
                "cannot read the interval `soon`",
            ),
            ("SELECT * FROM STREAM (SELECT 1)", "STREAM takes the name of a table"),
            ("SELECT * FROM STREAM t CHANGES FROM VERSION 1", "CHANGES FROM is not supported"),
            ("SELECT * FROM STREAM t IDENTIFIED BY x", "IDENTIFIED BY is not supported"),
            ("SELECT * FROM t LATERAL VIEW a", "LATERAL VIEW takes a generator"),
            ("SELECT * FROM t LATERAL VIEW explode(a) x AS", "are missing behind AS"),
        ] {
            let error = try_rewritten(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_lateral_view_is_written_out() {
        for (text, expected) in [
            ("LATERAL VIEW explode(a)", "explode(a) __millstream_unnamed AS __millstream_unnamed"),
            (
                "LATERAL VIEW explode(a) t ORDER BY a",
                "explode(a) t AS __millstream_unnamed ORDER BY a",
            ),
            ("LATERAL VIEW explode(a) AS c", "explode(a) __millstream_unnamed AS c"),
            ("LATERAL VIEW OUTER f(a) t c, d WHERE c", "OUTER f(a) t AS c, AS d WHERE c"),
        ] {
            let expected = format!("SELECT * FROM s LATERAL VIEW {expected}");
            let tokens = significant(tokenize(&format!("SELECT * FROM s {text}")).unwrap());
            let written: Vec<_> =
                rewrite(&tokens).unwrap().iter().map(|token| token.token.to_string()).collect();
            let plain = |text: &str| text.replace([' ', ','], "");
            assert_eq!(plain(&written.join(" ")), plain(&expected), "{text}");
        }
    }

    #[test]
    fn literals_of_spark_become_literals_of_the_parser() {
        assert_eq!(
            rewritten(
                r#"SELECT ts + INTERVAL 1 HOUR 30 MINUTES, "it's", 'a\tb', 1.5D, 2BD, 1e3, 7L"#
            ),
            "SELECT ts + INTERVAL '1 hour 30 minute', 'it''s', 'a\tb', DOUBLE '1.5', DECIMAL(1,0) '2', DOUBLE '1e3', 7L"
        );
        assert_eq!(
            rewritten(
                "SELECT TIMESTAMP'2024-01-01T00:00:00Z', DATE'2024-01-01', TIMESTAMP_NTZ'2024-01-01', TIMESTAMP_LTZ'2024-01-01'"
            ),
            "SELECT TIMESTAMP '2024-01-01T00:00:00Z', DATE '2024-01-01', TIMESTAMP_NTZ '2024-01-01', TIMESTAMP '2024-01-01'"
        );
    }
}
