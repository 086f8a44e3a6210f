//! Schemas of the service's nouns that are one word on every wire.

use crate::service::{AuditOutcome, DownloadState, UserRole};

satchel_types::words!(
    AuditOutcome "How an action ended" [Done Refused Failed],
    DownloadState "What a download is doing"
        [Waiting Connecting Receiving Retrying Checking Paused Failed Done Discarded],
    UserRole "What a user may do" [User Admin Service],
);
