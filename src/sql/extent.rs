//! Where the statements of a text end, found before anything is parsed: a shell has to know
//! whether what was typed so far is whole, and a quote that is still open is no error there.

/// The length of the part of `text` that is made of whole statements, each with its semicolon.
/// Semicolons in strings, quoted names and comments end nothing.
///
/// ```
/// use millstream::sql::extent::whole_statements;
/// let text = "SELECT ';'; SELECT";
/// assert_eq!(&text[..whole_statements(text)], "SELECT ';';");
/// ```
pub fn whole_statements(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut end) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        at = match (byte, bytes.get(at + 1)) {
            (b';', _) => {
                end = at + 1;
                end
            }
            (b'\'' | b'"', _) => past_quoted(bytes, at, true),
            (b'`', _) => past_quoted(bytes, at, false),
            (b'-', Some(b'-')) => past_line(bytes, at),
            (b'/', Some(b'*')) => past_comment(bytes, at),
            _ => at + 1,
        };
    }
    end
}

/// Behind what is quoted from `at` on; the end of the text where the quote is not closed.
fn past_quoted(bytes: &[u8], at: usize, has_escapes: bool) -> usize {
    let quote = bytes[at];
    let mut at = at + 1;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\\' if has_escapes => 2,
            byte if *byte == quote => return at + 1,
            _ => 1,
        };
    }
    bytes.len()
}

fn past_line(bytes: &[u8], at: usize) -> usize {
    let rest = bytes[at..].iter().position(|byte| *byte == b'\n');
    rest.map_or(bytes.len(), |length| at + length + 1)
}

/// Behind a comment, in which others may be nested.
fn past_comment(bytes: &[u8], at: usize) -> usize {
    let (mut at, mut depth) = (at + 2, 1);
    while depth > 0 && at < bytes.len() {
        at += match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                2
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                2
            }
            _ => 1,
        };
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> &str {
        &text[..whole_statements(text)]
    }

    #[test]
    fn a_semicolon_in_quotes_or_comments_ends_nothing() {
        for open in [
            "SELECT ';",
            "SELECT 'it\\'s;'",
            "SELECT \";\"",
            "SELECT `;`",
            "SELECT 1 -- ;",
            "SELECT /* /* ; */ ; */ 1",
            "/* ;",
            "SELECT '\\",
            "",
        ] {
            assert_eq!(whole(open), "", "{open}");
        }
    }

    #[test]
    fn what_follows_the_last_semicolon_is_left() {
        assert_eq!(whole("SELECT 1; SELECT 'ä;'; SEL"), "SELECT 1; SELECT 'ä;';");
        assert_eq!(whole("SELECT 1; -- done;\n"), "SELECT 1;");
        assert_eq!(whole("SELECT `a\\`;"), "SELECT `a\\`;");
    }
}
