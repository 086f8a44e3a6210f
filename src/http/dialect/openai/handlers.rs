//! `/v1/models`, `/v1/chat/completions` and `/v1/embeddings`.

use super::frames::Chunks;
use super::piece::{Head, Piece};
use super::whole::Whole;
use super::wire::{ChatBody, EmbeddingsBody, EncodingFormat, check_grounded};
use super::{GROUNDED, OpenAi};
use crate::error::Fault;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::http::{ANSWER_GRACE, HttpError, State, sse};
use crate::service::{Caller, Conversation, PassingQuestion, Service, WritingOptions};
use crate::types::{Role, SearchOptions};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::ready;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<OpenAi>>;

/// `GET /v1/models`.
pub(crate) async fn models(state: web::Data<State>) -> Answer {
    let models = listed(&state.service);
    Ok(HttpResponse::Ok().json(json!({"object": "list", "data": models})))
}

/// `GET /v1/models/{model}`.
pub(crate) async fn model(state: web::Data<State>, name: PathValues<OpenAi, String>) -> Answer {
    let name = name.value;
    let found = listed(&state.service)
        .into_iter()
        .find(|model| model["id"] == *name);
    let found = found.ok_or_else(|| no_such_model(&name, &state.service))?;
    Ok(HttpResponse::Ok().json(found))
}

/// Every model that can be asked for now.
fn listed(service: &Service) -> Vec<Value> {
    let created = service.started_at().seconds();
    let entry = |id: &str, own: Value| {
        json!({
            "id": id,
            "object": "model",
            "created": created,
            "owned_by": "satchel",
            "satchel": own,
        })
    };
    let mut models = vec![entry(GROUNDED, json!({"kind": "grounded"}))];
    models.extend(service.loaded_chat_models().iter().map(|model| {
        let own = json!({
            "kind": "chat",
            "context_tokens": model.context_tokens,
            "device": model.device,
        });
        entry(&model.name, own)
    }));
    let embedder = service.embedder();
    let own = json!({
        "kind": "embedding",
        "context_tokens": embedder.window,
        "dimensions": embedder.dimensions,
    });
    models.push(entry(&embedder.name, own));
    models
}

fn no_such_model(name: &str, service: &Service) -> Fault {
    let models = listed(service);
    let names: Vec<&str> = models
        .iter()
        .filter_map(|model| model["id"].as_str())
        .collect();
    let message = format!(
        "there is no model {name:?}; there are: {}",
        names.join(", ")
    );
    Fault::not_found(message)
        .about("model")
        .coded("model_not_found")
}

/// `POST /v1/chat/completions`.
pub(crate) async fn chat_completions(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<OpenAi>,
    body: JsonBody<OpenAi, ChatBody>,
) -> Answer {
    let body = body.value;
    let (streams, include_usage) = (body.stream == Some(true), body.include_usage());
    let head = Head::new(&body.model, origin(&request));
    let permit = state.answers.acquire(&caller.user_id)?;
    let pieces = pieces(&state.service, &caller, body).await?;
    let mut pieces = pieces.take_until(state.stopped(ANSWER_GRACE).boxed_local());
    if !streams {
        let mut whole = Whole::default();
        while let Some(piece) = pieces.next().await {
            if let Some(body) = whole.next(piece, &head)? {
                return Ok(HttpResponse::Ok().json(body));
            }
        }
        return Err(Whole::missing_end().into());
    }
    let chunks = Chunks::new(head, include_usage);
    let first = stream::iter([chunks.begin()]);
    let rest = pieces
        .map(Some)
        .chain(stream::once(ready(None)))
        .scan(chunks, |chunks, piece| {
            let next = match piece {
                Some(piece) => chunks.next(piece),
                None => chunks.end(),
            };
            ready(Some(stream::iter(next)))
        })
        .flatten();
    Ok(sse::respond_unnumbered(first.chain(rest), permit))
}

/// The answer of the model that the request names.
async fn pieces(
    service: &Service,
    caller: &Caller,
    body: ChatBody,
) -> Result<BoxStream<'static, Piece>, Failure<OpenAi>> {
    let (messages, writing) = (body.conversation()?, body.writing()?);
    if body.model == GROUNDED {
        check_grounded(&writing)?;
        let quotes_only = body.quotes_only();
        let options = body.search_options.unwrap_or_default().checked()?;
        let options = options.complete();
        let question = PassingQuestion {
            quotes_only,
            dataset_id: body.dataset_id,
            options,
            writing,
            ..question(messages)?
        };
        let events = service.ask_in_passing(caller, question).await?;
        return Ok(events
            .filter_map(|event| ready(Piece::grounded(event)))
            .boxed());
    }
    if body.model == service.embedder().name {
        let message = format!("{:?} makes vectors and cannot chat", body.model);
        return Err(Fault::invalid(message).about("model").into());
    }
    let conversation = Conversation {
        model: body.model,
        messages,
        writing,
    };
    let events = service.converse(caller, conversation).await?;
    Ok(events.map(Piece::written).boxed())
}

/// The last thing that the user said is the question; what was said before
/// it is the conversation, and what the system says is a wish.
fn question(mut messages: Vec<(Role, String)>) -> Result<PassingQuestion, HttpError> {
    let last = messages.iter().rposition(|(role, _)| *role == Role::User);
    let Some(last) = last else {
        return Err(HttpError::field(
            "messages",
            "there is no message of the user",
        ));
    };
    messages.truncate(last + 1);
    let (system, mut said): (Vec<_>, Vec<_>) = messages
        .into_iter()
        .partition(|(role, _)| *role == Role::System);
    let system: Vec<String> = system.into_iter().map(|(_, text)| text).collect();
    let (_, message) = said.pop().unwrap_or((Role::User, String::new()));
    Ok(PassingQuestion {
        message,
        earlier: said,
        system_prompt: (!system.is_empty()).then(|| system.join("\n\n")),
        dataset_id: None,
        options: SearchOptions::default(),
        quotes_only: false,
        writing: WritingOptions::default(),
    })
}

/// Where the client found this server.
fn origin(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    format!("{}://{}", connection.scheme(), connection.host())
}

/// `POST /v1/embeddings`.
pub(crate) async fn embeddings(
    state: web::Data<State>,
    body: JsonBody<OpenAi, EmbeddingsBody>,
) -> Answer {
    let (service, body) = (&state.service, body.value);
    let embedder = service.embedder();
    if body.model != embedder.name {
        let message = format!(
            "there is no embedding model {:?}; there is {:?}",
            body.model, embedder.name
        );
        let fault = Fault::not_found(message).about("model");
        return Err(fault.coded("model_not_found").into());
    }
    body.check_dimensions(embedder.dimensions)?;
    let made = service.embed(body.texts()?).await?;
    let vectors = made.vectors.iter().enumerate().map(|(index, vector)| {
        let embedding = match body.format() {
            EncodingFormat::Float => json!(vector),
            EncodingFormat::Base64 => json!(little_endian(vector)),
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    Ok(HttpResponse::Ok().json(json!({
        "object": "list",
        "data": vectors.collect::<Vec<_>>(),
        "model": embedder.name,
        "usage": {"prompt_tokens": made.tokens, "total_tokens": made.tokens},
    })))
}

/// The vector's 32-bit floats, lowest byte first, in base64.
fn little_endian(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::{little_endian, question};
    use crate::types::Role;

    fn said(role: Role, text: &str) -> (Role, String) {
        (role, text.to_owned())
    }

    #[test]
    fn last_question_is_the_question_and_the_rest_the_conversation() {
        let asked = question(vec![
            said(Role::System, "Be brief."),
            said(Role::User, "Who?"),
            said(Role::Assistant, "She."),
            said(Role::User, "When?"),
            said(Role::Assistant, "ignored"),
        ])
        .unwrap();
        assert_eq!(asked.message, "When?");
        assert_eq!(
            asked.earlier,
            [said(Role::User, "Who?"), said(Role::Assistant, "She.")]
        );
        assert_eq!(asked.system_prompt.as_deref(), Some("Be brief."));
        assert!(question(vec![said(Role::System, "Be brief.")]).is_err());
    }

    #[test]
    fn vector_in_base64_has_its_lowest_byte_first() {
        assert_eq!(little_endian(&[1.0, -2.0]), "AACAPwAAAMA=");
    }
}
