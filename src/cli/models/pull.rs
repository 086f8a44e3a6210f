//! `satchel models pull`: asks the server for a download and shows how far it is.

use crate::cli::connection::Connection;
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

/// Downloads a model; gives the name of its file.
pub(super) fn run(connection: &Connection, name: &str) -> Result<String> {
    // Listening begins before asking, so that nothing happens unheard in between.
    let events = connection.listen("/api/models/events")?;
    let begun = connection.post("/api/models/pull", &json!({"name": name}))?;
    let file = begun["name"].as_str().unwrap_or_default().to_owned();
    let bar = Bar::new();
    bar.show(&begun);
    for event in events {
        let event = event?;
        if event.name != "download" || event.data["name"] != file.as_str() {
            continue;
        }
        bar.show(&event.data);
        match event.data["state"].as_str().unwrap_or_default() {
            "done" => {
                bar.finish();
                println!("{file} is installed.");
                return Ok(file);
            }
            "failed" => {
                bar.finish();
                bail!(
                    "{}",
                    event.data["error"]
                        .as_str()
                        .unwrap_or("the download failed")
                );
            }
            "paused" | "discarded" => {
                bar.finish();
                bail!("the download was stopped; the same command goes on with what has arrived");
            }
            _ => {}
        }
    }
    bar.finish();
    bail!(
        "the server ended before {file} was there; the same command goes on with what has arrived"
    )
}

/// A bar on a terminal, a line for each change elsewhere.
struct Bar {
    bar: ProgressBar,
    is_drawn: bool,
    state: std::cell::RefCell<String>,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let template = "{bar:28} {decimal_bytes}/{decimal_total_bytes}  {wide_msg}";
        // A template that cannot be read is drawn as the plain bar.
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            is_drawn: !bar.is_hidden(),
            bar,
            state: std::cell::RefCell::default(),
        }
    }

    fn show(&self, download: &Value) {
        if let Some(total) = download["total_bytes"].as_u64() {
            self.bar.set_length(total);
        }
        let received = download["received_bytes"].as_u64().unwrap_or_default();
        self.bar.set_position(received);
        let state = words(download);
        self.bar.set_message(state.clone());
        let name = download["state"].as_str().unwrap_or_default();
        let before = self.state.replace(name.to_owned());
        if !self.is_drawn && before != name && !matches!(name, "done" | "failed") {
            eprintln!("{}: {state}", download["name"].as_str().unwrap_or_default());
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What a download is doing, for people.
fn words(download: &Value) -> String {
    let speed = download["bytes_per_s"].as_u64().unwrap_or_default();
    match download["state"].as_str().unwrap_or_default() {
        "waiting" => "waiting for another download".to_owned(),
        "connecting" => "connecting".to_owned(),
        "receiving" if speed > 0 => {
            let left = download["total_bytes"].as_u64().unwrap_or_default();
            let left = left.saturating_sub(download["received_bytes"].as_u64().unwrap_or_default());
            let megabytes = speed as f64 / 1e6;
            format!("{megabytes:.1} MB/s, {} left", duration(left / speed))
        }
        "receiving" => "receiving".to_owned(),
        "retrying" => "the connection was lost, trying again".to_owned(),
        "checking" => "checking".to_owned(),
        other => other.to_owned(),
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::words;
    use serde_json::json;

    #[test]
    fn speed_and_rest_are_said() {
        let download = json!({
            "state": "receiving", "received_bytes": 1_000_000_000_u64,
            "total_bytes": 2_000_000_000_u64, "bytes_per_s": 8_000_000,
        });
        assert_eq!(words(&download), "8.0 MB/s, 3 min left");
    }
}
