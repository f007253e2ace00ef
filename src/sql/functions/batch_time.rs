//! `current_timestamp` and friends: one value for a whole batch query, or for a whole epoch.
//!
//! In a batch query the optimizer puts the time of its start in their place. A streaming plan has
//! to replace the calls itself, by name, before it is optimized: it is planned once, for all epochs.

use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::event_time::zone::TimeZone;
use crate::sql::types;

/// The names of these functions in a plan.
pub const BATCH_TIME_FUNCTIONS: &[&str] = &["current_timestamp", "current_date", "localtimestamp"];

/// Which of the functions it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Timestamp,
    Date,
    LocalTimestamp,
}

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct BatchTime {
    kind: Kind,
    aliases: Vec<String>,
    signature: Signature,
}

impl BatchTime {
    /// All of the functions.
    pub(super) fn all() -> [Self; 3] {
        let of = |kind, aliases: &[&str]| Self {
            kind,
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            signature: Signature::nullary(Volatility::Stable),
        };
        [
            of(Kind::Timestamp, &["now"]),
            of(Kind::Date, &["curdate", "today"]),
            of(Kind::LocalTimestamp, &[]),
        ]
    }

    fn at(&self, start: DateTime<Utc>, zone: Option<&str>) -> ScalarValue {
        let micros = start.timestamp_micros();
        let zone = zone.and_then(TimeZone::find).unwrap_or_default();
        let local_micros = zone.to_local(micros);
        match self.kind {
            Kind::Timestamp => {
                ScalarValue::TimestampMicrosecond(Some(micros), Some(std::sync::Arc::from("UTC")))
            }
            Kind::Date => {
                let days = local_micros.div_euclid(86_400_000_000);
                ScalarValue::Date32(i32::try_from(days).ok())
            }
            Kind::LocalTimestamp => ScalarValue::TimestampMicrosecond(Some(local_micros), None),
        }
    }
}

impl ScalarUDFImpl for BatchTime {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Timestamp => "current_timestamp",
            Kind::Date => "current_date",
            Kind::LocalTimestamp => "localtimestamp",
        }
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Timestamp => types::timestamp(),
            Kind::Date => DataType::Date32,
            Kind::LocalTimestamp => types::timestamp_ntz(),
        })
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some(start) = info.query_execution_start_time() else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let zone = info.config_options().execution.time_zone.clone();
        let value = self.at(start, zone.as_deref());
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(value, None)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("`{}` has no value outside of a query or an epoch", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_date_and_time_follow_the_time_zone() {
        let start = DateTime::from_timestamp_micros(86_399_000_000).unwrap();
        let [timestamp, date, local] = BatchTime::all();
        let utc = ScalarValue::TimestampMicrosecond(Some(86_399_000_000), Some("UTC".into()));
        assert_eq!(timestamp.at(start, Some("+02:00")), utc);
        assert_eq!(date.at(start, Some("UTC")), ScalarValue::Date32(Some(0)));
        assert_eq!(date.at(start, Some("+02:00")), ScalarValue::Date32(Some(1)));
        let later = ScalarValue::TimestampMicrosecond(Some(93_599_000_000), None);
        assert_eq!(local.at(start, Some("+02:00")), later);
    }
}
