//! Rights as they are stored: four columns of a key.

use std::collections::BTreeSet;

use voxgate_domain::{NameSet, Rights, Service};

use crate::decode::parse;
use crate::{Row, StoreError};

/// Four neighbouring columns: services, voices, models, networks.
pub(super) fn rights(row: &Row<'_>, first: usize) -> Result<Rights, StoreError> {
    let json = |i: usize, text: String| {
        serde_json::from_str(&text)
            .map_err(|error| StoreError::Corrupt(format!("column {i}: {error}")))
    };
    let names = |i: usize| {
        row.get::<Option<String>>(i)?
            .map(|text| json(i, text))
            .transpose()
    };
    decode_rights(
        &row.get::<String>(first)?,
        names(first + 1)?,
        names(first + 2)?,
        json(first + 3, row.get(first + 3)?)?,
    )
    .map_err(|why| StoreError::Corrupt(format!("column {first} and those after it: {why}")))
}

pub(super) fn decode_rights(
    services: &str,
    voices: Option<Vec<String>>,
    models: Option<Vec<String>>,
    networks: Vec<String>,
) -> Result<Rights, StoreError> {
    let set = |names: Option<Vec<String>>| {
        names.map_or(NameSet::All, |names| {
            NameSet::Only(names.into_iter().collect::<BTreeSet<_>>())
        })
    };
    Ok(Rights {
        services: services
            .split(',')
            .filter(|name| !name.is_empty())
            .map(|name| parse::<Service>(name, 0))
            .collect::<Result<_, _>>()?,
        voices: set(voices),
        models: set(models),
        networks: networks
            .iter()
            .map(|network| parse(network, 3))
            .collect::<Result<_, _>>()?,
    })
}

/// The values of the four columns.
pub(super) fn encode_rights(rights: &Rights) -> (String, Option<String>, Option<String>, String) {
    let names = |set: &NameSet| match set {
        NameSet::All => None,
        NameSet::Only(names) => {
            Some(serde_json::Value::from_iter(names.iter().cloned()).to_string())
        }
    };
    let services: Vec<_> = rights.services.iter().map(Service::as_str).collect();
    let networks = rights.networks.iter().map(ToString::to_string);
    (
        services.join(","),
        names(&rights.voices),
        names(&rights.models),
        serde_json::Value::from_iter(networks).to_string(),
    )
}
