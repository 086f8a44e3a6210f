//! How long signing in takes: nobody shall learn from it whether a name exists.

use super::client::{Call, Client};
use super::report::{milliseconds, percentile};
use super::{PASSWORD, good};
use anyhow::Result;
use serde_json::json;
use std::time::{Duration, Instant};

/// Attempts in each case; fewer than what locks a name.
const ATTEMPTS: usize = 9;

/// Attempts after which a name is locked.
const LOCKED_AFTER: usize = 12;

pub(crate) fn measure(admin: &mut Client) -> Result<()> {
    let tenant = Call::rows("POST /api/tenants", "POST", "/api/tenants");
    good(admin, tenant.json(&json!({"id": "other", "name": "Other"})))?;
    for (name, tenant) in [
        ("known", "default"),
        ("elsewhere", "other"),
        ("locked", "default"),
    ] {
        let body = json!({"username": name, "password": PASSWORD, "tenant_id": tenant});
        let make = Call::rows("POST /api/users", "POST", "/api/users");
        good(admin, make.json(&body))?;
    }
    for _ in 0..LOCKED_AFTER {
        attempt(admin, "locked");
    }
    for (what, name) in [
        ("an unknown name", "nobody"),
        ("a wrong password", "known"),
        ("a user of another tenant", "elsewhere"),
        ("a name that is locked", "locked"),
    ] {
        let times: Vec<Duration> = (0..ATTEMPTS).map(|_| attempt(admin, name)).collect();
        let at = |part| milliseconds(percentile(times.iter().copied(), part));
        println!(
            "{what:<26} median {:6.1} ms, fastest {:6.1}, slowest {:6.1}",
            at(50),
            at(0),
            at(100)
        );
    }
    Ok(())
}

fn attempt(client: &mut Client, name: &str) -> Duration {
    let body = json!({"username": name, "password": "not the right one"});
    let began = Instant::now();
    let call = Call::other("POST /auth/login", "POST", "/auth/login");
    client.call(call.json(&body));
    began.elapsed()
}
