//! From passages to an answer: quotes, grounded prompts, checks, rendering.

mod chips;
mod cite;
mod markdown;
mod render;
mod sanitise;
mod stream;

pub use cite::{Marker, MarkerFilter, complete_until, markers};
pub use render::render;
pub use stream::BlockStream;
