//! Counters, usage records, prices: what is counted, that it is counted once, and the sums over it.

use std::borrow::Cow;

use voxgate_domain::{
    DateRange, LimitKind, Micros, Page, PlanId, Price, PriceUnit, Quantities, RequestId,
    RequestStatus, Service, Timestamp,
};
use voxgate_store::counters::{self, Cell, Owner};
use voxgate_store::plans::{self, PlanRow};
use voxgate_store::usage::{
    self, FinishedRequest, GroupRow, Recorded, RequestEnd, RequestFacts, UsageFilter, UsageGroup,
};
use voxgate_store::{StoreError, prices};

use crate::world::{World, add_org, at};

product_on_both!(
    counters_stop_at_the_limit,
    two_processes_count_exactly,
    counters_of_the_current_windows_are_loaded,
    a_request_is_recorded_once,
    a_pending_request_is_settled_once,
    sums_by_every_group,
    the_export_has_every_request_once,
    price_lists_are_replaced_whole,
);

fn cell(w: &World, kind: LimitKind) -> Cell {
    Cell::new(Owner::Organization(w.org), kind, at(0)).unwrap()
}

async fn add(w: &World, cell: Cell, amount: u64, limit: u64) -> Option<u64> {
    w.write(move |tx| {
        Box::pin(async move { counters::add_if_fits(tx, &cell, amount, limit).await })
    })
    .await
}

async fn add_always(w: &World, cell: Cell, delta: i64) -> u64 {
    w.write(move |tx| Box::pin(async move { counters::add_always(tx, &cell, delta).await }))
        .await
}

async fn counters_stop_at_the_limit(w: World) {
    let words = cell(&w, LimitKind::WordsPerDay);
    assert_eq!(words.window_start, at(0).day_start());
    assert_eq!(
        Cell::new(words.owner, LimitKind::RequestsPerMinute, at(0)),
        None
    );
    assert_eq!(add(&w, words, 11, 10).await, None);
    assert_eq!(add(&w, words, 10, 10).await, Some(10));
    assert_eq!(add(&w, words, 1, 10).await, None);
    assert_eq!(add_always(&w, words, 5).await, 15);
    assert_eq!(add(&w, words, 0, 10).await, None);
    assert_eq!(add_always(&w, words, -20).await, 0);
    let month = cell(&w, LimitKind::WordsPerMonth);
    assert_eq!(add_always(&w, month, -3).await, 0);
    assert_eq!(add_always(&w, month, 3).await, 3);
    assert_eq!(counters::get(&w.db, &words).await.unwrap(), 0);
    assert_eq!(counters::get(&w.db, &month).await.unwrap(), 3);
}

async fn two_processes_count_exactly(w: World) {
    const LIMIT: u64 = 40;
    let other = w.other_node().await;
    let words = Cell {
        owner: Owner::Key(w.key),
        ..cell(&w, LimitKind::WordsPerDay)
    };
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let db = if n % 2 == 0 {
                w.db.clone()
            } else {
                other.clone()
            };
            tokio::spawn(async move {
                db.write::<_, StoreError, _>(move |tx| {
                    Box::pin(async move { counters::add_if_fits(tx, &words, 1, LIMIT).await })
                })
                .await
            })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += u64::from(task.await.unwrap().unwrap().is_some());
    }
    assert_eq!(
        (admitted, counters::get(&w.db, &words).await.unwrap()),
        (LIMIT, LIMIT)
    );
}

async fn counters_of_the_current_windows_are_loaded(w: World) {
    let first_day = at(0).month_start();
    let mut expected = Vec::new();
    for (n, owner) in [Owner::Organization(w.org), Owner::Key(w.key)]
        .into_iter()
        .enumerate()
    {
        for kind in LimitKind::SETTABLE
            .into_iter()
            .filter(|kind| kind.is_quota())
        {
            let current = Cell::new(owner, kind, at(0)).unwrap();
            let amount = 1 + i64::try_from(n).unwrap();
            add_always(&w, current, amount).await;
            expected.push((current, u64::try_from(amount).unwrap()));
            // Windows of the past, one of which begins together with the month.
            for past in [
                first_day,
                first_day.saturating_sub(std::time::Duration::from_secs(1)),
            ] {
                let past = Cell::new(owner, kind, past).unwrap();
                if past != current {
                    add_always(&w, past, 100).await;
                }
            }
        }
    }
    let mut loaded = counters::load_since_any_org(&w.db, at(0)).await.unwrap();
    loaded.sort();
    expected.sort();
    assert_eq!(loaded, expected);
    let purged = w
        .write(move |tx| Box::pin(counters::purge_any_org(tx, first_day)))
        .await;
    assert_eq!(purged, 10);
    assert_eq!(
        counters::load_since_any_org(&w.db, at(0))
            .await
            .unwrap()
            .len(),
        10
    );
}

fn request(w: &World, n: u64) -> FinishedRequest {
    let asked = Quantities {
        audio_ms_out: 0,
        ..Quantities::of_text("four words are here")
    };
    FinishedRequest {
        facts: RequestFacts {
            id: RequestId::generate(),
            organization_id: w.org,
            user_id: w.user,
            key_id: (n.is_multiple_of(2)).then_some(w.key),
            node_id: "node".into(),
            endpoint: Cow::Borrowed("/tts"),
            dialect: Cow::Borrowed("native"),
            service: Service::Tts,
            model: "kokoro".into(),
            voice: if n.is_multiple_of(3) { "amy" } else { "joe" }.into(),
            format: Cow::Borrowed("wav"),
            sample_rate_hz: 24_000,
            asked,
            held: Micros::new(9),
            created_at: at(n * 1800),
        },
        end: RequestEnd {
            charged: Quantities {
                characters: 10,
                words: 2,
                tokens_out: 1,
                audio_ms_in: 3,
                audio_ms_out: 1000,
                bytes_in: 5,
                bytes_out: 48_000,
                ..asked
            },
            error: (n % 4 == 3).then_some(Cow::Borrowed("client_gone")),
            status_code: Some(200),
            disconnected: n % 4 == 3,
            duration_ms: Some(30),
            engine_ms: Some(20),
            queue_ms: Some(1),
            billed: Micros::ZERO,
            finished_at: at(n * 1800 + 1),
        },
    }
}

async fn record(w: &World, finished: &FinishedRequest) -> Option<Recorded> {
    let finished = finished.clone();
    w.write(move |tx| {
        let finished = finished.clone();
        Box::pin(async move { usage::record(tx, &finished).await })
    })
    .await
}

async fn only_row(w: &World) -> usage::RequestRow {
    let (mut rows, total) =
        usage::list(&w.db, w.org, &UsageFilter::default(), None, Page::default())
            .await
            .unwrap();
    assert_eq!((rows.len(), total), (1, 1));
    rows.remove(0)
}

/// What the row of a request keeps of what was asked for: all of the text, and otherwise what was delivered.
fn kept(finished: &FinishedRequest) -> RequestFacts {
    RequestFacts {
        asked: Quantities {
            characters: finished.facts.asked.characters,
            words: finished.facts.asked.words,
            ..finished.end.charged
        },
        ..finished.facts.clone()
    }
}

async fn a_request_is_recorded_once(w: World) {
    let finished = request(&w, 3);
    assert_eq!(
        record(&w, &finished).await,
        Some(Recorded { was_pending: false })
    );
    let mut replayed = finished.clone();
    replayed.end.charged.words = 0;
    assert_eq!(record(&w, &replayed).await, None);
    let row = only_row(&w).await;
    assert_eq!(row.status, RequestStatus::Failed);
    assert_eq!(row.facts, kept(&finished));
    assert_eq!(row.end, Some(finished.end.clone()));
    // Another organisation's record with the same id changes nothing.
    let (other, _) = add_org(&w.db, "other").await;
    replayed.facts.organization_id = other;
    assert_eq!(record(&w, &replayed).await, None);
    // What is known only at the end is its own whole.
    let mut transcript = request(&w, 1);
    transcript.facts.asked = Quantities::default();
    transcript.facts.organization_id = other;
    assert!(record(&w, &transcript).await.is_some());
}

async fn a_pending_request_is_settled_once(w: World) {
    let finished = request(&w, 0);
    let facts = finished.facts.clone();
    w.write(move |tx| {
        let facts = facts.clone();
        Box::pin(async move { usage::insert_pending(tx, &facts).await })
    })
    .await;
    let row = only_row(&w).await;
    assert_eq!(
        (row.status, &row.facts, row.end),
        (RequestStatus::Pending, &finished.facts, None)
    );
    let left = w
        .write(|tx| Box::pin(usage::abandoned_any_org_in(tx, "another", at(0), 10)))
        .await;
    assert_eq!(left, std::slice::from_ref(&finished.facts));
    let own = w
        .write(|tx| Box::pin(usage::abandoned_any_org_in(tx, "node", at(0), 10)))
        .await;
    assert_eq!(own, []);
    assert_eq!(
        record(&w, &finished).await,
        Some(Recorded { was_pending: true })
    );
    assert_eq!(record(&w, &finished).await, None);
    let row = only_row(&w).await;
    assert_eq!(
        (row.status, row.facts, row.end),
        (RequestStatus::Success, kept(&finished), Some(finished.end))
    );
}

async fn sums_by_every_group(w: World) {
    for n in 0..12 {
        assert!(record(&w, &request(&w, n)).await.is_some());
    }
    let pending = request(&w, 12).facts;
    w.write(move |tx| {
        let pending = pending.clone();
        Box::pin(async move { usage::insert_pending(tx, &pending).await })
    })
    .await;
    let (from, until) = (at(0), at(24 * 3600));
    let filter = UsageFilter::default();
    let all = usage::sums(&w.db, w.org, &filter, from, until)
        .await
        .unwrap();
    assert_eq!(
        (
            all.requests,
            all.success,
            all.failed,
            all.pending,
            all.disconnected
        ),
        (13, 9, 3, 1, 3)
    );
    // Twelve delivered two words each, and four are reserved.
    assert_eq!(
        (all.quantities.words, all.quantities.audio_ms_out),
        (28, 12_000)
    );
    assert_eq!(
        (all.quantities.bytes_out, all.quantities.tokens_in),
        (12 * 48_000, 12 * 5)
    );
    assert_eq!((all.engine_ms, all.queue_ms), (240, 12));
    let keyed = UsageFilter {
        key: Some(w.key),
        user: Some(w.user),
    };
    assert_eq!(
        usage::sums(&w.db, w.org, &keyed, from, until)
            .await
            .unwrap()
            .requests,
        7
    );

    let grouped = |group| {
        let db = w.db.clone();
        async move {
            usage::grouped(&db, w.org, &UsageFilter::default(), from, until, group)
                .await
                .unwrap()
        }
    };
    let names = |rows: &[GroupRow]| -> Vec<(String, u64)> {
        rows.iter()
            .map(|row| (row.name.clone(), row.sums.requests))
            .collect()
    };
    assert_eq!(
        names(&grouped(UsageGroup::Voice).await),
        [("joe".into(), 8), ("amy".into(), 5)]
    );
    assert_eq!(
        names(&grouped(UsageGroup::Model).await),
        [("kokoro".into(), 13)]
    );
    assert_eq!(
        names(&grouped(UsageGroup::Service).await),
        [("tts".into(), 13)]
    );
    assert_eq!(
        names(&grouped(UsageGroup::Dialect).await),
        [("native".into(), 13)]
    );
    let keys = grouped(UsageGroup::Key).await;
    assert_eq!(names(&keys), [(w.key.to_string(), 7), (String::new(), 6)]);
    assert_eq!(
        (keys[0].label.as_deref(), keys[1].label.as_deref()),
        (Some("a key"), None)
    );
    let users = grouped(UsageGroup::User).await;
    assert_eq!(users[0].label.as_deref(), Some("somebody@first.example"));
    for (group, span) in [
        (UsageGroup::Hour, 3_600_000_000),
        (UsageGroup::Day, 86_400_000_000),
    ] {
        let rows = grouped(group).await;
        let starts: Vec<Timestamp> = rows.iter().filter_map(|row| row.start).collect();
        assert!(starts.len() == rows.len() && starts.is_sorted());
        assert!(
            starts.iter().all(|start| start.as_micros() % span == 0),
            "{starts:?}"
        );
        assert_eq!(rows.iter().map(|row| row.sums.requests).sum::<u64>(), 13);
    }
    let range = DateRange::between(from, until).unwrap();
    let totals = usage::totals(&w.db, w.org, None, &range).await.unwrap();
    assert_eq!(
        (totals.requests, totals.words, totals.audio_ms),
        (13, 28, 12_000)
    );
    let days = usage::by_day(&w.db, w.org, Some(w.user), &range)
        .await
        .unwrap();
    assert_eq!(days[0].0, at(0).day_start());
    let people = usage::by_user(&w.db, w.org, &range).await.unwrap();
    assert_eq!(
        (people.len(), people[0].0, people[0].2),
        (1, w.user, totals)
    );
    let orgs = usage::by_org_any_org(&w.db, &range).await.unwrap();
    assert_eq!(orgs, [(w.org, "first".to_owned(), totals)]);
}

async fn the_export_has_every_request_once(w: World) {
    let mut expected = Vec::new();
    for n in 0..10 {
        let mut finished = request(&w, n);
        // Several in one moment: the id decides.
        finished.facts.created_at = at(n / 4);
        record(&w, &finished).await;
        expected.push((finished.facts.created_at, finished.facts.id));
    }
    expected.sort();
    let (mut exported, mut after) = (Vec::new(), None);
    loop {
        let rows = usage::export_page(
            &w.db,
            w.org,
            &UsageFilter::default(),
            at(0),
            at(60),
            after,
            3,
        )
        .await
        .unwrap();
        exported.extend(rows.iter().map(|row| (row.facts.created_at, row.facts.id)));
        if rows.len() < 3 {
            break;
        }
        after = exported.last().copied();
    }
    assert_eq!(exported, expected);
    let (other, _) = add_org(&w.db, "other").await;
    let foreign = usage::export_page(
        &w.db,
        other,
        &UsageFilter::default(),
        at(0),
        at(60),
        None,
        9,
    )
    .await;
    assert_eq!(foreign.unwrap(), []);
}

async fn price_lists_are_replaced_whole(w: World) {
    let plan = PlanRow {
        id: PlanId::generate(),
        name: "plan".into(),
        limits: Default::default(),
        created_at: at(0),
        updated_at: at(0),
    };
    let id = plan.id;
    w.write(move |tx| {
        let plan = plan.clone();
        Box::pin(async move { plans::insert(tx, &plan).await })
    })
    .await;
    let line = |model: Option<&str>, unit, micros| Price {
        service: Service::Tts,
        model: model.map(Into::into),
        unit,
        micros: Micros::new(micros),
    };
    let general = vec![
        line(None, PriceUnit::Character, 3),
        line(Some("kokoro"), PriceUnit::Request, 0),
    ];
    let own = vec![line(None, PriceUnit::Character, 2)];
    let replace = |plan: Option<PlanId>, lines: Vec<Price>| {
        let db = w.db.clone();
        async move {
            db.write::<_, StoreError, _>(move |tx| {
                let lines = lines.clone();
                Box::pin(async move { prices::replace_all(tx, plan, &lines, at(1)).await })
            })
            .await
        }
    };
    for _ in 0..2 {
        replace(None, general.clone()).await.unwrap();
        replace(Some(id), own.clone()).await.unwrap();
        assert_eq!(prices::list(&w.db, None).await.unwrap(), general);
        assert_eq!(prices::list(&w.db, Some(id)).await.unwrap(), own);
    }
    assert_eq!(prices::load_any_org(&w.db).await.unwrap().len(), 3);
    let twice = replace(None, vec![general[0].clone(), general[0].clone()]).await;
    assert!(twice.unwrap_err().is_conflict_on("ux_prices_line"));
    let negative = replace(None, vec![line(None, PriceUnit::Word, -1)]).await;
    assert!(negative.unwrap_err().is_conflict_on("ck_prices_micros"));
    let unknown = replace(Some(PlanId::generate()), own).await;
    assert!(unknown.unwrap_err().is_conflict_on("foreign_key"));
    assert_eq!(prices::list(&w.db, None).await.unwrap(), general);
    w.write(move |tx| Box::pin(plans::delete(tx, id))).await;
    assert_eq!(prices::load_any_org(&w.db).await.unwrap().len(), 2);
}
