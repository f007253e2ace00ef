//! Raw strings, `r'\d+'`: the tokenizer knows none, so that they become plain ones, whose
//! backslashes are doubled, in the text itself.

use std::borrow::Cow;

/// The text with plain strings in the place of raw ones.
pub(super) fn made_plain(text: &str) -> Cow<'_, str> {
    if !["r'", "R'", "r\"", "R\""].iter().any(|start| text.contains(start)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '\'' | '"' | '`' => quoted(rest, letter),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            'r' | 'R' if !ends_in_name(&out) && rest[1..].starts_with(['\'', '"']) => {
                let quote = if rest[1..].starts_with('"') { '"' } else { '\'' };
                let end = rest[2..].find(quote).map_or(rest.len(), |end| end + 3);
                out.push_str(&rest[1..end].replace('\\', "\\\\"));
                rest = &rest[end..];
                if rest.starts_with(quote) {
                    // What follows is another text, and no quote in this one.
                    out.push(' ');
                }
                continue;
            }
            _ => letter.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

fn ends_in_name(text: &str) -> bool {
    text.chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_')
}

/// The length of what stands in quotes at the start of `text`.
fn quoted(text: &str, quote: char) -> usize {
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && quote != '`' {
            letters.next();
        } else if letter == quote {
            return at + 1;
        }
    }
    text.len()
}

/// The length of a comment at the start of `text`, with those inside.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_strings_become_plain_ones_and_nothing_else_changes() {
        for (text, expected) in [
            (r"SELECT r'\d+', R'\'", r"SELECT '\\d+', '\\'"),
            (r#"r"a\b""#, r#""a\\b""#),
            (r"SELECT 'r' AS r, bar'\n'", r"SELECT 'r' AS r, bar'\n'"),
            (r"-- r'\d'", r"-- r'\d'"),
            (r"/* r'\d' /* */ r'\e' */ r'\f'", r"/* r'\d' /* */ r'\e' */ '\\f'"),
            (r"'it\'s r''\d' r'x", r"'it\'s r''\d' 'x"),
            (r"r'a''b'", "'a' 'b'"),
            (r"`r'\d'` r'\d'", r"`r'\d'` '\\d'"),
        ] {
            assert_eq!(made_plain(text), expected, "{text}");
        }
    }
}
