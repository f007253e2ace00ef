//! Where in the text of a statement an error is: its line, and a mark below the place.

/// The line of `text` that an error is about, with a mark below it, where the error says a line
/// and a column, or names what stands in the text just once.
pub(super) fn mark(text: &str, message: &str) -> Option<String> {
    let (line, column) = told(message).or_else(|| named(text, message))?;
    let source = text.lines().nth(line.checked_sub(1)?)?;
    let before: String = source.chars().take(column.checked_sub(1)?).collect();
    // Tabs stay tabs, so that the mark stands below its place.
    let blank: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    Some(format!("  {source}\n  {blank}^"))
}

/// The place in `line 2, column 5: ..`.
fn told(message: &str) -> Option<(usize, usize)> {
    let (line, rest) = message.strip_prefix("line ")?.split_once(", column ")?;
    let (column, _) = rest.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// The place of the first name, in backticks or in DataFusion's words, that stands in the text
/// once.
fn named(text: &str, message: &str) -> Option<(usize, usize)> {
    let unknown = message.split_once("No field named ").map(|(_, rest)| {
        let end = rest.find(['\n', ' ']).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.').trim_matches('"')
    });
    let names = message.split('`').skip(1).step_by(2).chain(unknown);
    let at = names.filter(|name| !name.is_empty()).find_map(|name| only_place(text, name))?;
    let before = &text[..at];
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    Some((before.matches('\n').count() + 1, column + 1))
}

fn only_place(text: &str, name: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = text.match_indices(name).map(|(at, _)| at).filter(|at| {
        !text[..*at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part)
    });
    let first = places.next()?;
    places.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_a_column_are_marked() {
        let text = "SELECT 1;\n\tSELEKT 2";
        let shown = mark(text, "line 2, column 2: the statement `SELEKT` is not supported");
        assert_eq!(shown.unwrap(), "  \tSELEKT 2\n  \t^");
    }

    #[test]
    fn a_name_that_stands_there_once_is_marked() {
        let text = "SELECT k\nFROM clikcs";
        let shown = mark(text, "there is no table `clikcs`; did you mean `clicks`?");
        assert_eq!(shown.unwrap(), "  FROM clikcs\n       ^");
        let shown = mark("SELECT kk", "Schema error: No field named kk. Valid fields are t.k.");
        assert_eq!(shown.unwrap(), "  SELECT kk\n         ^");
        assert_eq!(mark("SELECT a, a", "there is no column `a`"), None);
        assert_eq!(mark("SELECT ab", "there is no column `a`"), None);
    }

    #[test]
    fn a_place_beyond_the_text_is_not_marked() {
        assert_eq!(mark("SELECT 1", "line 7, column 1: what?"), None);
        assert_eq!(mark("SELECT 1", "line 0, column 0: what?"), None);
    }
}
