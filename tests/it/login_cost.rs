//! What signing in costs: one check of a password, whoever is named, so that the
//! time that it takes does not tell who exists.

use crate::support::{PASSWORD, Server};
use serde_json::json;

/// More wrong passwords than a name is forgiven.
const ATTEMPTS: usize = 11;

fn checks(server: &Server) -> u64 {
    let text = server.admin().get("/metrics").text;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("satchel_password_checks_total "));
    line.unwrap().parse().unwrap()
}

/// The status of an attempt, and how many passwords were checked for it.
fn attempt(server: &Server, name: &str, password: &str) -> (u16, u64) {
    let before = checks(server);
    let body = json!({"username": name, "password": password});
    let status = server.stranger().post("/auth/login", &body).status;
    (status, checks(server) - before)
}

#[test]
fn every_attempt_to_sign_in_costs_one_check_whoever_is_named() {
    let server = Server::start();
    server.user("ada");
    server.tenant("elsewhere");
    for (name, what) in [
        ("nobody", "an unknown name"),
        ("ada", "a wrong password"),
        ("elsewhere-admin", "somebody of another tenant"),
        ("admin", "somebody without a password"),
        ("no name at all!", "what cannot be a name"),
    ] {
        assert_eq!(attempt(&server, name, "wrong"), (401, 1), "{what}");
    }
    assert_eq!(attempt(&server, "ada", PASSWORD), (200, 1), "the right one");
    for name in ["ada", "nobody"] {
        for _ in 0..ATTEMPTS {
            attempt(&server, name, "wrong");
        }
        assert_eq!(
            attempt(&server, name, PASSWORD),
            (429, 1),
            "{name} is locked"
        );
    }
}
