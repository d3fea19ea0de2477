//! The vendor's JSON: names, order and optionality of every answer. The only place where domain types become wire types.

mod invitation;
mod organization;
mod usage;
mod user;
mod voice;

pub use invitation::{InvitationRead, invitation_at};
pub use organization::OrganizationRead;
pub use usage::{OrganizationUsage, UsageRequest, UsageSummary};
pub use user::UserRead;
pub use voice::VoiceRead;
