//! The columns that a query block can see, and what a name in it stands for.

use arrow::datatypes::{DataType, Fields};
use sqlparser::ast::Ident;

use crate::error::{Error, Result};

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
}

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
        Self { written: name.clone(), name, data_type, using: Using::No }
    }
}

/// Columns that share a qualifier.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    /// What may stand before the columns, such as `[t]` or `[schema, t]`.
    pub(super) qualifier: Vec<String>,
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
}

impl Scope {
    /// Finds what `parts` stands for: a column with a qualifier before a column with fields.
    ///
    /// # Errors
    /// `Invalid` where two columns fit.
    pub(super) fn find(&self, parts: &[Ident]) -> Result<Option<Found>> {
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
        let mut spelled = relation.qualifier.clone();
        spelled.extend(rest.iter().map(|part| part.value.clone()));
        let qualifier_parts = relation.qualifier.len();
        Some(Found { qualifier_parts, parts: spelled, data_type: None })
    }

    fn find_split(&self, parts: &[Ident], qualifier_parts: usize) -> Result<Option<Found>> {
        let (qualifier, name) = parts.split_at(qualifier_parts);
        let [name, fields @ ..] = name else { return Ok(None) };
        let matches: Vec<(&Relation, &Column)> = self
            .relations
            .iter()
            .filter(|relation| relation.answers_to(qualifier))
            .flat_map(|relation| relation.columns.iter().map(move |column| (relation, column)))
            .filter(|(_, column)| same(&column.name, &name.value))
            .filter(|(_, column)| !qualifier.is_empty() || column.using != Using::Hidden)
            .collect();
        // A window of the input gives way to the new one, unless its relation is named.
        let visible: Vec<_> =
            matches.iter().copied().filter(|(_, c)| c.written == c.name).collect();
        let matches = if matches.len() > 1 && visible.len() == 1 { visible } else { matches };
        let (relation, column) = match matches.as_slice() {
            [] => return Ok(None),
            [only] => *only,
            all => return Err(ambiguous(&name.value, all)),
        };
        // DataFusion knows of both columns of a USING, so the one that stands is named in full.
        let qualify = !qualifier.is_empty() || column.using == Using::Kept;
        let mut spelled = if qualify { relation.qualifier.clone() } else { Vec::new() };
        let qualifier_written = spelled.len();
        spelled.push(column.written.clone());
        let data_type = spell_fields(column.data_type.as_ref(), fields, &mut spelled)?;
        Ok(Some(Found { qualifier_parts: qualifier_written, parts: spelled, data_type }))
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
    /// Whether `qualifier` names this relation; the last parts are enough.
    pub(super) fn answers_to(&self, qualifier: &[Ident]) -> bool {
        let own = &self.qualifier;
        own.len() >= qualifier.len()
            && own[own.len() - qualifier.len()..]
                .iter()
                .zip(qualifier)
                .all(|(own, given)| same(own, &given.value))
    }
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
                Relation {
                    qualifier: vec!["t".to_owned()],
                    columns: vec![
                        Column::new("userId", Some(DataType::Utf8)),
                        Column::new("w", Some(inner)),
                        Column::new("k", None),
                    ],
                },
                Relation {
                    qualifier: vec!["db".to_owned(), "U".to_owned()],
                    columns: vec![Column::new("K", None), Column::new("t", None)],
                },
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
