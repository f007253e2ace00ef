//! From options to a connection, and from lines to rows.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpStream;

use crate::connector::offset::Offset;
use crate::connector::option_doc::{OptionDoc, OptionDocs};
use crate::connector::options::Options;
use crate::connector::source::{
    DefineContext, Freshness, InputPartition, MicroBatchSource, ReadLimit, SourceContext,
    SourceDefinition, SourceFactory, foreign,
};
use crate::connector::storage::Storage;
use crate::error::{Error, Result};
use crate::runtime::clock::Clock;
use crate::runtime::task::{self, Task};
use crate::sources::socket::lines::{Line, Lines};
use crate::sources::stream_only::{StreamOnly, own_columns};

const OPTIONS: &[OptionDoc] = &[
    OptionDoc::honoured("host", OptionDoc::REQUIRED, "localhost", "the server to read from"),
    OptionDoc::honoured("port", OptionDoc::REQUIRED, "9999", "the port of the server"),
    OptionDoc::honoured(
        "includeTimestamp",
        "false",
        "true",
        "adds a column `timestamp`, the time at which a line came",
    ),
];

/// Less than so many lines are not worth a partition of their own.
const LEAST_LINES: i64 = 1024;

/// Makes sources of the format `socket`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SocketSourceFactory;

#[async_trait]
impl SourceFactory for SocketSourceFactory {
    fn options(&self) -> OptionDocs {
        &[OPTIONS]
    }

    async fn define(
        &self,
        options: &Options,
        schema: Option<SchemaRef>,
        _context: &DefineContext,
    ) -> Result<Arc<dyn SourceDefinition>> {
        let has = "`value` and, with `includeTimestamp`, `timestamp`";
        own_columns("socket", schema.as_ref(), has)?;
        let mut reader = options.reader("source `socket`", self.options());
        let host = reader.required("host", "it is the server that lines are read from")?.to_owned();
        reader.required("port", "it is the port of the server")?;
        let port = reader.parsed("port", "it must be a whole number from 0 to 65535")?.unwrap_or(0);
        let has_timestamp = reader.flag("includeTimestamp", false)?;
        reader.finish()?;
        Ok(Arc::new(SocketDefinition { host, port, has_timestamp }))
    }
}

/// A server whose lines are an unbounded table.
#[derive(Debug, Clone)]
struct SocketDefinition {
    host: String,
    port: u16,
    has_timestamp: bool,
}

#[async_trait]
impl SourceDefinition for SocketDefinition {
    fn format(&self) -> &'static str {
        "socket"
    }

    fn schema(&self) -> SchemaRef {
        let mut fields = vec![Field::new("value", DataType::Utf8, true)];
        if self.has_timestamp {
            let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            fields.push(Field::new("timestamp", timestamp, true));
        }
        Arc::new(Schema::new(fields))
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn start(&self, context: SourceContext) -> Result<Arc<dyn MicroBatchSource>> {
        Ok(Arc::new(SocketSource {
            server: self.clone(),
            clock: context.clock,
            state: Mutex::new(State { lines: Lines::after(-1), _reader: None, frozen: None }),
        }))
    }

    async fn table(
        &self,
        _storage: &Arc<dyn Storage>,
        freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>> {
        StreamOnly::table("socket", self.schema(), freshness)
    }
}

/// One run of a source: one connection.
#[derive(Debug)]
pub(super) struct SocketSource {
    server: SocketDefinition,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lines: Lines,
    /// Reads as long as the source lives.
    _reader: Option<Task<()>>,
    /// The last line of this run, where that was fixed.
    frozen: Option<i64>,
}

/// The lines of a piece of input: after `from` up to and including `to`.
#[derive(Debug, Serialize, Deserialize)]
struct LineRange {
    from: i64,
    to: i64,
}

impl fmt::Display for SocketSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SocketDefinition { host, port, .. } = &self.server;
        write!(f, "TextSocketV2[host: {host}, port: {port}]")
    }
}

impl SocketSource {
    fn number(&self, offset: Option<&Offset>) -> Result<i64> {
        let Some(offset) = offset else { return Ok(-1) };
        let number = offset.json().as_i64().filter(|number| *number >= -1);
        number.ok_or_else(|| foreign(self, offset.json()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lines(&self) -> Lines {
        self.state().lines.clone()
    }

    async fn connect(&self) -> Result<TcpStream> {
        let SocketDefinition { host, port, .. } = &self.server;
        TcpStream::connect((host.as_str(), *port)).await.map_err(|error| Error::Storage {
            action: "connect to",
            path: format!("{host}:{port}"),
            source: Box::new(error),
        })
    }

    fn batch(&self, lines: &[Line], projection: Option<&[usize]>) -> Result<RecordBatch> {
        let texts: StringArray = lines.iter().map(|line| Some(line.text.as_str())).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(texts)];
        if self.server.has_timestamp {
            let micros = lines.iter().map(|line| Some(line.millis.saturating_mul(1_000)));
            let times = micros.collect::<TimestampMicrosecondArray>();
            columns.push(Arc::new(times.with_timezone("UTC")));
        }
        let rows = RecordBatch::try_new(self.server.schema(), columns)?;
        match projection {
            Some(projection) => Ok(rows.project(projection)?),
            None => Ok(rows),
        }
    }
}

#[async_trait]
impl MicroBatchSource for SocketSource {
    fn schema(&self) -> SchemaRef {
        self.server.schema()
    }

    async fn recover(&self, last: Option<&Offset>) -> Result<()> {
        let lines = Lines::after(self.number(last)?);
        let name = self.to_string();
        tracing::warn!(
            source = name,
            "a socket cannot be read twice: after a crash or a restart the lines that were not \
             written yet are lost"
        );
        let server = self.connect().await?;
        let (held, clock) = (lines.clone(), Arc::clone(&self.clock));
        let reader = task::spawn(async move {
            match held.read(server, clock.as_ref()).await {
                Ok(()) => tracing::warn!(source = name, "the server closed the connection"),
                Err(error) => tracing::warn!(source = name, %error, "the connection is broken"),
            }
        });
        *self.state() = State { lines, _reader: Some(reader), frozen: None };
        Ok(())
    }

    async fn latest_offset(
        &self,
        start: Option<&Offset>,
        _limit: ReadLimit,
    ) -> Result<Option<Offset>> {
        let start = self.number(start)?;
        let state = self.state();
        let newest = state.frozen.unwrap_or_else(|| state.lines.newest());
        Ok(Some(Offset::new(json!(newest.max(start)))))
    }

    async fn freeze_end(&self) -> Result<()> {
        let mut state = self.state();
        state.frozen = Some(state.lines.newest());
        Ok(())
    }

    async fn plan(
        &self,
        start: Option<&Offset>,
        end: &Offset,
        parallelism: usize,
    ) -> Result<Vec<InputPartition>> {
        let (start, end) = (self.number(start)?, self.number(Some(end))?);
        let (_, lost) = self.lines().between(start, end);
        if lost > 0 {
            let name = self.to_string();
            tracing::warn!(source = name, lost, "lines that were read before the start are lost");
        }
        let parallelism = i64::try_from(parallelism.max(1)).unwrap_or(i64::MAX);
        let step = u64::try_from(end.saturating_sub(start)).unwrap_or(0);
        let step = step.div_ceil(parallelism.unsigned_abs()) as i64;
        let step = step.max(LEAST_LINES);
        let mut parts = vec![];
        let mut from = start;
        while from < end {
            let to = end.min(from.saturating_add(step));
            let json = serde_json::to_value(LineRange { from, to });
            parts.push(InputPartition(json.map_err(|e| Error::internal(e.to_string()))?));
            from = to;
        }
        Ok(parts)
    }

    async fn read(
        &self,
        partition: &InputPartition,
        projection: Option<&[usize]>,
    ) -> Result<SendableRecordBatchStream> {
        let LineRange { from, to } = serde_json::from_value(partition.0.clone())
            .map_err(|_error| foreign(self, &partition.0))?;
        let (lines, _lost) = self.lines().between(from, to);
        let batch = self.batch(&lines, projection)?;
        let schema = batch.schema();
        let batches = stream::iter([Ok::<_, DataFusionError>(batch)]);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    async fn commit(&self, end: &Offset) -> Result<()> {
        let number = self.number(Some(end))?;
        self.lines().forget(number);
        Ok(())
    }
}
