//! The audit log: filters, organisations apart, and that it cannot be changed.

use voxgate_domain::{AuditId, Page};
use voxgate_store::audit::{self, ActorKind, AuditFilter, AuditRow};
use voxgate_store::{StoreError, params};

use crate::world::{World, add_org, at};

product_on_both!(entries_are_found_by_every_filter, entries_cannot_be_changed);

fn entry(w: &World, n: u64) -> AuditRow {
    AuditRow {
        id: AuditId::generate(),
        at: at(n),
        organization_id: Some(w.org),
        actor: if n.is_multiple_of(2) {
            ActorKind::User
        } else {
            ActorKind::Key
        },
        actor_user_id: Some(w.user),
        actor_key_id: (n % 2 == 1).then_some(w.key),
        address: Some("2001:db8::1".into()),
        action: if n < 3 { "key.create" } else { "key.revoke" }.into(),
        target_kind: "key".into(),
        target_id: format!("key {n}"),
        changes: r#"{"name":{"old":null,"new":"x"}}"#.into(),
    }
}

async fn add(w: &World, row: &AuditRow) {
    let row = row.clone();
    w.write(move |tx| {
        let row = row.clone();
        Box::pin(async move { audit::insert(tx, &row).await })
    })
    .await;
}

async fn entries_are_found_by_every_filter(w: World) {
    let mut rows: Vec<_> = (0..6).map(|n| entry(&w, n)).collect();
    for row in &rows {
        add(&w, row).await;
    }
    rows.reverse();
    let (other, _) = add_org(&w.db, "other").await;
    let elsewhere = AuditRow {
        organization_id: Some(other),
        ..entry(&w, 90)
    };
    let nowhere = AuditRow {
        organization_id: None,
        actor: ActorKind::Operator,
        actor_user_id: None,
        actor_key_id: None,
        address: None,
        ..entry(&w, 91)
    };
    add(&w, &elsewhere).await;
    add(&w, &nowhere).await;

    let none = AuditFilter::default();
    let found = audit::list(&w.db, w.org, &none, Page::default())
        .await
        .unwrap();
    assert_eq!(found, (rows.clone(), 6));
    let found = audit::list(&w.db, w.org, &none, Page::new(2, 1))
        .await
        .unwrap();
    assert_eq!(found, (rows[1..3].to_vec(), 6));
    let found = audit::list_any_org(&w.db, &none, Page::new(2, 0))
        .await
        .unwrap();
    assert_eq!(found, (vec![nowhere, elsewhere], 8));
    for (filter, expected) in [
        (
            AuditFilter {
                action: Some("key.create".into()),
                ..none.clone()
            },
            3,
        ),
        (
            AuditFilter {
                target_id: Some("key 4".into()),
                ..none.clone()
            },
            1,
        ),
        (
            AuditFilter {
                target_kind: Some("plan".into()),
                ..none.clone()
            },
            0,
        ),
        (
            AuditFilter {
                actor_key_id: Some(w.key),
                ..none.clone()
            },
            3,
        ),
        (
            AuditFilter {
                actor_user_id: Some(w.user),
                ..none.clone()
            },
            6,
        ),
    ] {
        let (items, total) = audit::list(&w.db, w.org, &filter, Page::default())
            .await
            .unwrap();
        assert_eq!(
            (items.len(), total),
            (expected, expected as u64),
            "{filter:?}"
        );
    }
}

async fn entries_cannot_be_changed(w: World) {
    add(&w, &entry(&w, 1)).await;
    let refused =
        w.db.write::<_, StoreError, _>(|tx| {
            Box::pin(tx.exec("UPDATE audit_log SET action = 'nothing'", params![]))
        })
        .await;
    let refused = refused.unwrap_err();
    assert!(refused.is_conflict_on("audit_log_immutable"), "{refused:?}");
}
