//! Table `audit`: who did what. Rows are added and read; they are never
//! changed, and deleted only when they are old, oldest first.

use super::{Store, StoreError};
use crate::types::{TenantId, Time, UserId};
use rusqlite::{Row, named_params, params};

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    Done,
    /// Not allowed, or not possible as it was asked for.
    Refused,
    /// By a fault of ours.
    Failed,
}

impl AuditOutcome {
    /// The word used in the database and on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Done, Self::Refused, Self::Failed]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    pub tenant_id: Option<TenantId>,
    pub user_id: Option<UserId>,
    pub username: Option<String>,
    pub action: String,
    /// The id of what it was done to.
    pub object: Option<String>,
    pub outcome: AuditOutcome,
    /// Where the request came from.
    pub address: Option<String>,
    pub request_id: Option<String>,
}

/// A record with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAuditRecord {
    /// Rising with time.
    pub key: u64,
    pub at: Time,
    pub record: AuditRecord,
}

/// Which records to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub action: Option<String>,
    /// The id or the name of a user.
    pub user: Option<String>,
    pub since: Option<Time>,
    /// Before this time.
    pub until: Option<Time>,
    /// Continue after this record.
    pub before: Option<u64>,
    pub limit: usize,
}

impl Store {
    /// Adds a record.
    pub fn append_audit(&self, record: &AuditRecord) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO audit (at, tenant_id, user_id, username, action, object, outcome,
                     address, request_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    Time::now().millis(),
                    record.tenant_id.as_ref().map(TenantId::as_str),
                    record.user_id.as_ref().map(UserId::as_str),
                    record.username,
                    record.action,
                    record.object,
                    record.outcome.as_str(),
                    record.address,
                    record.request_id
                ])?;
            Ok(())
        })
    }

    /// A tenant's records, newest first. With `strays`, also those of people
    /// who belong to no tenant.
    pub fn audit(
        &self,
        tenant: &TenantId,
        strays: bool,
        filter: &AuditFilter,
    ) -> Result<Vec<StoredAuditRecord>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, at, tenant_id, user_id, username, action, object, outcome, address,
                        request_id
                 FROM audit WHERE (tenant_id = :tenant OR (:strays AND tenant_id IS NULL))
                 AND (:action IS NULL OR action = :action)
                 AND (:user IS NULL OR user_id = :user OR username = :user)
                 AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)
                 AND (:before IS NULL OR key < :before)
                 ORDER BY key DESC LIMIT :most",
            )?;
            let rows = statement.query_map(
                named_params! {
                    ":tenant": tenant.as_str(),
                    ":strays": strays,
                    ":action": filter.action,
                    ":user": filter.user,
                    ":since": filter.since.map(Time::millis),
                    ":until": filter.until.map(Time::millis),
                    ":before": filter.before,
                    ":most": filter.limit,
                },
                |row| Ok(stored(row)),
            )?;
            rows.map(|row| row?).collect()
        })
    }

    /// Deletes records from before `oldest` and all but the newest `most`; how
    /// many there were.
    pub fn rotate_audit(&self, oldest: Option<Time>, most: u64) -> Result<usize, StoreError> {
        self.write(|transaction| {
            let by_age = transaction.execute(
                "DELETE FROM audit WHERE at < ?1",
                [oldest.map(Time::millis)],
            )?;
            let by_number = transaction.execute(
                "DELETE FROM audit WHERE key <=
                 (SELECT key FROM audit ORDER BY key DESC LIMIT 1 OFFSET ?1)",
                [most],
            )?;
            Ok(by_age + by_number)
        })
    }
}

fn stored(row: &Row<'_>) -> Result<StoredAuditRecord, StoreError> {
    let outcome: String = row.get(7)?;
    Ok(StoredAuditRecord {
        key: row.get(0)?,
        at: Time::from_millis(row.get(1)?),
        record: AuditRecord {
            tenant_id: row.get::<_, Option<String>>(2)?.map(Into::into),
            user_id: row.get::<_, Option<String>>(3)?.map(Into::into),
            username: row.get(4)?,
            action: row.get(5)?,
            object: row.get(6)?,
            outcome: AuditOutcome::parse(&outcome).ok_or(StoreError::Value(outcome))?,
            address: row.get(8)?,
            request_id: row.get(9)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{AuditFilter, AuditOutcome, AuditRecord};
    use crate::store::Store;
    use crate::types::Time;

    fn record(tenant: Option<&str>, action: &str) -> AuditRecord {
        AuditRecord {
            tenant_id: tenant.map(Into::into),
            user_id: Some("u".into()),
            username: Some("ada".to_owned()),
            action: action.to_owned(),
            object: None,
            outcome: AuditOutcome::Done,
            address: None,
            request_id: None,
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("satchel.db")).unwrap();
        (folder, store)
    }

    fn actions(store: &Store, strays: bool, filter: &AuditFilter) -> Vec<String> {
        let listed = store.audit(&"one".into(), strays, filter).unwrap();
        listed.into_iter().map(|one| one.record.action).collect()
    }

    #[test]
    fn records_are_listed_by_tenant_filter_and_cursor() {
        let (_folder, store) = store();
        for (tenant, action) in [
            (Some("one"), "a"),
            (Some("two"), "b"),
            (None, "c"),
            (Some("one"), "d"),
        ] {
            store.append_audit(&record(tenant, action)).unwrap();
        }
        let all = AuditFilter {
            limit: 10,
            ..AuditFilter::default()
        };
        assert_eq!(actions(&store, false, &all), ["d", "a"]);
        assert_eq!(actions(&store, true, &all), ["d", "c", "a"]);
        let one = AuditFilter {
            action: Some("a".to_owned()),
            user: Some("ada".to_owned()),
            ..all.clone()
        };
        assert_eq!(actions(&store, false, &one), ["a"]);
        let newest = store.audit(&"one".into(), false, &all).unwrap()[0].key;
        let rest = AuditFilter {
            before: Some(newest),
            ..all
        };
        assert_eq!(actions(&store, false, &rest), ["a"]);
    }

    #[test]
    fn record_cannot_be_changed() {
        let (folder, store) = store();
        store.append_audit(&record(Some("one"), "a")).unwrap();
        let raw = rusqlite::Connection::open(folder.path().join("satchel.db")).unwrap();
        let refused = raw
            .execute("UPDATE audit SET action = 'b'", [])
            .unwrap_err();
        assert!(
            refused.to_string().contains("cannot be changed"),
            "{refused}"
        );
    }

    #[test]
    fn rotation_takes_the_oldest_by_age_and_by_number() {
        let (_folder, store) = store();
        for action in ["a", "b", "c"] {
            store.append_audit(&record(Some("one"), action)).unwrap();
        }
        let all = AuditFilter {
            limit: 10,
            ..AuditFilter::default()
        };
        assert_eq!(store.rotate_audit(None, 2).unwrap(), 1);
        assert_eq!(actions(&store, false, &all), ["c", "b"]);
        let later = Time::now().plus_seconds(60);
        assert_eq!(store.rotate_audit(Some(later), 2).unwrap(), 2);
    }
}
