//! Expressions as a user would write them. DataFusion names what is computed after its own types,
//! such as `date_trunc(Utf8("minute"),clicks.ts)`, and these names are in checkpoints, where they
//! have to stay; only what is printed changes: `date_trunc('minute', ts)`.

/// The types by which DataFusion marks constants whose text is that of SQL.
const NUMBERS: &[&str] = &[
    "Boolean", "Float32", "Float64", "Int16", "Int32", "Int64", "Int8", "UInt16", "UInt32",
    "UInt64", "UInt8",
];

/// The same of texts.
const TEXTS: &[&str] = &["LargeUtf8", "Utf8", "Utf8View"];

/// The name of what is computed, as SQL.
#[must_use]
pub fn spelled(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        if first == ',' {
            rest = rest[1..].trim_start();
            out.push_str(", ");
        } else if is_part(first) {
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(length);
            rest = match constant(word, behind) {
                Some((text, behind)) => {
                    out.push_str(&text);
                    behind
                }
                None => {
                    out.push_str(without_table(word, behind));
                    behind
                }
            };
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    without_part(&out).to_owned()
}

/// A constant with its type, such as `Int64(1)`: its text, and what stands behind.
fn constant<'a>(word: &str, behind: &'a str) -> Option<(String, &'a str)> {
    let inside = behind.strip_prefix('(')?;
    if NUMBERS.contains(&word) {
        let (number, behind) = inside.split_once(')')?;
        return Some((number.to_owned(), behind));
    }
    if TEXTS.contains(&word) {
        if let Some(behind) = inside.strip_prefix("NULL)") {
            return Some(("NULL".to_owned(), behind));
        }
        let (text, behind) = inside.strip_prefix('"')?.split_once("\")")?;
        return Some((format!("'{}'", text.replace('\'', "\\'")), behind));
    }
    None
}

/// A column without its table. What is no column, a number or a field of a window, stays.
fn without_table<'a>(word: &'a str, behind: &str) -> &'a str {
    let is_column = !behind.starts_with('(') && !word.starts_with(|c: char| c.is_ascii_digit());
    match word.rsplit_once('.') {
        Some((table, column)) if is_column && table != "window" && !column.is_empty() => column,
        _ => word,
    }
}

/// An aggregate that keeps one value calls it by its own name: `count(v)[count]`.
fn without_part(text: &str) -> &str {
    let whole = text.strip_suffix(']').and_then(|text| text.rsplit_once('['));
    match whole {
        Some((call, part)) if call.split('(').next() == Some(part) => call,
        _ => text,
    }
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// Windows as a checkpoint has them, `width=60000000us slide=30000000us`, in units for people.
#[must_use]
pub fn spelled_window(window: &str) -> String {
    let part = |part: &str| {
        let (name, micros) = part.split_once('=')?;
        let micros: i64 = micros.strip_suffix("us")?.parse().ok()?;
        let length = duration(micros);
        Some(if name == "width" { length } else { format!("{name} {length}") })
    };
    let parts: Option<Vec<_>> = window.split(' ').map(part).collect();
    parts.map_or_else(|| window.to_owned(), |parts| parts.join(", "))
}

/// A duration in units of SQL, the greatest first.
fn duration(micros: i64) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("day", 86_400_000_000),
        ("hour", 3_600_000_000),
        ("minute", 60_000_000),
        ("second", 1_000_000),
        ("millisecond", 1_000),
        ("microsecond", 1),
    ];
    let mut left = micros.unsigned_abs();
    let mut text = if micros < 0 { "-".to_owned() } else { String::new() };
    for (unit, length) in UNITS {
        let count = left / length;
        left %= length;
        if count > 0 {
            let gap = if text.is_empty() || text == "-" { "" } else { " " };
            let plural = if count == 1 { "" } else { "s" };
            text.push_str(&format!("{gap}{count} {unit}{plural}"));
        }
    }
    if text.is_empty() { "0 seconds".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_sql_and_columns_have_no_table() {
        for (name, expected) in [
            ("date_trunc(Utf8(\"minute\"),clicks.ts)", "date_trunc('minute', ts)"),
            ("mod(r.value,Int64(3))", "mod(value, 3)"),
            ("concat(t.a,Utf8(\"it's, \"),t.b)", "concat(a, 'it\\'s, ', b)"),
            ("count(Int64(1))[count]", "count(1)"),
            ("avg(t.v)[sum]", "avg(v)[sum]"),
            ("coalesce(k,Utf8(NULL),Boolean(true))", "coalesce(k, NULL, true)"),
            ("s.at", "at"),
            ("window.end", "window.end"),
            ("t.a * Float64(1.5) + 2.5", "a * 1.5 + 2.5"),
            ("Größe", "Größe"),
            ("f(Utf8(", "f(Utf8("),
        ] {
            assert_eq!(spelled(name), expected);
        }
    }

    #[test]
    fn windows_have_units() {
        assert_eq!(spelled_window("width=60000000us"), "1 minute");
        assert_eq!(
            spelled_window("width=5400000000us slide=1500000us start=-1us"),
            "1 hour 30 minutes, slide 1 second 500 milliseconds, start -1 microsecond"
        );
        assert_eq!(spelled_window("gap=dynamic"), "gap=dynamic");
    }
}
