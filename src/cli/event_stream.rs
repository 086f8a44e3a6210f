//! Reads server-sent events (WHATWG HTML, section 9.2) whose data are JSON.

use anyhow::{Context, Result};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};

/// One event.
#[derive(Debug, PartialEq)]
pub(super) struct ServerEvent {
    /// `message` for an event without a name.
    pub(super) name: String,
    pub(super) data: Value,
}

/// The events of a response, as they arrive.
pub(super) struct EventStream {
    lines: BufReader<Box<dyn Read>>,
}

impl EventStream {
    pub(super) fn new(body: impl Read + 'static) -> Self {
        Self {
            lines: BufReader::new(Box::new(body)),
        }
    }

    fn read(&mut self) -> Result<Option<ServerEvent>> {
        let (mut name, mut data) = (String::new(), String::new());
        let mut line = String::new();
        loop {
            line.clear();
            let read = self
                .lines
                .read_line(&mut line)
                .context("the connection to the server was lost")?;
            if read == 0 {
                return Ok(None);
            }
            let text = line.trim_end_matches(['\r', '\n']);
            if text.is_empty() && !data.is_empty() {
                let data = serde_json::from_str(&data).context("an event is not JSON")?;
                let name = if name.is_empty() {
                    "message".to_owned()
                } else {
                    name
                };
                return Ok(Some(ServerEvent { name, data }));
            }
            let (field, value) = text.split_once(':').unwrap_or((text, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut name),
                "data" => {
                    if !data.is_empty() {
                        data.push('\n');
                    }
                    data.push_str(value);
                }
                // Comments and ids are of no use here.
                _ => {}
            }
        }
    }
}

impl Iterator for EventStream {
    type Item = Result<ServerEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::{EventStream, ServerEvent};
    use serde_json::json;

    #[test]
    fn named_and_unnamed_events_are_read_and_comments_passed_over() {
        let text =
            ": hello\r\n\r\nid: 1\r\nevent: done\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata: 2\n\n";
        let events: Vec<ServerEvent> = EventStream::new(text.as_bytes())
            .map(Result::unwrap)
            .collect();
        let event = |name: &str, data| ServerEvent {
            name: name.to_owned(),
            data,
        };
        assert_eq!(
            events,
            [event("done", json!({"a": 1})), event("message", json!(2))]
        );
    }
}
