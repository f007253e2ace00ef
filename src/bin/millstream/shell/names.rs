//! What a word at the prompt may become: keywords and commands, and the names that the session
//! has at the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use millstream::StreamSession;

use super::commands::COMMANDS;

/// In one text, since a list would be a line for each.
const KEYWORDS: &str = "\
    ALL AND ANTI ANY APPEND ARRAY AS ASC AVAILABLE BETWEEN BIGINT BINARY BOOLEAN BY CASE CAST \
    COLUMNS COMPLETE COST CREATE CROSS CUBE CURRENT DATABASES DATE DAY DAYS DECIMAL DELAY DESC \
    DESCRIBE DISTINCT DOUBLE DROP ELSE END ESCAPE EXCEPT EXISTS EXPLAIN EXTENDED FALSE FILTER \
    FIRST FLOAT FOLLOWING FORMATTED FROM FULL FUNCTIONS GROUP GROUPING HAVING HOUR HOURS IF \
    ILIKE IN INNER INSERT INT INTERSECT INTERVAL INTO IS JOIN LAST LATERAL LEFT LIKE LIMIT MAP \
    MILLISECONDS MINUTE MINUTES MODE MONTH MONTHS NATURAL NOT NOW NULL NULLS OF OFFSET ON ONCE \
    OPTIONS OR ORDER OUTER OUTPUT OVER PARTITION PARTITIONED PRECEDING PROCESSING QUERIES QUERY \
    RANGE RECURSIVE REPLACE RIGHT RLIKE ROLLUP ROW ROWS SECOND SECONDS SELECT SEMI SET SETS SHOW \
    SMALLINT SOME STOP STREAM STREAMING STRING STRUCT TABLE TABLES TEMP TEMPORARY THEN TIME \
    TIMESTAMP TINYINT TRIGGER TRUE UNBOUNDED UNION UPDATE USING VALUES VIEW VIEWS WATERMARK WEEK \
    WEEKS WHEN WHERE WITH WITHIN YEAR YEARS";

/// The fields of what `window(..)` in GROUP BY gives.
const WINDOW: (&str, &[&str]) = ("window", &["start", "end"]);

/// The words that there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// Functions and queries.
    names: BTreeSet<String>,
    /// Tables and views with their columns.
    tables: BTreeMap<String, SchemaRef>,
}

impl Names {
    /// The names of a session. What cannot be found out is not offered.
    pub(super) async fn of(session: &StreamSession) -> Self {
        let mut names: BTreeSet<String> = session.function_names().into_iter().collect();
        let queries = session.streams().active();
        names.extend(queries.iter().filter_map(|query| query.name().map(str::to_owned)));
        let mut tables = BTreeMap::new();
        for table in super::commands::table_names(session) {
            let rows = Box::pin(session.table(&table)).await;
            let schema = rows.map_or_else(|_error| Arc::new(Schema::empty()), |rows| rows.schema());
            tables.insert(table, schema);
        }
        Self { names, tables }
    }

    /// Where the word before the cursor begins, and what it may become. `earlier` are the lines of
    /// the statement above this one.
    pub(super) fn complete(&self, earlier: &str, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = &line[..at];
        let start = before
            .rfind(|c: char| !is_part(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = &before[start..];
        let before = &before[..start];
        if before.trim() == "." && earlier.is_empty() {
            return (start, begin_with(word, COMMANDS.iter().map(|command| command.name)));
        }
        if let Some(before) = before.strip_suffix('.') {
            let owner = before.rsplit(|c: char| !is_part(c)).next().unwrap_or_default();
            let fields = self.fields(owner, &[earlier, " ", line].concat());
            return (start, begin_with(word, fields.iter().map(String::as_str)));
        }
        let is_command = before.trim_start().starts_with('.') && earlier.is_empty();
        if word.is_empty() {
            return (start, vec![]);
        }
        let mut words = if is_command { vec![] } else { keywords(word) };
        // Capitals ask for a keyword, or for a name that has them too.
        let is_strict = !words.is_empty() && word.chars().all(|c| !c.is_lowercase());
        let columns = self.tables.values().flat_map(|schema| schema.fields());
        let names = columns.map(|field| field.name()).chain(self.tables.keys()).chain(&self.names);
        let names = begin_with(word, names.map(String::as_str)).into_iter();
        words.extend(names.filter(|name| !is_strict || name.starts_with(word)));
        words.sort();
        words.dedup();
        (start, words)
    }

    /// What may stand behind `owner.`: the columns of a table, by its name or by the alias that it
    /// has in the statement, or the fields of a struct.
    fn fields(&self, owner: &str, statement: &str) -> Vec<String> {
        let is_owner = |name: &str| name.eq_ignore_ascii_case(owner);
        let table = self.tables.iter().find(|(name, _)| is_owner(name));
        let table = table.map(|(_, schema)| schema).or_else(|| self.aliased(owner, statement));
        if let Some(schema) = table {
            return schema.fields().iter().map(|field| field.name().clone()).collect();
        }
        let mut columns = self.tables.values().flat_map(|schema| schema.fields());
        let nested = columns.find_map(|field| match field.data_type() {
            DataType::Struct(fields) if is_owner(field.name()) => Some(fields),
            _ => None,
        });
        match nested {
            Some(fields) => fields.iter().map(|field| field.name().clone()).collect(),
            None if is_owner(WINDOW.0) => WINDOW.1.iter().map(|&field| field.to_owned()).collect(),
            None => vec![],
        }
    }

    /// The table that has this alias in the statement.
    fn aliased(&self, alias: &str, statement: &str) -> Option<&SchemaRef> {
        let words = statement.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';'));
        let mut words = words.filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let word = word.trim_matches('`');
            let table = self.tables.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
            let Some((_, schema)) = table else { continue };
            let _as = words.next_if(|word| word.eq_ignore_ascii_case("AS"));
            let next = words.peek().map(|word| word.trim_end_matches(',').trim_matches('`'));
            if next.is_some_and(|next| next.eq_ignore_ascii_case(alias)) {
                return Some(schema);
            }
        }
        None
    }
}

/// The keywords that begin with a word, in its case.
fn keywords(word: &str) -> Vec<String> {
    let is_lower = word.chars().all(|c| !c.is_uppercase());
    let mut words = begin_with(word, KEYWORDS.split(' '));
    if is_lower {
        words.iter_mut().for_each(|word| word.make_ascii_lowercase());
    }
    words
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

    fn complete(names: &Names, line: &str) -> Vec<String> {
        names.complete("", line, line.len()).1
    }

    async fn clicks() -> Names {
        let session = StreamSession::new().unwrap();
        session
            .sql("CREATE TEMPORARY VIEW clicks AS SELECT 1 AS userId, 2 AS page, struct(1 AS x) AS s;
                  CREATE TEMPORARY VIEW pages AS SELECT 1 AS id, 2 AS title")
            .await
            .unwrap();
        Names::of(&session).await
    }

    #[tokio::test]
    async fn words_become_what_the_session_has() {
        let names = clicks().await;
        let complete = |text: &str| complete(&names, text);
        assert_eq!(complete("SELECT us"), ["userId", "using"]);
        let line = "SELECT * FROM cli";
        assert_eq!(names.complete("", line, line.len()), (14, vec!["clicks".to_owned()]));
        assert!(complete("SELECT approx_count").contains(&"approx_count_distinct".to_owned()));
        assert_eq!(complete("SELECT pag"), ["page", "pages"]);
        assert_eq!(complete("SELECT explode_"), ["explode_outer"]);
    }

    #[tokio::test]
    async fn a_dot_offers_the_columns_of_its_table_alone() {
        let names = clicks().await;
        assert_eq!(complete(&names, "SELECT clicks.PA"), ["page"]);
        assert!(complete(&names, "SELECT b.").is_empty());
        let aliased = "SELECT b. FROM clicks a JOIN pages AS b ON a.page = b.id";
        assert_eq!(names.complete("", aliased, 9).1, ["id", "title"]);
        assert_eq!(names.complete("SELECT 1 FROM pages b,\n clicks", "WHERE b.t", 9).1, ["title"]);
        assert_eq!(complete(&names, "SELECT s."), ["x"]);
        assert_eq!(complete(&names, "SELECT window."), ["start", "end"]);
    }

    #[test]
    fn keywords_take_the_case_of_the_word() {
        let names = Names::default();
        assert_eq!(complete(&names, "strea"), ["stream", "streaming"]);
        let line = "SELECT 'ä' FRO";
        assert_eq!(names.complete("", line, line.len()), (12, vec!["FROM".into()]));
        assert!(complete(&names, "SELECT ").is_empty());
    }

    #[tokio::test]
    async fn capitals_prefer_keywords() {
        let names = clicks().await;
        assert_eq!(complete(&names, "INS"), ["INSERT"]);
        assert_eq!(complete(&names, "PARTITIONE"), ["PARTITIONED"]);
        assert_eq!(complete(&names, "SELECT USERI"), ["userId"]);
    }

    #[test]
    fn a_dot_at_the_start_begins_a_command() {
        let names = Names::default();
        assert_eq!(names.complete("", ".sch", 4), (1, vec!["schema".into()]));
        assert_eq!(complete(&names, ".").len(), COMMANDS.len());
    }

    #[tokio::test]
    async fn the_argument_of_a_command_is_a_name() {
        assert_eq!(complete(&clicks().await, ".schema cl"), ["clicks"]);
    }
}
