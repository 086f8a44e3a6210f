//! What kinds of failure there are. Every module's own error type says which
//! kind it is; the edge (HTTP, command line) turns the kind into a status and
//! never looks at the concrete type. Must not know a status code.

use std::fmt;

/// The kind of a failure: all that a caller outside the failing module needs
/// in order to react.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The named thing does not exist, or is not visible to the caller.
    NotFound,
    /// The input is malformed or out of range.
    Invalid,
    /// The input exceeds a configured size limit.
    TooLarge,
    /// The input is well formed, but of a type that is not handled.
    Unsupported,
    /// The request contradicts the present state (a duplicate, a busy lock).
    Conflict,
    /// No valid credentials.
    Unauthorized,
    /// Valid credentials that do not suffice.
    Forbidden,
    /// Too many requests from this caller.
    RateLimited,
    /// The service is saturated; trying later helps.
    Busy,
    /// A deadline passed.
    Timeout,
    /// The caller went away or asked to stop.
    Cancelled,
    /// A model that the operation needs is not installed.
    ModelMissing,
    /// The disk, the database or an index failed.
    Storage,
    /// A bug on our side.
    Internal,
}

impl ErrorKind {
    /// Whether the failure is ours: its details belong into the log and not
    /// into an answer.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Storage | Self::Internal)
    }
}

/// Implemented by the error type of each module.
pub trait Kind: std::error::Error {
    /// Which kind of failure this is.
    fn kind(&self) -> ErrorKind;

    /// After how many seconds trying again makes sense, where that is known.
    fn retry_after(&self) -> Option<u64> {
        None
    }

    /// The path of the field that is wrong, as in `messages[0].role`, where it is one.
    fn field(&self) -> Option<&str> {
        None
    }

    /// A word for exactly this failure, where callers tell it from others of its kind.
    fn code(&self) -> Option<&'static str> {
        None
    }
}

/// A failure that carries little but its kind and a message for people; for
/// code that joins modules and has no state of its own to report.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: ErrorKind,
    message: String,
    retry_after: Option<u64>,
    field: Option<String>,
    code: Option<&'static str>,
}

impl Fault {
    /// A failure of `kind` that `message` explains to the person who caused it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            field: None,
            code: None,
        }
    }

    /// The same failure with a hint when to try again.
    pub fn retry_in(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same failure, blamed on a field of the input.
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same failure with a word of its own.
    pub fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Short for a failure of kind [`ErrorKind::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Short for a failure of kind [`ErrorKind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Short for a failure of kind [`ErrorKind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Keeps all that another module's error says.
    pub fn of(error: &dyn Kind) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            retry_after: error.retry_after(),
            field: error.field().map(str::to_owned),
            code: error.code(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Kind for Fault {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    fn code(&self) -> Option<&'static str> {
        self.code
    }
}

/// Lets `?` turn the named errors into a [`Fault`] that keeps all they say.
#[macro_export]
macro_rules! faults {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for $crate::error::Fault {
            fn from(error: $error) -> Self {
                Self::of(&error as &dyn $crate::error::Kind)
            }
        })+
    };
}
