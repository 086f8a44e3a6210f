//! The cursor of lists of sessions: a place in the list as a word that means
//! nothing to clients, and how many sessions a page has.

use super::HttpError;
use crate::service::SessionPlace;
use crate::types::Time;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Most sessions that a client may ask for at once.
pub(super) const MAX_PAGE: usize = 100;

/// `limit` as the client gave it, if it is in range.
pub(super) fn page(limit: usize) -> Result<usize, HttpError> {
    match limit {
        1..=MAX_PAGE => Ok(limit),
        _ => Err(HttpError::field("limit", format!("1 to {MAX_PAGE}"))),
    }
}

/// The word for `place`.
pub(super) fn cursor(place: SessionPlace) -> String {
    let text = format!("{}.{}", place.updated_at.millis(), place.key);
    URL_SAFE_NO_PAD.encode(text)
}

/// The place that the client names; an empty word names none.
pub(super) fn place(cursor: Option<&str>) -> Result<Option<SessionPlace>, HttpError> {
    let Some(cursor) = cursor.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let place = parse(cursor);
    place.map(Some).ok_or_else(|| {
        HttpError::field("cursor", "it must be the next_cursor of an earlier answer")
    })
}

fn parse(cursor: &str) -> Option<SessionPlace> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (millis, key) = text.split_once('.')?;
    let key = key.parse().ok().filter(|key| *key <= i64::MAX as u64)?;
    Some(SessionPlace {
        updated_at: Time::from_millis(millis.parse().ok()?),
        key,
    })
}

#[cfg(test)]
mod tests {
    use super::{cursor, page, parse, place};
    use crate::service::SessionPlace;
    use crate::types::Time;

    #[test]
    fn cursor_comes_back_as_the_place_that_it_was_made_of() {
        let of = SessionPlace {
            updated_at: Time::from_millis(1_700_000_000_123),
            key: 42,
        };
        assert_eq!(parse(&cursor(of)), Some(of));
        for foreign in [
            "",
            "x",
            "MTIz",
            "4pyT",
            "MS4tMQ",
            "MS4xODQ0Njc0NDA3MzcwOTU1MTYxNQ",
        ] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
        assert_eq!(place(Some("")).unwrap(), None);
    }

    #[test]
    fn page_has_at_least_one_and_at_most_a_hundred() {
        assert!(page(0).is_err() && page(101).is_err());
        assert_eq!((page(1).unwrap(), page(100).unwrap()), (1, 100));
    }
}
