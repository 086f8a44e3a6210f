//! Where a request comes from: the peer of the connection, or, behind proxies
//! that are trusted, what they say. Nobody else is believed.

use crate::config::Network;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use actix_web::{HttpMessage, HttpRequest};
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What the gate found out, for the handlers.
#[derive(Clone, Copy)]
struct ClientAddress(IpAddr);

/// The address of the client, noted for [`of`].
pub(super) fn note(request: &ServiceRequest, trusted: &[Network]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let address = behind_proxies(peer, request.headers(), trusted).to_canonical();
    request.extensions_mut().insert(ClientAddress(address));
    Some(address)
}

/// The address that was noted.
pub(super) fn of(request: &HttpRequest) -> Option<IpAddr> {
    let noted = request.extensions().get::<ClientAddress>().copied();
    noted.map(|address| address.0)
}

/// The rightmost address that is not a trusted proxy's. Each proxy adds the
/// one that it sees at the right; what is further left anybody may have written.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_proxy = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    for hop in hops(headers).into_iter().rev() {
        if !is_proxy(client) {
            break;
        }
        match hop {
            Some(address) => client = address,
            // What a proxy does not tell is not guessed.
            None => break,
        }
    }
    client
}

/// The addresses that a request is said to have passed, leftmost first; `None`
/// for those that are hidden or unreadable.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lists = |name: HeaderName| {
        let values = headers.get_all(name);
        let texts = values.map(|value| value.to_str().unwrap_or_default());
        texts.flat_map(|text| text.split(',')).map(str::trim)
    };
    let plain: Vec<_> = lists(X_FORWARDED_FOR).map(address).collect();
    match plain.is_empty() {
        false => plain,
        true => lists(FORWARDED).map(forwarded_for).collect(),
    }
}

/// The `for` of one element of a Forwarded header (RFC 7239).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(node.trim_matches('"'))
}

/// An address with or without a port, an IPv6 one with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().map(|socket| socket.ip());
    bare.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::behind_proxies;
    use crate::config::Network;
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    fn client(peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            map.append(HeaderName::from_static(name), value);
        }
        let trusted: Vec<Network> = ["10.0.0.0/8", "::1"].map(|one| one.parse().unwrap()).into();
        behind_proxies(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn stranger_is_not_believed() {
        let forged = [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4")];
        assert_eq!(client("203.0.113.9", &forged), "203.0.113.9");
    }

    #[test]
    fn rightmost_address_that_is_no_proxy_counts() {
        let chain = [("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.7")];
        assert_eq!(client("10.0.0.8", &chain), "203.0.113.9");
        let lines = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "203.0.113.9"),
        ];
        assert_eq!(client("10.0.0.8", &lines), "203.0.113.9");
        assert_eq!(client("10.0.0.8", &[]), "10.0.0.8");
    }

    #[test]
    fn both_headers_and_all_spellings_are_read() {
        for (header, address) in [
            ("for=203.0.113.9;proto=https", "203.0.113.9"),
            ("For=\"203.0.113.9:4711\"", "203.0.113.9"),
            ("proto=https;for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=unknown", "::1"),
            ("for=_hidden", "::1"),
        ] {
            assert_eq!(client("::1", &[("forwarded", header)]), address, "{header}");
        }
        let plain = [("x-forwarded-for", "[2001:db8::2]:80")];
        assert_eq!(client("::1", &plain), "2001:db8::2");
    }

    #[test]
    fn unreadable_hop_ends_the_search() {
        let chain = [("x-forwarded-for", "203.0.113.9, what, 10.0.0.7")];
        assert_eq!(client("10.0.0.8", &chain), "10.0.0.7");
    }
}
