//! One module a command.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod credits;
pub(crate) mod database;
pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod orgs;
pub(crate) mod plans;
pub(crate) mod prices;
pub(crate) mod say;
pub(crate) mod serve;
pub(crate) mod usage;
pub(crate) mod users;
mod values;

use anyhow::Context as _;
use voxgate_domain::OrgId;
use voxgate_server::config::Config;
use voxgate_server::installation::{Installation, Purpose};

/// Opens the local installation for administration beside a server that may be running.
async fn open(config: &Config) -> anyhow::Result<Installation> {
    let base_url = format!("http://{}", config.server.listen);
    Ok(Installation::open(config, &base_url, Purpose::Administer).await?)
}

fn org_id(text: &str) -> anyhow::Result<OrgId> {
    text.parse().with_context(|| {
        format!("{text:?} is not an organisation id; `voxgate orgs list` shows them")
    })
}
