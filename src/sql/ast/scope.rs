//! The columns that a query block can see, and what a name in it stands for.

use arrow::datatypes::{DataType, Fields};
use sqlparser::ast::{Expr, Ident};

use crate::column_names::{is_twin, shown};
use crate::error::{Error, Result};
use crate::sql::relation_planner::INPUT_WINDOW_COLUMN;

/// A column that a name may stand for.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// The name that users know it by.
    pub(super) name: String,
    /// What to write for it; another name only for a `window` that a new one hides.
    pub(super) written: String,
    /// The type where it is known without planning.
    pub(super) data_type: Option<DataType>,
    /// Whether a USING made one column of it and another.
    pub(super) using: Using,
    /// The columns of the other sides of FULL JOINs that it stands for where it is null.
    pub(super) others: Vec<Place>,
}

/// Which relation of a scope has a column, and which of its columns that is.
pub(super) type Place = (usize, usize);

/// What a USING, or a NATURAL join, did to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Using {
    /// Nothing.
    No,
    /// It stands for both.
    Kept,
    /// The other one stands for it; it is found by its qualifier only.
    Hidden,
}

impl Column {
    /// A column under its own name.
    pub(super) fn new(name: impl Into<String>, data_type: Option<DataType>) -> Self {
        let name = name.into();
        Self { written: name.clone(), name, data_type, using: Using::No, others: Vec::new() }
    }

    /// A column of a plan, whose name there may be one of ours.
    pub(super) fn planned(written: &str, data_type: Option<DataType>) -> Self {
        let name = shown(written).to_owned();
        let written = written.to_owned();
        Self { written, name, data_type, using: Using::No, others: Vec::new() }
    }

    /// Whether a name in a query, or one that stands for it, means this column.
    fn answers_to(&self, name: &str) -> bool {
        if is_twin(name) { self.written == name } else { same(&self.name, name) }
    }
}

/// Columns that share a qualifier.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    /// What may stand before the columns, such as `[t]` or `[schema, t]`.
    pub(super) qualifier: Vec<String>,
    /// What to write for it; another one only where a relation before it has the same.
    pub(super) written: Vec<String>,
    /// The columns; what a table function makes is not known.
    pub(super) columns: Vec<Column>,
}

/// All that a query block can see.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// The relations of FROM.
    pub(super) relations: Vec<Relation>,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// How many of its parts are the qualifier.
    pub(super) qualifier_parts: usize,
    /// The true spelling of the name, all parts.
    pub(super) parts: Vec<String>,
    /// The type of the whole, where it is known.
    pub(super) data_type: Option<DataType>,
    /// Which relation of the scope has the column, and which of its columns that is; `None` for a
    /// column of SELECT, and for one that only its planner knows.
    pub(super) place: Option<Place>,
    /// The columns that it stands for where it is null.
    pub(super) others: Vec<Place>,
}

impl Found {
    /// The fields behind the column.
    pub(super) fn fields(&self) -> &[String] {
        self.parts.get(self.qualifier_parts + 1..).unwrap_or_default()
    }
}

impl Scope {
    /// Finds what `parts` stands for: a column with a qualifier before a column with fields.
    ///
    /// # Errors
    /// `Invalid` where two columns fit.
    pub(super) fn find(&self, parts: &[Ident]) -> Result<Option<Found>> {
        if let [only] = parts
            && let Some((relation, column)) = exact_place(&only.value)
        {
            return Ok(self.at(relation, column));
        }
        for qualifier_parts in (0..parts.len()).rev() {
            if let Some(found) = self.find_split(parts, qualifier_parts)? {
                return Ok(Some(found));
            }
        }
        Ok(self.find_unknown(parts))
    }

    /// A column of a relation whose columns are not known: only the qualifier can be spelled.
    fn find_unknown(&self, parts: &[Ident]) -> Option<Found> {
        let [qualifier, rest @ ..] = parts else { return None };
        let mut unknown = self.relations.iter().filter(|relation| relation.columns.is_empty());
        let relation = unknown.find(|relation| {
            !relation.qualifier.is_empty()
                && !rest.is_empty()
                && relation.answers_to(std::slice::from_ref(qualifier))
        })?;
        let mut spelled = relation.written.clone();
        spelled.extend(rest.iter().map(|part| part.value.clone()));
        let qualifier_parts = relation.written.len();
        Some(Found {
            qualifier_parts,
            parts: spelled,
            data_type: None,
            place: None,
            others: Vec::new(),
        })
    }

    fn find_split(&self, parts: &[Ident], qualifier_parts: usize) -> Result<Option<Found>> {
        let (qualifier, name) = parts.split_at(qualifier_parts);
        let [name, fields @ ..] = name else { return Ok(None) };
        let matches: Vec<(&Relation, &Column)> = self
            .relations
            .iter()
            .filter(|relation| relation.answers_to(qualifier))
            .flat_map(|relation| relation.columns.iter().map(move |column| (relation, column)))
            .filter(|(_, column)| column.answers_to(&name.value))
            .filter(|(_, column)| !qualifier.is_empty() || column.using != Using::Hidden)
            .collect();
        // A window of the input gives way to the new one, unless its relation is named.
        let visible: Vec<_> =
            matches.iter().copied().filter(|(_, c)| c.written != INPUT_WINDOW_COLUMN).collect();
        let matches = if matches.len() > 1 && visible.len() == 1 { visible } else { matches };
        let (relation, column) = match matches.as_slice() {
            [] => return Ok(None),
            [only] => *only,
            all => return Err(ambiguous(&name.value, all)),
        };
        // DataFusion knows of both columns of a USING, so the one that stands is named in full.
        let qualify = !qualifier.is_empty() || column.using == Using::Kept;
        let mut spelled = if qualify { relation.written.clone() } else { Vec::new() };
        let qualifier_written = spelled.len();
        spelled.push(column.written.clone());
        let data_type = spell_fields(column.data_type.as_ref(), fields, &mut spelled)?;
        let place = self.place_of(relation, column);
        let others = if qualifier.is_empty() { column.others.clone() } else { Vec::new() };
        Ok(Some(Found {
            qualifier_parts: qualifier_written,
            parts: spelled,
            data_type,
            place,
            others,
        }))
    }

    /// The column at a place.
    fn at(&self, relation: usize, column: usize) -> Option<Found> {
        let relation_there = self.relations.get(relation)?;
        let column_there = relation_there.columns.get(column)?;
        let mut parts = relation_there.written.clone();
        parts.push(column_there.written.clone());
        Some(Found {
            qualifier_parts: relation_there.written.len(),
            parts,
            data_type: column_there.data_type.clone(),
            place: Some((relation, column)),
            others: Vec::new(),
        })
    }

    /// The column that a resolved name is written for.
    pub(super) fn find_written(&self, parts: &[Ident]) -> Option<&Column> {
        let (name, qualifier) = parts.split_last()?;
        let mut relations = self.relations.iter().filter(|relation| {
            let written = relation.written.iter().map(String::as_str);
            written.eq(qualifier.iter().map(|part| part.value.as_str()))
        });
        let columns = &relations.next()?.columns;
        columns.iter().find(|column| column.written == name.value)
    }

    /// Where a column of a relation is.
    pub(super) fn place_of(&self, relation: &Relation, column: &Column) -> Option<Place> {
        let at = self.relations.iter().position(|own| std::ptr::eq(own, relation))?;
        Some((at, relation.columns.iter().position(|own| std::ptr::eq(own, column))?))
    }

    /// The columns that `*` stands for: those of USING once, and in front.
    pub(super) fn all_columns(&self) -> Vec<(&Relation, &Column)> {
        let all = |using| {
            self.relations
                .iter()
                .flat_map(|relation| relation.columns.iter().map(move |column| (relation, column)))
                .filter(move |(_, column)| column.using == using)
        };
        all(Using::Kept).chain(all(Using::No)).collect()
    }
}

impl Relation {
    /// Columns under a qualifier.
    pub(super) fn new(qualifier: Vec<String>, columns: Vec<Column>) -> Self {
        Self { written: qualifier.clone(), qualifier, columns }
    }

    /// Whether `qualifier` names this relation; the last parts are enough.
    pub(super) fn answers_to(&self, qualifier: &[Ident]) -> bool {
        let is_written = qualifier.last().is_some_and(|last| is_twin(&last.value));
        let own = if is_written { &self.written } else { &self.qualifier };
        own.len() >= qualifier.len()
            && own[own.len() - qualifier.len()..]
                .iter()
                .zip(qualifier)
                .all(|(own, given)| same(own, &given.value))
    }
}

const EXACT: &str = "__millstream_at_";

/// A name that stands for the column at a place, whatever others are called.
pub(super) fn exact((relation, column): Place) -> Expr {
    Expr::Identifier(Ident::with_quote('`', format!("{EXACT}{relation}_{column}")))
}

/// The place that a name of [`exact`] stands for.
pub(super) fn exact_place(name: &str) -> Option<Place> {
    let (relation, column) = name.strip_prefix(EXACT)?.split_once('_')?;
    Some((relation.parse().ok()?, column.parse().ok()?))
}

/// Whether two names are the same to Spark.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// Spells the fields of a struct; where the type is not known they stay as they are.
pub(super) fn spell_fields(
    mut data_type: Option<&DataType>,
    fields: &[Ident],
    spelled: &mut Vec<String>,
) -> Result<Option<DataType>> {
    for field in fields {
        let known = match data_type {
            Some(DataType::Struct(known)) => known,
            _ => {
                spelled.push(field.value.clone());
                data_type = None;
                continue;
            }
        };
        let (name, inner) = struct_field(known, &field.value)?;
        spelled.push(name);
        data_type = inner;
    }
    Ok(data_type.cloned())
}

fn struct_field<'a>(known: &'a Fields, name: &str) -> Result<(String, Option<&'a DataType>)> {
    let matches: Vec<_> = known.iter().filter(|field| same(field.name(), name)).collect();
    match matches.as_slice() {
        [only] => Ok((only.name().clone(), Some(only.data_type()))),
        [] => {
            let names: Vec<_> = known.iter().map(|field| format!("`{}`", field.name())).collect();
            Err(Error::invalid(format!(
                "there is no field `{name}`; the struct has {}",
                names.join(", ")
            )))
        }
        _ => Err(Error::invalid(format!(
            "the field `{name}` is ambiguous: the struct has several whose names differ only in case"
        ))),
    }
}

fn ambiguous(name: &str, matches: &[(&Relation, &Column)]) -> Error {
    let all: Vec<_> = matches
        .iter()
        .map(|(relation, column)| {
            let mut parts = relation.qualifier.clone();
            parts.push(column.name.clone());
            format!("`{}`", parts.join("."))
        })
        .collect();
    Error::invalid(format!(
        "the column `{name}` is ambiguous, it could be {}; write the table before it, or rename one",
        all.join(" or ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;

    fn scope() -> Scope {
        let inner =
            DataType::Struct(Fields::from(vec![Field::new("Start", DataType::Int64, true)]));
        Scope {
            relations: vec![
                Relation::new(
                    vec!["t".to_owned()],
                    vec![
                        Column::new("userId", Some(DataType::Utf8)),
                        Column::new("w", Some(inner)),
                        Column::new("k", None),
                    ],
                ),
                Relation::new(
                    vec!["db".to_owned(), "U".to_owned()],
                    vec![Column::new("K", None), Column::new("t", None)],
                ),
            ],
        }
    }

    fn find(name: &str) -> Option<String> {
        let parts: Vec<_> = name.split('.').map(Ident::new).collect();
        scope().find(&parts).unwrap().map(|found| found.parts.join("."))
    }

    #[test]
    fn a_name_gets_its_true_spelling() {
        assert_eq!(find("USERID").as_deref(), Some("userId"));
        assert_eq!(find("T.UserId").as_deref(), Some("t.userId"));
        assert_eq!(find("w.START").as_deref(), Some("w.Start"));
        assert_eq!(find("t.W.start").as_deref(), Some("t.w.Start"));
        assert_eq!(find("u.k").as_deref(), Some("db.U.K"));
        assert_eq!(find("DB.u.T").as_deref(), Some("db.U.t"));
        assert_eq!(find("nope"), None);
    }

    #[test]
    fn a_name_that_fits_two_columns_is_refused() {
        let error = scope().find(&[Ident::new("k")]).unwrap_err().to_string();
        assert!(error.contains("it could be `t.k` or `db.U.K`"), "{error}");
    }

    #[test]
    fn an_unknown_field_names_the_known_ones() {
        let error = scope().find(&[Ident::new("w"), Ident::new("x")]).unwrap_err().to_string();
        assert_eq!(error, "there is no field `x`; the struct has `Start`");
    }
}
