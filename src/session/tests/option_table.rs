//! `docs/options.md` is made from what sources and sinks say of their options, and each row of it
//! is tried: an option that is honoured is accepted, one that is refused gives its message.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::prelude::SessionContext;
use tempfile::TempDir;

use crate::checkpoint::storage::LocalStorage;
use crate::connector::option_doc::{OptionDoc, OptionDocs};
use crate::connector::options::Options;
use crate::connector::sink::{SinkContext, SinkSession};
use crate::connector::source::DefineContext;
use crate::error::Result;
use crate::runtime::clock::ManualClock;
use crate::session::builtin;
use crate::session::session::StreamSession;
use crate::session::writer::QUERY_OPTIONS;

/// Writes the table anew when it is `1`.
const BLESS: &str = "MILLSTREAM_BLESS";

/// Sources whose columns nobody chooses.
const OWN_COLUMNS: [&str; 3] = ["rate", "rate-micro-batch", "socket"];

const HEAD: &str = "# Options

Each option that Spark has for these sources and sinks is honoured or refused with a message, and
one that nobody knows is an error that names the nearest. Names are compared without regard to case.
This file is made by a test from what the sources and sinks say of themselves, and each row is
tried.
";

fn row(out: &mut String, connector: &str, doc: &OptionDoc) {
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', "\\n");
    let default = match doc.default {
        "" => String::new(),
        OptionDoc::REQUIRED => doc.default.to_owned(),
        value => format!("`{}`", cell(value)),
    };
    let what = match doc.refused {
        Some(reason) => format!("refused: {}", cell(reason)),
        None => cell(doc.note),
    };
    writeln!(out, "| {connector} | `{}` | {default} | {what} |", doc.name).unwrap();
}

fn section<'a>(
    out: &mut String,
    title: &str,
    connectors: impl Iterator<Item = (&'a str, OptionDocs)>,
) {
    writeln!(out, "\n## {title}\n").unwrap();
    let mut bare = vec![];
    // What several connectors say alike is one row.
    let mut rows: Vec<(&OptionDoc, Vec<String>)> = vec![];
    for (name, docs) in connectors {
        let name = format!("`{name}`");
        for doc in docs.iter().copied().flatten() {
            match rows.iter_mut().find(|(known, _)| *known == doc) {
                Some((_, names)) => names.push(name.clone()),
                None => rows.push((doc, vec![name.clone()])),
            }
        }
        if docs.iter().all(|group| group.is_empty()) {
            bare.push(name);
        }
    }
    out.push_str("| connector | option | default | what becomes of it |\n|---|---|---|---|\n");
    for (doc, names) in rows {
        row(out, &names.join(", "), doc);
    }
    if !bare.is_empty() {
        writeln!(out, "\nWithout options: {}.", bare.join(", ")).unwrap();
    }
}

fn table() -> String {
    let registry = builtin::registry();
    let mut out = HEAD.to_owned();
    section(&mut out, "Sources", registry.sources().map(|(name, f)| (name, f.options())));
    section(&mut out, "Sinks", registry.sinks().map(|(name, f)| (name, f.options())));
    out.push_str("\n## Every query\n\n| option | default | what becomes of it |\n|---|---|---|\n");
    for doc in QUERY_OPTIONS {
        writeln!(out, "| `{}` | {} | {} |", doc.name, doc.default, doc.note).unwrap();
    }
    out
}

#[test]
fn the_table_in_the_docs_says_what_the_sources_and_sinks_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/options.md");
    let now = table();
    if std::env::var(BLESS).is_ok_and(|value| value == "1") {
        std::fs::write(&file, &now).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = now.lines().zip(there.lines().chain(std::iter::repeat("")));
    let first = differs.filter(|(now, there)| now != there).map(|(now, _)| now).next();
    assert!(now == there, "docs/options.md is old, set {BLESS}=1 to write it; first: {first:?}");
}

/// One option as a user gives it, with all that its connector cannot do without.
fn given(docs: OptionDocs, doc: &OptionDoc, folder: &str) -> Options {
    let mut options = Options::default();
    let value = |sample: &str| sample.replace("<folder>", folder);
    for other in docs.iter().copied().flatten().filter(|other| other.is_required()) {
        options.set(other.name, value(other.sample));
    }
    for (name, sample) in doc.with {
        options.set(*name, value(sample));
    }
    options.set(doc.name, value(doc.sample));
    options
}

fn check<T>(owner: &str, doc: &OptionDoc, outcome: Result<T>) {
    let name = doc.name;
    match (doc.refused, outcome) {
        (None, Ok(_)) => (),
        (None, Err(error)) => panic!("`{name}` of {owner} is not honoured: {error}"),
        (Some(_), Ok(_)) => panic!("`{name}` of {owner} is not refused"),
        (Some(reason), Err(error)) => assert_eq!(
            error.to_string(),
            format!("option `{name}` of {owner} is not supported: {reason}")
        ),
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, true)]))
}

#[tokio::test]
async fn each_option_of_a_source_is_honoured_or_refused() {
    let folder = TempDir::new().unwrap();
    let context = DefineContext::new(Arc::new(LocalStorage::default()));
    for (name, factory) in builtin::registry().sources() {
        let docs = factory.options();
        for doc in docs.iter().copied().flatten() {
            let options = given(docs, doc, folder.path().to_str().unwrap());
            let columns = (!OWN_COLUMNS.contains(&name)).then(schema);
            let outcome = factory.define(&options, columns, &context).await;
            check(&format!("source `{name}`"), doc, outcome);
        }
    }
}

#[tokio::test]
async fn each_option_of_a_sink_is_honoured_or_refused() {
    for (name, factory) in builtin::registry().sinks() {
        let docs = factory.options();
        for doc in docs.iter().copied().flatten() {
            let folder = TempDir::new().unwrap();
            let options = given(docs, doc, folder.path().to_str().unwrap());
            let context = SinkContext {
                query_name: Some("q".to_owned()),
                schema: schema(),
                partition_by: vec![],
                storage: Arc::new(LocalStorage::default()),
                clock: Arc::new(ManualClock::new(0)),
                session: SinkSession(SessionContext::new()),
            };
            check(&format!("sink `{name}`"), doc, factory.open(&options, context).await);
        }
    }
}

#[tokio::test]
async fn each_option_of_a_query_is_honoured() {
    for doc in QUERY_OPTIONS {
        let folder = TempDir::new().unwrap();
        let value = doc.sample.replace("<folder>", folder.path().to_str().unwrap());
        let session = StreamSession::new().unwrap();
        let (_rows, stream) = session.memory_stream(&schema()).unwrap();
        let writer = stream.write_stream().format("noop").option(doc.name, value);
        let query = writer.start().await.unwrap();
        query.stop().await.unwrap();
        let has_checkpoint = std::fs::read_dir(folder.path()).unwrap().next().is_some();
        assert!(has_checkpoint || query.name() == Some(doc.sample), "{} had no effect", doc.name);
    }
}
