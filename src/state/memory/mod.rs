//! The state of one partition in memory: what is stored, and an overlay of what the epoch does.
//!
//! ```text
//! store     hands out tables and writes what changed
//! table     locate, read, write, evict, scan        versions  from one version to the next
//! loading   files to a table
//! overlay   the entries of the epoch
//! slots     keys by hash      columns  values by slot      times  slots by event time
//! chunked, arena              vectors and bytes that grow without being moved
//! ```

mod arena;
mod chunked;
mod columns;
pub(super) mod loading;
mod overlay;
mod row_times;
mod slots;
pub(super) mod store;
pub(super) mod table;
mod times;
mod versions;

use datafusion::error::DataFusionError;

use crate::error::Error;

/// The error for a memory pool that has no more.
fn exhausted(error: DataFusionError) -> Error {
    error
        .context(
            "the state does not fit into the memory pool; give the session more memory, use more \
             machines, or bound the state with a watermark",
        )
        .into()
}
