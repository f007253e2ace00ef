//! Patterns in paths: `/in/2024-*/{a,b}*.json`.

/// A pattern for one name: `*`, `?`, `[a-z]`, `[^a]`, `{one,two}`.
#[derive(Debug, Clone)]
pub(super) struct NamePattern {
    text: String,
    alternatives: Vec<::glob::Pattern>,
}

impl NamePattern {
    /// Reads a pattern. `Err` says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let alternatives = braces(text)?.into_iter().map(|mut alternative| {
            // Two stars mean no more than one here.
            while alternative.contains("**") {
                alternative = alternative.replace("**", "*");
            }
            ::glob::Pattern::new(&alternative.replace("[^", "[!"))
                .map_err(|error| format!("it is no pattern for file names: {error}"))
        });
        Ok(Self { text: text.to_owned(), alternatives: alternatives.collect::<Result<_, _>>()? })
    }

    /// Whether the name matches. Hidden names match only a pattern that begins as they do.
    pub(super) fn matches(&self, name: &str) -> bool {
        let begins_alike = self.text.chars().next() == name.chars().next();
        (begins_alike || !is_hidden(name)) && self.alternatives.iter().any(|p| p.matches(name))
    }
}

/// Whether a file or folder is no data by its name: what begins with `_` or `.`, and files that
/// are still being copied. A name like `_part=1` is data all the same.
pub(super) fn is_hidden(name: &str) -> bool {
    (name.starts_with('_') && !name.contains('='))
        || name.starts_with('.')
        || name.ends_with("._COPYING_")
}

/// A path as what stands before the first pattern, and the names and patterns from there on.
pub(super) fn split_path(path: &str) -> Result<(&str, Vec<NamePattern>), String> {
    let Some(first) = path.find(['*', '?', '[', '{']) else { return Ok((path, vec![])) };
    let (fixed, patterns) = match path[..first].rfind('/') {
        Some(0) => ("/", &path[1..]),
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (".", path),
    };
    let names = split_names(patterns).into_iter().filter(|name| !name.is_empty());
    Ok((fixed, names.map(NamePattern::parse).collect::<Result<_, _>>()?))
}

/// Splits at slashes outside braces.
fn split_names(text: &str) -> Vec<&str> {
    let mut names = vec![];
    let (mut start, mut depth) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                names.push(&text[start..at]);
                start = at + 1;
            }
            _ => (),
        }
    }
    names.push(&text[start..]);
    names
}

/// All texts that a pattern with braces stands for.
fn braces(text: &str) -> Result<Vec<String>, String> {
    let Some(open) = text.find('{') else { return Ok(vec![text.to_owned()]) };
    let mut depth = 0;
    let mut cuts = vec![open];
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => cuts.push(at),
            '/' => return Err("braces in it may not hold a slash".to_owned()),
            _ => (),
        }
        if depth == 0 {
            cuts.push(at);
            let tails = braces(&text[at + 1..])?;
            let mut all = vec![];
            for pair in cuts.windows(2) {
                for middle in braces(&text[pair[0] + 1..pair[1]])? {
                    all.extend(tails.iter().map(|t| format!("{}{middle}{t}", &text[..open])));
                }
            }
            return Ok(all);
        }
    }
    Err("a brace in it is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_splits_before_its_first_pattern() {
        let split = |path| {
            let (fixed, names) = split_path(path).unwrap();
            (fixed.to_owned(), names.into_iter().map(|n| n.text).collect::<Vec<_>>())
        };
        assert_eq!(split("/in/plain"), ("/in/plain".to_owned(), vec![]));
        assert_eq!(
            split("file:///in/2024-*/x/*.json"),
            ("file:///in".to_owned(), vec!["2024-*".to_owned(), "x".into(), "*.json".into()])
        );
        assert_eq!(split("/*.json"), ("/".to_owned(), vec!["*.json".to_owned()]));
        assert_eq!(split("in*"), (".".to_owned(), vec!["in*".to_owned()]));
        assert!(split_path("/in/{a,b").is_err());
        assert!(split_path("/in/{a/x,b}").is_err());
    }

    #[test]
    fn names_match_patterns_and_hidden_ones_only_by_name() {
        let matches = |pattern, name| NamePattern::parse(pattern).unwrap().matches(name);
        assert!(matches("{a,b{1,2}}-?.json", "b2-x.json"));
        assert!(!matches("{a,b{1,2}}-?.json", "b3-x.json"));
        assert!(matches("[^ab]*", "c"));
        assert!(!matches("[^ab]*", "a"));
        assert!(!matches("*", "_spark_metadata"));
        assert!(!matches("*", ".part.crc"));
        assert!(matches("_*", "_x"));
    }
}
