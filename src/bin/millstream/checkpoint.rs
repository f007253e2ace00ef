//! `millstream checkpoint show`: what a checkpoint says, as text or JSON. Nothing is written.

use std::fmt::Write;
use std::path::Path;

use millstream::Error;
use millstream::checkpoint::LocalStorage;
use millstream::connector::storage::Storage;
use millstream::error::spelled::{spelled, spelled_window};
use millstream::query::inspect::{
    CheckpointSummary, OperatorSummary, RunSummary, SourceSummary, inspect,
};
use millstream::state::StateField;
use millstream::state::inspect::PartitionSummary;

use super::args::{CheckpointArgs, CheckpointCommand, SummaryFormat};
use super::execution::Ending;
use super::failure::Failure;
use super::output::emit;

/// Runs the command.
pub(crate) async fn checkpoint(args: &CheckpointArgs) -> Result<Ending, Failure> {
    let CheckpointCommand::Show { folder, format, .. } = &args.command;
    if Path::new(folder).is_file() {
        return Err(Failure::Engine {
            place: None,
            error: Box::new(Error::invalid(format!(
                "`{folder}` is a file; name the folder that the query has as its `checkpointLocation`"
            ))),
        });
    }
    let location = LocalStorage::new().open(folder).map_err(Failure::engine)?;
    let summary = inspect(&location).await.map_err(Failure::engine)?;
    let text = match format {
        SummaryFormat::Table => text(&summary),
        SummaryFormat::Json => serde_json::to_string_pretty(&summary)
            .map_err(|error| Failure::io("the checkpoint has no JSON form", error.into()))?,
    };
    emit(text.as_bytes())?;
    if text.ends_with('\n') {
        Ok(Ending::default())
    } else {
        emit(b"\n").map(|()| Ending::default())
    }
}

/// The summary as lines; writing to a string cannot fail.
fn text(summary: &CheckpointSummary) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let _done = writeln!(out, "{name:<12}{value}");
    };
    line("checkpoint", summary.location.clone());
    line("query", format!("{} (format version {})", summary.id, summary.format_version));
    if let Some(RunSummary { runs, run_id, started }) = &summary.run {
        line("runs", format!("{runs}, the newest {run_id} of {started}"));
    }
    line("epochs", epochs(summary));
    line("watermark", summary.watermark.clone().unwrap_or_else(|| "none yet".to_owned()));
    for source in &summary.sources {
        line("source", source_text(source));
    }
    for (table, since) in &summary.tables {
        line("table", format!("`{table}` as it has been since epoch {since}"));
    }
    if summary.operators.is_empty() {
        line("state", "none".to_owned());
    }
    for operator in &summary.operators {
        operator_text(&mut out, operator);
    }
    out
}

fn epochs(summary: &CheckpointSummary) -> String {
    let done = match (summary.committed_epoch, summary.oldest_epoch) {
        (Some(done), Some(oldest)) => format!("{done} is committed, the log begins with {oldest}"),
        (Some(done), None) => format!("{done} is committed"),
        (None, _) => "none is committed".to_owned(),
    };
    match summary.in_flight_epoch {
        Some(epoch) => format!("{done}; {epoch} is in flight"),
        None => done,
    }
}

fn source_text(source: &SourceSummary) -> String {
    let json = |offset: &Option<_>| {
        let json = offset.as_ref().map(serde_json::to_string);
        json.and_then(Result::ok).unwrap_or_else(|| "the start".to_owned())
    };
    let mut text = format!("`{}` up to {}", source.name, json(&source.committed));
    if source.in_flight.is_some() {
        let _done = write!(text, "; in flight up to {}", json(&source.in_flight));
    }
    text
}

fn operator_text(out: &mut String, operator: &OperatorSummary) {
    let (rows, bytes) = (operator.rows(), operator.bytes());
    let schema = &operator.schema;
    let _done = writeln!(out, "\noperator    {} ({})", operator.id, schema.kind);
    let _done = writeln!(out, "  key       {}", columns(&schema.key));
    let _done = writeln!(out, "  value     {}", columns(&schema.value));
    for window in &schema.windows {
        let _done = writeln!(out, "  window    {}", spelled_window(window));
    }
    let _done = writeln!(out, "  state     {rows} rows, {bytes} bytes");
    for part in &operator.partitions {
        let PartitionSummary { partition, rows, bytes, files, last_snapshot } = part;
        let snapshot = match last_snapshot {
            Some(version) => format!("snapshot of version {version}"),
            None => "no snapshot".to_owned(),
        };
        let _done = writeln!(
            out,
            "  partition {partition:>3}: {rows} rows, {bytes} bytes in {files} files, {snapshot}"
        );
    }
}

fn columns(fields: &[StateField]) -> String {
    let of = |field: &StateField| {
        let inner = match field.fields.as_slice() {
            [] => String::new(),
            fields => format!("<{}>", columns(fields)),
        };
        format!("{} {}{inner}", spelled(&field.name), field.data_type)
    };
    match fields {
        [] => "none: one row for all".to_owned(),
        fields => fields.iter().map(of).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn summary(more: &serde_json::Value) -> CheckpointSummary {
        let mut summary = json!({
            "location": "/ckpt", "id": "q-1", "formatVersion": 1, "run": null,
            "oldestEpoch": null, "committedEpoch": null, "inFlightEpoch": null, "watermark": null,
            "sources": [], "operators": [],
        });
        summary.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(summary).unwrap()
    }

    #[test]
    fn a_checkpoint_before_its_first_epoch_says_so() {
        assert_eq!(
            text(&summary(&json!({}))),
            "checkpoint  /ckpt\nquery       q-1 (format version 1)\n\
             epochs      none is committed\nwatermark   none yet\nstate       none\n"
        );
    }

    #[test]
    fn an_epoch_in_flight_is_told_with_its_offsets() {
        let shown = text(&summary(&json!({
            "oldestEpoch": 0, "committedEpoch": 6, "inFlightEpoch": 7,
            "watermark": "2024-01-01T00:10:00.000Z", "tables": {"d": 3},
            "sources": [{"name": "json-0", "committed": {"logOffset": 6}, "inFlight": {"logOffset": 7}}],
        })));
        assert!(shown.contains("6 is committed, the log begins with 0; 7 is in flight"), "{shown}");
        let source = "`json-0` up to {\"logOffset\":6}; in flight up to {\"logOffset\":7}";
        assert!(shown.contains(source), "{shown}");
        assert!(shown.contains("table       `d` as it has been since epoch 3"), "{shown}");
    }
}
