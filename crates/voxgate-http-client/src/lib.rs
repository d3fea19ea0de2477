//! The only door for outbound HTTP.
//!
//! Whatever the product fetches or posts goes through [`OutboundClient`]: it decides which addresses may be dialled,
//! caps bodies, bounds every wait and follows redirects itself, checking each hop. It uses no proxy from the
//! environment and keeps no cookies. It knows nothing of what is fetched.
//!
//! The address that is checked is the address that is dialled: names are resolved by [`Policy`]'s own resolver, which
//! drops forbidden addresses from the answer, so a name cannot point elsewhere between check and connection. Hosts
//! written as an address never reach a resolver and are checked in the URL.

mod address;
mod client;
mod error;
mod policy;

pub use address::{AddressClass, classify};
pub use bytes::Bytes;
pub use client::{OutboundClient, Request, Response};
pub use error::OutboundError;
pub use policy::{Policy, Refusal};
pub use reqwest::{Method, StatusCode, header};
pub use url::Url;
