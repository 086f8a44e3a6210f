//! What is seen while files are added: a bar on a terminal, lines elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Read;

/// Progress over all files: first their bytes, then their passages.
pub(super) struct Progress {
    bar: ProgressBar,
    is_drawn: bool,
}

impl Progress {
    pub(super) fn new(bytes: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let is_drawn = !bar.is_hidden();
        bar.set_style(style("{bar:28} {bytes}/{total_bytes}  reading {wide_msg}"));
        Self { bar, is_drawn }
    }

    /// A file is being read.
    pub(super) fn reads(&self, name: &str) {
        self.bar.set_message(name.to_owned());
        if !self.is_drawn {
            eprintln!("reading {name}");
        }
    }

    /// Counts the bytes of `body` as they are sent.
    pub(super) fn count<R: Read>(&self, body: R) -> impl Read + use<R> {
        self.bar.wrap_read(body)
    }

    /// A line that stays.
    pub(super) fn say(&self, line: &str) {
        if self.is_drawn {
            self.bar.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    /// All is read; documents wait for their vectors.
    pub(super) fn waits(&self, documents: u64, embedded: u64, chunks: u64) {
        self.bar
            .set_style(style("{bar:28} {pos}/{len} passages  {wide_msg}"));
        self.bar.set_length(chunks);
        self.bar.set_position(embedded);
        self.bar
            .set_message(format!("embedding, {documents} documents left"));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that cannot be read is drawn as the plain bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
