//! What a key may be used for: services, names of voices and models, networks.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::{Value, json};
use voxgate_domain::{NameSet, Service, ServiceSet};

use super::{MAX_ENTRIES, MAX_NAME, wrong};
use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;
use crate::extract::kinds::Kind;

/// A list of services.
#[derive(Debug, Clone, Copy)]
pub struct Services;

/// A list of services; it may be empty.
pub fn services() -> Services {
    Services
}

impl Kind for Services {
    type Out = ServiceSet;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<ServiceSet, Problem> {
        let Value::Array(names) = value else {
            return Err(Problem::plain("list_type", "Input should be a valid list"));
        };
        names
            .iter()
            .map(|name| {
                name.as_str()
                    .and_then(|name| name.parse::<Service>().ok())
                    .ok_or_else(|| wrong("use tts, stt, llm, media, agents and admin"))
            })
            .collect()
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        let names = Service::ALL.map(Service::as_str);
        json!({ "type": "array", "items": { "enum": names } })
    }
}

/// All names, or some.
#[derive(Debug, Clone, Copy)]
pub struct Names;

/// `"all"`, or a list of names.
pub fn names() -> Names {
    Names
}

impl Kind for Names {
    type Out = NameSet;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<NameSet, Problem> {
        let problem = || wrong("write \"all\" or a list of names");
        match value {
            Value::String(word) if word == "all" => Ok(NameSet::All),
            Value::Array(names) if names.len() > MAX_ENTRIES => {
                Err(wrong(format!("at most {MAX_ENTRIES} names")))
            }
            Value::Array(names) => names
                .iter()
                .map(|name| {
                    let name = name.as_str().ok_or_else(problem)?;
                    let length = name.chars().count();
                    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
                        return Err(wrong(format!(
                            "a name has 1 to {MAX_NAME} characters and no control characters"
                        )));
                    }
                    Ok(name.to_owned())
                })
                .collect::<Result<BTreeSet<String>, Problem>>()
                .map(NameSet::Only),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => Err(problem()),
        }
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        let name = json!({
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_NAME,
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
        });
        json!({ "anyOf": [
            { "const": "all" },
            { "type": "array", "items": name, "maxItems": MAX_ENTRIES },
        ] })
    }
}

/// A list of networks.
#[derive(Debug, Clone, Copy)]
pub struct Networks;

/// A list of addresses and networks; an empty one means anywhere.
pub fn networks() -> Networks {
    Networks
}

/// Reads an address or a network such as `10.0.0.0/8`.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

impl Kind for Networks {
    type Out = Vec<IpNet>;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<Vec<IpNet>, Problem> {
        let Value::Array(entries) = value else {
            return Err(Problem::plain("list_type", "Input should be a valid list"));
        };
        if entries.len() > MAX_ENTRIES {
            return Err(wrong(format!("at most {MAX_ENTRIES} networks")));
        }
        entries
            .iter()
            .map(|entry| {
                entry
                    .as_str()
                    .and_then(network)
                    .ok_or_else(|| wrong("write addresses and networks such as 10.0.0.0/8"))
            })
            .collect()
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "array", "items": { "type": "string" }, "maxItems": MAX_ENTRIES })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::native::kinds::read_for_test as read;

    #[test]
    fn sets_of_names_are_all_or_a_list() {
        assert_eq!(read(&names(), &json!("all")).unwrap(), NameSet::All);
        let some = read(&names(), &json!(["b", "a", "b"])).unwrap();
        assert_eq!(some, NameSet::Only(["a".to_owned(), "b".to_owned()].into()));
        for bad in [
            json!("some"),
            json!([1]),
            json!([""]),
            json!(["a\n"]),
            json!({}),
        ] {
            assert!(read(&names(), &bad).is_err(), "{bad}");
        }
        let set = read(&services(), &json!(["admin", "tts", "tts"])).unwrap();
        assert!(set.contains(Service::Admin) && set.contains(Service::Tts));
        assert_eq!(set.iter().count(), 2);
        assert!(read(&services(), &json!(["root"])).is_err());
    }

    #[test]
    fn networks_may_be_single_addresses() {
        let found = read(&networks(), &json!(["10.0.0.0/8", "2001:db8::1"])).unwrap();
        assert_eq!(found[1].to_string(), "2001:db8::1/128");
        assert!(read(&networks(), &json!(["10.0.0.0/33"])).is_err());
        assert!(read(&networks(), &json!(["localhost"])).is_err());
    }
}
