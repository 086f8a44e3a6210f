//! Who sees what: the eyes in which something is looked for, and how far a
//! dataset may be seen.

use super::{TenantId, UserId};

/// The tenant of people who have not signed in.
pub const PUBLIC_TENANT: &str = "public";

/// In whose eyes something is looked for. What a viewer may not see does not
/// exist for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    pub tenant_id: TenantId,
    /// `None` sees all that the tenant has, private datasets too.
    pub user_id: Option<UserId>,
}

impl Viewer {
    /// Sees all that the tenant has.
    pub fn whole_tenant(tenant_id: TenantId) -> Self {
        Self {
            tenant_id,
            user_id: None,
        }
    }

    /// Whether a private thing of `owner` in `tenant` is visible.
    pub fn sees_private(&self, tenant: &TenantId, owner: &UserId) -> bool {
        let whole = self.user_id.is_none() || self.user_id.as_ref() == Some(owner);
        self.tenant_id == *tenant && whole
    }
}

/// How far a dataset may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// By its owner and the tenant's administrators.
    Private,
    /// By all of its tenant.
    Tenant,
    /// By all of its tenant, and for reading by people who have not signed in.
    Public,
}

impl Visibility {
    /// The word used in the database and on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Tenant => "tenant",
            Self::Public => "public",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Private, Self::Tenant, Self::Public]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Viewer, Visibility};

    #[test]
    fn private_thing_is_seen_by_its_owner_and_by_who_sees_the_whole_tenant() {
        let viewer = |tenant: &str, user: Option<&str>| Viewer {
            tenant_id: tenant.into(),
            user_id: user.map(Into::into),
        };
        let sees = |viewer: Viewer| viewer.sees_private(&"one".into(), &"ada".into());
        assert!(sees(viewer("one", Some("ada"))));
        assert!(sees(viewer("one", None)));
        assert!(!sees(viewer("one", Some("bob"))));
        assert!(!sees(viewer("two", Some("ada"))));
        assert!(!sees(viewer("two", None)));
    }

    #[test]
    fn visibility_survives_the_way_over_its_word() {
        for word in ["private", "tenant", "public"] {
            assert_eq!(Visibility::parse(word).unwrap().as_str(), word);
        }
        assert_eq!(Visibility::parse("Public"), None);
    }
}
