//! The statements that look at the catalog, and the one that puts rows into a table.

use sqlparser::ast::Query;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Result;
use crate::sql::cursor::{Cursor, is_word};
use crate::sql::dialect::{at, unsupported_at};

/// A look at the catalog.
#[derive(Debug, Clone, PartialEq)]
pub enum CatalogStatement {
    /// `SHOW TABLES`, `SHOW VIEWS`, `SHOW FUNCTIONS`, `SHOW DATABASES`, each with a pattern.
    Show {
        /// What is listed.
        what: Listed,
        /// Names to list, `*` for any text and `|` between alternatives.
        like: Option<String>,
    },
    /// `SHOW COLUMNS IN name`
    ShowColumns {
        /// The name of the table or view.
        table: String,
    },
    /// `SHOW COLUMNS IN` files that are named in place of a table, as a query over them.
    ShowColumnsOfQuery(Box<Query>),
    /// `DESCRIBE name`
    Describe {
        /// The name of the table or view.
        table: String,
    },
    /// `DESCRIBE query`, also that of files that are named in place of a table
    DescribeQuery(Box<Query>),
    /// `USE name`, with the name of the one database
    UseDatabase,
    /// `INSERT INTO name query`
    Insert {
        /// The name of the table.
        table: String,
        /// The columns that get the values; none: all in their order.
        columns: Vec<String>,
        /// The rows.
        query: Box<Query>,
    },
}

impl CatalogStatement {
    /// What the statement does and to what, such as `DESCRIBE clicks`.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Show { what, .. } => format!("SHOW {}", format!("{what:?}").to_uppercase()),
            Self::ShowColumns { table } => format!("SHOW COLUMNS IN {table}"),
            Self::ShowColumnsOfQuery(_) => "SHOW COLUMNS".to_owned(),
            Self::Describe { table } => format!("DESCRIBE {table}"),
            Self::DescribeQuery(_) => "DESCRIBE query".to_owned(),
            Self::UseDatabase => "USE".to_owned(),
            Self::Insert { table, .. } => format!("INSERT INTO {table}"),
        }
    }
}

/// What there are lists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Tables and views.
    Tables,
    /// Views.
    Views,
    /// Functions.
    Functions,
    /// Databases, of which there is one.
    Databases,
}

/// The one database, by Spark's name for it.
pub const DATABASE: &str = "default";

/// How a query in a statement is read.
type ReadQuery = fn(&Cursor<'_>) -> Result<Box<Query>>;

/// Reads a statement of this file, if it is one.
pub(super) fn statement(
    cursor: &mut Cursor<'_>,
    query: ReadQuery,
) -> Result<Option<CatalogStatement>> {
    if cursor.eat(&["DESCRIBE"]) || cursor.eat(&["DESC"]) {
        return describe(cursor, query).map(Some);
    }
    if cursor.eat(&["INSERT"]) {
        return insert(cursor, query).map(Some);
    }
    if cursor.eat(&["USE"]) {
        let _kind = ["SCHEMA", "DATABASE", "NAMESPACE"].iter().any(|kind| cursor.eat(&[kind]));
        database(cursor)?;
        return cursor.end().map(|()| Some(CatalogStatement::UseDatabase));
    }
    if cursor.eat(&["SHOW", "COLUMNS"]) {
        if !cursor.eat(&["IN"]) {
            cursor.expect(&["FROM"])?;
        }
        if let Some(files) = files(cursor, query)? {
            return Ok(Some(CatalogStatement::ShowColumnsOfQuery(files)));
        }
        let table = cursor.name("table or view")?;
        return cursor.end().map(|()| Some(CatalogStatement::ShowColumns { table }));
    }
    let listed = [
        ("TABLES", Listed::Tables),
        ("VIEWS", Listed::Views),
        ("FUNCTIONS", Listed::Functions),
        ("DATABASES", Listed::Databases),
        ("SCHEMAS", Listed::Databases),
    ];
    for (word, what) in listed {
        if cursor.eat(&["SHOW", word]) {
            if cursor.eat(&["IN"]) || cursor.eat(&["FROM"]) {
                database(cursor)?;
            }
            let like = pattern(cursor)?;
            return cursor.end().map(|()| Some(CatalogStatement::Show { what, like }));
        }
    }
    Ok(None)
}

/// The one database there is.
fn database(cursor: &mut Cursor<'_>) -> Result<()> {
    let place = cursor.location();
    let name = cursor.name("database")?;
    if name.eq_ignore_ascii_case(DATABASE) {
        return Ok(());
    }
    Err(at(place, &format!("there is no database `{name}`; there is one, `{DATABASE}`")))
}

fn pattern(cursor: &mut Cursor<'_>) -> Result<Option<String>> {
    let is_said = cursor.eat(&["LIKE"]);
    if !is_said && cursor.peek().is_none() {
        return Ok(None);
    }
    cursor.string("pattern").map(|pattern| Some(pattern.to_owned()))
}

fn describe(cursor: &mut Cursor<'_>, query: ReadQuery) -> Result<CatalogStatement> {
    let is_query = |cursor: &Cursor<'_>| {
        let words = ["SELECT", "WITH", "VALUES"];
        cursor.peek().is_some_and(|first| words.iter().any(|word| is_word(first, word)))
    };
    if cursor.eat(&["QUERY"]) || is_query(cursor) {
        return query(cursor).map(CatalogStatement::DescribeQuery);
    }
    for more in ["EXTENDED", "FORMATTED", "FUNCTION", "DATABASE"] {
        let place = cursor.location();
        if cursor.eat(&[more]) {
            let what = format!("DESCRIBE {more} is not supported; there is DESCRIBE name");
            return Err(unsupported_at(place, &what));
        }
    }
    cursor.eat(&["TABLE"]);
    if let Some(files) = files(cursor, query)? {
        return Ok(CatalogStatement::DescribeQuery(files));
    }
    let table = cursor.name("table or view")?;
    cursor.end().map(|()| CatalogStatement::Describe { table })
}

/// Files that are named in place of a table, up to the end of the statement, as the query of all
/// that is in them: ``csv.`path` ``, `'path.csv'`, `read_csv('path')`.
fn files(cursor: &Cursor<'_>, query: ReadQuery) -> Result<Option<Box<Query>>> {
    let [first, rest @ ..] = cursor.rest() else { return Ok(None) };
    let is_files = match &first.token {
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => true,
        Token::Word(_) => {
            rest.first().is_some_and(|next| matches!(next.token, Token::Period | Token::LParen))
        }
        _ => false,
    };
    if !is_files {
        return Ok(None);
    }
    let word = |token| TokenWithSpan::new(token, first.span);
    let mut tokens = vec![
        word(Token::make_word("SELECT", None)),
        word(Token::Mul),
        word(Token::make_word("FROM", None)),
    ];
    tokens.extend_from_slice(cursor.rest());
    query(&Cursor::new(&tokens)).map(Some)
}

fn insert(cursor: &mut Cursor<'_>, query: ReadQuery) -> Result<CatalogStatement> {
    let place = cursor.location();
    if cursor.eat(&["OVERWRITE"]) {
        return Err(unsupported_at(
            place,
            "INSERT OVERWRITE is not supported; tables only grow, there is INSERT INTO",
        ));
    }
    cursor.expect(&["INTO"])?;
    cursor.eat(&["TABLE"]);
    let table = cursor.name("table")?;
    let mut columns = vec![];
    let is_list = |token: &Token| *token == Token::LParen;
    if cursor.peek().is_some_and(|token| is_list(&token.token)) && !starts_subquery(cursor) {
        let mut names = Cursor::new(cursor.parenthesized()?);
        loop {
            columns.push(names.name("column")?);
            if !names.eat_token(&Token::Comma) {
                break;
            }
        }
        names.end()?;
    }
    Ok(CatalogStatement::Insert { table, columns, query: query(cursor)? })
}

/// Whether the parenthesis that comes next holds a query and not a list of names.
fn starts_subquery(cursor: &Cursor<'_>) -> bool {
    let words = ["SELECT", "WITH", "VALUES"];
    cursor.rest().get(1).is_some_and(|inner| {
        inner.token == Token::LParen || words.iter().any(|word| is_word(inner, word))
    })
}
