//! The socket source against a server of the test.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use futures::TryStreamExt;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::checkpoint::storage::LocalStorage;
use crate::connector::offset::Offset;
use crate::connector::source::{
    DefineContext, MicroBatchSource, ReadLimit, SourceContext, SourceDefinition, SourceFactory,
};
use crate::connector::storage::Storage;
use crate::error::Result;
use crate::event_time::zone::TimeZone;
use crate::runtime::clock::ManualClock;
use crate::sources::socket::lines::Lines;
use crate::sources::socket::source::SocketSourceFactory;

struct Server {
    listener: TcpListener,
    port: String,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        Self { listener, port }
    }

    async fn define(&self, more: &[(&str, &str)]) -> Result<Arc<dyn SourceDefinition>> {
        let mut options = vec![("host", "127.0.0.1"), ("port", self.port.as_str())];
        options.extend(more);
        let context = DefineContext::new(Arc::new(LocalStorage::default()));
        SocketSourceFactory.define(&options.into_iter().collect(), None, &context).await
    }

    /// A run of the source that goes on after `last`, and the connection that it made.
    async fn connect(&self, last: Option<i64>) -> (Arc<dyn MicroBatchSource>, TcpStream) {
        let definition = self.define(&[("includeTimestamp", "true")]).await.unwrap();
        let source = start(definition.as_ref());
        let last = last.map(at);
        let (recovered, accepted) =
            tokio::join!(source.recover(last.as_ref()), self.listener.accept());
        recovered.unwrap();
        (source, accepted.unwrap().0)
    }
}

fn start(definition: &dyn SourceDefinition) -> Arc<dyn MicroBatchSource> {
    let storage = Arc::new(LocalStorage::default());
    let folder = storage.open("/nowhere").unwrap();
    let clock = Arc::new(ManualClock::new(5_000));
    definition.start(SourceContext { folder, storage, clock, time_zone: TimeZone::UTC }).unwrap()
}

fn at(number: i64) -> Offset {
    Offset::new(json!(number))
}

async fn latest(source: &dyn MicroBatchSource, start: Option<&Offset>) -> Offset {
    source.latest_offset(start, ReadLimit::Configured).await.unwrap().unwrap()
}

/// Waits until the source has read up to this line.
async fn read_up_to(source: &dyn MicroBatchSource, number: i64) {
    while latest(source, None).await != at(number) {
        tokio::task::yield_now().await;
    }
}

async fn texts(source: &dyn MicroBatchSource, start: Option<i64>, end: i64) -> Vec<String> {
    let start = start.map(at);
    let mut all = vec![];
    for part in source.plan(start.as_ref(), &at(end), 2).await.unwrap() {
        let rows = source.read(&part, Some(&[1, 0])).await.unwrap();
        for batch in rows.try_collect::<Vec<_>>().await.unwrap() {
            let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            assert!(times.values().iter().all(|time| *time == 5_000_000), "{times:?}");
            let values = batch.column(1).as_string::<i32>();
            all.extend(values.iter().map(|value| value.unwrap().to_owned()));
        }
    }
    all
}

#[tokio::test]
async fn lines_have_numbers_and_can_be_read_until_they_are_done() {
    let server = Server::start().await;
    let (source, mut sender) = server.connect(None).await;
    assert_eq!(latest(source.as_ref(), None).await, at(-1));
    assert!(source.plan(None, &at(-1), 2).await.unwrap().is_empty());
    sender.write_all(b"a\nb\r\n\n\xff\n").await.unwrap();
    read_up_to(source.as_ref(), 3).await;
    for _ in 0..2 {
        assert_eq!(texts(source.as_ref(), None, 3).await, ["a", "b", "", "\u{fffd}"]);
    }
    assert_eq!(texts(source.as_ref(), Some(0), 1).await, ["b"]);
    source.commit(&at(1)).await.unwrap();
    assert_eq!(texts(source.as_ref(), Some(1), 3).await, ["", "\u{fffd}"]);
}

#[tokio::test]
async fn what_came_before_the_server_closed_is_read_and_then_nothing() {
    let server = Server::start().await;
    let (source, mut sender) = server.connect(None).await;
    sender.write_all(b"a\nb\rno end").await.unwrap();
    drop(sender);
    read_up_to(source.as_ref(), 2).await;
    assert_eq!(texts(source.as_ref(), None, 2).await, ["a", "b", "no end"]);
    assert_eq!(latest(source.as_ref(), Some(&at(2))).await, at(2));
}

#[tokio::test]
async fn a_restart_counts_on_and_has_lost_what_it_read_before() {
    let server = Server::start().await;
    let (source, mut sender) = server.connect(Some(4)).await;
    assert_eq!(latest(source.as_ref(), Some(&at(4))).await, at(4));
    assert!(texts(source.as_ref(), Some(2), 4).await.is_empty());
    sender.write_all(b"new\n").await.unwrap();
    read_up_to(source.as_ref(), 5).await;
    assert_eq!(texts(source.as_ref(), Some(4), 5).await, ["new"]);
    assert_eq!(texts(source.as_ref(), Some(3), 5).await, ["new"]);
}

#[tokio::test]
async fn a_frozen_end_stays() {
    let server = Server::start().await;
    let (source, mut sender) = server.connect(None).await;
    sender.write_all(b"a\n").await.unwrap();
    read_up_to(source.as_ref(), 0).await;
    source.freeze_end().await.unwrap();
    sender.write_all(b"b\n").await.unwrap();
    drop(sender);
    assert_eq!(latest(source.as_ref(), None).await, at(0));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let server = Server::start().await;
    let definition = server.define(&[]).await.unwrap();
    let port = server.port.clone();
    drop(server);
    let error = start(definition.as_ref()).recover(None).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot connect to `127.0.0.1:{port}`")), "{error}");
}

#[tokio::test]
async fn options_that_cannot_be_used_are_refused() {
    let server = Server::start().await;
    for (option, value) in [("port", "99999"), ("includeTimestamp", "maybe"), ("hots", "x")] {
        let error = server.define(&[(option, value)]).await.unwrap_err().to_string();
        assert!(error.contains(option), "{error}");
    }
}

#[tokio::test]
async fn the_server_waits_while_too_much_is_held() {
    let lines = Lines::after(-1);
    let (mut sender, receiver) = tokio::io::duplex(1024);
    let clock = ManualClock::new(0);
    let big = format!("{}\n", "x".repeat(65 * 1024 * 1024));
    let write = async {
        sender.write_all(big.as_bytes()).await.unwrap();
        sender.write_all(b"y\n").await.unwrap();
        drop(sender);
    };
    let read = async { lines.read(receiver, &clock).await.unwrap() };
    let check = async {
        lines.reached(0).await;
        assert_eq!(lines.newest(), 0);
        lines.forget(0);
        lines.reached(1).await;
    };
    tokio::join!(write, read, check);
    assert_eq!(lines.between(0, 1).0[0].text, "y");
}

#[test]
fn lines_that_are_not_held_are_counted() {
    let lines = Lines::after(9);
    assert_eq!(lines.between(5, 9), (vec![], 4));
    assert_eq!(lines.between(9, 9), (vec![], 0));
}
