//! From passages to an answer: quotes, grounded prompts, checks, rendering.

mod cite;

pub use cite::{Marker, MarkerFilter, complete_until, markers};
