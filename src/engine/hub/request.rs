//! Requests to the hub and to where it redirects: time-outs, proxies, and a
//! token that no other host gets to see.

use super::error::HubError;
use serde::de::DeserializeOwned;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::header::{AUTHORIZATION, HeaderMap, LOCATION};
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, RequestBuilder};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);

/// How long the hub may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// How often a download is redirected at most.
const REDIRECTS: usize = 5;

/// Speaks HTTP for the hub.
pub(super) struct Client {
    endpoint: Uri,
    token: Option<String>,
    agent: Agent,
    tls: TlsConfig,
}

/// A response to a request for a file.
pub(super) struct Fetched {
    pub(super) response: Response<Body>,
    /// What the hub itself said of the file, before it redirected.
    pub(super) linked: HeaderMap,
    /// Who answered, for messages.
    pub(super) host: String,
    /// Whether that is the hub itself.
    pub(super) is_hub: bool,
}

impl Client {
    pub(super) fn new(endpoint: Uri, token: Option<String>) -> Result<Self, HubError> {
        let tls = TlsConfig::builder()
            .root_certs(root_certificates()?)
            .build();
        let agent = Agent::config_builder()
            .user_agent(concat!("satchel/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self {
            endpoint,
            token,
            agent,
            tls,
        })
    }

    /// The hub's name, for messages.
    pub(super) fn host(&self) -> String {
        host_of(&self.endpoint)
    }

    /// An error about an answer of the hub.
    pub(super) fn nonsense(&self, reason: impl Into<String>) -> HubError {
        HubError::Nonsense {
            host: self.host(),
            reason: reason.into(),
        }
    }

    /// Sends a request that `hf-hub` made and reads its answer.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        request: RequestBuilder<WithoutBody>,
        repository: &str,
    ) -> Result<T, HubError> {
        let request = self.prepared(request, &self.endpoint);
        let request = request
            .config()
            .max_redirects(3)
            .timeout_global(Some(SILENCE));
        let sent = request.build().call();
        let mut response = sent.map_err(|error| offline(&self.host(), &error))?;
        if !response.status().is_success() {
            return Err(self.refused(&response, repository));
        }
        let body = response.body_mut().with_config().limit(64 << 20);
        body.read_json().map_err(|error| match error {
            ureq::Error::Json(error) => self.nonsense(error.to_string()),
            error => offline(&self.host(), &error),
        })
    }

    /// Asks for a file with these headers, along redirects.
    pub(super) fn fetch(
        &self,
        address: &str,
        headers: &[(&str, String)],
    ) -> Result<Fetched, HubError> {
        let mut uri: Uri = address
            .parse()
            .map_err(|_| self.nonsense("it has a file of impossible name"))?;
        let mut linked = HeaderMap::new();
        for _ in 0..REDIRECTS {
            let is_hub = same_server(&uri, &self.endpoint);
            let mut request = self.prepared(self.agent.get(&uri), &uri);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if let Some(token) = self.token.as_ref().filter(|_| is_hub) {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            let host = host_of(&uri);
            let response = request.call().map_err(|error| offline(&host, &error))?;
            if is_hub {
                linked.extend(response.headers().clone());
            }
            if !is_redirect(response.status()) {
                return Ok(Fetched {
                    response,
                    linked,
                    host,
                    is_hub,
                });
            }
            uri = redirected(&uri, &response).map_err(|reason| HubError::Nonsense {
                host,
                reason: reason.to_owned(),
            })?;
        }
        Err(self.nonsense("it redirects without end"))
    }

    /// What a refusal of the hub means.
    pub(super) fn refused(&self, response: &Response<Body>, repository: &str) -> HubError {
        let (host, status) = (self.host(), response.status().as_u16());
        let repository = repository.to_owned();
        let code = text(response.headers(), "x-error-code").unwrap_or_default();
        match (status, &self.token) {
            // To those without a token the hub does not tell private from missing.
            (401, None) if code == "RepoNotFound" => HubError::NoRepository { repository, host },
            (404, _) => HubError::NoRepository { repository, host },
            (401 | 403, None) => HubError::TokenWanted {
                repository,
                host,
                status,
            },
            (401 | 403, Some(_)) => HubError::TokenRefused {
                repository,
                host,
                status,
            },
            _ => HubError::Refused { host, status },
        }
    }

    fn prepared(
        &self,
        request: RequestBuilder<WithoutBody>,
        uri: &Uri,
    ) -> RequestBuilder<WithoutBody> {
        let settings = request
            .config()
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(self.tls.clone())
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE));
        // No proxy leads back to this machine.
        match is_loopback(uri) {
            true => settings.proxy(None).build(),
            false => settings.build(),
        }
    }
}

/// A header's text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Certificates beside those that are built in, as a proxy that opens TLS needs them.
fn root_certificates() -> Result<RootCerts, HubError> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else {
        return Ok(RootCerts::WebPki);
    };
    let failed = |reason: String| {
        let path = path.display();
        HubError::Settings(format!(
            "the file {path} that SSL_CERT_FILE names: {reason}"
        ))
    };
    let pem = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    match certificates.is_empty() {
        true => Err(failed("there is no certificate in it".to_owned())),
        false => Ok(RootCerts::Specific(Arc::new(certificates))),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a response sends on to; never from https to http.
fn redirected(from: &Uri, response: &Response<Body>) -> Result<Uri, &'static str> {
    let location = text(response.headers(), LOCATION.as_str()).ok_or("it redirects to nowhere")?;
    let to = match location.starts_with('/') && !location.starts_with("//") {
        true => format!(
            "{}://{}{location}",
            from.scheme_str().unwrap_or("https"),
            from.authority().map_or("", |authority| authority.as_str())
        ),
        false => location.to_owned(),
    };
    let to: Uri = to.parse().map_err(|_| "it redirects to no address")?;
    match (from.scheme_str(), to.scheme_str()) {
        (_, Some("https")) | (Some("http"), Some("http")) => Ok(to),
        _ => Err("it redirects to an address that is not secure"),
    }
}

fn same_server(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

fn host_of(uri: &Uri) -> String {
    uri.host().unwrap_or_default().to_owned()
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<std::net::IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// What a failed request means to people.
fn offline(host: &str, error: &ureq::Error) -> HubError {
    let reason = match error {
        ureq::Error::HostNotFound => "its name is not known here".to_owned(),
        ureq::Error::Timeout(_) => "it does not answer in time".to_owned(),
        ureq::Error::Io(error) => plain(error),
        error => error.to_string(),
    };
    HubError::Offline {
        host: host.to_owned(),
        reason,
    }
}

/// An input/output error without the number that the system gives it.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{is_loopback, redirected, same_server};
    use ureq::Body;
    use ureq::http::Response;

    fn to(from: &str, location: &str) -> Option<String> {
        let body = Body::builder().data("");
        let response = Response::builder().header("location", location);
        let found = redirected(&from.parse().unwrap(), &response.body(body).unwrap());
        found.ok().map(|uri| uri.to_string())
    }

    #[test]
    fn redirects_are_followed_but_never_to_an_insecure_address() {
        let hub = "https://hub.example:8443/o/r";
        assert_eq!(to(hub, "/x?y=1").unwrap(), "https://hub.example:8443/x?y=1");
        assert_eq!(
            to(hub, "https://cdn.example/b").unwrap(),
            "https://cdn.example/b"
        );
        assert_eq!(to(hub, "http://cdn.example/b"), None);
        assert_eq!(to(hub, "file:///etc/passwd"), None);
        assert_eq!(to(hub, "no address"), None);
        let plain = "http://127.0.0.1:80/o/r";
        assert_eq!(
            to(plain, "http://127.0.0.1:81/b").unwrap(),
            "http://127.0.0.1:81/b"
        );
    }

    #[test]
    fn another_port_is_another_server() {
        let uri = |text: &str| text.parse().unwrap();
        assert!(same_server(&uri("http://a:1/x"), &uri("http://a:1/y")));
        assert!(!same_server(&uri("http://a:1/x"), &uri("http://a:2/x")));
        assert!(!same_server(&uri("http://a:1/x"), &uri("https://a:1/x")));
    }

    #[test]
    fn own_machine_is_known_by_its_names() {
        for (address, own) in [
            ("http://127.0.0.1:9/", true),
            ("http://[::1]:9/", true),
            ("http://localhost/", true),
            ("https://huggingface.co/", false),
        ] {
            assert_eq!(is_loopback(&address.parse().unwrap()), own, "{address}");
        }
    }
}
