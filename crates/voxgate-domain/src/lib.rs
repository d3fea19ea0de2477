//! The nouns and rules of the product: ids, roles, e-mail addresses, words, limits, time, refusals.
//!
//! Owns: what a word is, what an address or a password must look like, where a UTC day begins, who outranks whom,
//! and the one grammar in which every service refuses a request.
//!
//! Does not own: storage, clocks that tick by themselves in tests, wire formats. Nothing here performs input or output
//! (the one exception is [`SystemClock`], which reads the operating system's clocks), and nothing here is serialisable:
//! the edges make mirrors.

mod clock;
mod credits;
mod email;
mod id;
mod invitation;
mod limits;
mod organization;
mod paging;
mod password;
mod patch;
mod quantity;
mod refusal;
mod scope;
mod time;
mod usage;
mod user;
mod words;

pub use clock::{Clock, ManualClock, SystemClock};
pub use credits::{Micros, Price, PriceList, PriceUnit, UnknownPriceUnit};
pub use email::{EmailAddress, EmailPolicy, InvalidEmail};
pub use id::{
    AuditId, InvalidId, InvitationId, KeyId, MailId, OrgId, PlanId, RequestId, TransferId, UserId,
};
pub use invitation::{Invitation, InvitationStatus};
pub use limits::{
    EndpointClass, Horizon, LimitKind, LimitRefusal, LimitScope, LimitSet, OrgLimits, UnknownLimit,
};
pub use organization::{OrgStatus, UnknownOrgStatus};
pub use paging::{Page, Paged};
pub use password::{InvalidPassword, PasswordPolicy};
pub use patch::Patch;
pub use quantity::{Quantities, tokens_of};
pub use refusal::{Refusal, Refuse};
pub use scope::{NameSet, Rights, Service, ServiceSet, UnknownService};
pub use time::{DateRange, Timestamp};
pub use usage::{RequestStatus, UnknownRequestStatus, UsageTotals};
pub use user::{Role, UnknownRole, User};
pub use words::{count_characters, count_words};
