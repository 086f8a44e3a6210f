//! A request over a bare socket, for clients that read slowly or not at all.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a read may wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that was sent; what comes back is read when somebody asks for it.
pub struct Raw(BufReader<TcpStream>);

impl Raw {
    /// Sends a request to `address`; with a body it is a POST of JSON.
    pub fn send(
        address: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
        request += "Accept: text/event-stream\r\n";
        if let Some(token) = token {
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        if !body.is_empty() {
            let length = body.len();
            request += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
        Ok(Self(BufReader::with_capacity(256, stream)))
    }

    /// The status of the answer.
    pub fn status(&mut self) -> io::Result<u16> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    }

    /// One byte.
    pub fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// The data of the next event; `None` at the end of the stream, an error if
    /// it broke off.
    pub fn event(&mut self) -> io::Result<Option<Value>> {
        let mut line = String::new();
        while self.0.read_line(&mut line)? > 0 {
            if let Some(data) = line.strip_prefix("data: ") {
                let data = serde_json::from_str(data.trim_end());
                return Ok(Some(data.unwrap_or(Value::Null)));
            }
            // The last piece of a chunked body has no bytes.
            if line == "0\r\n" {
                return Ok(None);
            }
            line.clear();
        }
        // Whoever sent it is gone.
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
