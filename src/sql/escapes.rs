//! What a text between quotes stands for: Spark's escapes, of which the tokenizer knows few.
//!
//! ```text
//! \0 \b \n \r \t \Z      the characters of these names; \Z is 26
//! \101 \u0041 \U00000041 the character of this number, octal from 000 to 177, or hexadecimal
//! \% \_                  as they are, for LIKE
//! \x                     x, whatever else it is
//! ''  or ""              one quote in a text in such quotes
//! ```

use std::iter::Peekable;
use std::str::Chars;

use sqlparser::tokenizer::Token;

/// What stands for half of a pair of UTF-16 without its other half, as Spark prints it.
const NO_CHARACTER: char = '?';

/// The token with what its text stands for, where it has been read as it is written.
pub(super) fn unescaped(token: Token) -> Token {
    match token {
        Token::SingleQuotedString(text) => Token::SingleQuotedString(unescape(&text, '\'')),
        Token::DoubleQuotedString(text) => Token::DoubleQuotedString(unescape(&text, '"')),
        Token::NationalStringLiteral(text) => Token::NationalStringLiteral(unescape(&text, '\'')),
        Token::Word(mut word) if word.quote_style == Some('`') => {
            word.value = word.value.replace("``", "`");
            Token::Word(word)
        }
        other => other,
    }
}

fn unescape(text: &str, quote: char) -> String {
    if !text.contains(['\\', quote]) {
        return text.to_owned();
    }
    let mut out = Units(String::with_capacity(text.len()), None);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            escape(&mut letters, &mut out);
        } else {
            out.push(letter);
            if letter == quote {
                letters.next_if_eq(&quote);
            }
        }
    }
    out.finish()
}

/// Reads what stands behind a backslash.
fn escape(letters: &mut Peekable<Chars<'_>>, out: &mut Units) {
    let after = letters.clone();
    let Some(letter) = letters.peek().copied() else { return out.push('\\') };
    let (length, value) = match letter {
        '0' | '1' => (3, number(&after, 3, 8)),
        'u' => (5, number_behind(&after, 4)),
        'U' => (9, number_behind(&after, 8)),
        _ => (0, None),
    };
    if let Some(value) = value {
        letters.by_ref().take(length).for_each(drop);
        return out.push_number(value);
    }
    letters.next();
    match letter {
        '0' => out.push('\0'),
        'b' => out.push('\u{8}'),
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        't' => out.push('\t'),
        'Z' => out.push('\u{1a}'),
        '%' | '_' => {
            out.push('\\');
            out.push(letter);
        }
        other => out.push(other),
    }
}

/// The number of `length` digits behind the next letter.
fn number_behind(letters: &Peekable<Chars<'_>>, length: usize) -> Option<u32> {
    let mut digits = letters.clone();
    digits.next();
    number(&digits, length, 16)
}

fn number(letters: &Peekable<Chars<'_>>, length: usize, radix: u32) -> Option<u32> {
    let digits: Vec<u32> =
        letters.clone().take(length).map(|c| c.to_digit(radix)).collect::<Option<_>>()?;
    let value =
        digits.iter().fold(0_u32, |value, digit| value.wrapping_mul(radix).wrapping_add(*digit));
    (digits.len() == length).then_some(value)
}

/// A text, and the first half of a pair of UTF-16 whose second half may come next.
struct Units(String, Option<u16>);

impl Units {
    fn push(&mut self, letter: char) {
        self.end_half();
        self.0.push(letter);
    }

    /// Adds the character of this number; half of a pair waits for its other half.
    fn push_number(&mut self, number: u32) {
        let Ok(unit) = u16::try_from(number) else {
            return self.push(char::from_u32(number).unwrap_or(NO_CHARACTER));
        };
        let pair = self.1.map(|first| char::decode_utf16([first, unit]).next());
        if let Some(Some(Ok(letter))) = pair {
            self.1 = None;
            return self.0.push(letter);
        }
        self.end_half();
        match char::from_u32(number) {
            Some(letter) => self.0.push(letter),
            None => self.1 = Some(unit),
        }
    }

    fn end_half(&mut self) {
        if self.1.take().is_some() {
            self.0.push(NO_CHARACTER);
        }
    }

    fn finish(mut self) -> String {
        self.end_half();
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_what_spark_says() {
        for (text, expected) in [
            (r"\110ello", "Hello"),
            (r"\u0057orld :)", "World :)"),
            (r"\U0001F600", "😀"),
            (r"\ud83d\ude00", "😀"),
            (r"\ud83d", "?"),
            (r"\ud83dx\ud83d\ud83d\ude00", "?x?😀"),
            (r"\ude00\ud83d", "??"),
            (r"a\%b\_c", r"a\%b\_c"),
            (r"\0|\08|\000a|\012", "\0|\u{0}8|\0a|\n"),
            (r"\Z\b\r\n\t", "\u{1a}\u{8}\r\n\t"),
            (r#"\q\'\"\\"#, r#"q'"\"#),
            (r"\1|\18|\400|\377|\7", "1|18|400|377|7"),
            (r"\u00g1|\u12|\U0001F60|\x41", "u00g1|u12|U0001F60|x41"),
            (r"\a\f", "af"),
            ("a''b", "a'b"),
            (r"\\110", r"\110"),
            (r"\177\u00e9", "\u{7f}é"),
        ] {
            assert_eq!(unescape(text, '\''), expected, "{text}");
        }
        assert_eq!(unescape(r#"a""b''"#, '"'), "a\"b''");
    }
}
