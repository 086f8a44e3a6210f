//! Texts that end an answer, wherever the borders of tokens fall in them.

/// Text that may be shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Emit {
    pub text: String,
    /// A stop string was met; it and what follows are not part of the text.
    pub stopped: bool,
}

/// Text in, text out, up to the first stop string. Held back is only the end
/// of the text that may still become one.
#[derive(Debug, Default)]
pub struct StopFilter {
    stops: Vec<String>,
    held: String,
    stopped: bool,
}

impl StopFilter {
    /// A text that ends before any of `stops`. Empty ones are ignored.
    pub fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty());
        Self {
            stops: stops.cloned().collect(),
            ..Self::default()
        }
    }

    /// Takes in the next piece of text.
    pub fn push(&mut self, text: &str) -> Emit {
        if self.stopped {
            return Emit {
                text: String::new(),
                stopped: true,
            };
        }
        self.held.push_str(text);
        if let Some(start) = self.first_stop() {
            self.stopped = true;
            self.held.truncate(start);
            return Emit {
                text: std::mem::take(&mut self.held),
                stopped: true,
            };
        }
        let open = open_end(&self.held, self.stops.iter().map(String::as_str));
        let kept = self.held.split_off(self.held.len() - open);
        Emit {
            text: std::mem::replace(&mut self.held, kept),
            stopped: false,
        }
    }

    /// What is left when no text follows.
    pub fn finish(&mut self) -> Emit {
        Emit {
            text: std::mem::take(&mut self.held),
            stopped: self.stopped,
        }
    }

    /// Where the stop string begins that is complete first, so that the text
    /// is cut at the same place however it is cut into pieces.
    fn first_stop(&self) -> Option<usize> {
        let found = self.stops.iter().filter_map(|stop| {
            let start = self.held.find(stop.as_str())?;
            Some((start + stop.len(), start))
        });
        found.min().map(|(_, start)| start)
    }
}

/// Length of the longest end of `text` that begins one of `marks`.
pub(super) fn open_end<'a>(text: &str, marks: impl Iterator<Item = &'a str>) -> usize {
    let open = |mark: &str| {
        let furthest = text.len().saturating_sub(mark.len().saturating_sub(1));
        let mut starts = (furthest..text.len()).filter(|at| text.is_char_boundary(*at));
        starts
            .find(|at| mark.starts_with(&text[*at..]))
            .map_or(0, |at| text.len() - at)
    };
    marks.map(open).max().unwrap_or_default()
}
