//! The JSON of tenants, users, what they are signed in with, their keys and what
//! they did.

use crate::service::{
    ApiKey, AuditOutcome, SignIn, SignInView, StoredAuditRecord, Tenant, UserRole, UserView,
};
use crate::types::{KeyId, TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// The user of a session of the page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnUser<'a> {
    id: &'a UserId,
    username: &'a str,
    #[schema(value_type = UserRole)]
    role: &'static str,
    tenant_id: &'a TenantId,
    password_set: bool,
}

impl<'a> From<&'a UserView> for OwnUser<'a> {
    fn from(user: &'a UserView) -> Self {
        Self {
            id: &user.id,
            username: &user.username,
            role: user.role.as_str(),
            tenant_id: &user.tenant_id,
            password_set: user.password_set,
        }
    }
}

/// What a successful sign-in tells the client; the refresh token is in the cookie alone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn<'a> {
    access_token: &'a str,
    /// `bearer`
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    user: OwnUser<'a>,
}

impl<'a> From<&'a SignIn> for SignedIn<'a> {
    fn from(sign_in: &'a SignIn) -> Self {
        Self {
            access_token: &sign_in.access_token,
            token_type: "bearer",
            expires_in: sign_in.expires_in,
            user: OwnUser::from(&sign_in.user),
        }
    }
}

/// A user in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserWire<'a> {
    id: &'a UserId,
    username: &'a str,
    #[schema(value_type = UserRole)]
    role: &'static str,
    tenant_id: &'a TenantId,
    /// The outside issuer that vouches for the user.
    issuer: Option<&'a str>,
    #[schema(format = DateTime)]
    created_at: String,
    password_set: bool,
    #[schema(format = DateTime)]
    last_seen_at: Option<String>,
}

impl<'a> From<&'a UserView> for UserWire<'a> {
    fn from(user: &'a UserView) -> Self {
        Self {
            id: &user.id,
            username: &user.username,
            role: user.role.as_str(),
            tenant_id: &user.tenant_id,
            issuer: user.issuer.as_deref(),
            created_at: user.created_at.to_string(),
            password_set: user.password_set,
            last_seen_at: user.last_seen.map(|at| at.to_string()),
        }
    }
}

/// A tenant in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantWire<'a> {
    id: &'a TenantId,
    name: &'a str,
    requests_per_minute: Option<u32>,
    disk_quota_bytes: Option<u64>,
    user_count: u64,
    document_count: u64,
    disk_bytes: u64,
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'a> From<&'a Tenant> for TenantWire<'a> {
    fn from(tenant: &'a Tenant) -> Self {
        Self {
            id: &tenant.id,
            name: &tenant.name,
            requests_per_minute: tenant.limits.requests_per_minute,
            disk_quota_bytes: tenant.limits.disk_quota_bytes,
            user_count: tenant.users,
            document_count: tenant.documents,
            disk_bytes: tenant.bytes,
            created_at: tenant.created_at.to_string(),
        }
    }
}

/// Something that a user is signed in with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInWire<'a> {
    id: &'a str,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    last_used_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    address: Option<&'a str>,
    /// What the client called itself.
    client: Option<&'a str>,
    /// Whether it is the one that asks.
    current: bool,
}

impl<'a> From<&'a SignInView> for SignInWire<'a> {
    fn from(view: &'a SignInView) -> Self {
        let one = &view.sign_in;
        Self {
            id: &one.id,
            started_at: one.started_at.to_string(),
            last_used_at: one.used_at.to_string(),
            expires_at: one.expires_at.to_string(),
            address: one.address.as_deref(),
            client: one.client.as_deref(),
            current: view.current,
        }
    }
}

/// A record of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditRecordWire<'a> {
    id: u64,
    #[schema(format = DateTime)]
    at: String,
    action: &'a str,
    /// What it was done to.
    object: Option<&'a str>,
    #[schema(value_type = AuditOutcome)]
    outcome: &'static str,
    tenant_id: Option<&'a TenantId>,
    user_id: Option<&'a UserId>,
    username: Option<&'a str>,
    address: Option<&'a str>,
    request_id: Option<&'a str>,
}

impl<'a> From<&'a StoredAuditRecord> for AuditRecordWire<'a> {
    fn from(stored: &'a StoredAuditRecord) -> Self {
        let record = &stored.record;
        Self {
            id: stored.key,
            at: stored.at.to_string(),
            action: &record.action,
            object: record.object.as_deref(),
            outcome: record.outcome.as_str(),
            tenant_id: record.tenant_id.as_ref(),
            user_id: record.user_id.as_ref(),
            username: record.username.as_deref(),
            address: record.address.as_deref(),
            request_id: record.request_id.as_deref(),
        }
    }
}

/// An API key in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyWire<'a> {
    id: &'a KeyId,
    name: &'a str,
    /// How the key begins.
    prefix: &'a str,
    user_id: &'a UserId,
    username: &'a str,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

impl<'a> From<&'a ApiKey> for ApiKeyWire<'a> {
    fn from(key: &'a ApiKey) -> Self {
        Self {
            id: &key.id,
            name: &key.name,
            prefix: &key.prefix,
            user_id: &key.user_id,
            username: &key.username,
            created_at: key.created_at.to_string(),
            last_used_at: key.used_at.map(|at| at.to_string()),
        }
    }
}
