//! Which generators there are, and which columns they give.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::plan_err;
use datafusion::error::Result;

use crate::sql::types;

/// A generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::sql) enum Generator {
    /// The items of an array, the entries of a map.
    Explode,
    /// The same with their places.
    PosExplode,
    /// The structs of an array as rows.
    Inline,
    /// Its arguments in so many rows.
    Stack(usize),
    /// Fields of a JSON text.
    JsonTuple,
}

/// A generator by its name, and whether a row that gives no rows stays, with nulls. How many rows
/// `stack` makes, its first argument says.
pub(in crate::sql) fn find(name: &str) -> Option<(Generator, bool)> {
    Some(match name.to_ascii_lowercase().as_str() {
        "explode" => (Generator::Explode, false),
        "explode_outer" => (Generator::Explode, true),
        "posexplode" => (Generator::PosExplode, false),
        "posexplode_outer" => (Generator::PosExplode, true),
        "inline" => (Generator::Inline, false),
        "inline_outer" => (Generator::Inline, true),
        "stack" => (Generator::Stack(0), false),
        "json_tuple" => (Generator::JsonTuple, false),
        _ => return None,
    })
}

impl Generator {
    /// The name of the function.
    pub(in crate::sql) const fn name(self) -> &'static str {
        match self {
            Self::Explode => "explode",
            Self::PosExplode => "posexplode",
            Self::Inline => "inline",
            Self::Stack(_) => "stack",
            Self::JsonTuple => "json_tuple",
        }
    }

    /// The columns that it gives for arguments of these types.
    pub(in crate::sql) fn columns(self, arguments: &[DataType]) -> Result<Vec<FieldRef>> {
        match self {
            Self::Explode => self.items(arguments),
            Self::PosExplode => {
                let mut columns = self.items(arguments)?;
                columns.insert(0, field("pos", DataType::Int32));
                Ok(columns)
            }
            Self::Inline => match arguments {
                [list] if let Some(DataType::Struct(fields)) = item_of(list) => {
                    Ok(fields.iter().map(|f| field(f.name(), f.data_type().clone())).collect())
                }
                _ => self.wrong("an array of structs", arguments),
            },
            Self::Stack(rows) => {
                let Some(width) = arguments.len().checked_div(rows).filter(|_| rows > 0) else {
                    return plan_err!("`stack` takes the number of rows, which is not 0, first");
                };
                let width = width + usize::from(!arguments.len().is_multiple_of(rows));
                let columns = arguments.iter().take(width).enumerate();
                Ok(columns.map(|(i, of)| field(&format!("col{i}"), of.clone())).collect())
            }
            Self::JsonTuple => {
                let fields = arguments.len().saturating_sub(1);
                Ok((0..fields).map(|i| field(&format!("c{i}"), DataType::Utf8)).collect())
            }
        }
    }

    fn items(self, arguments: &[DataType]) -> Result<Vec<FieldRef>> {
        match arguments {
            [DataType::Map(entries, _)] => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => Ok(vec![
                    field("key", pair[0].data_type().clone()),
                    field("value", pair[1].data_type().clone()),
                ]),
                _ => self.wrong("an array or a map", arguments),
            },
            [list] if let Some(item) = item_of(list) => Ok(vec![field("col", item.clone())]),
            _ => self.wrong("an array or a map", arguments),
        }
    }

    fn wrong<T>(self, wanted: &str, arguments: &[DataType]) -> Result<T> {
        let given: Vec<_> = arguments.iter().map(types::spark_type_name).collect();
        plan_err!("`{}` takes {wanted}, not ({})", self.name(), given.join(", "))
    }
}

/// The type of the items of an array.
pub(super) fn item_of(list: &DataType) -> Option<&DataType> {
    match list {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some(item.data_type())
        }
        _ => None,
    }
}

fn field(name: &str, data_type: DataType) -> FieldRef {
    std::sync::Arc::new(Field::new(name, data_type, true))
}
