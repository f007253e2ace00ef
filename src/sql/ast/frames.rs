//! Bounds of window frames over times, as DataFusion reads them: `RANGE BETWEEN INTERVAL 2 HOURS
//! PRECEDING ..`, and plain numbers over a DATE, which are days.
//!
//! While names are resolved the bounds are texts: an interval elsewhere becomes a call.

use sqlparser::ast::{
    Expr, Interval, Value, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

/// Respells the frame of a call of a window function; `is_date` says what a window is ordered by.
pub(super) fn respell(expr: &mut Expr, is_date: impl Fn(&Expr) -> bool) {
    if let Expr::Function(function) = expr
        && let Some(WindowType::WindowSpec(spec)) = &mut function.over
    {
        respell_spec(spec, is_date);
    }
}

/// Respells the frame of a window.
pub(super) fn respell_spec(spec: &mut WindowSpec, is_date: impl Fn(&Expr) -> bool) {
    let Some(frame) = &mut spec.window_frame else { return };
    if frame.units != WindowFrameUnits::Range {
        return;
    }
    let of_dates = spec.order_by.first().is_some_and(|order| is_date(&order.expr));
    for bound in std::iter::once(&mut frame.start_bound).chain(&mut frame.end_bound) {
        let (WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset))) =
            bound
        else {
            continue;
        };
        let text = match &**offset {
            Expr::Interval(interval) => units(interval),
            Expr::Value(value) if of_dates => match &value.value {
                Value::Number(days, _) => Some(format!("{days} days")),
                _ => None,
            },
            _ => None,
        };
        if let Some(text) = text {
            **offset = Expr::value(Value::SingleQuotedString(text));
        }
    }
}

/// Makes intervals of the bounds again.
pub(super) fn restore(expr: &mut Expr) {
    if let Expr::Function(function) = expr
        && let Some(WindowType::WindowSpec(spec)) = &mut function.over
    {
        restore_spec(spec);
    }
}

/// Makes intervals of the bounds again.
pub(super) fn restore_spec(spec: &mut WindowSpec) {
    let Some(frame) = &mut spec.window_frame else { return };
    for bound in std::iter::once(&mut frame.start_bound).chain(&mut frame.end_bound) {
        if let WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset)) =
            bound
            && let Expr::Value(value) = &**offset
            && matches!(value.value, Value::SingleQuotedString(_))
        {
            **offset = Expr::Interval(Interval {
                value: Box::new(Expr::Value(value.clone())),
                leading_field: None,
                leading_precision: None,
                last_field: None,
                fractional_seconds_precision: None,
            });
        }
    }
}

/// The numbers and units of an interval.
fn units(interval: &Interval) -> Option<String> {
    let Expr::Value(value) = &*interval.value else { return None };
    let text = value.value.clone().into_string()?;
    Some(match &interval.leading_field {
        Some(unit) => format!("{text} {unit}"),
        None => text,
    })
}
