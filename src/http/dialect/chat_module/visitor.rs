//! Who calls this dialect: somebody who has not signed in, as far as the
//! settings let such people in.

use super::ChatModule;
use crate::config::PublicChat;
use crate::error::Fault;
use crate::http::auth::bearer;
use crate::http::failure::Failure;
use crate::http::{State, client_address};
use crate::service::Caller;
use crate::types::UserId;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use std::future::{Ready, ready};

/// A caller without a login.
pub(in crate::http) struct Visitor {
    pub(super) caller: Caller,
    /// By what its streams are counted: all visitors are one user.
    pub(super) place: UserId,
}

impl FromRequest for Visitor {
    type Error = Failure<ChatModule>;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(state) = request.app_data::<web::Data<State>>() else {
            return ready(Err(Fault::internal("the server has no state").into()));
        };
        ready(match state.service.config().public_chat {
            PublicChat::Off => Err(Fault::not_found("there is nothing at this address").into()),
            PublicChat::Sessions | PublicChat::Full => Ok(Self {
                caller: Caller::visitor(),
                place: place(request),
            }),
        })
    }
}

fn place(request: &HttpRequest) -> UserId {
    let address = client_address::of(request);
    let text = address.map_or_else(String::new, |address| address.to_string());
    UserId::from(format!("visitor at {text}"))
}

/// An error unless the request may see the sessions of others: everybody where
/// the settings say so, else administrators.
pub(super) async fn may_list(request: &HttpRequest, state: &State) -> Result<(), Fault> {
    if state.service.config().public_chat == PublicChat::Full {
        return Ok(());
    }
    let token = bearer(request.headers()).unwrap_or_default();
    let caller = state.service.authenticate(token).await?;
    caller.require_admin()
}
