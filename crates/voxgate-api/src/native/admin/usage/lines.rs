//! Usage records as lines of a file: comma-separated values, or one JSON object a line.
//!
//! Also what the command line exports. Columns are only ever added, at the end.

use std::io;

use serde_json::{Map, Value};
use voxgate_domain::{KeyId, Timestamp};
use voxgate_services::usage::RequestRow;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// Comma-separated values (RFC 4180), the first line holding the names.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

impl LineFormat {
    /// The format of a name: `csv` or `jsonl`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// The media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl",
        }
    }

    /// The ending of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// Writes the first line, where the format has one.
    ///
    /// # Errors
    /// Only where a writer into memory fails, which it does not.
    pub fn head(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Csv => csv_line(COLUMNS.map(|(name, _)| name)),
            Self::JsonLines => Ok(Vec::new()),
        }
    }

    /// Writes records.
    ///
    /// # Errors
    /// As for [`LineFormat::head`].
    pub fn lines(self, rows: &[RequestRow]) -> io::Result<Vec<u8>> {
        let mut written = Vec::with_capacity(rows.len() * 256);
        for row in rows {
            match self {
                Self::Csv => {
                    let cells = COLUMNS.map(|(_, value)| cell(&value(row)));
                    written.extend(csv_line(cells)?);
                }
                Self::JsonLines => {
                    let fields: Map<String, Value> = COLUMNS
                        .iter()
                        .map(|(name, value)| ((*name).to_owned(), value(row)))
                        .collect();
                    serde_json::to_writer(&mut written, &fields)?;
                    written.push(b'\n');
                }
            }
        }
        Ok(written)
    }
}

/// What a column holds of a record.
type Column = fn(&RequestRow) -> Value;

const COLUMNS: [(&str, Column); 31] = [
    ("id", |row| row.facts.id.to_string().into()),
    ("created_at", |row| {
        row.facts.created_at.to_iso_micros().into()
    }),
    ("finished_at", |row| {
        at(row.end.as_ref().map(|end| end.finished_at))
    }),
    ("organization_id", |row| {
        row.facts.organization_id.to_string().into()
    }),
    ("user_id", |row| row.facts.user_id.to_string().into()),
    ("key_id", |row| {
        row.facts.key_id.map(|id: KeyId| id.to_string()).into()
    }),
    ("dialect", |row| row.facts.dialect.as_ref().into()),
    ("endpoint", |row| row.facts.endpoint.as_ref().into()),
    ("service", |row| row.facts.service.as_str().into()),
    ("model", |row| row.facts.model.as_str().into()),
    ("voice", |row| row.facts.voice.as_str().into()),
    ("format", |row| row.facts.format.as_ref().into()),
    ("sample_rate_hz", |row| row.facts.sample_rate_hz.into()),
    ("status", |row| row.status.as_str().into()),
    ("status_code", |row| {
        row.end.as_ref().and_then(|end| end.status_code).into()
    }),
    ("error", |row| {
        row.end.as_ref().and_then(|end| end.error.as_deref()).into()
    }),
    ("disconnected", |row| {
        row.end.as_ref().map(|end| end.disconnected).into()
    }),
    ("characters", |row| amounts(row).characters.into()),
    ("words", |row| amounts(row).words.into()),
    ("tokens_in", |row| amounts(row).tokens_in.into()),
    ("tokens_out", |row| amounts(row).tokens_out.into()),
    ("audio_ms_in", |row| amounts(row).audio_ms_in.into()),
    ("audio_ms_out", |row| amounts(row).audio_ms_out.into()),
    ("bytes_in", |row| amounts(row).bytes_in.into()),
    ("bytes_out", |row| amounts(row).bytes_out.into()),
    ("queue_ms", |row| {
        row.end.as_ref().and_then(|end| end.queue_ms).into()
    }),
    ("engine_ms", |row| {
        row.end.as_ref().and_then(|end| end.engine_ms).into()
    }),
    ("duration_ms", |row| {
        row.end.as_ref().and_then(|end| end.duration_ms).into()
    }),
    ("held_micros", |row| row.facts.held.get().into()),
    ("billed_micros", |row| {
        row.end.as_ref().map(|end| end.billed.get()).into()
    }),
    ("node_id", |row| row.facts.node_id.as_str().into()),
];

/// What was charged for; what was asked for, while a request is under way.
fn amounts(row: &RequestRow) -> &voxgate_domain::Quantities {
    row.end
        .as_ref()
        .map_or(&row.facts.asked, |end| &end.charged)
}

fn at(moment: Option<Timestamp>) -> Value {
    moment.map(Timestamp::to_iso_micros).into()
}

/// A value as a cell. Text that a spreadsheet would take for a formula is made harmless by an apostrophe before it: voices
/// and models are named by whoever asks for them.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            format!("'{text}")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn csv_line<C: AsRef<[u8]>>(cells: impl IntoIterator<Item = C>) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(cells)?;
    writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use voxgate_domain::{Micros, OrgId, Quantities, RequestId, RequestStatus, Service, UserId};
    use voxgate_services::usage::{RequestEnd, RequestFacts};

    use super::*;

    fn row(voice: &str, ended: bool) -> RequestRow {
        let amounts = Quantities::of_text("Hello there");
        RequestRow {
            facts: RequestFacts {
                id: RequestId::generate(),
                organization_id: OrgId::generate(),
                user_id: UserId::generate(),
                key_id: None,
                node_id: "n".into(),
                endpoint: "/tts/tts".into(),
                dialect: "aethex".into(),
                service: Service::Tts,
                model: "kokoro".into(),
                voice: voice.into(),
                format: "wav".into(),
                sample_rate_hz: 24_000,
                asked: amounts,
                held: Micros::new(7),
                created_at: Timestamp::from_secs(1_800_000_000),
            },
            status: if ended {
                RequestStatus::Success
            } else {
                RequestStatus::Pending
            },
            end: ended.then(|| RequestEnd {
                charged: Quantities {
                    bytes_out: 9,
                    ..amounts
                },
                error: None,
                status_code: Some(200),
                disconnected: false,
                duration_ms: Some(5),
                engine_ms: Some(4),
                queue_ms: None,
                billed: Micros::new(6),
                finished_at: Timestamp::from_secs(1_800_000_001),
            }),
        }
    }

    #[test]
    fn csv_is_quoted_and_defused() {
        let rows = [row("=cmd|' /C calc'!A0", true), row("a, \"b\"\nc", false)];
        let mut text = LineFormat::Csv.head().unwrap();
        text.extend(LineFormat::Csv.lines(&rows).unwrap());
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let names = reader.headers().unwrap().clone();
        let at = |name: &str| names.iter().position(|found| found == name).unwrap();
        let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(&read[0][at("voice")], "'=cmd|' /C calc'!A0");
        assert_eq!(&read[1][at("voice")], "a, \"b\"\nc");
        assert_eq!(
            (&read[0][at("bytes_out")], &read[0][at("billed_micros")]),
            ("9", "6")
        );
        assert_eq!(
            (&read[1][at("finished_at")], &read[1][at("words")]),
            ("", "2")
        );
        for cell in ["+1", "-1", "@x", "\tx", "=x"] {
            assert!(super::cell(&cell.into()).starts_with('\''), "{cell:?}");
        }
        assert_eq!(cell(&Value::from(-1)), "-1", "numbers are numbers");
    }

    #[test]
    fn json_lines_are_whole_objects() {
        let text = LineFormat::JsonLines
            .lines(&[row("=x", true), row("b", false)])
            .unwrap();
        let text = String::from_utf8(text).unwrap();
        let read: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read[0]["voice"], "=x");
        assert_eq!(read[0]["status_code"], 200);
        assert_eq!(read[1]["billed_micros"], Value::Null);
        assert!(LineFormat::JsonLines.head().unwrap().is_empty());
    }
}
