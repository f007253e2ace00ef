//! Files that a query names where a table may stand.
//!
//! | in FROM | what is read |
//! |---|---|
//! | ``csv.`path` `` | a file, a folder or a pattern of paths in this format |
//! | `'path/*.csv'` | the same; the format is what the ends of the names say |
//! | `read_csv('path', header => true)` | the same with options, `read_json` and so on alike |
//! | `read_files('path', format => 'csv')` | the same with the format among the options |
//!
//! They are opened before names are resolved, and from then on are tables of a catalog that only
//! the one query sees.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::execution::SessionState;
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Query, TableFactor, TableFunctionArgs,
    UnaryOperator, Value, VisitMut, VisitorMut,
};

use crate::connector::options::Options;
use crate::error::{Error, Result};
use crate::sql::tables::parts_of;
use crate::sql::types::parse_schema;

/// The catalog of the files of a query. No name without quotes is like it.
pub(super) const FILES_CATALOG: &str = "files:";

/// Formats that others read, to tell them from names of databases.
const OTHER_FORMATS: &[&str] =
    &["avro", "binaryfile", "delta", "excel", "hudi", "iceberg", "orc", "xml"];

/// What the ends of names say of the format, besides its own name.
const ENDINGS: &[(&str, &str)] = &[
    ("arrows", "arrow"),
    ("feather", "arrow"),
    ("ipc", "arrow"),
    ("jsonl", "json"),
    ("ndjson", "json"),
    ("parq", "parquet"),
    ("tsv", "csv"),
    ("txt", "text"),
];

/// The ends of names of compressed files, which stand behind the one that says the format.
const COMPRESSIONS: &[&str] =
    &["bz2", "deflate", "gz", "gzip", "lz4", "snappy", "xz", "zst", "zstd"];

/// Files that a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFiles {
    /// The format, which somebody reads.
    pub format: String,
    /// The paths, one at least.
    pub paths: Vec<String>,
    /// The options of the format, without the paths.
    pub options: Options,
    /// The columns; none: the files tell.
    pub schema: Option<SchemaRef>,
}

/// Opens the files that a query names.
#[async_trait]
pub trait FileTables: Debug + Send + Sync {
    /// The formats that files can be read in.
    fn formats(&self) -> Vec<String>;

    /// The table of these files.
    ///
    /// # Errors
    /// `NotFound` for a path where nothing is; those of the options and of the files.
    async fn open(&self, files: &NamedFiles) -> Result<Arc<dyn TableProvider>>;
}

/// Puts tables in the place of the files that `query` names, and gives a state that knows them;
/// none where it names none.
///
/// # Errors
/// Those of calls that make no sense, and of [`FileTables::open`].
pub(super) async fn open(
    query: &mut Query,
    state: &SessionState,
    files: &dyn FileTables,
) -> Result<Option<Box<SessionState>>> {
    let functions = state.table_functions().keys().cloned().collect();
    let databases = databases(state);
    let mut finder = Finder { formats: files.formats(), databases, functions, found: vec![] };
    if let ControlFlow::Break(error) = query.visit(&mut finder) {
        return Err(error);
    }
    if finder.found.is_empty() {
        return Ok(None);
    }
    let catalog = MemoryCatalogProvider::new();
    let mut opened: Vec<(&NamedFiles, Arc<dyn TableProvider>)> = vec![];
    for Found { name, files: wanted } in &finder.found {
        let table = match opened.iter().find(|(files, _)| *files == wanted) {
            Some((_, table)) => Arc::clone(table),
            None => files.open(wanted).await?,
        };
        let schema = match catalog.schema(&wanted.format) {
            Some(schema) => schema,
            None => {
                let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
                catalog.register_schema(&wanted.format, Arc::clone(&schema))?;
                schema
            }
        };
        schema.register_table(name.clone(), Arc::clone(&table))?;
        opened.push((wanted, table));
    }
    let tables = Arc::clone(state.catalog_list());
    let mut state = Box::new(state.clone());
    state.register_catalog_list(Arc::new(WithFiles { tables, files: Arc::new(catalog) }));
    Ok(Some(state))
}

fn databases(state: &SessionState) -> Vec<String> {
    let catalog = &state.config_options().catalog.default_catalog;
    state.catalog_list().catalog(catalog).map(|catalog| catalog.schema_names()).unwrap_or_default()
}

/// The catalogs of a session and the files of one query.
#[derive(Debug)]
struct WithFiles {
    tables: Arc<dyn CatalogProviderList>,
    files: Arc<dyn CatalogProvider>,
}

impl CatalogProviderList for WithFiles {
    fn register_catalog(
        &self,
        name: String,
        catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        self.tables.register_catalog(name, catalog)
    }

    fn catalog_names(&self) -> Vec<String> {
        let mut names = self.tables.catalog_names();
        names.push(FILES_CATALOG.to_owned());
        names
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        if name == FILES_CATALOG {
            return Some(Arc::clone(&self.files));
        }
        self.tables.catalog(name)
    }
}

/// Files and the name that stands for them in the query.
struct Found {
    name: String,
    files: NamedFiles,
}

/// Gathers the files that a query names, and writes names of tables in their places.
struct Finder {
    formats: Vec<String>,
    databases: Vec<String>,
    /// Functions of the session that give tables.
    functions: Vec<String>,
    found: Vec<Found>,
}

impl VisitorMut for Finder {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let TableFactor::Table { name, args, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let named = match args {
            None => self.named(&parts_of(name)),
            Some(args) => self.called(name, args),
        };
        match named {
            Ok(Some(files)) => {
                *name = self.note(files);
                *args = None;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Finder {
    /// The files of ``csv.`path` `` or `'path.csv'`; none for the name of a table.
    fn named(&self, parts: &[Ident]) -> Result<Option<NamedFiles>> {
        match parts {
            [path] if is_text(path) => {
                self.files(None, vec![path.value.clone()], Options::default(), None).map(Some)
            }
            [format, path] => {
                let is_it = |name: &&String| name.eq_ignore_ascii_case(&format.value);
                if self.databases.iter().any(|name| is_it(&name)) {
                    return Ok(None);
                }
                let is_format = self.formats.iter().any(|name| is_it(&name))
                    || OTHER_FORMATS.iter().any(|name| name.eq_ignore_ascii_case(&format.value))
                    || path.value.contains(['/', '*']);
                if !is_format {
                    return Ok(None);
                }
                let paths = vec![path.value.clone()];
                self.files(Some(&format.value), paths, Options::default(), None).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The files of `read_csv(..)` and its like; none for another function.
    fn called(&self, name: &ObjectName, args: &TableFunctionArgs) -> Result<Option<NamedFiles>> {
        let parts = parts_of(name);
        let [function] = parts.as_slice() else { return Ok(None) };
        let function = function.value.to_ascii_lowercase();
        let Some(of) = function.strip_prefix("read_") else { return Ok(None) };
        let mut format = match of {
            "files" => None,
            format if self.is_format(format) => Some(format.to_owned()),
            _ if self.functions.contains(&function) => return Ok(None),
            _ => {
                let formats = self.formats.iter().map(|format| format!("read_{format}"));
                return Err(Error::invalid(format!(
                    "there is no function `{function}`; there are read_files, {}",
                    formats.collect::<Vec<_>>().join(", ")
                )));
            }
        };
        let (mut paths, mut options, mut schema) = (None, Options::default(), None);
        for arg in &args.args {
            let (given, arg) = match arg {
                FunctionArg::Unnamed(arg) => (None, arg),
                FunctionArg::Named { name, arg, .. } => (Some(name.value.as_str()), arg),
                FunctionArg::ExprNamed { .. } => {
                    return Err(Error::invalid(format!(
                        "`{function}` cannot take `{arg}`; write the name of an option, =>, and its value"
                    )));
                }
            };
            let FunctionArgExpr::Expr(value) = arg else {
                return Err(Error::invalid(format!("`{function}` cannot take `{arg}`")));
            };
            let lower = given.map(str::to_ascii_lowercase);
            match lower.as_deref() {
                None | Some("path" | "paths") => {
                    if paths.replace(path_list(&function, value)?).is_some() {
                        return Err(Error::invalid(format!(
                            "`{function}` was given a path twice; several are one array, and options have names: {function}(array('a', 'b'), option => value)"
                        )));
                    }
                }
                Some("format") if of == "files" => {
                    format = Some(option_value(&function, "format", value)?);
                }
                Some("schema") => {
                    schema = Some(parse_schema(&option_value(&function, "schema", value)?)?);
                }
                Some(lower) => {
                    let given = given.unwrap_or(lower);
                    if options.get(given).is_some() {
                        return Err(Error::invalid(format!(
                            "`{function}` was given the option `{given}` twice"
                        )));
                    }
                    options.set(given, option_value(&function, given, value)?);
                }
            }
        }
        let paths = paths.ok_or_else(|| {
            Error::invalid(format!(
                "`{function}` needs a path: {function}('folder', option => value)"
            ))
        })?;
        self.files(format.as_deref(), paths, options, schema).map(Some)
    }

    fn is_format(&self, name: &str) -> bool {
        self.formats.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Files with their format settled.
    fn files(
        &self,
        format: Option<&str>,
        paths: Vec<String>,
        mut options: Options,
        schema: Option<SchemaRef>,
    ) -> Result<NamedFiles> {
        let format = match format {
            Some(format) => format.to_ascii_lowercase(),
            None => self.format_of_paths(&paths)?,
        };
        if !self.is_format(&format) {
            return Err(Error::unsupported(format!(
                "files cannot be read in the format `{format}`; there are {}",
                self.formats.join(", ")
            )));
        }
        let is_tabs = |path: &String| ending(path).as_deref() == Some("tsv");
        if format == "csv"
            && paths.iter().all(is_tabs)
            && ["sep", "delimiter"].iter().all(|name| options.get(name).is_none())
        {
            options.set("sep", "\t");
        }
        Ok(NamedFiles { format, paths, options, schema })
    }

    /// The format that the ends of all paths say.
    fn format_of_paths(&self, paths: &[String]) -> Result<String> {
        let mut format: Option<String> = None;
        for path in paths {
            let Some(next) = ending(path).and_then(|ending| self.format_of(&ending)) else {
                return Err(Error::invalid(format!(
                    "the name `{path}` does not say the format of the files; write csv.`{path}`, or read_files('{path}', format => 'csv'); there are {}",
                    self.formats.join(", ")
                )));
            };
            if format.as_ref().is_some_and(|format| *format != next) {
                return Err(Error::invalid(format!(
                    "the files of one table have one format, and `{path}` is {next}; read the others in a query of their own"
                )));
            }
            format = Some(next);
        }
        format.ok_or_else(|| Error::invalid("an array of paths cannot be empty"))
    }

    fn format_of(&self, ending: &str) -> Option<String> {
        let named = ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format);
        Some(named.unwrap_or(ending)).filter(|format| self.is_format(format)).map(str::to_owned)
    }

    /// Gives files a name that no other has, whatever its case.
    fn note(&mut self, files: NamedFiles) -> ObjectName {
        let path = files.paths.join(", ");
        let is_taken = |name: &str| {
            let mut all = self.found.iter();
            all.any(|found| found.name.to_lowercase() == name.to_lowercase())
        };
        let mut name = path.clone();
        let mut number = 1;
        while is_taken(&name) {
            number += 1;
            name = format!("{path} ({number})");
        }
        let parts = [FILES_CATALOG, &files.format, &name];
        let parts = parts.map(|part| Ident::with_quote('`', part)).to_vec();
        self.found.push(Found { name, files });
        ObjectName::from(parts)
    }
}

/// Whether a name is a text in truth: in single quotes, or in double quotes and like a path.
fn is_text(name: &Ident) -> bool {
    match name.quote_style {
        Some('\'') => true,
        Some('"') => name.value.contains(['.', '/', '*']),
        _ => false,
    }
}

/// What stands behind the last dot of the last name of a path, in lower case, without a
/// compression.
fn ending(path: &str) -> Option<String> {
    let name = path.trim_end_matches('/').rsplit('/').next()?.to_ascii_lowercase();
    let (stem, last) = name.rsplit_once('.')?;
    if COMPRESSIONS.contains(&last) {
        return stem.rsplit_once('.').map(|(_, ending)| ending.to_owned());
    }
    Some(last.to_owned())
}

/// A text, or an array of texts.
fn path_list(function: &str, value: &Expr) -> Result<Vec<String>> {
    if let Some(path) = text(value) {
        return Ok(vec![path]);
    }
    let items: Option<Vec<String>> = match value {
        Expr::Array(array) => array.elem.iter().map(text).collect(),
        Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("array") => {
            let sqlparser::ast::FunctionArguments::List(list) = &call.args else {
                return Err(not_a_path(function, value));
            };
            let item = |arg: &FunctionArg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(item)) => text(item),
                _ => None,
            };
            list.args.iter().map(item).collect()
        }
        _ => None,
    };
    items.filter(|items| !items.is_empty()).ok_or_else(|| not_a_path(function, value))
}

fn not_a_path(function: &str, value: &Expr) -> Error {
    Error::invalid(format!(
        "`{function}` cannot read `{value}`; a path is a text in quotes, and several are array('a', 'b')"
    ))
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The value of an option as its text.
fn option_value(function: &str, name: &str, value: &Expr) -> Result<String> {
    let number = |value: &Expr| match value {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => Some(digits.clone()),
            _ => None,
        },
        _ => None,
    };
    let found = match value {
        Expr::Value(given) => match &given.value {
            Value::Boolean(flag) => Some(flag.to_string()),
            _ => text(value).or_else(|| number(value)),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            number(expr).map(|digits| format!("-{digits}"))
        }
        _ => None,
    };
    found.ok_or_else(|| {
        Error::invalid(format!(
            "the option `{name}` of `{function}` cannot be `{value}`; it is a text in quotes, a number, true or false"
        ))
    })
}
