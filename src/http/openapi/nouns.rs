//! Schemas of the service's nouns that are one word on every wire.

use crate::service::{AuditOutcome, DifferenceKind, DownloadState, FolderState, Side, UserRole};

satchel_types::words!(
    AuditOutcome "How an action ended" [Done Refused Failed],
    DifferenceKind "What something that differs is about"
        [Version Embedder Reader Reranker Analysis Datasets Model EntailmentModel Conversation
         Prompt Notes SearchedFor DocumentGone DocumentReplaced PassageGone PassageNew PassageChanged PassageMoved PassageUse
         Mode Finish Answered Verdict Answer],
    DownloadState "What a download is doing"
        [Waiting Connecting Receiving Retrying Checking Paused Failed Done Discarded],
    FolderState "How a watched folder stands; incomplete: some files could not be read"
        [Starting InStep Working Incomplete Failing Paused],
    Side "Which of two answers has a sentence" [Both First Again],
    UserRole "What a user may do" [User Admin Service],
);
