//! Messages that their writer deleted are kept on disk and shown to nobody, the
//! chat model included. Asked of the service itself, for any dialect may offer it.

use crate::support::{LIGHTHOUSE, settings};
use actix_web::rt::System;
use futures_util::StreamExt;
use satchel::config::Config;
use satchel::engine::decoder::{Architecture, write_tiny_model};
use satchel::error::{ErrorKind, Kind};
use satchel::service::{
    Caller, MessageFilter, NewMessage, NewSession, Question, Service, UploadRequest,
};
use satchel::types::{
    AnswerEvent, DocumentMetadata, DocumentStatus, MessageId, PartialSearchOptions, Role, SessionId,
};
use serde_json::json;
use std::time::Duration;

async fn service(folder: &tempfile::TempDir) -> (Service, Caller) {
    let config = Config {
        data_dir: folder.path().to_owned(),
        ..settings()
    };
    let service = Service::open(config).await.unwrap();
    let token = service.access_token_for(None).await.unwrap();
    let caller = service.authenticate(&token).await.unwrap();
    (service, caller)
}

async fn session(service: &Service, caller: &Caller) -> SessionId {
    let new = NewSession::default();
    service.create_session(caller, new).await.unwrap().id
}

/// Asks; gives the ids of question and answer, and how long the prompt was.
async fn ask(
    service: &Service,
    caller: &Caller,
    id: &SessionId,
    text: &str,
) -> (Vec<MessageId>, u64) {
    let question = Question {
        message: text.to_owned(),
        session_id: Some(id.clone()),
        opens_session: false,
        module: None,
        chapter: None,
        selection: None,
        dataset_id: None,
        options: PartialSearchOptions::default(),
        quotes_only: false,
    };
    let mut events = service.ask(caller, question).await.unwrap();
    let mut ids = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            AnswerEvent::Accepted { question_id, .. } => ids.push(question_id),
            AnswerEvent::Done {
                answer_id, summary, ..
            } => {
                ids.push(answer_id);
                return (ids, summary.usage.prompt);
            }
            _ => {}
        }
    }
    panic!("the answer has no end");
}

#[test]
fn deleted_message_is_gone_from_lists_and_cannot_be_read_or_deleted_again() {
    let folder = tempfile::tempdir().unwrap();
    System::new().block_on(async {
        let (service, caller) = service(&folder).await;
        let id = session(&service, &caller).await;
        let mut messages = Vec::new();
        for content in ["first", "second", "third"] {
            let new = NewMessage {
                role: Role::User,
                content: content.to_owned(),
                metadata: json!({}),
            };
            let stored = service.append_message(&caller, &id, new, "content").await;
            messages.push(stored.unwrap().1);
        }
        service
            .delete_message(&caller, &messages[1].id)
            .await
            .unwrap();
        let listed = service
            .list_messages(&caller, &id, MessageFilter::default())
            .await;
        let contents: Vec<_> = listed
            .unwrap()
            .1
            .into_iter()
            .map(|one| one.content)
            .collect();
        assert_eq!(contents, ["first", "third"]);
        let read = service.message(&caller, &messages[1].id).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::NotFound);
        let again = service.delete_message(&caller, &messages[1].id).await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(
            service
                .message(&caller, &messages[0].id)
                .await
                .unwrap()
                .1
                .content,
            "first"
        );
        service.close().await;
    });
}

#[test]
fn deleted_message_never_reaches_the_prompt() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    write_tiny_model(&models.join("tiny.gguf"), Architecture::Llama, 7).unwrap();
    System::new().block_on(async {
        let (service, caller) = service(&folder).await;
        while service.status().await.unwrap().chat_model.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        ingest(&service, &caller).await;
        let (first, then) = ("How high is the tower?", "Who was the first keeper?");
        let fresh = session(&service, &caller).await;
        let (_, alone) = ask(&service, &caller, &fresh, then).await;
        let kept = session(&service, &caller).await;
        ask(&service, &caller, &kept, first).await;
        let (_, with_history) = ask(&service, &caller, &kept, then).await;
        assert!(with_history > alone, "{with_history} {alone}");
        let cleared = session(&service, &caller).await;
        for message in ask(&service, &caller, &cleared, first).await.0 {
            service.delete_message(&caller, &message).await.unwrap();
        }
        let (_, without_history) = ask(&service, &caller, &cleared, then).await;
        assert_eq!(without_history, alone);
        service.close().await;
    });
}

async fn ingest(service: &Service, caller: &Caller) {
    let request = UploadRequest {
        filename: "lighthouse.md".to_owned(),
        dataset_id: None,
        metadata: DocumentMetadata::default(),
    };
    let mut upload = service.begin_upload(caller, request).await.unwrap();
    upload.write(LIGHTHOUSE.as_bytes()).await.unwrap();
    let id = upload.finish().await.unwrap().documents.remove(0).id;
    while service.document(caller, &id).await.unwrap().status != DocumentStatus::Ready {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
