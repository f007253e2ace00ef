//! The format `text`: one column of text, a row for each line or for each file.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::formats::content::Content;
use crate::formats::format::{BATCH_ROWS, FileFormat, InputFile, ReadRequest, boxed, project};
use crate::formats::lines::{Chunk, Layout, chunks};
use crate::formats::type_name::sql_type_name;

/// The format `text`.
#[derive(Debug, Clone, Default)]
pub struct TextFormat {
    layout: Layout,
    whole: bool,
}

impl TextFormat {
    /// Reads text of this layout: a row for each line, or for each file where `whole`.
    pub const fn new(layout: Layout, whole: bool) -> Self {
        Self { layout, whole }
    }
}

#[async_trait]
impl FileFormat for TextFormat {
    fn name(&self) -> &'static str {
        "text"
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn fixed_schema(&self) -> Option<SchemaRef> {
        Some(Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, true)])))
    }

    fn check_schema(&self, schema: &Schema) -> Result<()> {
        match schema.fields().as_ref() {
            [field] if *field.data_type() == DataType::Utf8 => Ok(()),
            [field] => Err(Error::unsupported(format!(
                "column `{}` of type {} cannot be read from text; its one column is a STRING",
                field.name(),
                sql_type_name(field.data_type())
            ))),
            fields => Err(Error::invalid(format!(
                "text has one column, a STRING, and the schema has {}; besides it there may only be columns that folders are named after",
                fields.len()
            ))),
        }
    }

    async fn infer_schema(&self, _files: &[InputFile]) -> Result<SchemaRef> {
        self.fixed_schema().ok_or_else(|| Error::internal("text has no schema"))
    }

    fn reads_parts(&self) -> bool {
        !self.whole && self.layout.can_be_cut()
    }

    fn read(&self, file: InputFile, request: &ReadRequest) -> SendableRecordBatchStream {
        let schema = project(&request.schema, &request.projection);
        let output = Arc::clone(&schema);
        if self.whole {
            let content = Content::open(file, self.layout.encoding);
            let row = async move {
                let text = content?.whole().await?;
                // A file without anything in it has no row.
                let texts: Vec<String> =
                    Some(text).filter(|text| !text.is_empty()).into_iter().collect();
                Ok(batch(&schema, &StringArray::from(texts))?)
            };
            return boxed(output, stream::once(row));
        }
        let batches = chunks(file, &self.layout, request.part.as_ref())
            .and_then(move |chunk| futures::future::ready(batches(&chunk, &schema)))
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .map_err(DataFusionError::from)
            .try_flatten();
        boxed(output, batches.boxed())
    }
}

fn batches(chunk: &Chunk, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let mut lines = chunk.lines().peekable();
    let mut batches = vec![];
    while lines.peek().is_some() {
        let mut texts = StringBuilder::new();
        lines.by_ref().take(BATCH_ROWS).for_each(|line| texts.append_value(line.text()));
        batches.push(batch(schema, &texts.finish())?);
    }
    Ok(batches)
}

fn batch(schema: &SchemaRef, texts: &StringArray) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|_| Arc::new(texts.clone()) as ArrayRef).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(texts.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};

    use super::*;

    async fn rows(format: TextFormat, text: &[u8]) -> Vec<String> {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (path, size) = (Path::from("f.txt"), text.len() as u64);
        store.put(&path, text.to_vec().into()).await.unwrap();
        let file = InputFile { store, path, size, url: "memory:///f.txt".to_owned() };
        let request = ReadRequest::all(&format.fixed_schema().unwrap());
        let batches: Vec<_> = format.read(file, &request).try_collect().await.unwrap();
        let texts = batches.iter().flat_map(|batch| batch.column(0).as_string::<i32>());
        texts.map(|text| text.unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn every_line_is_a_row_blank_ones_too() {
        let lines = rows(TextFormat::default(), b"a\n\n b \r\nc\rd\n\n").await;
        assert_eq!(lines, ["a", "", " b ", "c", "d", ""]);
        let layout = Layout { separator: Some("||".to_owned()), ..Layout::default() };
        assert_eq!(rows(TextFormat::new(layout, false), b"a||b|c||").await, ["a", "b|c"]);
    }

    #[tokio::test]
    async fn a_file_is_one_row_where_that_is_asked_for_unless_it_is_empty() {
        let whole = TextFormat::new(Layout::default(), true);
        assert_eq!(rows(whole.clone(), b"a\nb\n").await, ["a\nb\n"]);
        assert!(rows(whole, b"").await.is_empty());
    }

    #[tokio::test]
    async fn a_file_of_many_lines_comes_in_many_batches() {
        let text = "x\n".repeat(2 * BATCH_ROWS + 1);
        assert_eq!(rows(TextFormat::default(), text.as_bytes()).await.len(), 2 * BATCH_ROWS + 1);
    }
}
