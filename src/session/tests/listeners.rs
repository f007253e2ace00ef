//! The order of a listener's events, and that no listener can harm a query.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::error::Result;
use crate::query::listener::{
    QueryIdleEvent, QueryProgressEvent, QueryStartedEvent, QueryTerminatedEvent,
    StreamingQueryListener,
};
use crate::runtime::clock::ManualClock;
use crate::session::builtin::MemoryTable;
use crate::session::data_frame::StreamingDataFrame;
use crate::session::session::StreamSession;

const START: i64 = 1_700_000_000_000;

/// Sends each event as a line.
struct Lines(UnboundedSender<String>);

impl Lines {
    fn listener() -> (Arc<dyn StreamingQueryListener>, UnboundedReceiver<String>) {
        let (sender, lines) = unbounded_channel();
        (Arc::new(Self(sender)), lines)
    }

    fn send(&self, line: String) {
        self.0.send(line).unwrap();
    }
}

impl StreamingQueryListener for Lines {
    fn on_query_started(&self, event: &QueryStartedEvent) {
        self.send(format!("started {}", event.name.as_deref().unwrap_or("-")));
    }

    fn on_query_progress(&self, event: &QueryProgressEvent) {
        let progress = &event.progress;
        self.send(format!("progress {}, {} rows", progress.batch_id, progress.num_input_rows));
    }

    fn on_query_idle(&self, event: &QueryIdleEvent) {
        self.send(format!("idle at {}", event.timestamp));
    }

    fn on_query_terminated(&self, event: &QueryTerminatedEvent) {
        self.send(format!("terminated {:?}", event.error_class_on_exception));
    }
}

/// Panics at whatever it hears.
struct Broken;

impl StreamingQueryListener for Broken {
    fn on_query_started(&self, _event: &QueryStartedEvent) {
        panic!("a listener of the test")
    }

    fn on_query_progress(&self, _event: &QueryProgressEvent) {
        panic!("a listener of the test")
    }

    fn on_query_idle(&self, _event: &QueryIdleEvent) {
        panic!("a listener of the test")
    }

    fn on_query_terminated(&self, _event: &QueryTerminatedEvent) {
        panic!("a listener of the test")
    }
}

fn session() -> (StreamSession, ManualClock) {
    let clock = ManualClock::new(START);
    let session = StreamSession::builder().with_clock(Arc::new(clock.clone())).build().unwrap();
    (session, clock)
}

fn stream(session: &StreamSession) -> (Arc<MemoryTable>, StreamingDataFrame) {
    let schema = Schema::new(vec![Field::new("v", DataType::Int64, true)]);
    session.memory_stream(&schema).unwrap()
}

fn add(table: &MemoryTable, values: Vec<i64>) {
    let column = Arc::new(Int64Array::from(values)) as _;
    table.add(&RecordBatch::try_from_iter_with_nullable([("v", column, true)]).unwrap()).unwrap();
}

#[tokio::test]
async fn events_of_a_query_come_in_order() -> Result<()> {
    let (session, clock) = session();
    let (listener, mut lines) = Lines::listener();
    session.streams().add_listener(Arc::clone(&listener));
    let (table, frame) = stream(&session);
    let query = frame.write_stream().format("noop").query_name("q").start().await?;
    assert_eq!(lines.try_recv().unwrap(), "started q");

    add(&table, vec![1, 2]);
    query.process_all_available().await?;
    assert_eq!(lines.recv().await.unwrap(), "progress 0, 2 rows");

    // The query waits for the clock, whatever the clock shows.
    clock.advance(Duration::from_secs(10));
    let idle = lines.recv().await.unwrap();
    assert!(idle.starts_with("idle at 2023-11-14T22:13:"), "{idle}");
    clock.advance(Duration::from_secs(9));
    query.process_all_available().await?;
    add(&table, vec![3]);
    query.process_all_available().await?;
    assert_eq!(lines.recv().await.unwrap(), "progress 1, 1 rows");

    query.stop().await?;
    assert_eq!(lines.recv().await.unwrap(), "terminated None");
    assert_eq!(session.streams().list_listeners().len(), 1);
    assert!(session.streams().remove_listener(&listener));
    assert!(!session.streams().remove_listener(&listener));
    drop((session, listener, query));
    assert_eq!(lines.recv().await, None);
    Ok(())
}

#[tokio::test]
async fn an_idle_query_reports_its_next_epoch_and_where_it_stands() -> Result<()> {
    let (session, clock) = session();
    let (table, frame) = stream(&session);
    let query = frame.write_stream().format("noop").start().await?;
    query.process_all_available().await?;
    let first = query.last_progress().unwrap();
    assert!(!first.is_epoch() && first.batch_id == 0 && first.sources[0].end_offset.is_none());

    add(&table, vec![1]);
    query.process_all_available().await?;
    clock.advance(Duration::from_secs(10));
    query.process_all_available().await?;
    let reports = query.recent_progress();
    let told: Vec<_> = reports.iter().map(|report| (report.batch_id, report.is_epoch())).collect();
    assert_eq!(told, [(0, false), (0, true), (1, false)]);
    assert_eq!(reports[2].sources[0].end_offset, reports[1].sources[0].end_offset);
    assert_eq!((reports[2].last_epoch(), first.last_epoch()), (Some(0), None));
    Ok(())
}

#[tokio::test]
async fn a_listener_that_panics_harms_neither_query_nor_other_listeners() -> Result<()> {
    let (session, _clock) = session();
    let (listener, mut lines) = Lines::listener();
    session.streams().add_listener(Arc::new(Broken));
    session.streams().add_listener(listener);
    let (table, frame) = stream(&session);
    let failing = |rows: datafusion::dataframe::DataFrame, epoch: u64| async move {
        if epoch == 1 {
            Err("the sink fails".into())
        } else {
            rows.collect().await.map(drop).map_err(Into::into)
        }
    };
    let query = frame.write_stream().foreach_batch(failing).start().await?;
    add(&table, vec![1]);
    query.process_all_available().await?;
    add(&table, vec![2]);
    assert!(query.process_all_available().await.is_err());
    assert_eq!(lines.recv().await.unwrap(), "started -");
    assert_eq!(lines.recv().await.unwrap(), "progress 0, 1 rows");
    assert_eq!(lines.recv().await.unwrap(), "terminated Some(\"User\")");
    Ok(())
}
