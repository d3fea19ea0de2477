//! Organisations as paths and queries name them.

use serde_json::{Value, json};
use voxgate_domain::OrgId;

use super::wrong;
use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;
use crate::extract::kinds::Kind;
use crate::extract::uuid as uuid_text;

/// Which organisation.
#[derive(Debug, Clone, Copy)]
pub struct OrgName;

/// The id of an organisation, or `current` for the caller's own.
pub fn org_name() -> OrgName {
    OrgName
}

/// An organisation as a path names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgRef {
    /// The caller's own.
    Current,
    /// This one.
    Id(OrgId),
}

impl Kind for OrgName {
    type Out = OrgRef;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<OrgRef, Problem> {
        match value.as_str() {
            Some("current") => Ok(OrgRef::Current),
            Some(text) => uuid_text::parse(text)
                .map(|id| OrgRef::Id(OrgId::from(id)))
                .map_err(|_| wrong("write the id of an organization, or current for your own")),
            None => Err(Problem::plain(
                "string_type",
                "Input should be a valid string",
            )),
        }
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "anyOf": [{ "type": "string", "format": "uuid" }, { "const": "current" }] })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::native::kinds::read_for_test as read;

    #[test]
    fn an_organisation_is_an_id_or_the_own_one() {
        let id = OrgId::generate();
        assert_eq!(
            read(&org_name(), &json!(id.to_string())).unwrap(),
            OrgRef::Id(id)
        );
        assert_eq!(
            read(&org_name(), &json!("current")).unwrap(),
            OrgRef::Current
        );
        assert!(read(&org_name(), &json!("mine")).is_err());
    }
}
