//! Requests sent again: one of any number begins, the others learn what became of it.

use voxgate_store::idempotency::{self, Begun, Entry};
use voxgate_store::{StoreError, nodes};

use crate::world::{World, add_org, at};

product_on_both!(
    one_of_many_begins_and_the_others_wait,
    the_answer_is_kept_until_it_ends,
    what_a_dead_node_left_can_begin_again,
);

fn entry(w: &World) -> Entry {
    Entry {
        organization_id: w.org,
        owner: w.key.to_string(),
        key_hash: b"chosen by the client".to_vec(),
    }
}

async fn begin(w: &World, entry: &Entry, node: &'static str, now: u64) -> Begun {
    let entry = entry.clone();
    w.write(move |tx| {
        let entry = entry.clone();
        Box::pin(async move {
            idempotency::begin(tx, &entry, "tts", b"body", node, at(now), at(now + 100)).await
        })
    })
    .await
}

fn running(node: &str, since: u64) -> Begun {
    Begun::Running {
        operation: "tts".into(),
        fingerprint: b"body".to_vec(),
        node_id: node.into(),
        created_at: at(since),
    }
}

async fn one_of_many_begins_and_the_others_wait(w: World) {
    let other = w.other_node().await;
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let db = if n % 2 == 0 {
                w.db.clone()
            } else {
                other.clone()
            };
            let entry = entry(&w);
            tokio::spawn(async move {
                db.write::<_, StoreError, _>(move |tx| {
                    let entry = entry.clone();
                    Box::pin(async move {
                        idempotency::begin(tx, &entry, "tts", b"body", "node", at(0), at(100)).await
                    })
                })
                .await
            })
        })
        .collect();
    let mut started = 0;
    for task in tasks {
        match task.await.unwrap().unwrap() {
            Begun::Started => started += 1,
            other => assert_eq!(other, running("node", 0)),
        }
    }
    assert_eq!(started, 1);
}

async fn the_answer_is_kept_until_it_ends(w: World) {
    let entry = entry(&w);
    assert_eq!(idempotency::get(&w.db, &entry, at(0)).await.unwrap(), None);
    assert_eq!(begin(&w, &entry, "node", 0).await, Begun::Started);
    let complete = |node: &'static str| {
        let entry = entry.clone();
        w.write(move |tx| {
            let entry = entry.clone();
            Box::pin(
                async move { idempotency::complete(tx, &entry, node, "{}", b"\0answer").await },
            )
        })
    };
    assert!(!complete("another").await);
    assert!(complete("node").await);
    assert!(!complete("node").await);
    let done = Begun::Done {
        operation: "tts".into(),
        fingerprint: b"body".to_vec(),
        meta: "{}".into(),
        body: b"\0answer".to_vec(),
    };
    assert_eq!(begin(&w, &entry, "node", 99).await, done);
    assert_eq!(
        idempotency::get(&w.db, &entry, at(99)).await.unwrap(),
        Some(done)
    );
    // Who else sends the same text means something else.
    let somebody = Entry {
        owner: w.user.to_string(),
        ..entry.clone()
    };
    let foreign = Entry {
        organization_id: add_org(&w.db, "other").await.0,
        ..entry.clone()
    };
    assert_eq!(begin(&w, &somebody, "node", 1).await, Begun::Started);
    assert_eq!(begin(&w, &foreign, "node", 1).await, Begun::Started);
    // At its end it is as if it had never been.
    assert_eq!(
        idempotency::get(&w.db, &entry, at(100)).await.unwrap(),
        None
    );
    assert_eq!(begin(&w, &entry, "node", 100).await, Begun::Started);
    let purged = w
        .write(|tx| Box::pin(idempotency::purge_any_org(tx, at(150))))
        .await;
    assert_eq!(purged, 2);
}

async fn what_a_dead_node_left_can_begin_again(w: World) {
    let entry = entry(&w);
    w.write(|tx| Box::pin(nodes::seen(tx, "first", at(10), "")))
        .await;
    assert_eq!(begin(&w, &entry, "first", 0).await, Begun::Started);
    let sweep = |seen_before| {
        w.write(move |tx| {
            Box::pin(idempotency::abandon_of_dead_nodes_any_org(
                tx,
                "second",
                at(seen_before),
            ))
        })
    };
    assert_eq!(sweep(10).await, 0);
    assert_eq!(begin(&w, &entry, "second", 5).await, running("first", 0));
    assert_eq!(sweep(11).await, 1);
    assert_eq!(begin(&w, &entry, "second", 12).await, Begun::Started);
    let abandon = |node: &'static str| {
        let entry = entry.clone();
        w.write(move |tx| {
            let entry = entry.clone();
            Box::pin(async move { idempotency::abandon(tx, &entry, node).await })
        })
    };
    assert!(!abandon("first").await);
    assert!(abandon("second").await);
    assert_eq!(idempotency::get(&w.db, &entry, at(13)).await.unwrap(), None);
}
