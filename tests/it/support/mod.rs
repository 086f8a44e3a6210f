//! A running server and a client for it.

mod client;
mod contract;
mod executable;
mod hub;
mod outside;
mod raw;
mod schema;
mod server;
mod shape;

pub use client::{Answer, Client, Event, Form, Stream};
pub use executable::{finished, satchel};
pub use hub::{Behaviour, FakeHub, sha256};
pub use outside::outside_data;
pub use raw::Raw;
pub use schema::Schemas;
pub use server::{PASSWORD, Server, settings};
pub use shape::assert_shape;

/// A document with facts that are easy to ask for.
pub const LIGHTHOUSE: &str = "\
# Lighthouse of Marrow Point

The lighthouse was built in 1874 by the engineer Adela Thornqvist. Its tower is 41 metres high.

## Lamp

The lamp burns colza oil and can be seen from 19 nautical miles away.

## Keepers

The first keeper was Tobias Grenn, who served for twenty-two years.
";

/// A document about something else.
pub const BAKERY: &str = "\
# Sourdough at the Ember bakery

The starter is fed with rye flour at six in the morning. Loaves rest for fourteen hours before baking.

The oven holds 230 degrees and the crust needs 38 minutes.
";
