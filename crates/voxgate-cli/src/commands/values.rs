//! Values of the command line that several commands read: limits, credits, spans of time, plans.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};
use voxgate_api::native::kinds::parse_moment;
use voxgate_domain::{
    KeyId, LimitKind, LimitSet, Micros, Page, Paged, PlanId, Service, ServiceSet, Timestamp, UserId,
};
use voxgate_services::plans::Plan;
use voxgate_services::{Principal, Services};

/// Reads `KIND=VALUE`; the value `given_back` stands for none of its own.
fn limit(text: &str, given_back: &str) -> anyhow::Result<(LimitKind, Option<u64>)> {
    let (name, value) = text
        .split_once('=')
        .with_context(|| format!("{text:?}: write KIND=VALUE, as in words_per_day=5000"))?;
    let kind: LimitKind = name.trim().parse().map_err(|_| {
        let names = LimitKind::SETTABLE.map(LimitKind::as_str).join(", ");
        anyhow::anyhow!("{name:?} is no limit; use {names}")
    })?;
    if value == given_back {
        return Ok((kind, None));
    }
    let value: u64 = value
        .trim()
        .replace('_', "")
        .parse()
        .ok()
        .filter(|value| *value <= LimitSet::MAX)
        .with_context(|| {
            format!(
                "{text:?}: use a whole number up to {} or {given_back}",
                LimitSet::MAX
            )
        })?;
    Ok((kind, Some(value)))
}

/// Own limits of an organisation: `KIND=VALUE`, or `KIND=plan`.
pub(super) fn own_limits(texts: &[String]) -> anyhow::Result<Vec<(LimitKind, Option<u64>)>> {
    texts.iter().map(|text| limit(text, "plan")).collect()
}

/// A whole set of limits; the single word `none` is the empty one.
pub(super) fn limits(texts: &[String]) -> anyhow::Result<LimitSet> {
    let mut set = LimitSet::default();
    if let [word] = texts
        && word == "none"
    {
        return Ok(set);
    }
    for text in texts {
        let (kind, value) = limit(text, "none")?;
        set.set(kind, value);
    }
    Ok(set)
}

/// Limits as JSON.
pub(super) fn limits_value(set: &LimitSet) -> Value {
    set.iter()
        .map(|(kind, value)| (kind.as_str().to_owned(), Value::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// Limits as people read them.
pub(super) fn limits_text(set: &LimitSet) -> String {
    let texts: Vec<String> = set
        .iter()
        .map(|(kind, value)| format!("{}={value}", kind.as_str()))
        .collect();
    if texts.is_empty() {
        "no limits".into()
    } else {
        texts.join(", ")
    }
}

/// Reads credits with up to six decimals.
pub(super) fn credits(text: &str) -> anyhow::Result<Micros> {
    let parsed = || {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 6 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let part: i64 = format!("{part:0<6}").parse().ok()?;
        let micros = whole.checked_mul(1_000_000)?.checked_add(part)?;
        (micros <= Micros::MAX_TRANSFER.get())
            .then(|| Micros::new(if negative { -micros } else { micros }))
    };
    parsed().with_context(|| {
        format!(
            "{text:?} is no amount of credits; write it as 12.50, with at most six decimals, up to {}",
            Micros::MAX_TRANSFER
        )
    })
}

/// Reads a span of time such as `30s`, `10m`, `24h` or `7d`.
pub(super) fn span(text: &str) -> anyhow::Result<Duration> {
    let parsed = || {
        let unit = text.chars().last()?;
        let count: u64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
        let secs: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        Some(Duration::from_secs(count.checked_mul(secs)?))
    };
    parsed()
        .with_context(|| format!("{text:?} is no span of time; write it as 30s, 10m, 24h or 7d"))
}

/// Reads a day, a moment, or a span from `now` on.
pub(super) fn end(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    parse_moment(text)
        .or_else(|| span(text).ok().map(|span| now.saturating_add(span)))
        .with_context(|| {
            format!("{text:?}: write a day as 2026-11-01, a moment as 2026-11-01T12:00:00Z, or a span as 90d")
        })
}

/// Reads a day or a moment.
pub(super) fn moment(text: &str) -> anyhow::Result<Timestamp> {
    parse_moment(text).with_context(|| {
        format!("{text:?}: write a day as 2026-11-01, or a moment as 2026-11-01T12:00:00Z")
    })
}

/// Reads names of services.
pub(super) fn services(names: &[String]) -> anyhow::Result<ServiceSet> {
    names
        .iter()
        .map(|name| {
            name.parse::<Service>()
                .with_context(|| format!("{name:?} is no service"))
        })
        .collect()
}

/// Reads the id of a key.
pub(super) fn key_id(text: &str) -> anyhow::Result<KeyId> {
    text.parse().with_context(|| {
        format!("{text:?} is not a key id; `voxgate keys list --org ID` shows them")
    })
}

/// The account of an address.
pub(super) async fn user_id(services: &Services, email: &str) -> anyhow::Result<UserId> {
    let found = services
        .identity()
        .user_by_email(&Principal::operator(), email)
        .await;
    Ok(found
        .with_context(|| format!("no user {email:?}; `voxgate users list` shows them"))?
        .id)
}

/// The plan of an id or a name.
pub(super) async fn plan(services: &Services, text: &str) -> anyhow::Result<Plan> {
    let operator = Principal::operator();
    if let Ok(id) = text.parse::<PlanId>() {
        return Ok(services.plans().get(&operator, id).await?);
    }
    let all = all(async |page| Ok(services.plans().list(&operator, page).await?)).await?;
    match all.into_iter().find(|plan| plan.name == text) {
        Some(plan) => Ok(plan),
        None => bail!("no plan {text:?}; `voxgate plans list` shows them"),
    }
}

/// Every entry of a list that comes in pages.
pub(super) async fn all<T>(
    read: impl AsyncFn(Page) -> anyhow::Result<Paged<T>>,
) -> anyhow::Result<Vec<T>> {
    at_most(u64::MAX, read).await
}

/// The first entries of a list that comes in pages.
pub(super) async fn at_most<T>(
    count: u64,
    read: impl AsyncFn(Page) -> anyhow::Result<Paged<T>>,
) -> anyhow::Result<Vec<T>> {
    let mut found = Vec::new();
    loop {
        let have = found.len() as u64;
        let wanted = u32::try_from(count.saturating_sub(have)).unwrap_or(Page::MAX_LIMIT);
        if wanted == 0 {
            return Ok(found);
        }
        let piece = read(Page::new(wanted, have)).await?;
        let done = piece.items.is_empty();
        found.extend(piece.items);
        if done || found.len() as u64 >= piece.total {
            found.truncate(usize::try_from(count).unwrap_or(usize::MAX));
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn credits_have_up_to_six_decimals() {
        for (text, micros) in [
            ("12.50", Some(12_500_000)),
            ("-0.000001", Some(-1)),
            ("7", Some(7_000_000)),
            ("7.", Some(7_000_000)),
            ("0.0000001", None),
            (".5", None),
            ("1e3", None),
            ("--1", None),
            ("1,5", None),
            ("", None),
            ("99999999999999", None),
        ] {
            assert_eq!(credits(text).ok().map(Micros::get), micros, "{text:?}");
        }
    }

    #[test]
    fn spans_have_a_unit() {
        for (text, secs) in [
            ("30s", Some(30)),
            ("10m", Some(600)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
            ("7", None),
            ("d", None),
            ("1w", None),
            ("", None),
            ("1é", None),
        ] {
            assert_eq!(span(text).ok().map(|span| span.as_secs()), secs, "{text:?}");
        }
    }

    #[test]
    fn limits_are_given_back_in_words() {
        let texts = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let own = own_limits(&texts(&["words_per_day=5_000", "tokens_per_day=plan"])).unwrap();
        assert_eq!(
            own,
            [
                (LimitKind::WordsPerDay, Some(5000)),
                (LimitKind::TokensPerDay, None)
            ]
        );
        assert_eq!(limits(&texts(&["none"])).unwrap(), LimitSet::default());
        assert!(limits(&texts(&["words_per_day"])).is_err());
        assert!(limits(&texts(&["words=1"])).is_err());
        assert!(limits(&texts(&["words_per_day=-1"])).is_err());
    }
}
