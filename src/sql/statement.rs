//! The statements: what the user may say besides a query, clause by clause.
//!
//! A script is split at its semicolons; each statement is told by its first words. Errors carry
//! the line and the column of the user's own text.

use arrow::datatypes::SchemaRef;
use sqlparser::ast::Query;
use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use crate::config::Trigger;
use crate::connector::options::Options;
use crate::connector::output_mode::OutputMode;
use crate::error::{Error, Result};
use crate::logical::explain_mode::ExplainMode;
use crate::sql::catalog::{self, CatalogStatement};
use crate::sql::clauses;
use crate::sql::cursor::{Cursor, is_word, significant};
use crate::sql::dialect::{self, at, unsupported_at};
use crate::sql::{tokens, types};

/// One statement of a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A query; [`plan`](crate::sql::planner::plan) makes a plan of it.
    Query(Box<Query>),
    /// `CREATE TABLE name (columns) USING format OPTIONS (...)`
    CreateTable(CreateTable),
    /// `CREATE STREAMING TABLE name USING format OPTIONS (...) OUTPUT MODE .. TRIGGER .. AS query`
    CreateStreamingTable(CreateStreamingTable),
    /// `CREATE TEMPORARY VIEW name AS query`
    CreateView {
        /// The name of the view.
        name: String,
        /// Whether a view of this name gives way.
        or_replace: bool,
        /// What the view stands for.
        query: Box<Query>,
    },
    /// `SHOW STREAMING QUERIES`
    ShowStreamingQueries,
    /// `STOP STREAMING QUERY name`
    StopStreamingQuery {
        /// The name of the query.
        name: String,
        /// Whether it is no error that there is no such query.
        if_exists: bool,
    },
    /// `EXPLAIN [EXTENDED | FORMATTED | COST] statement`
    Explain {
        /// How much is told.
        mode: ExplainMode,
        /// What is to be explained.
        statement: Box<Self>,
    },
    /// `SET key = value`, or `SET key` to show the value
    Set {
        /// The name of the setting.
        key: String,
        /// The new value.
        value: Option<String>,
    },
    /// `DROP TABLE name`
    DropTable {
        /// The name of the table.
        name: String,
        /// Whether it is no error that there is no such table.
        if_exists: bool,
    },
    /// `DROP VIEW name`
    DropView {
        /// The name of the view.
        name: String,
        /// Whether it is no error that there is no such view.
        if_exists: bool,
    },
    /// A look at the catalog, or INSERT INTO.
    Catalog(CatalogStatement),
}

impl Statement {
    /// Whether the rows that are there when the statement is run are read by it, once.
    pub const fn reads_rows(&self) -> bool {
        match self {
            Self::Query(_) | Self::Catalog(CatalogStatement::Insert { .. }) => true,
            Self::CreateTable(create) => create.query.is_some(),
            _ => false,
        }
    }

    /// What the statement does and to what, such as `CREATE TABLE clicks`.
    pub fn title(&self) -> String {
        match self {
            Self::Query(_) => "query".to_owned(),
            Self::CreateTable(create) => format!("CREATE TABLE {}", create.name),
            Self::CreateStreamingTable(create) => format!("CREATE STREAMING TABLE {}", create.name),
            Self::CreateView { name, .. } => format!("CREATE TEMPORARY VIEW {name}"),
            Self::ShowStreamingQueries => "SHOW STREAMING QUERIES".to_owned(),
            Self::StopStreamingQuery { name, .. } => format!("STOP STREAMING QUERY {name}"),
            Self::Explain { statement, .. } => format!("EXPLAIN {}", statement.title()),
            Self::Set { key, .. } => format!("SET {key}"),
            Self::DropTable { name, .. } => format!("DROP TABLE {name}"),
            Self::DropView { name, .. } => format!("DROP VIEW {name}"),
            Self::Catalog(statement) => statement.title(),
        }
    }
}

/// `CREATE TABLE`: a table of the catalog over a source, or with the rows of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// The name of the table.
    pub name: String,
    /// The columns, unless the source is to find out.
    pub schema: Option<SchemaRef>,
    /// The format of the source; none: a table in memory, or parquet where there is a path.
    pub format: Option<String>,
    /// The options of the source.
    pub options: Options,
    /// The columns that the names of folders have.
    pub partition_by: Vec<String>,
    /// The rows that the table begins with.
    pub query: Option<Box<Query>>,
    /// Whether it is no error that the table exists.
    pub if_not_exists: bool,
    /// Whether a table of this name gives way.
    pub or_replace: bool,
}

/// `CREATE STREAMING TABLE`: a table that a running query writes.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateStreamingTable {
    /// The name of the table and of its query.
    pub name: String,
    /// The format of the sink; none: a table in memory.
    pub format: Option<String>,
    /// The options of the sink and of the query.
    pub options: Options,
    /// The columns by whose values rows are kept apart.
    pub partition_by: Vec<String>,
    /// What the query writes in each epoch.
    pub mode: OutputMode,
    /// When an epoch starts.
    pub trigger: Trigger,
    /// The query.
    pub query: Box<Query>,
    /// Whether it is no error that the table exists.
    pub if_not_exists: bool,
}

/// Reads a script: statements with semicolons between them.
///
/// # Errors
/// `Invalid` for what cannot be read, `Unsupported` for a statement that this engine does not
/// have; with line and column.
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    let all = dialect::tokenize(text)?;
    all.split(|token| token.token == Token::SemiColon)
        .map(|raw| (raw, significant(raw.to_vec())))
        .filter(|(_, tokens)| !tokens.is_empty())
        .map(
            |(raw, tokens)| {
                if is_word(&tokens[0], "SET") { set(raw, &tokens) } else { statement(&tokens) }
            },
        )
        .collect()
}

/// Reads a query, such as the text of a view.
///
/// # Errors
/// As [`parse`]; also for text that is no query, or more than one.
pub fn parse_query(text: &str) -> Result<Query> {
    match parse(text)?.as_mut_slice() {
        [Statement::Query(query)] => Ok((**query).clone()),
        _ => Err(Error::invalid(format!("`{text}` is not a single query"))),
    }
}

fn statement(tokens: &[TokenWithSpan]) -> Result<Statement> {
    let mut cursor = Cursor::new(tokens);
    if starts_query(&tokens[0]) {
        return query(tokens).map(Statement::Query);
    }
    if cursor.eat(&["CREATE"]) {
        create(&mut cursor)
    } else if cursor.eat(&["DROP"]) {
        drop_statement(&mut cursor)
    } else if cursor.eat(&["EXPLAIN"]) {
        explain(&mut cursor)
    } else if cursor.eat(&["SHOW", "STREAMING", "QUERIES"]) {
        cursor.end().map(|()| Statement::ShowStreamingQueries)
    } else if cursor.eat(&["STOP"]) {
        cursor.expect(&["STREAMING", "QUERY"])?;
        let if_exists = cursor.eat(&["IF", "EXISTS"]);
        let name = cursor.name("streaming query")?;
        cursor.end().map(|()| Statement::StopStreamingQuery { name, if_exists })
    } else if let Some(statement) = catalog::statement(&mut cursor, query_at)? {
        Ok(Statement::Catalog(statement))
    } else {
        Err(unsupported(tokens, ""))
    }
}

fn starts_query(first: &TokenWithSpan) -> bool {
    first.token == Token::LParen
        || ["SELECT", "WITH", "VALUES"].iter().any(|word| is_word(first, word))
}

fn query(tokens: &[TokenWithSpan]) -> Result<Box<Query>> {
    dialect::parse_query(tokens::rewrite(tokens)?).map(Box::new)
}

fn query_at(cursor: &Cursor<'_>) -> Result<Box<Query>> {
    match cursor.peek() {
        Some(first) if starts_query(first) => query(cursor.rest()),
        _ => Err(cursor.unexpected("a query")),
    }
}

/// The error of a statement that is not there, with its first words.
fn unsupported(tokens: &[TokenWithSpan], hint: &str) -> Error {
    let words: Vec<_> = tokens
        .iter()
        .map_while(|token| match &token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_uppercase()),
            _ => None,
        })
        .take(2)
        .collect();
    let name = if words.is_empty() { tokens[0].token.to_string() } else { words.join(" ") };
    unsupported_at(tokens[0].span.start, &format!("the statement `{name}` is not supported{hint}"))
}

fn create(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let start = cursor.rest();
    let or_replace = cursor.eat(&["OR", "REPLACE"]);
    if cursor.eat(&["TABLE"]) {
        create_table(cursor, or_replace)
    } else if cursor.eat(&["STREAMING", "TABLE"]) {
        if or_replace {
            return Err(at(
                cursor.location(),
                "a streaming table cannot be replaced; write STOP STREAMING QUERY and DROP TABLE first",
            ));
        }
        create_streaming_table(cursor)
    } else if cursor.eat(&["TEMPORARY", "VIEW"]) || cursor.eat(&["TEMP", "VIEW"]) {
        create_view(cursor, or_replace)
    } else if cursor.eat(&["VIEW"]) {
        Err(unsupported_at(
            cursor.location(),
            "a view lives as long as the session; write CREATE TEMPORARY VIEW",
        ))
    } else {
        Err(unsupported(
            start,
            " behind CREATE; there are CREATE TABLE, CREATE STREAMING TABLE and CREATE TEMPORARY VIEW",
        ))
    }
}

fn create_table(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<Statement> {
    let if_not_exists = cursor.eat(&["IF", "NOT", "EXISTS"]);
    if or_replace && if_not_exists {
        return Err(at(cursor.location(), "OR REPLACE and IF NOT EXISTS exclude each other"));
    }
    let name = cursor.name("table")?;
    let schema = match cursor.peek().map(|token| &token.token) {
        Some(Token::LParen) => Some(types::schema_of_tokens(cursor.parenthesized()?.to_vec())?),
        _ => None,
    };
    let mut clauses = clauses::table_clauses(cursor)?;
    let query = create_query(cursor)?;
    if query.is_some() && schema.is_some() {
        return Err(at(
            cursor.location(),
            &format!("table `{name}` has the columns of its query; leave out the list"),
        ));
    }
    let options = clauses.take_options()?;
    let says_nothing = clauses.format.is_none() && options.get("path").is_none();
    if schema.is_none() && query.is_none() && says_nothing {
        return Err(at(
            cursor.location(),
            &format!(
                "table `{name}` needs columns, a format or a query; add (column TYPE), USING json or AS SELECT, for example"
            ),
        ));
    }
    Ok(Statement::CreateTable(CreateTable {
        name,
        schema,
        options,
        format: clauses.format,
        partition_by: clauses.partition_by.unwrap_or_default(),
        query,
        if_not_exists,
        or_replace,
    }))
}

/// The query of CREATE TABLE, whose AS may be left out.
fn create_query(cursor: &mut Cursor<'_>) -> Result<Option<Box<Query>>> {
    if cursor.eat(&["AS"]) || cursor.peek().is_some() {
        return query_at(cursor).map(Some);
    }
    Ok(None)
}

fn create_streaming_table(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let if_not_exists = cursor.eat(&["IF", "NOT", "EXISTS"]);
    let name = cursor.name("streaming table")?;
    if cursor.peek().is_some_and(|token| token.token == Token::LParen) {
        return Err(unsupported_at(
            cursor.location(),
            "a streaming table has the columns of its query; leave out the list",
        ));
    }
    let mut clauses = clauses::streaming_table_clauses(cursor)?;
    Ok(Statement::CreateStreamingTable(CreateStreamingTable {
        name,
        options: clauses.take_options()?,
        format: clauses.format,
        partition_by: clauses.partition_by.unwrap_or_default(),
        mode: clauses.mode.unwrap_or_default(),
        trigger: clauses.trigger.unwrap_or_default(),
        query: query_at(cursor)?,
        if_not_exists,
    }))
}

fn create_view(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<Statement> {
    let name = cursor.name("view")?;
    if cursor.peek().is_some_and(|token| token.token == Token::LParen) {
        return Err(unsupported_at(
            cursor.location(),
            "a view has the columns of its query; name them there, with AS",
        ));
    }
    cursor.expect(&["AS"])?;
    Ok(Statement::CreateView { name, or_replace, query: query_at(cursor)? })
}

fn drop_statement(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let start = cursor.rest();
    let is_table = cursor.eat(&["TABLE"]);
    if !is_table && !cursor.eat(&["VIEW"]) {
        if start.is_empty() {
            return Err(cursor.unexpected("TABLE or VIEW"));
        }
        return Err(unsupported(start, " behind DROP; there are DROP TABLE and DROP VIEW"));
    }
    let if_exists = cursor.eat(&["IF", "EXISTS"]);
    let name = cursor.name(if is_table { "table" } else { "view" })?;
    cursor.end()?;
    Ok(if is_table {
        Statement::DropTable { name, if_exists }
    } else {
        Statement::DropView { name, if_exists }
    })
}

fn explain(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let mode = explain_mode(cursor)?;
    let Some(first) = cursor.peek() else { return Err(cursor.unexpected("a statement")) };
    if ["EXPLAIN", "ANALYZE", "VERBOSE", "SET"].iter().any(|word| is_word(first, word)) {
        return Err(unsupported(
            cursor.rest(),
            " behind EXPLAIN; there are EXPLAIN, EXPLAIN EXTENDED, EXPLAIN FORMATTED and EXPLAIN COST",
        ));
    }
    let statement = Box::new(statement(cursor.rest())?);
    Ok(Statement::Explain { mode, statement })
}

/// The mode behind EXPLAIN; none is the simple one, which has no word.
fn explain_mode(cursor: &mut Cursor<'_>) -> Result<ExplainMode> {
    let place = cursor.location();
    for word in ["EXTENDED", "FORMATTED", "COST", "CODEGEN"] {
        if cursor.eat(&[word]) {
            return word.parse().map_err(|why: Error| unsupported_at(place, &why.to_string()));
        }
    }
    Ok(ExplainMode::Simple)
}

/// `SET key`, `SET key = value`: the value is the text up to the end, blanks inside included.
fn set(raw: &[TokenWithSpan], tokens: &[TokenWithSpan]) -> Result<Statement> {
    let mut cursor = Cursor::new(tokens);
    cursor.expect(&["SET"])?;
    if cursor.peek().is_none() {
        return Err(cursor.unexpected("the name of a setting"));
    }
    let mut key = String::new();
    let mut assigned = false;
    while let Some(token) = cursor.take() {
        match &token.token {
            Token::Eq => {
                assigned = true;
                break;
            }
            Token::Word(word) => key.push_str(&word.value),
            Token::Period => key.push('.'),
            other => {
                return Err(at(
                    token.span.start,
                    &format!(
                        "`{other}` cannot be part of the name of a setting; write SET key = value"
                    ),
                ));
            }
        }
    }
    if !assigned {
        return Ok(Statement::Set { key, value: None });
    }
    let value = match cursor.rest() {
        [] => return Err(cursor.unexpected("a value")),
        [
            TokenWithSpan {
                token: Token::SingleQuotedString(text) | Token::DoubleQuotedString(text),
                ..
            },
        ] => text.clone(),
        [first, ..] => {
            let from = raw.iter().position(|t| t.span == first.span).unwrap_or_default();
            let is_comment = |token: &Token| {
                matches!(token, Token::Whitespace(blank) if !matches!(blank,
                    Whitespace::Space | Whitespace::Newline | Whitespace::Tab))
            };
            let kept = raw[from..].iter().filter(|token| !is_comment(&token.token));
            kept.map(|token| token.token.to_string()).collect::<String>()
        }
    };
    Ok(Statement::Set { key, value: Some(value.trim().to_owned()) })
}
