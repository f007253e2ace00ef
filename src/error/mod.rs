//! The one error type of the crate.
//!
//! A variant exists where a caller may act differently; [`Error::kind`] says how. Messages are for
//! people: they name the thing, what was wrong with it, and the way out. Nothing of ours is
//! imported here, so that every module may use it.

pub mod internal_names;
pub mod spelled;

mod engine;

use std::sync::Arc;

use datafusion::error::DataFusionError;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a path is called that was not found.
const PATH: &str = "path";

/// What went wrong, and through [`Error::kind`] what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option that nothing reads.
    #[error("{owner} has no option `{option}`{}", did_you_mean(.nearest.as_deref()))]
    UnknownOption {
        /// Whose option it would be, such as ``source `json` ``.
        owner: String,
        /// The option as it was given.
        option: String,
        /// The known option with the most similar name.
        nearest: Option<String>,
    },

    /// An option whose value cannot be used.
    #[error("option `{option}` of {owner} cannot be `{value}`: {reason}")]
    InvalidOption {
        /// Whose option it is.
        owner: String,
        /// The option.
        option: String,
        /// The value as it was given.
        value: String,
        /// What was expected.
        reason: String,
    },

    /// An option that has to be given.
    #[error("{owner} needs the option `{option}`: {reason}")]
    MissingOption {
        /// Whose option it is.
        owner: String,
        /// The option.
        option: String,
        /// What it is for, or what may be given in its place.
        reason: String,
    },

    /// A name that stands for nothing.
    #[error("there is no {what} `{name}`{}", did_you_mean(.nearest.as_deref()))]
    NotFound {
        /// The kind of thing: table, source format, streaming query.
        what: &'static str,
        /// The name that was looked up.
        name: String,
        /// The existing thing with the most similar name.
        nearest: Option<String>,
    },

    /// A query, expression or argument that makes no sense.
    #[error("{message}")]
    Invalid {
        /// What is wrong and what would be right.
        message: String,
    },

    /// Something that makes sense, but not in a streaming query, or not yet.
    #[error("{message}")]
    Unsupported {
        /// What is refused, and the way out.
        message: String,
    },

    /// Data that does not have the promised form.
    #[error("malformed data in `{place}`: {message}")]
    Data {
        /// The file, topic or source.
        place: String,
        /// What is wrong with it.
        message: String,
    },

    /// An expression that has no value for some row.
    #[error("`{expression}` failed{}: {reason}", .place.as_deref().unwrap_or_default())]
    Evaluation {
        /// The expression, as SQL.
        expression: String,
        /// Which row it was, or which files were read, where that is known.
        place: Option<String>,
        /// Why it has no value.
        reason: String,
        /// What to do about it.
        kind: ErrorKind,
    },

    /// A file of ours that is damaged or missing.
    #[error("checkpoint file `{path}` is damaged: {reason}")]
    Corrupt {
        /// The damaged or missing file.
        path: String,
        /// What was expected and what was found.
        reason: String,
    },

    /// A query that no longer fits its checkpoint.
    #[error("the query does not fit its checkpoint `{location}`: {reason}")]
    Incompatible {
        /// The checkpoint location.
        location: String,
        /// What changed, as a difference between then and now.
        reason: String,
    },

    /// A newer run of the query has claimed the checkpoint.
    #[error("checkpoint `{location}` was taken over by run {run} of the query; this run stops")]
    Fenced {
        /// The checkpoint location.
        location: String,
        /// The run that took over.
        run: u64,
    },

    /// A file that is written once was there already.
    #[error("`{path}` exists already")]
    AlreadyExists {
        /// The file.
        path: String,
    },

    /// Storage did not do what it was asked to.
    #[error("cannot {action} `{path}`: {}", internal_names::told(&source.to_string()))]
    Storage {
        /// What was tried: read, write, list.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// What the storage said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// Code of the user failed: a `foreach_batch` function, a listener.
    #[error("{place} failed: {source}")]
    User {
        /// Which function.
        place: String,
        /// What it failed with.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A streaming query ended with an error.
    #[error("streaming query {query} failed: {source}")]
    QueryFailed {
        /// The name of the query, or its id.
        query: String,
        /// Why.
        source: Arc<Self>,
    },

    /// DataFusion refused or failed.
    #[error("{}", engine::message(.error))]
    DataFusion {
        /// What it said, in its own words.
        error: Box<DataFusionError>,
    },

    /// A bug of Millstream.
    #[error("internal error: {message}; this is a bug in millstream, please report it")]
    Internal {
        /// The invariant that did not hold.
        message: String,
    },
}

/// What the caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Fix the query, the option or the call.
    Invalid,
    /// Write the query another way: this is not supported.
    Unsupported,
    /// Fix the data or the damaged file.
    Data,
    /// Try again: storage or a service did not answer.
    Unavailable,
    /// Nothing: another run of the query took over.
    Fenced,
    /// Fix the function that was handed to the query.
    User,
    /// Report a bug.
    Internal,
}

impl Error {
    /// An [`Error::Invalid`] with this message.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    /// An [`Error::Unsupported`] with this message.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::Unsupported { message: message.into() }
    }

    /// An [`Error::Internal`] with this message.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal { message: message.into() }
    }

    /// An [`Error::Corrupt`] for this file.
    pub fn corrupt(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.into(), reason: reason.into() }
    }

    /// An [`Error::NotFound`] for this path.
    pub fn missing_path(path: &str) -> Self {
        Self::NotFound { what: PATH, name: path.to_owned(), nearest: None }
    }

    /// Whether it says that a path is not there.
    pub fn is_missing_path(&self) -> bool {
        matches!(self, Self::NotFound { what, .. } if *what == PATH)
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownOption { .. }
            | Self::InvalidOption { .. }
            | Self::MissingOption { .. }
            | Self::NotFound { .. }
            | Self::Invalid { .. }
            | Self::Incompatible { .. } => ErrorKind::Invalid,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Data { .. } | Self::Corrupt { .. } => ErrorKind::Data,
            Self::Fenced { .. } => ErrorKind::Fenced,
            Self::AlreadyExists { .. } | Self::Storage { .. } => ErrorKind::Unavailable,
            Self::User { .. } => ErrorKind::User,
            Self::Evaluation { kind, .. } => *kind,
            Self::QueryFailed { source, .. } => source.kind(),
            Self::DataFusion { error } => kind_of_datafusion(error),
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }
}

fn kind_of_datafusion(error: &DataFusionError) -> ErrorKind {
    match error.find_root() {
        // An error of ours that several consumers of one stream share keeps its kind.
        DataFusionError::External(inner) => {
            inner.downcast_ref::<Error>().map_or(ErrorKind::Data, Error::kind)
        }
        DataFusionError::Plan(_)
        | DataFusionError::SchemaError(_, _)
        | DataFusionError::SQL(_, _)
        | DataFusionError::Configuration(_) => ErrorKind::Invalid,
        DataFusionError::NotImplemented(_) => ErrorKind::Unsupported,
        DataFusionError::Execution(_)
        | DataFusionError::ArrowError(_, _)
        | DataFusionError::ParquetError(_) => ErrorKind::Data,
        DataFusionError::IoError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::ResourcesExhausted(_) => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Errors travel through DataFusion's operators as `External` and come out as they went in.
impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        match error {
            Error::DataFusion { error } => *error,
            other => Self::External(Box::new(other)),
        }
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(inner) => {
                    Self::DataFusion { error: Box::new(DataFusionError::External(inner)) }
                }
            },
            DataFusionError::Context(_, inner) if holds_ours(&inner) => (*inner).into(),
            DataFusionError::Shared(shared) => match Arc::try_unwrap(shared) {
                Ok(inner) => inner.into(),
                Err(shared) => {
                    Self::DataFusion { error: Box::new(DataFusionError::Shared(shared)) }
                }
            },
            other => Self::DataFusion { error: Box::new(other) },
        }
    }
}

fn holds_ours(error: &DataFusionError) -> bool {
    match error {
        DataFusionError::External(inner) => inner.is::<Error>(),
        DataFusionError::Context(_, inner) => holds_ours(inner),
        _ => false,
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        match error {
            arrow::error::ArrowError::ExternalError(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(inner) => DataFusionError::External(inner).into(),
            },
            other => DataFusionError::from(other).into(),
        }
    }
}
