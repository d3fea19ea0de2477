//! The scripts, what goes in and what comes out. Every key of an organisation has its id in braces, so that a cluster keeps
//! them together.

use redis::aio::ConnectionLike;
use redis::{ErrorKind, Pipeline, RedisError, Script, ScriptInvocation};
use voxgate_domain::{KeyId, OrgId, RequestId};

use super::RedisConfig;
use super::leases::Place;
use crate::demand::{CELLS, Cells, Demand, KEY_CELLS, States, WINDOW_MS, index_of, is_streams};
use crate::grant::{Change, Grant};
use crate::ring::Reading;

const DECIDE: &str = concat!(include_str!("ring.lua"), include_str!("decide.lua"));
const CORRECT: &str = concat!(include_str!("ring.lua"), include_str!("correct.lua"));
const RENEW: &str = concat!(include_str!("ring.lua"), include_str!("renew.lua"));

/// Whether a decision counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Intent {
    /// It does; a stream it admits gets this number.
    Take(u64),
    /// It only looks.
    Peek,
}

/// The scripts and what their arguments have in common.
pub(super) struct Scripts {
    decide: Script,
    correct: Script,
    renew: Script,
    prefix: String,
    lease_ms: u64,
    /// Names this start of this process: leases of the one before are not ours.
    node: String,
    /// The time scripts are told; empty for the clock of Redis.
    #[cfg(test)]
    pub(super) time: std::sync::Mutex<String>,
}

impl Scripts {
    pub(super) fn new(config: &RedisConfig) -> Self {
        Self {
            decide: Script::new(DECIDE),
            correct: Script::new(CORRECT),
            renew: Script::new(RENEW),
            prefix: config.prefix.clone(),
            lease_ms: u64::try_from(config.lease_ttl.as_millis())
                .unwrap_or(u64::MAX)
                .clamp(1, 86_400_000),
            node: RequestId::generate().to_string(),
            #[cfg(test)]
            time: std::sync::Mutex::default(),
        }
    }

    pub(super) async fn load(
        &self,
        connection: &mut impl ConnectionLike,
    ) -> Result<(), RedisError> {
        for script in [&self.decide, &self.correct, &self.renew] {
            script.load_async(connection).await?;
        }
        Ok(())
    }

    pub(super) fn decide(&self, demand: &Demand, intent: Intent) -> ScriptInvocation<'_> {
        let mut call = self.decide.prepare_invoke();
        call.key(self.windows(demand.org, None));
        call.key(self.leases(demand.org, None));
        if demand.key.is_some() {
            call.key(self.windows(demand.org, demand.key));
            call.key(self.leases(demand.org, demand.key));
        }
        call.arg(self.time());
        match intent {
            Intent::Take(id) => call.arg("take").arg(self.lease_name(id)),
            Intent::Peek => call.arg("peek").arg(""),
        };
        call.arg(self.lease_ms);
        for cell in Cells(demand.asked) {
            call.arg(subject_of(cell))
                .arg(index_of(cell))
                .arg(window_of(cell))
                .arg(demand.limits[cell])
                .arg(demand.weights[cell]);
        }
        call
    }

    pub(super) fn correct(&self, grant: &Grant, changes: &[Change]) -> ScriptInvocation<'_> {
        let mut call = self.correct.prepare_invoke();
        call.key(self.windows(grant.org, None));
        if grant.key.is_some() {
            call.key(self.windows(grant.org, grant.key));
        }
        call.arg(self.time());
        for change in changes {
            let cell = change.cell;
            call.arg(subject_of(cell))
                .arg(index_of(cell))
                .arg(window_of(cell))
                .arg(grant.shared.as_ref().map_or(0, |slots| slots[cell]))
                .arg(change.less)
                .arg(grant.late.as_ref().map_or(0, |late| late.shared[cell]))
                .arg(change.less_late)
                .arg(change.more);
        }
        call
    }

    /// A subject's windows.
    fn windows(&self, org: OrgId, key: Option<KeyId>) -> String {
        self.name(org, key, "windows")
    }

    /// A subject's streams.
    fn leases(&self, org: OrgId, key: Option<KeyId>) -> String {
        self.name(org, key, "streams")
    }

    /// A lease's name: unique among all servers.
    fn lease_name(&self, id: u64) -> String {
        format!("{}/{id}", self.node)
    }

    fn name(&self, org: OrgId, key: Option<KeyId>, what: &str) -> String {
        let prefix = &self.prefix;
        match key {
            None => format!("{prefix}:{{{org}}}:{what}"),
            Some(key) => format!("{prefix}:{{{org}}}:{key}:{what}"),
        }
    }

    #[cfg(not(test))]
    fn time(&self) -> &'static str {
        ""
    }

    #[cfg(test)]
    fn time(&self) -> String {
        self.time
            .lock()
            .expect("nothing panics while it is held")
            .clone()
    }
}

/// Commands about leases, to be sent together.
pub(super) struct LeaseCommands<'a> {
    scripts: &'a Scripts,
    pub(super) pipeline: Pipeline,
}

impl<'a> LeaseCommands<'a> {
    pub(super) fn new(scripts: &'a Scripts) -> Self {
        Self {
            scripts,
            pipeline: Pipeline::new(),
        }
    }

    pub(super) fn renew(&mut self, id: u64, place: &Place) {
        let sets = self.sets(place);
        let name = self.scripts.lease_name(id);
        // By its text, not its hash: a pipeline cannot load a script that Redis forgot.
        let command = self.pipeline.cmd("EVAL").arg(RENEW).arg(sets.len());
        for set in &sets {
            command.arg(set);
        }
        command.arg(self.scripts.lease_ms);
        for _ in &sets {
            command.arg(&name);
        }
        self.pipeline.ignore();
    }

    pub(super) fn end(&mut self, id: u64, place: &Place) {
        let name = self.scripts.lease_name(id);
        for set in self.sets(place) {
            self.pipeline.cmd("ZREM").arg(set).arg(&name).ignore();
        }
    }

    fn sets(&self, place: &Place) -> Vec<String> {
        Cells(place.cells)
            .map(|cell| {
                let key = place.key.filter(|_| cell >= KEY_CELLS);
                self.scripts.leases(place.org, key)
            })
            .collect()
    }
}

/// What the script said: admitted or not, then four numbers per cell.
pub(super) type Answer = Vec<u64>;

/// Reads an answer; `None` where it is not one to this demand.
pub(super) fn read(answer: &Answer, demand: &Demand) -> Option<(bool, States, [u64; CELLS])> {
    let (admitted, numbers) = answer.split_first()?;
    let mut states = States::new();
    let mut slots = [0; CELLS];
    let mut numbers = numbers.chunks_exact(4);
    for cell in Cells(demand.asked) {
        let &[remaining, retry_ms, reset_ms, slot] = numbers.next()? else {
            return None;
        };
        let reading = Reading {
            limit: demand.limits[cell],
            remaining,
            retry_ms: u32::try_from(retry_ms).ok()?,
            reset_ms: u32::try_from(reset_ms).ok()?,
        };
        states.set(cell, reading);
        slots[cell] = slot;
    }
    Some((*admitted == 1, states, slots))
}

/// The error for an answer that cannot be read.
pub(super) fn nonsense() -> RedisError {
    RedisError::from((ErrorKind::Parse, "an answer of another shape"))
}

/// 0 for the organisation, 1 for the key, as the scripts want it.
fn subject_of(cell: usize) -> usize {
    usize::from(cell >= KEY_CELLS)
}

/// The window's length in milliseconds; 0 for streams.
fn window_of(cell: usize) -> u64 {
    if is_streams(cell) {
        0
    } else {
        WINDOW_MS[index_of(cell)]
    }
}
