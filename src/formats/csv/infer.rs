//! Which columns CSV has.
//!
//! As in Spark: a column is the first of INT, BIGINT, a DECIMAL without places, DOUBLE, DATE,
//! TIMESTAMP and BOOLEAN that all of its cells are, or of those that go together the wider one,
//! and a STRING otherwise.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::event_time::zone::TimeZone;
use crate::formats::csv::convert::{boolean, non_finite};
use crate::formats::csv::dialect::CsvReadOptions;
use crate::formats::csv::header;
use crate::formats::csv::tokens::Cell;
use crate::formats::number;
use crate::formats::records::Sample;

/// The widest DECIMAL.
const MAX_PRECISION: u8 = 38;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Int,
    Long,
    /// A whole number of so many digits.
    Whole(u8),
    Double,
    Date,
    Timestamp,
    Bool,
    Text,
}

impl Kind {
    /// The type of a column whose values are of this kind.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Null | Self::Text => DataType::Utf8,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Whole(digits) => DataType::Decimal128(digits, 0),
            Self::Double => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Bool => DataType::Boolean,
        }
    }
}

/// What is known so far.
#[derive(Debug)]
pub(super) struct Inference<'o> {
    options: &'o CsvReadOptions,
    sample: Sample,
    columns: Option<Vec<(String, Kind)>>,
}

impl<'o> Inference<'o> {
    pub(super) const fn new(options: &'o CsvReadOptions) -> Self {
        Self { options, sample: Sample::new(options.infer.sampling_ratio), columns: None }
    }

    /// Whether records can still change what is inferred.
    pub(super) const fn is_settled(&self) -> bool {
        !self.options.infer.types && self.columns.is_some()
    }

    /// Looks at the first record of a file; that of the first file says how many columns there are.
    pub(super) fn first(&mut self, cells: &[Cell<'_>]) {
        if self.columns.is_none() {
            let names = if self.options.header {
                header::names(cells)
            } else {
                (0..cells.len()).map(|at| format!("_c{at}")).collect()
            };
            self.columns = Some(names.into_iter().map(|name| (name, Kind::Null)).collect());
        }
        if !self.options.header {
            self.record(cells);
        }
    }

    /// Looks at one more record.
    pub(super) fn record(&mut self, cells: &[Cell<'_>]) {
        if !self.options.infer.types || !self.sample.takes_next() {
            return;
        }
        for ((_, so_far), cell) in self.columns.iter_mut().flatten().zip(cells) {
            if let Some(text) = cell
                && *so_far != Kind::Text
            {
                *so_far = merged(*so_far, kind(text, self.options));
            }
        }
    }

    /// The schema; `None` when there was no record.
    pub(super) fn finish(self) -> Option<SchemaRef> {
        let fields =
            self.columns?.into_iter().map(|(name, kind)| Field::new(name, kind.data_type(), true));
        Some(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
    }
}

/// Of what kind a cell is.
pub(super) fn kind(text: &str, options: &CsvReadOptions) -> Kind {
    let times = options.times.reader(TimeZone::UTC);
    if text.parse::<i32>().is_ok() {
        Kind::Int
    } else if text.parse::<i64>().is_ok() {
        Kind::Long
    } else if let Some(digits) = whole_digits(text) {
        Kind::Whole(digits)
    } else if non_finite(text, &options.non_finite).is_some() || number::java_double(text).is_some()
    {
        Kind::Double
    } else if options.infer.prefers_date && options.times.is_date(text) {
        Kind::Date
    } else if times.timestamp(text).is_some() {
        Kind::Timestamp
    } else if boolean(text).is_some() {
        Kind::Bool
    } else {
        Kind::Text
    }
}

/// How many digits a whole number has, where a DECIMAL can hold them.
fn whole_digits(text: &str) -> Option<u8> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b',');
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    u8::try_from(count).ok().filter(|count| is_whole && (1..=MAX_PRECISION).contains(count))
}

fn merged(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (a, b) if a == b => a,
        (Kind::Null, other) | (other, Kind::Null) => other,
        (Kind::Int, Kind::Long) | (Kind::Long, Kind::Int) => Kind::Long,
        (Kind::Whole(a), Kind::Whole(b)) => Kind::Whole(a.max(b)),
        // An INT has up to ten digits, a BIGINT up to nineteen.
        (Kind::Whole(digits), Kind::Int) | (Kind::Int, Kind::Whole(digits)) => {
            Kind::Whole(digits.max(10))
        }
        (Kind::Whole(digits), Kind::Long) | (Kind::Long, Kind::Whole(digits)) => {
            Kind::Whole(digits.max(20))
        }
        (Kind::Double, Kind::Int | Kind::Long | Kind::Whole(_))
        | (Kind::Int | Kind::Long | Kind::Whole(_), Kind::Double) => Kind::Double,
        (Kind::Date, Kind::Timestamp) | (Kind::Timestamp, Kind::Date) => Kind::Timestamp,
        _ => Kind::Text,
    }
}
