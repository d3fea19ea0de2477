//! Usage as administration shows it.

use uuid::Uuid;
use voxgate_domain::{Micros, OrgId, Quantities};
use voxgate_services::usage::{GroupRow, UsageSums};

use crate::output::{Instant, output};

output! {
    /// Amounts in every unit.
    pub struct AdminQuantities {
        /// Characters of text to be spoken.
        characters: u64,
        /// Words of text to be spoken.
        words: u64,
        /// Tokens that came in.
        tokens_in: u64,
        /// Tokens that went out.
        tokens_out: u64,
        /// Milliseconds of audio that came in.
        audio_ms_in: u64,
        /// Milliseconds of audio that went out.
        audio_ms_out: u64,
        /// Bytes of content that came in.
        bytes_in: u64,
        /// Bytes of content that went out.
        bytes_out: u64,
    }
}

impl From<&Quantities> for AdminQuantities {
    fn from(quantities: &Quantities) -> Self {
        Self {
            characters: quantities.characters,
            words: quantities.words,
            tokens_in: quantities.tokens_in,
            tokens_out: quantities.tokens_out,
            audio_ms_in: quantities.audio_ms_in,
            audio_ms_out: quantities.audio_ms_out,
            bytes_in: quantities.bytes_in,
            bytes_out: quantities.bytes_out,
        }
    }
}

output! {
    /// Sums over requests.
    pub struct AdminUsageSums {
        /// Requests of any status.
        requests: u64,
        /// Of those, delivered whole.
        success: u64,
        /// Of those, ended early.
        failed: u64,
        /// Of those, under way.
        pending: u64,
        /// Of those, left by the client.
        disconnected: u64,
        /// What was charged for.
        quantities: AdminQuantities,
        /// Milliseconds of engine time.
        engine_ms: u64,
        /// Milliseconds of waiting for an engine.
        queue_ms: u64,
        /// What was billed, in millionths of a credit.
        billed_micros: i64,
        /// The same in credits.
        billed: String,
    }
}

impl From<&UsageSums> for AdminUsageSums {
    fn from(sums: &UsageSums) -> Self {
        Self {
            requests: sums.requests,
            success: sums.success,
            failed: sums.failed,
            pending: sums.pending,
            disconnected: sums.disconnected,
            quantities: (&sums.quantities).into(),
            engine_ms: sums.engine_ms,
            queue_ms: sums.queue_ms,
            billed_micros: sums.billed.get(),
            billed: sums.billed.to_string(),
        }
    }
}

output! {
    /// The sums of one group.
    pub struct AdminUsageRow {
        /// The group: a day, an hour, an id or a name.
        name: String,
        /// When it begins, where it is a day or an hour.
        start: Option<Instant>,
        /// The name of the key, or the address of the account.
        label: Option<String>,
        /// Its sums.
        sums: AdminUsageSums,
    }
}

impl From<GroupRow> for AdminUsageRow {
    fn from(row: GroupRow) -> Self {
        Self {
            // Storage names times by their number; people read them.
            name: row.start.map_or(row.name, |start| start.to_iso_millis()),
            start: row.start.map(Instant),
            label: row.label,
            sums: (&row.sums).into(),
        }
    }
}

output! {
    /// What an organisation has used.
    pub struct AdminUsageReport {
        /// Whose it is.
        organization_id: Uuid,
        /// The requests were admitted from this moment on,
        from: Instant,
        /// and before this one.
        until: Instant,
        /// What they are grouped by.
        group: &'static str,
        /// The groups.
        rows: Vec<AdminUsageRow>,
        /// All of them together.
        total: AdminUsageSums,
    }
}

impl AdminUsageReport {
    /// A report; the total is the sum of the rows.
    pub fn new(
        organization: OrgId,
        (from, until): (Instant, Instant),
        group: &'static str,
        rows: Vec<GroupRow>,
    ) -> Self {
        let total = total(&rows);
        Self {
            organization_id: organization.as_uuid(),
            from,
            until,
            group,
            rows: rows.into_iter().map(AdminUsageRow::from).collect(),
            total: (&total).into(),
        }
    }
}

/// The sums of all groups together.
pub fn total(rows: &[GroupRow]) -> UsageSums {
    rows.iter().fold(UsageSums::default(), |mut total, row| {
        let (sums, add) = (&row.sums, |to: &mut u64, more: u64| {
            *to = to.saturating_add(more);
        });
        add(&mut total.requests, sums.requests);
        add(&mut total.success, sums.success);
        add(&mut total.failed, sums.failed);
        add(&mut total.pending, sums.pending);
        add(&mut total.disconnected, sums.disconnected);
        let (into, from) = (&mut total.quantities, &sums.quantities);
        add(&mut into.characters, from.characters);
        add(&mut into.words, from.words);
        add(&mut into.tokens_in, from.tokens_in);
        add(&mut into.tokens_out, from.tokens_out);
        add(&mut into.audio_ms_in, from.audio_ms_in);
        add(&mut into.audio_ms_out, from.audio_ms_out);
        add(&mut into.bytes_in, from.bytes_in);
        add(&mut into.bytes_out, from.bytes_out);
        add(&mut total.engine_ms, sums.engine_ms);
        add(&mut total.queue_ms, sums.queue_ms);
        total.billed = total
            .billed
            .checked_add(sums.billed)
            .unwrap_or(Micros::MAX_TRANSFER);
        total
    })
}
