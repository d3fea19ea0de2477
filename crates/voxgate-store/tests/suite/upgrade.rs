//! From the release before (schema version 3) with rows in it to this one: nothing is lost, and everything works on.

use voxgate_domain::{
    KeyId, LimitKind, OrgId, Page, RequestId, RequestStatus, Rights, Timestamp, UserId,
};
use voxgate_store::counters::{self, Cell, Owner};
use voxgate_store::usage::{self, UsageFilter};
use voxgate_store::{StoreError, keys, migrate, orgs, params};

use crate::fixture::Fixture;
use crate::world::at;

async fn upgrade(f: Fixture) {
    let before = migrate::embedded(f.db.backend())[..3].to_vec();
    f.db.apply_migrations(before).await.unwrap();
    let (org, user, key) = (OrgId::generate(), UserId::generate(), KeyId::generate());
    let (done, pending) = (RequestId::generate(), RequestId::generate());
    let (day, month) = (at(0).day_start(), at(0).month_start());
    f.db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            tx.exec(
                "INSERT INTO organizations (id, name, domain_verified, status, admin_email, daily_word_limit, monthly_word_limit, \
                 rate_limit_per_minute, settings, created_at, updated_at) VALUES ($1, 'org', 0, 'active', 'a@b.c', 10, 20, 30, '{}', 1, 1)",
                params![org.to_string()],
            )
            .await?;
            tx.exec(
                "INSERT INTO users (id, email, email_key, role, organization_id, is_active, is_verified, password_hash, \
                 last_session_ends_at, sessions_void_through, created_at, updated_at) \
                 VALUES ($2, 'a@b.c', 'a@b.c', 'ORG_USER', $1, 1, 1, 'hash', 0, 0, 1, 1)",
                params![org.to_string(), user.to_string()],
            )
            .await?;
            tx.exec(
                "INSERT INTO api_keys (id, organization_id, user_id, name, prefix, key_hash, created_at) \
                 VALUES ($3, $1, $2, 'old key', 'vx_', $4, 5)",
                params![org.to_string(), user.to_string(), key.to_string(), b"old secret".to_vec()],
            )
            .await?;
            for (id, status, finished) in [(done, "success", Some(9)), (pending, "pending", None)] {
                tx.exec(
                    "INSERT INTO usage_requests (id, organization_id, user_id, node_id, endpoint, voice, format, sample_rate_hz, \
                     characters, words, charged_characters, charged_words, status, audio_ms, created_at, finished_at) \
                     VALUES ($3, $1, $2, 'old node', '/tts', 'amy', 'wav', 24000, 40, 8, 40, 8, $4, 700, 6, $5)",
                    params![org.to_string(), user.to_string(), id.to_string(), status, finished.map(i64::from)],
                )
                .await?;
            }
            for (kind, start, words) in [("day", day, 8), ("month", month, 16)] {
                tx.exec(
                    "INSERT INTO usage_counters (organization_id, kind, window_start, words) VALUES ($1, $2, $3, $4)",
                    params![org.to_string(), kind, start.as_micros(), words],
                )
                .await?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();

    f.db.migrate().await.unwrap();
    assert_eq!(f.db.inspect().await.unwrap().problems, Vec::<String>::new());
    assert_eq!(f.db.check_books().await.unwrap(), Vec::<String>::new());

    let row = orgs::get(&f.db, org).await.unwrap().unwrap();
    assert_eq!(
        (row.limits.daily_words, row.plan_id, row.own_limits),
        (10, None, Default::default())
    );
    let found = keys::credential_any_org(&f.db, b"old secret")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.id, found.rights, found.secret_expires_at),
        (key, Rights::everything(), None)
    );
    let row = keys::get(&f.db, org, key).await.unwrap().unwrap();
    assert_eq!(row.updated_at, Timestamp::from_micros(5));
    for (kind, words) in [(LimitKind::WordsPerDay, 8), (LimitKind::WordsPerMonth, 16)] {
        let cell = Cell::new(Owner::Organization(org), kind, at(0)).unwrap();
        assert_eq!(counters::get(&f.db, &cell).await.unwrap(), words);
    }
    let (rows, total) = usage::list(
        &f.db,
        org,
        &UsageFilter::default(),
        Some(RequestStatus::Success),
        Page::default(),
    )
    .await
    .unwrap();
    assert_eq!((rows.len(), total, rows[0].facts.id), (1, 1, done));
    assert_eq!(rows[0].end.as_ref().unwrap().charged.audio_ms_out, 700);
    // What the release before had admitted is settled by this one, and known to have been counted.
    let settled =
        f.db.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let left = usage::abandoned_any_org_in(tx, "new node", at(0), 10).await?;
                assert_eq!(
                    (left.len(), left[0].id, left[0].asked.words),
                    (1, pending, 8)
                );
                let finished = usage::FinishedRequest {
                    end: usage::RequestEnd {
                        charged: Default::default(),
                        error: Some("interrupted".into()),
                        status_code: None,
                        disconnected: false,
                        duration_ms: None,
                        engine_ms: None,
                        queue_ms: None,
                        billed: Default::default(),
                        finished_at: at(1),
                    },
                    facts: left[0].clone(),
                };
                usage::record(tx, &finished).await
            })
        })
        .await
        .unwrap();
    assert_eq!(settled, Some(usage::Recorded { was_pending: true }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_rows_on_sqlite() {
    upgrade(Fixture::empty_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_rows_on_postgres() {
    upgrade(Fixture::empty_postgres().await).await;
}
