//! What a word at the prompt may become: keywords and commands, and the names that the session
//! has at the moment.

use std::collections::BTreeSet;

use millstream::StreamSession;

use super::commands::COMMANDS;

const KEYWORDS: &[&str] = &[
    "ALL",
    "AND",
    "AS",
    "ASC",
    "AVAILABLE",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COST",
    "CREATE",
    "CROSS",
    "DELAY",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXISTS",
    "EXPLAIN",
    "EXTENDED",
    "FORMATTED",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERVAL",
    "IS",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MODE",
    "NOT",
    "NOW",
    "NULL",
    "OF",
    "ON",
    "ONCE",
    "OPTIONS",
    "OR",
    "ORDER",
    "OUTER",
    "OUTPUT",
    "PROCESSING",
    "QUERIES",
    "QUERY",
    "REPLACE",
    "RIGHT",
    "SELECT",
    "SET",
    "SHOW",
    "STOP",
    "STREAM",
    "STREAMING",
    "TABLE",
    "TABLES",
    "TEMPORARY",
    "THEN",
    "TIME",
    "TRIGGER",
    "UNION",
    "USING",
    "VALUES",
    "VIEW",
    "WATERMARK",
    "WHEN",
    "WHERE",
    "WITH",
];

/// The words that there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// Tables, views, functions and queries.
    names: BTreeSet<String>,
    columns: BTreeSet<String>,
}

impl Names {
    /// The names of a session. What cannot be found out is not offered.
    pub(super) async fn of(session: &StreamSession) -> Self {
        let (mut names, mut columns) = (BTreeSet::new(), BTreeSet::new());
        let state = session.context().state();
        names.extend(state.scalar_functions().keys().cloned());
        names.extend(state.aggregate_functions().keys().cloned());
        names.extend(state.window_functions().keys().cloned());
        // Operators and the like are functions whose names cannot be written.
        names.retain(|name| name.chars().all(is_part) && !name.starts_with('_'));
        let queries = session.streams().active();
        names.extend(queries.iter().filter_map(|query| query.name().map(str::to_owned)));
        for table in super::commands::table_names(session) {
            if let Ok(rows) = Box::pin(session.table(&table)).await {
                columns.extend(rows.schema().fields().iter().map(|field| field.name().clone()));
            }
            names.insert(table);
        }
        Self { names, columns }
    }

    /// Where the word before the cursor begins, and what it may become. Keywords take the case
    /// that the word has.
    pub(super) fn complete(&self, before: &str) -> (usize, Vec<String>) {
        let start = before
            .rfind(|c: char| !is_part(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = &before[start..];
        if before[..start].trim() == "." {
            return (start, begin_with(word, COMMANDS.iter().map(|command| command.name)));
        }
        let columns = begin_with(word, self.columns.iter().map(String::as_str));
        if before[..start].ends_with('.') {
            return (start, columns);
        }
        if word.is_empty() {
            return (start, vec![]);
        }
        let is_lower = word.chars().all(|c| !c.is_uppercase());
        let keywords = begin_with(word, KEYWORDS.iter().copied()).into_iter();
        let keywords = keywords.map(|word| if is_lower { word.to_lowercase() } else { word });
        let mut words: BTreeSet<String> = keywords.collect();
        words.extend(columns);
        words.extend(begin_with(word, self.names.iter().map(String::as_str)));
        (start, words.into_iter().collect())
    }
}

fn begin_with<'a>(word: &str, all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let begins =
        |name: &&str| name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    all.filter(begins).map(str::to_owned).collect()
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn words_become_what_the_session_has() {
        let session = StreamSession::new().unwrap();
        session.sql("CREATE TEMPORARY VIEW clicks AS SELECT 1 AS userId, 2 AS page").await.unwrap();
        let names = Names::of(&session).await;
        let complete = |text: &str| names.complete(text).1;
        assert_eq!(complete("SELECT us"), ["userId", "using"]);
        assert_eq!(names.complete("SELECT * FROM cli"), (14, vec!["clicks".to_owned()]));
        assert!(complete("SELECT approx_count").contains(&"approx_count_distinct".to_owned()));
        assert_eq!(complete("SELECT PA"), ["page", "parse_url"]);
        assert_eq!(complete("SELECT clicks.PA"), ["page"]);
    }

    #[test]
    fn keywords_take_the_case_of_the_word() {
        let names = Names::default();
        assert_eq!(names.complete("strea"), (0, vec!["stream".into(), "streaming".into()]));
        assert_eq!(names.complete("SELECT 'ä' FRO"), (12, vec!["FROM".into()]));
        assert_eq!(names.complete("SELECT "), (7, vec![]));
    }

    #[test]
    fn a_dot_at_the_start_begins_a_command() {
        assert_eq!(Names::default().complete(".sch"), (1, vec!["schema".into()]));
        assert_eq!(Names::default().complete(".").1.len(), COMMANDS.len());
    }
}
