//! Table `watched_folders`.

use super::{Store, StoreError, json_list};
use crate::types::{DatasetId, TenantId, Time, UserId, WatchedFolderId};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::path::Path;

/// A folder that a dataset is kept in step with.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedFolder {
    pub id: WatchedFolderId,
    pub dataset_id: DatasetId,
    pub dataset_name: String,
    /// Absolute, with all links resolved when it was added.
    pub path: String,
    /// Patterns of what is taken; empty: all that can be read.
    pub include: Vec<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    pub paused: bool,
    /// In whose name it is followed; `None`: the account is gone.
    pub user_id: Option<UserId>,
    pub username: Option<String>,
    pub created_at: Time,
}

/// A watched folder to be stored.
#[derive(Debug, Clone)]
pub struct NewWatchedFolder<'a> {
    pub dataset: &'a DatasetId,
    pub path: &'a str,
    pub include: &'a [String],
    pub exclude: &'a [String],
    pub user: &'a UserId,
}

const SELECT: &str = "
    SELECT w.id, d.id, d.name, w.path, w.include, w.exclude, w.paused, w.user_id, u.username,
           w.created_at
    FROM watched_folders w JOIN datasets d ON d.key = w.dataset_key
    LEFT JOIN users u ON u.id = w.user_id";

impl Store {
    /// Stores a folder. One that lies in another of its dataset, or holds one,
    /// is a [`StoreError::Duplicate`]: both would claim the same files.
    pub fn insert_watched_folder(
        &self,
        new: &NewWatchedFolder<'_>,
    ) -> Result<WatchedFolderId, StoreError> {
        let id = WatchedFolderId::generate();
        let (include, exclude) = (json_list(new.include)?, json_list(new.exclude)?);
        self.write(|transaction| {
            check_nesting(transaction, new)?;
            let inserted = transaction.execute(
                "INSERT INTO watched_folders
                     (id, dataset_key, path, include, exclude, user_id, created_at)
                 SELECT ?1, key, ?3, ?4, ?5, ?6, ?7 FROM datasets WHERE id = ?2",
                params![
                    id.as_str(),
                    new.dataset.as_str(),
                    new.path,
                    include,
                    exclude,
                    new.user.as_str(),
                    Time::now().millis()
                ],
            )?;
            match inserted {
                0 => Err(StoreError::Missing("the dataset")),
                _ => Ok(()),
            }
        })?;
        Ok(id)
    }

    /// All folders, by path.
    pub fn watched_folders(&self) -> Result<Vec<WatchedFolder>, StoreError> {
        self.read(|connection| {
            let sql = format!("{SELECT} ORDER BY w.path, d.name, w.id");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([], |row| Ok(watched_folder(row)))?;
            rows.map(|row| row?).collect()
        })
    }

    /// One folder.
    pub fn watched_folder(
        &self,
        id: &WatchedFolderId,
    ) -> Result<Option<WatchedFolder>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("{SELECT} WHERE w.id = ?1"))?
                .query_row([id.as_str()], |row| Ok(watched_folder(row)))
                .optional()?
                .transpose()
        })
    }

    /// Pauses a folder, or lets it go on in the name of `user`.
    pub fn set_watched_folder_paused(
        &self,
        id: &WatchedFolderId,
        paused: bool,
        user: &UserId,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE watched_folders
                 SET paused = ?2, user_id = CASE WHEN ?2 THEN user_id ELSE ?3 END
                 WHERE id = ?1",
                params![id.as_str(), paused, user.as_str()],
            )?;
            there_was(changed)
        })
    }

    /// Forgets a folder; the documents of its files stay.
    pub fn delete_watched_folder(&self, id: &WatchedFolderId) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed =
                transaction.execute("DELETE FROM watched_folders WHERE id = ?1", [id.as_str()])?;
            there_was(changed)
        })
    }

    /// Forgets all folders of a tenant's datasets, or those that are followed in
    /// the name of one user. How many there were.
    pub fn delete_watched_folders_of(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
    ) -> Result<usize, StoreError> {
        self.write(|transaction| {
            let sql = "DELETE FROM watched_folders WHERE (?2 IS NULL OR user_id = ?2)
                       AND dataset_key IN (SELECT key FROM datasets WHERE tenant_id = ?1)";
            let user = user.map(UserId::as_str);
            Ok(transaction.execute(sql, params![tenant.as_str(), user])?)
        })
    }
}

fn there_was(changed: usize) -> Result<(), StoreError> {
    match changed {
        0 => Err(StoreError::Missing("the watched folder")),
        _ => Ok(()),
    }
}

fn check_nesting(
    transaction: &Transaction<'_>,
    new: &NewWatchedFolder<'_>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT w.path FROM watched_folders w JOIN datasets d ON d.key = w.dataset_key
         WHERE d.id = ?1 ORDER BY w.path",
    )?;
    let paths = statement.query_map([new.dataset.as_str()], |row| row.get::<_, String>(0))?;
    for other in paths {
        let other = other?;
        let (own, there) = (Path::new(new.path), Path::new(&other));
        let what = if own == there {
            format!("{other} is kept in step with this dataset already")
        } else if own.starts_with(there) {
            format!("it lies in {other}, which is kept in step with this dataset already")
        } else if there.starts_with(own) {
            format!("it holds {other}, which is kept in step with this dataset already")
        } else {
            continue;
        };
        return Err(StoreError::Duplicate(what));
    }
    Ok(())
}

fn watched_folder(row: &Row<'_>) -> Result<WatchedFolder, StoreError> {
    Ok(WatchedFolder {
        id: row.get::<_, String>(0)?.into(),
        dataset_id: row.get::<_, String>(1)?.into(),
        dataset_name: row.get(2)?,
        path: row.get(3)?,
        include: patterns(&row.get::<_, String>(4)?)?,
        exclude: patterns(&row.get::<_, String>(5)?)?,
        paused: row.get(6)?,
        user_id: row.get::<_, Option<String>>(7)?.map(UserId::from),
        username: row.get(8)?,
        created_at: Time::from_millis(row.get(9)?),
    })
}

fn patterns(list: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(list).map_err(|error| StoreError::Value(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::NewWatchedFolder;
    use crate::store::{NewUser, Store, StoreError, User, UserRole};
    use crate::types::{DatasetId, TenantId};

    struct Place {
        _folder: tempfile::TempDir,
        store: Store,
        tenant: TenantId,
        user: User,
        dataset: DatasetId,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("satchel.db")).unwrap();
            let tenant = TenantId::from("one");
            store.ensure_tenant(&tenant, "One").unwrap();
            let new = NewUser {
                tenant_id: &tenant,
                username: "ada",
                password_hash: None,
                role: UserRole::Admin,
            };
            let user = store.insert_user(&new).unwrap();
            let dataset = store.insert_dataset(&tenant, "Papers", "", false).unwrap();
            Self {
                _folder: folder,
                store,
                tenant,
                user,
                dataset,
            }
        }

        fn new_folder<'a>(&'a self, path: &'a str) -> NewWatchedFolder<'a> {
            NewWatchedFolder {
                dataset: &self.dataset,
                path,
                include: &[],
                exclude: &[],
                user: &self.user.id,
            }
        }
    }

    #[test]
    fn folders_of_one_dataset_do_not_lie_in_each_other() {
        let place = Place::new();
        let add = |path| place.store.insert_watched_folder(&place.new_folder(path));
        add("/srv/papers").unwrap();
        for path in ["/srv/papers", "/srv/papers/old", "/srv"] {
            assert!(matches!(add(path), Err(StoreError::Duplicate(_))), "{path}");
        }
        add("/srv/papers-of-others").unwrap();
        let other = place
            .store
            .insert_dataset(&place.tenant, "Other", "", false);
        let elsewhere = NewWatchedFolder {
            dataset: &other.unwrap(),
            ..place.new_folder("/srv/papers")
        };
        place.store.insert_watched_folder(&elsewhere).unwrap();
        assert_eq!(place.store.watched_folders().unwrap().len(), 3);
    }

    #[test]
    fn folder_outlives_its_user_and_goes_with_its_dataset() {
        let place = Place::new();
        let (store, user) = (&place.store, &place.user.id);
        let id = store.insert_watched_folder(&place.new_folder("/srv"));
        let id = id.unwrap();
        store.delete_user(&place.tenant, user).unwrap();
        let left = store.watched_folder(&id).unwrap().unwrap();
        assert_eq!((left.user_id, left.username), (None, None));
        store.delete_dataset(&place.tenant, &place.dataset).unwrap();
        assert_eq!(store.watched_folder(&id).unwrap(), None);
    }

    #[test]
    fn folder_that_goes_on_does_so_in_the_name_of_who_said_so() {
        let place = Place::new();
        let (store, user) = (&place.store, &place.user.id);
        let id = store.insert_watched_folder(&place.new_folder("/srv"));
        let id = id.unwrap();
        let new = NewUser {
            tenant_id: &place.tenant,
            username: "bob",
            password_hash: None,
            role: UserRole::Admin,
        };
        let bob = store.insert_user(&new).unwrap().id;
        let now = || store.watched_folder(&id).unwrap().unwrap();
        store.set_watched_folder_paused(&id, true, &bob).unwrap();
        assert_eq!((now().paused, now().user_id.as_ref()), (true, Some(user)));
        store.set_watched_folder_paused(&id, false, &bob).unwrap();
        assert_eq!((now().paused, now().user_id.as_ref()), (false, Some(&bob)));
        let tenant = &place.tenant;
        assert_eq!(
            store.delete_watched_folders_of(tenant, Some(user)).unwrap(),
            0
        );
        assert_eq!(
            store.delete_watched_folders_of(tenant, Some(&bob)).unwrap(),
            1
        );
    }
}
