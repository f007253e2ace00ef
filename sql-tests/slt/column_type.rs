//! The letters of column types.

use arrow::datatypes::DataType;
use sqllogictest::ColumnType;

/// The type of a column, as a letter in the line of a `query`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnLetter {
    /// `I`: a whole number.
    Integer,
    /// `R`: a float or a decimal.
    Real,
    /// `T`: text.
    Text,
    /// `B`: true or false.
    Boolean,
    /// `P`: a point in time.
    Timestamp,
    /// `D`: a date.
    Date,
    /// `?`: anything else.
    Other,
}

impl ColumnLetter {
    /// The letter of an Arrow type.
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Timestamp(_, _) => Self::Timestamp,
            DataType::Date32 | DataType::Date64 => Self::Date,
            integer if integer.is_integer() => Self::Integer,
            real if real.is_numeric() => Self::Real,
            _ => Self::Other,
        }
    }
}

impl ColumnType for ColumnLetter {
    fn from_char(value: char) -> Option<Self> {
        match value {
            'I' => Some(Self::Integer),
            'R' => Some(Self::Real),
            'T' => Some(Self::Text),
            'B' => Some(Self::Boolean),
            'P' => Some(Self::Timestamp),
            'D' => Some(Self::Date),
            '?' => Some(Self::Other),
            _ => None,
        }
    }

    fn to_char(&self) -> char {
        match self {
            Self::Integer => 'I',
            Self::Real => 'R',
            Self::Text => 'T',
            Self::Boolean => 'B',
            Self::Timestamp => 'P',
            Self::Date => 'D',
            Self::Other => '?',
        }
    }
}
