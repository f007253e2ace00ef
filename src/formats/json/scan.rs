//! Where the values of a JSON text begin and end.
//!
//! The scanner gives values as slices of the text, so that a column of strings can take a number
//! or an object as it was written. What is read beyond JSON the [`Rules`] say; as in Spark, strings
//! may stand in single quotes, and `NaN` and the infinities are numbers, unless they say otherwise.

use std::borrow::Cow;

/// How deep arrays and objects may nest; more is refused rather than overflow the stack.
const MAX_DEPTH: usize = 500;

/// What is read although it is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option of Spark's, on or off")]
pub struct Rules {
    /// `/* comments */` and `// comments` between values.
    pub comments: bool,
    /// Names of fields without quotes.
    pub unquoted_names: bool,
    /// Strings in single quotes.
    pub single_quotes: bool,
    /// Numbers such as `007`.
    pub leading_zeros: bool,
    /// A backslash before any letter stands for that letter.
    pub any_escape: bool,
    /// Control characters in strings, without a backslash.
    pub control_chars: bool,
    /// `NaN` and the infinities.
    pub non_finite: bool,
}

impl Rules {
    /// What Spark reads when no option says otherwise.
    pub const DEFAULT: Self = Self {
        comments: false,
        unquoted_names: false,
        single_quotes: true,
        leading_zeros: false,
        any_escape: false,
        control_chars: false,
        non_finite: true,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A value as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// `null`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as JSON has it.
    Number(&'a str),
    /// `NaN`, `Infinity`, `-INF` and their like, which are no JSON.
    NonFinite(&'a str),
    /// A string.
    Text(Text<'a>),
    /// An array with its brackets.
    Array(&'a str),
    /// An object with its braces.
    Object(&'a str),
}

impl<'a> Value<'a> {
    /// The value as a column of strings takes it; `None` for null.
    pub(super) fn as_text(self) -> Option<Cow<'a, str>> {
        match self {
            Value::Null => None,
            Value::Bool(true) => Some(Cow::Borrowed("true")),
            Value::Bool(false) => Some(Cow::Borrowed("false")),
            Value::Number(raw) => Some(without_leading_zeros(raw)),
            Value::NonFinite(raw) | Value::Array(raw) | Value::Object(raw) => {
                Some(Cow::Borrowed(raw))
            }
            Value::Text(text) => Some(text.get()),
        }
    }
}

/// A number as it would be written without zeros before its first digit.
fn without_leading_zeros(raw: &str) -> Cow<'_, str> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    let has_zeros =
        digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    if !has_zeros {
        return Cow::Borrowed(raw);
    }
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let zeros = digits[..end - 1].bytes().take_while(|byte| *byte == b'0').count();
    let sign = if digits.len() < raw.len() { "-" } else { "" };
    Cow::Owned(format!("{sign}{}", &digits[zeros..]))
}

/// A string between its quotes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Text<'a> {
    inner: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The string with its escapes resolved.
    pub(super) fn get(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.inner)) } else { Cow::Borrowed(self.inner) }
    }
}

/// A place where the text stops being JSON, in bytes from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken(pub(super) usize);

/// Reads values one after another.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    rules: Rules,
}

impl<'a> Cursor<'a> {
    /// Starts at the beginning of `text`.
    pub(super) const fn new(text: &'a str, rules: Rules) -> Self {
        Self { text, at: 0, depth: 0, rules }
    }

    /// Whether the next value is an array.
    pub(super) fn is_array(&mut self) -> bool {
        self.skip_blanks();
        self.peek() == Some(b'[')
    }

    /// Reads one value to its end.
    pub(super) fn value(&mut self) -> Result<Value<'a>, Broken> {
        self.skip_blanks();
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'\'') if self.rules.single_quotes => self.string().map(Value::Text),
            Some(b'{') => {
                self.object(&mut |_, _| ())?;
                Ok(Value::Object(&self.text[start..self.at]))
            }
            Some(b'[') => {
                self.array(&mut |_| ())?;
                Ok(Value::Array(&self.text[start..self.at]))
            }
            Some(b'-' | b'+' | b'0'..=b'9') => self.number(),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.word(),
            _ => Err(self.broken()),
        }
    }

    /// Reads an object and hands out its fields.
    pub(super) fn object(
        &mut self,
        each: &mut impl FnMut(Text<'a>, Value<'a>),
    ) -> Result<(), Broken> {
        self.enter(b'{')?;
        if self.took(b'}') {
            self.depth -= 1;
            return Ok(());
        }
        loop {
            self.skip_blanks();
            let name = self.name()?;
            self.take(b':')?;
            let value = self.value()?;
            each(name, value);
            if self.took(b'}') {
                self.depth -= 1;
                return Ok(());
            }
            self.take(b',')?;
        }
    }

    /// Reads an array and hands out its elements.
    pub(super) fn array(&mut self, each: &mut impl FnMut(Value<'a>)) -> Result<(), Broken> {
        self.enter(b'[')?;
        if self.took(b']') {
            self.depth -= 1;
            return Ok(());
        }
        loop {
            let value = self.value()?;
            each(value);
            if self.took(b']') {
                self.depth -= 1;
                return Ok(());
            }
            self.take(b',')?;
        }
    }

    fn enter(&mut self, bracket: u8) -> Result<(), Broken> {
        self.take(bracket)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.broken()) } else { Ok(()) }
    }

    /// The name of a field.
    fn name(&mut self) -> Result<Text<'a>, Broken> {
        if !self.rules.unquoted_names || matches!(self.peek(), Some(b'"' | b'\'')) {
            return self.string();
        }
        let start = self.at;
        while self.peek().is_some_and(|byte| {
            byte.is_ascii_alphanumeric() || b"_$@#*-+".contains(&byte) || !byte.is_ascii()
        }) {
            self.at += 1;
        }
        let inner = &self.text[start..self.at];
        if inner.is_empty() { Err(self.broken()) } else { Ok(Text { inner, escaped: false }) }
    }

    fn string(&mut self) -> Result<Text<'a>, Broken> {
        let quote = match self.peek() {
            Some(b'"') => b'"',
            Some(b'\'') if self.rules.single_quotes => b'\'',
            _ => return Err(self.broken()),
        };
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(byte) if byte == quote => {
                    let inner = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Text { inner, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                // Control characters must be escaped inside a string.
                Some(0..0x20) if !self.rules.control_chars => return Err(self.broken()),
                None => return Err(self.broken()),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Broken> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'\'') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    match self.peek() {
                        Some(byte) if byte.is_ascii_hexdigit() => self.at += 1,
                        _ => return Err(self.broken()),
                    }
                }
            }
            Some(_) if self.rules.any_escape => self.at += 1,
            _ => return Err(self.broken()),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value<'a>, Broken> {
        let start = self.at;
        if matches!(self.peek(), Some(b'-' | b'+')) {
            let plus = self.peek() == Some(b'+');
            self.at += 1;
            if self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
                return self.non_finite(start);
            }
            if plus {
                return Err(self.broken());
            }
        }
        match self.digits() {
            0 => return Err(self.broken()),
            // A leading zero would hide an octal number, so JSON has none.
            n if n > 1
                && self.text.as_bytes()[self.at - n] == b'0'
                && !self.rules.leading_zeros =>
            {
                return Err(self.broken());
            }
            _ => (),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.broken());
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.broken());
            }
        }
        self.ends_here().map(|()| Value::Number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self) -> Result<Value<'a>, Broken> {
        let start = self.at;
        self.letters();
        match &self.text[start..self.at] {
            "null" => self.ends_here().map(|()| Value::Null),
            "true" => self.ends_here().map(|()| Value::Bool(true)),
            "false" => self.ends_here().map(|()| Value::Bool(false)),
            _ => {
                self.at = start;
                self.non_finite(start)
            }
        }
    }

    fn non_finite(&mut self, start: usize) -> Result<Value<'a>, Broken> {
        self.letters();
        match &self.text[start..self.at] {
            "NaN" | "INF" | "+INF" | "-INF" | "Infinity" | "+Infinity" | "-Infinity"
                if self.rules.non_finite =>
            {
                self.ends_here().map(|()| Value::NonFinite(&self.text[start..self.at]))
            }
            _ => Err(Broken(start)),
        }
    }

    fn letters(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            self.at += 1;
        }
    }

    /// A number or a word must not run into the next one.
    fn ends_here(&self) -> Result<(), Broken> {
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | b'}' | b':') => Ok(()),
            Some(b'/') if self.rules.comments => Ok(()),
            Some(_) => Err(self.broken()),
        }
    }

    fn took(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn take(&mut self, byte: u8) -> Result<(), Broken> {
        if self.took(byte) { Ok(()) } else { Err(self.broken()) }
    }

    fn skip_blanks(&mut self) {
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                self.at += 1;
            }
            match self.comment_end() {
                Some(end) => self.at = end,
                None => return,
            }
        }
    }

    /// Where the comment that begins here ends, if one does.
    fn comment_end(&self) -> Option<usize> {
        if !self.rules.comments || self.peek() != Some(b'/') {
            return None;
        }
        let rest = &self.text[self.at..];
        if rest.starts_with("//") {
            return Some(self.at + rest.find('\n').unwrap_or(rest.len()));
        }
        let inner = rest.strip_prefix("/*")?;
        inner.find("*/").map(|end| self.at + 2 + end + 2)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    const fn broken(&self) -> Broken {
        Broken(self.at)
    }
}

/// Resolves escapes that the scanner has checked. Half a surrogate pair becomes U+FFFD.
fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest[at + 1..].chars().next().unwrap_or('\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => rest = unicode(rest, &mut out),
            other => out.push(other),
        }
    }
    out.push_str(rest);
    out
}

/// Resolves what follows `\u` and gives what follows that.
fn unicode<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let unit = |text: &str| text.get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let first = unit(rest).unwrap_or(0xFFFD);
    let mut rest = rest.get(4..).unwrap_or_default();
    let mut units = vec![first];
    if (0xD800..0xDC00).contains(&first)
        && let Some(low) = rest.strip_prefix("\\u").and_then(unit)
        && (0xDC00..0xE000).contains(&low)
    {
        units.push(low);
        rest = &rest[6..];
    }
    out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Result<Vec<(String, Value<'_>)>, Broken> {
        fields_by(text, Rules::default())
    }

    fn fields_by(text: &str, rules: Rules) -> Result<Vec<(String, Value<'_>)>, Broken> {
        let mut out = vec![];
        Cursor::new(text, rules)
            .object(&mut |name, value| out.push((name.get().into_owned(), value)))?;
        Ok(out)
    }

    #[test]
    fn values_are_slices_of_the_text() {
        let all = fields(r#" {"a" : -1.50e3,"b":[1, {"x":2}],"c":{ },"d":null,"e":true}"#).unwrap();
        let values: Vec<_> = all.iter().map(|(_, value)| *value).collect();
        assert_eq!(
            values,
            [
                Value::Number("-1.50e3"),
                Value::Array(r#"[1, {"x":2}]"#),
                Value::Object("{ }"),
                Value::Null,
                Value::Bool(true)
            ]
        );
    }

    #[test]
    fn escapes_are_resolved_and_half_a_pair_is_replaced() {
        let all = fields(r#"{"\u0061": "x\n\"\u00e4\ud83d\ude00\ud83d!"}"#).unwrap();
        assert_eq!(all[0].0, "a");
        assert_eq!(all[0].1.as_text().unwrap(), "x\n\"\u{e4}\u{1f600}\u{fffd}!");
    }

    #[test]
    fn single_quotes_and_non_finite_numbers_are_read() {
        let all = fields("{'a':'it\"s','b':NaN,'c':-Infinity}").unwrap();
        assert_eq!(all[0].1.as_text().unwrap(), "it\"s");
        assert_eq!(all[1].1, Value::NonFinite("NaN"));
        assert_eq!(all[2].1, Value::NonFinite("-Infinity"));
    }

    #[test]
    fn each_rule_lets_its_own_text_pass() {
        let strict = Rules { single_quotes: false, non_finite: false, ..Rules::default() };
        for (rules, text, value) in [
            (Rules { comments: true, ..strict }, "{/*x*/\"a\"// y\n:1/**/}", "1"),
            (Rules { unquoted_names: true, ..strict }, "{a-b:0,$1a:1}", "1"),
            (Rules { single_quotes: true, ..strict }, "{'a':'x'}", "x"),
            (Rules { leading_zeros: true, ..strict }, "{\"a\":-007.50}", "-7.50"),
            (Rules { leading_zeros: true, ..strict }, "{\"a\":000}", "0"),
            (Rules { any_escape: true, ..strict }, "{\"a\":\"\\x\\$\\\u{e9}\"}", "x$\u{e9}"),
            (Rules { control_chars: true, ..strict }, "{\"a\":\"\t\"}", "\t"),
            (Rules { non_finite: true, ..strict }, "{\"a\":-INF}", "-INF"),
        ] {
            let read = fields_by(text, rules).unwrap();
            assert_eq!(read.last().unwrap().1.as_text().unwrap(), value, "{text}");
            assert!(fields_by(text, strict).is_err(), "{text}");
        }
        let comments = Rules { comments: true, ..strict };
        for text in ["{\"a\":1/}", "{\"a\":1 /* }", "{\"a\":1 # x\n}"] {
            assert!(fields_by(text, comments).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{a:1}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":+1}",
            "{\"a\":nul}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"x",
            "{\"a\":[1,]}",
            "{\"a\":\"tab\there\"}",
            "{\"a\":1x}",
            "{\"a\":\"\\u12g4\"}",
        ] {
            assert!(fields(text).is_err(), "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(600), "]".repeat(600));
        assert!(fields(&deep).is_err());
    }
}
