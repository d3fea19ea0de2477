//! Which limits hold: a subject's own, else its plan's. Pure.

use voxgate_domain::{LimitKind, LimitSet, OrgLimits};
use voxgate_store::limit_rows::OwnLimits;
use voxgate_store::orgs::OrgTerms;

use crate::OrgContext;

/// The limits whose own values every organisation has always had; they count unless marked as taken from the plan.
pub(crate) const CLASSIC: [LimitKind; 3] = [
    LimitKind::WordsPerDay,
    LimitKind::WordsPerMonth,
    LimitKind::RequestsPerMinute,
];

/// The value of a classic limit; `None` for another kind.
fn classic(limits: &OrgLimits, kind: LimitKind) -> Option<u64> {
    match kind {
        LimitKind::WordsPerDay => Some(limits.daily_words),
        LimitKind::WordsPerMonth => Some(limits.monthly_words),
        LimitKind::RequestsPerMinute => Some(u64::from(limits.requests_per_minute)),
        _ => None,
    }
}

/// Everything that is an organisation's own.
pub(crate) fn own(columns: &OrgLimits, own: &OwnLimits) -> LimitSet {
    let mut set = own.set;
    for kind in CLASSIC {
        let value = classic(columns, kind).filter(|_| !own.from_plan.contains(&kind));
        set.set(kind, value);
    }
    set
}

/// The three classic limits of a set; what it does not limit stands at the largest value.
pub(crate) fn classic_limits(set: &LimitSet) -> OrgLimits {
    let words = |kind| {
        set.get(kind).map_or(OrgLimits::MAX_WORDS, |words| {
            words.min(OrgLimits::MAX_WORDS)
        })
    };
    let requests = set
        .get(LimitKind::RequestsPerMinute)
        .and_then(|requests| u32::try_from(requests).ok())
        .map_or(OrgLimits::MAX_REQUESTS_PER_MINUTE, |requests| {
            requests.min(OrgLimits::MAX_REQUESTS_PER_MINUTE)
        });
    OrgLimits {
        daily_words: words(LimitKind::WordsPerDay),
        monthly_words: words(LimitKind::WordsPerMonth),
        requests_per_minute: requests,
    }
}

/// An organisation as a principal carries it.
pub(crate) fn context(terms: &OrgTerms) -> OrgContext {
    let all_limits = own(&terms.limits, &terms.own_limits).or(&terms.plan_limits);
    OrgContext {
        id: terms.id,
        status: terms.status,
        limits: classic_limits(&all_limits),
        all_limits,
        plan_id: terms.plan_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_values_come_first_and_marked_ones_from_the_plan() {
        let columns = OrgLimits {
            daily_words: 5,
            monthly_words: 50,
            requests_per_minute: 7,
        };
        let plan = LimitSet::from_iter([
            (LimitKind::WordsPerDay, 1000),
            (LimitKind::WordsPerMonth, 2000),
            (LimitKind::TokensPerDay, 3000),
            (LimitKind::ConcurrentStreams, 4),
        ]);
        let mine = OwnLimits {
            set: LimitSet::from_iter([(LimitKind::ConcurrentStreams, 9)]),
            from_plan: vec![LimitKind::WordsPerMonth, LimitKind::RequestsPerMinute],
        };
        let all = own(&columns, &mine).or(&plan);
        assert_eq!(all.get(LimitKind::WordsPerDay), Some(5), "own");
        assert_eq!(all.get(LimitKind::WordsPerMonth), Some(2000), "marked");
        assert_eq!(all.get(LimitKind::RequestsPerMinute), None, "marked, none");
        assert_eq!(all.get(LimitKind::TokensPerDay), Some(3000), "the plan's");
        assert_eq!(all.get(LimitKind::ConcurrentStreams), Some(9), "own");
        let shown = classic_limits(&all);
        assert_eq!((shown.daily_words, shown.monthly_words), (5, 2000));
        assert_eq!(
            shown.requests_per_minute,
            OrgLimits::MAX_REQUESTS_PER_MINUTE
        );
    }
}
