//! Sources and sinks by the name of their format.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::connector::options::nearest;
use crate::connector::sink::SinkFactory;
use crate::connector::source::SourceFactory;
use crate::error::{Error, Result};

/// Sources and sinks by the name of their format; names are compared without regard to case.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    sources: BTreeMap<String, Arc<dyn SourceFactory>>,
    sinks: BTreeMap<String, Arc<dyn SinkFactory>>,
}

impl Registry {
    /// Adds a source, or replaces the one of this name.
    pub fn add_source(&mut self, format: &str, factory: Arc<dyn SourceFactory>) {
        self.sources.insert(format.to_ascii_lowercase(), factory);
    }

    /// Adds a sink, or replaces the one of this name.
    pub fn add_sink(&mut self, format: &str, factory: Arc<dyn SinkFactory>) {
        self.sinks.insert(format.to_ascii_lowercase(), factory);
    }

    /// All sources with their names, in alphabetical order.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &Arc<dyn SourceFactory>)> {
        self.sources.iter().map(|(name, factory)| (name.as_str(), factory))
    }

    /// All sinks with their names, in alphabetical order.
    pub fn sinks(&self) -> impl Iterator<Item = (&str, &Arc<dyn SinkFactory>)> {
        self.sinks.iter().map(|(name, factory)| (name.as_str(), factory))
    }

    /// The source of this format.
    ///
    /// # Errors
    /// `NotFound` with the nearest name; `Unsupported` for a format of files that Spark reads and
    /// we do not.
    pub fn source(&self, format: &str) -> Result<Arc<dyn SourceFactory>> {
        let lower = format.to_ascii_lowercase();
        if UNREAD.contains(&lower.as_str()) && !self.sources.contains_key(&lower) {
            let all: Vec<&str> = self.sources.keys().map(String::as_str).collect();
            return Err(Error::unsupported(format!(
                "the format `{format}` cannot be read; there are {}",
                all.join(", ")
            )));
        }
        find(&self.sources, "source format", format)
    }

    /// The sink of this format.
    ///
    /// # Errors
    /// `NotFound` with the nearest name; `Unsupported` with all of them where none is near.
    pub fn sink(&self, format: &str) -> Result<Arc<dyn SinkFactory>> {
        find(&self.sinks, "sink format", format)
    }
}

/// Formats of files that Spark reads and we do not.
const UNREAD: [&str; 4] = ["avro", "binaryfile", "orc", "xml"];

fn find<T: ?Sized>(
    all: &BTreeMap<String, Arc<T>>,
    what: &'static str,
    name: &str,
) -> Result<Arc<T>> {
    if let Some(found) = all.get(&name.to_ascii_lowercase()) {
        return Ok(Arc::clone(found));
    }
    let names = all.keys().map(String::as_str);
    match nearest(name, names.clone()).map(str::to_owned) {
        None => {
            let names: Vec<&str> = names.collect();
            Err(Error::unsupported(format!(
                "there is no {what} `{name}`; there are {}",
                names.join(", ")
            )))
        }
        nearest => Err(Error::NotFound { what, name: name.to_owned(), nearest }),
    }
}
