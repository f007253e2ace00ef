//! What the parser has no words for, as relations that it takes: a PIVOT of one reserved function.
//!
//! A pivot stands behind its relation, as STREAM and WATERMARK do in the end, holds expressions,
//! and holds the relation below as a relation, so that tables are found in it. Nothing but the
//! passes here writes these functions, and [`read`] is the only one to tell them apart.

use sqlparser::ast::{
    Expr, ExprWithAlias, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, PivotValueSource, TableFactor, Value,
};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use crate::event_time::window::WindowSpec;

const STREAM: &str = "__millstream_stream";
const WATERMARK: &str = "__millstream_watermark";
const WINDOW: &str = "__millstream_window";
const GENERATOR: &str = "__millstream_generator";
/// What the token pass writes for the patterns of `LIKE ANY`, and for those of `LIKE ALL`.
pub(super) const LIKE_ANY: &str = "__millstream_any";
/// See [`LIKE_ANY`].
pub(super) const LIKE_ALL: &str = "__millstream_all";
const UNUSED: &str = "__millstream";

/// What a relation is to be turned into.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Marker {
    /// The unbounded form of a table.
    Stream,
    /// A relation with a watermark on one of its columns, or on one that is added under `name`.
    Watermark {
        /// The column, or what is added.
        event_time: Box<Expr>,
        /// The name of the added column.
        name: Option<Ident>,
        /// How late rows may be, in microseconds.
        delay: u64,
    },
    /// A relation whose rows are copied into their windows.
    Window {
        /// The time.
        time: Box<Expr>,
        /// The windows.
        spec: WindowSpec,
    },
    /// A relation each of whose rows becomes as many as a generator gives for it.
    Generator {
        /// The call of the generator.
        call: Box<Function>,
        /// What stands before its columns.
        qualifier: Ident,
        /// What else there is to say.
        shape: GeneratorShape,
    },
}

/// How the rows and columns of a generator join those of its relation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct GeneratorShape {
    /// A row for which it gives no rows stays, with nulls.
    pub(super) outer: bool,
    /// The columns of the relation go away.
    pub(super) alone: bool,
    /// The names of its columns; none for its own.
    pub(super) columns: Vec<String>,
}

/// What the marked relation `factor` is to be turned into; `None` for any other relation.
pub(super) fn read(factor: &TableFactor) -> Option<Marker> {
    let TableFactor::Pivot { aggregate_functions, value_source, .. } = factor else { return None };
    let [ExprWithAlias { expr: Expr::Function(function), alias }] = aggregate_functions.as_slice()
    else {
        return None;
    };
    let argument = || only_argument(function).cloned().map(Box::new);
    if function.name.to_string() == GENERATOR {
        let Some(Expr::Function(call)) = only_argument(function) else { return None };
        let (call, qualifier) = (Box::new(call.clone()), alias.clone()?);
        return Some(Marker::Generator { call, qualifier, shape: shape_of(value_source)? });
    }
    let numbers = numbers_of(value_source);
    match (function.name.to_string().as_str(), numbers.as_slice()) {
        (STREAM, _) => Some(Marker::Stream),
        (WATERMARK, [delay]) => Some(Marker::Watermark {
            event_time: argument()?,
            name: alias.clone(),
            delay: u64::try_from(*delay).ok()?,
        }),
        (WINDOW, [width, slide, start]) => Some(Marker::Window {
            time: argument()?,
            spec: WindowSpec::try_new(*width, *slide, *start).ok()?,
        }),
        _ => None,
    }
}

/// The event time of a marked relation, to be resolved in place.
pub(super) fn event_time_mut(functions: &mut [ExprWithAlias]) -> Option<&mut Expr> {
    let [ExprWithAlias { expr: Expr::Function(function), .. }] = functions else { return None };
    let FunctionArguments::List(list) = &mut function.args else { return None };
    match list.args.as_mut_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => Some(expr),
        _ => None,
    }
}

/// The tokens that turn the relation before them into a stream.
pub(super) fn stream_tokens(span: Span) -> Vec<TokenWithSpan> {
    tokens(STREAM, Vec::new(), None, 0, span)
}

/// The tokens that put a watermark on the relation before them.
pub(super) fn watermark_tokens(
    event_time: Vec<TokenWithSpan>,
    name: Option<TokenWithSpan>,
    delay: u64,
    span: Span,
) -> Vec<TokenWithSpan> {
    tokens(WATERMARK, event_time, name, delay, span)
}

/// `relation` with its rows copied into windows of `time`.
pub(super) fn window(relation: TableFactor, time: Expr, spec: WindowSpec) -> TableFactor {
    let numbers = [spec.width(), spec.slide(), spec.start()];
    marked(relation, WINDOW, (time, None), numbers.iter().map(ToString::to_string))
}

/// `relation` with the rows and columns of a generator.
pub(super) fn generator(
    relation: TableFactor,
    call: Function,
    qualifier: Ident,
    shape: GeneratorShape,
) -> TableFactor {
    let words = [
        if shape.outer { OUTER } else { "" }.to_owned(),
        if shape.alone { ALONE } else { "" }.to_owned(),
    ];
    let texts = words.into_iter().chain(shape.columns);
    marked(relation, GENERATOR, (Expr::Function(call), Some(qualifier)), texts)
}

const OUTER: &str = "outer";
const ALONE: &str = "alone";

fn shape_of(source: &PivotValueSource) -> Option<GeneratorShape> {
    let mut texts = texts_of(source).into_iter();
    let (outer, alone) = (texts.next()? == OUTER, texts.next()? == ALONE);
    Some(GeneratorShape { outer, alone, columns: texts.collect() })
}

fn marked(
    relation: TableFactor,
    function: &str,
    (argument, alias): (Expr, Option<Ident>),
    texts: impl Iterator<Item = String>,
) -> TableFactor {
    let text =
        |text| ExprWithAlias { expr: Expr::value(Value::SingleQuotedString(text)), alias: None };
    let function = Function {
        name: ObjectName::from(vec![Ident::new(function)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    };
    TableFactor::Pivot {
        table: Box::new(relation),
        aggregate_functions: vec![ExprWithAlias { expr: Expr::Function(function), alias }],
        value_column: vec![Expr::Identifier(Ident::new(UNUSED))],
        value_source: PivotValueSource::List(texts.map(text).collect()),
        default_on_null: None,
        alias: None,
    }
}

fn only_argument(function: &Function) -> Option<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => Some(expr),
        _ => None,
    }
}

fn numbers_of(source: &PivotValueSource) -> Vec<i64> {
    texts_of(source).iter().filter_map(|text| text.parse().ok()).collect()
}

fn texts_of(source: &PivotValueSource) -> Vec<String> {
    let PivotValueSource::List(values) = source else { return Vec::new() };
    values
        .iter()
        .filter_map(|value| match &value.expr {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

/// `PIVOT (function(argument) [AS name] FOR unused IN ('number'))`, all at one place.
fn tokens(
    function: &str,
    argument: Vec<TokenWithSpan>,
    name: Option<TokenWithSpan>,
    number: u64,
    span: Span,
) -> Vec<TokenWithSpan> {
    let at = |token| TokenWithSpan::new(token, span);
    let word = |text: &str| at(Token::make_word(text, None));
    let mut all = vec![word("PIVOT"), at(Token::LParen), word(function), at(Token::LParen)];
    all.extend(argument);
    all.push(at(Token::RParen));
    if let Some(name) = name {
        all.push(word("AS"));
        all.push(name);
    }
    all.extend([word("FOR"), word(UNUSED), word("IN"), at(Token::LParen)]);
    all.push(at(Token::SingleQuotedString(number.to_string())));
    all.extend([at(Token::RParen), at(Token::RParen)]);
    all
}
