//! What most programs import.

pub use datafusion::functions_aggregate::expr_fn::{avg, count, max, min, sum};
pub use datafusion::logical_expr::{Expr, col, lit};

pub use crate::config::Trigger;
pub use crate::connector::output_mode::OutputMode;
pub use crate::error::{Error, ErrorKind};
pub use crate::logical::explain_mode::ExplainMode;
pub use crate::operators::observe::metrics::Observation;
pub use crate::query::handle::StreamingQuery;
pub use crate::query::listener::StreamingQueryListener;
pub use crate::session::data_frame::StreamingDataFrame;
pub use crate::session::expression::{asc, desc, sliding_window, window};
pub use crate::session::generator::{
    explode, explode_outer, inline, inline_outer, posexplode, posexplode_outer,
};
pub use crate::session::session::StreamSession;
pub use crate::sinks::foreach::ForeachWriter;
