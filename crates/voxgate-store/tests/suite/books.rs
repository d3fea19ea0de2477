//! Credits: every movement, its refusals, its repetition, and what the checks of the books find.

use voxgate_domain::{KeyId, Micros, OrgId, Page, RequestId, TransferId};
use voxgate_store::keys::KeyRow;
use voxgate_store::ledger::{
    self, Balance, Booked, Booking, HoldOutcome, NewHold, Resolution, Transfer, TransferKind,
};
use voxgate_store::{StoreError, keys, nodes, params};

use crate::world::{World, add_org, at};

product_on_both!(
    a_request_is_held_and_billed_once,
    a_hold_needs_cover_and_budget,
    bookings_are_idempotent_by_their_id,
    refunds_stay_within_what_was_billed,
    amounts_out_of_range_are_refused,
    the_statement_shows_every_balance,
    holds_of_dead_nodes_are_found,
    two_hundred_holds_at_once_take_no_more_than_there_is,
    transfers_cannot_be_changed,
    wrong_books_are_told,
);

fn micros(amount: i64) -> Micros {
    Micros::new(amount)
}

fn booking(org: OrgId, id: TransferId, amount: i64) -> Booking<'static> {
    Booking {
        id,
        organization_id: org,
        amount: micros(amount),
        memo: "a remark",
        actor: Some("somebody"),
        now: at(1),
    }
}

fn new_hold(org: OrgId, key: Option<KeyId>, request: RequestId, amount: i64) -> NewHold<'static> {
    NewHold {
        organization_id: org,
        key_id: key,
        request_id: request,
        node_id: "node",
        amount: micros(amount),
        now: at(2),
    }
}

async fn grant(w: &World, amount: i64) {
    let booking = booking(w.org, TransferId::generate(), amount);
    let booked = w
        .write(move |tx| Box::pin(async move { ledger::grant(tx, &booking).await }))
        .await;
    assert!(matches!(booked, Booked::Booked(_)), "{booked:?}");
}

async fn hold(w: &World, key: Option<KeyId>, request: RequestId, amount: i64) -> HoldOutcome {
    let new = new_hold(w.org, key, request, amount);
    w.write(move |tx| Box::pin(async move { ledger::hold(tx, &new).await }))
        .await
}

async fn post(w: &World, request: RequestId, amount: i64) -> Resolution {
    let org = w.org;
    w.write(move |tx| Box::pin(ledger::post(tx, org, request, micros(amount), at(3))))
        .await
}

async fn expect(w: &World, available: i64, held: i64) {
    let balance = Balance {
        available: micros(available),
        held: micros(held),
    };
    assert_eq!(ledger::balance(&w.db, w.org).await.unwrap(), balance);
    assert_eq!(w.db.check_books().await.unwrap(), Vec::<String>::new());
}

async fn committed(w: &World, key: KeyId) -> i64 {
    let row = keys::get(&w.db, w.org, key).await.unwrap().unwrap();
    row.credits_committed.get()
}

async fn a_request_is_held_and_billed_once(w: World) {
    grant(&w, 1000).await;
    let (part, whole, none, at_once) = (
        RequestId::generate(),
        RequestId::generate(),
        RequestId::generate(),
        RequestId::generate(),
    );
    for request in [part, whole, none] {
        assert_eq!(hold(&w, Some(w.key), request, 100).await, HoldOutcome::Held);
    }
    assert_eq!(hold(&w, Some(w.key), part, 100).await, HoldOutcome::Already);
    expect(&w, 700, 300).await;
    assert_eq!(committed(&w, w.key).await, 300);

    let resolved = |posted, returned| Resolution::Resolved {
        posted: micros(posted),
        returned: micros(returned),
    };
    assert_eq!(post(&w, part, 30).await, resolved(30, 70));
    // More than was held cannot be earned.
    assert_eq!(post(&w, whole, 500).await, resolved(100, 0));
    let org = w.org;
    let voided = w
        .write(move |tx| Box::pin(ledger::void(tx, org, none, at(3))))
        .await;
    assert_eq!(voided, resolved(0, 100));
    expect(&w, 870, 0).await;

    assert_eq!(
        post(&w, part, 99).await,
        Resolution::Already { posted: micros(30) }
    );
    assert_eq!(
        post(&w, none, 99).await,
        Resolution::Already { posted: micros(0) }
    );
    assert_eq!(post(&w, at_once, 99).await, Resolution::Unknown);
    let charge = new_hold(w.org, Some(w.key), at_once, 70);
    for outcome in [HoldOutcome::Held, HoldOutcome::Already] {
        let charged = w
            .write(move |tx| Box::pin(async move { ledger::charge(tx, &charge).await }))
            .await;
        assert_eq!(charged, outcome);
    }
    assert_eq!(
        post(&w, at_once, 1).await,
        Resolution::Already { posted: micros(70) }
    );
    expect(&w, 800, 0).await;
    assert_eq!(committed(&w, w.key).await, 200);
}

async fn a_hold_needs_cover_and_budget(w: World) {
    let poor = hold(&w, None, RequestId::generate(), 1).await;
    assert_eq!(
        poor,
        HoldOutcome::Insufficient {
            available: micros(0)
        }
    );
    grant(&w, 100).await;
    let budgeted = KeyRow {
        credit_budget: Some(micros(50)),
        ..w.key_row(KeyId::generate())
    };
    w.add_key(budgeted.clone(), b"budgeted").await;
    let key = Some(budgeted.id);
    let first = RequestId::generate();
    assert_eq!(hold(&w, key, first, 40).await, HoldOutcome::Held);
    let over = hold(&w, key, RequestId::generate(), 11).await;
    assert_eq!(over, HoldOutcome::OverBudget { left: micros(10) });
    let much = hold(&w, key, RequestId::generate(), 61).await;
    assert_eq!(
        much,
        HoldOutcome::Insufficient {
            available: micros(60)
        }
    );
    expect(&w, 60, 40).await;
    // What goes back can be spent again.
    post(&w, first, 15).await;
    assert_eq!(committed(&w, budgeted.id).await, 15);
    assert_eq!(
        hold(&w, key, RequestId::generate(), 35).await,
        HoldOutcome::Held
    );
    // Nothing costs nothing, also without credits.
    assert_eq!(
        hold(&w, key, RequestId::generate(), 0).await,
        HoldOutcome::Held
    );
    expect(&w, 50, 35).await;
    // An id is one request's, in whichever organisation.
    let (other, _) = add_org(&w.db, "other").await;
    let foreign = new_hold(other, None, first, 1);
    let org = w.org;
    let refused =
        w.db.write::<_, StoreError, _>(move |tx| {
            let foreign = foreign;
            Box::pin(async move {
                let given = booking(other, TransferId::generate(), 5);
                ledger::grant(tx, &given).await?;
                ledger::hold(tx, &foreign).await
            })
        })
        .await;
    assert!(refused.unwrap_err().is_conflict_on("credit_holds_pkey"));
    let stolen = w
        .write(move |tx| {
            Box::pin(async move {
                assert_ne!(org, other);
                ledger::post(tx, other, first, micros(1), at(4)).await
            })
        })
        .await;
    assert_eq!(stolen, Resolution::Unknown);
}

async fn bookings_are_idempotent_by_their_id(w: World) {
    let (granted, bought, down) = (
        TransferId::generate(),
        TransferId::generate(),
        TransferId::generate(),
    );
    let org = w.org;
    for round in 0..2 {
        let all: Vec<Booked> = w
            .write(move |tx| {
                Box::pin(async move {
                    Ok(vec![
                        ledger::grant(tx, &booking(org, granted, 100)).await?,
                        ledger::purchase(tx, &booking(org, bought, 50)).await?,
                        ledger::adjust(tx, &booking(org, down, -30)).await?,
                    ])
                })
            })
            .await;
        for booked in &all {
            assert_eq!(
                matches!(booked, Booked::Booked(_)),
                round == 0,
                "{booked:?}"
            );
            assert_eq!(
                matches!(booked, Booked::Already(_)),
                round == 1,
                "{booked:?}"
            );
        }
        expect(&w, 120, 0).await;
    }
    // The same id for another amount, kind, direction or organisation is a mistake.
    let (other, _) = add_org(&w.db, "other").await;
    let different: Vec<Booked> = w
        .write(move |tx| {
            Box::pin(async move {
                Ok(vec![
                    ledger::grant(tx, &booking(org, granted, 101)).await?,
                    ledger::purchase(tx, &booking(org, granted, 100)).await?,
                    ledger::adjust(tx, &booking(org, down, 30)).await?,
                    ledger::grant(tx, &booking(other, granted, 100)).await?,
                ])
            })
        })
        .await;
    assert!(
        different
            .iter()
            .all(|booked| matches!(booked, Booked::Different(_)))
    );
    let more = w
        .write(move |tx| {
            Box::pin(async move {
                ledger::adjust(tx, &booking(org, TransferId::generate(), -121)).await
            })
        })
        .await;
    assert_eq!(
        more,
        Booked::Insufficient {
            available: micros(120)
        }
    );
    expect(&w, 120, 0).await;
}

async fn refunds_stay_within_what_was_billed(w: World) {
    grant(&w, 100).await;
    let (billed, open) = (RequestId::generate(), RequestId::generate());
    hold(&w, Some(w.key), billed, 60).await;
    hold(&w, None, open, 10).await;
    post(&w, billed, 50).await;
    let org = w.org;
    let refund = |request, id, amount| {
        w.write(move |tx| {
            Box::pin(async move { ledger::refund(tx, &booking(org, id, amount), request).await })
        })
    };
    let id = TransferId::generate();
    assert!(matches!(refund(billed, id, 20).await, Booked::Booked(_)));
    assert!(matches!(refund(billed, id, 20).await, Booked::Already(_)));
    assert!(matches!(refund(billed, id, 10).await, Booked::Different(_)));
    let left = Booked::NotRefundable {
        refundable: micros(30),
    };
    assert_eq!(refund(billed, TransferId::generate(), 31).await, left);
    assert!(matches!(
        refund(billed, TransferId::generate(), 30).await,
        Booked::Booked(_)
    ));
    let nothing = Booked::NotRefundable {
        refundable: micros(0),
    };
    for request in [billed, open, RequestId::generate()] {
        assert_eq!(refund(request, TransferId::generate(), 1).await, nothing);
    }
    expect(&w, 90, 10).await;
    assert_eq!(committed(&w, w.key).await, 0);
}

async fn amounts_out_of_range_are_refused(w: World) {
    let org = w.org;
    for amount in [0, -5, Micros::MAX_TRANSFER.get() + 1] {
        let refused =
            w.db.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    ledger::grant(tx, &booking(org, TransferId::generate(), amount)).await
                })
            })
            .await;
        let refused = refused.unwrap_err();
        assert!(
            refused.is_conflict_on("ck_ledger_transfers_amount"),
            "{amount}: {refused:?}"
        );
    }
    expect(&w, 0, 0).await;
}

async fn the_statement_shows_every_balance(w: World) {
    grant(&w, 100).await;
    let request = RequestId::generate();
    hold(&w, None, request, 60).await;
    post(&w, request, 50).await;
    let all = ledger::statement(&w.db, w.org, None, 100).await.unwrap();
    let shown: Vec<_> = all
        .iter()
        .map(|t: &Transfer| {
            (
                t.number,
                t.kind,
                t.amount.get(),
                t.available_after.get(),
                t.held_after.get(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (4, TransferKind::Void, 10, 50, 0),
            (3, TransferKind::Post, 50, 40, 10),
            (2, TransferKind::Hold, 60, 40, 60),
            (1, TransferKind::Grant, 100, 100, 0),
        ]
    );
    assert_eq!(
        (all[3].memo.as_str(), all[3].actor.as_deref()),
        ("a remark", Some("somebody"))
    );
    assert_eq!(
        (all[0].request_id, all[0].created_at),
        (Some(request), at(3))
    );
    let older = ledger::statement(&w.db, w.org, Some(3), 1).await.unwrap();
    assert_eq!(older, all[2..3]);
    for offset in 0..5 {
        let (items, total) = ledger::statement_page(&w.db, w.org, Page::new(2, offset))
            .await
            .unwrap();
        let expected: Vec<_> = all
            .iter()
            .skip(usize::try_from(offset).unwrap())
            .take(2)
            .cloned()
            .collect();
        assert_eq!((items, total), (expected, 4));
    }
    let (other, _) = add_org(&w.db, "other").await;
    assert_eq!(ledger::statement(&w.db, other, None, 9).await.unwrap(), []);
}

async fn holds_of_dead_nodes_are_found(w: World) {
    grant(&w, 100).await;
    let request = RequestId::generate();
    hold(&w, Some(w.key), request, 60).await;
    let find = |asking: &'static str, seen_before: u64| {
        w.write(move |tx| {
            Box::pin(ledger::open_holds_any_org_in(
                tx,
                asking,
                at(seen_before),
                10,
            ))
        })
    };
    w.write(|tx| Box::pin(nodes::seen(tx, "node", at(100), "")))
        .await;
    assert_eq!(nodes::count_alive(&w.db, at(100)).await.unwrap(), 1);
    assert_eq!(nodes::count_alive(&w.db, at(101)).await.unwrap(), 0);
    // One that says nothing of its secrets, as those of earlier releases do, is not foreign; nor is one's own row.
    w.write(|tx| Box::pin(nodes::seen(tx, "other", at(100), "b")))
        .await;
    for (node, secrets, after, foreign) in [
        ("node", "a", 100, 1),
        ("node", "b", 100, 0),
        ("other", "a", 100, 0),
        ("node", "a", 101, 0),
    ] {
        let found = nodes::count_foreign(&w.db, node, at(after), secrets).await;
        assert_eq!(found.unwrap(), foreign, "{node} {secrets} {after}");
    }
    assert_eq!(find("other", 100).await, []);
    assert_eq!(find("node", 200).await, []);
    let found = find("other", 101).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].request_id, found[0].amount),
        (request, micros(60))
    );
    assert_eq!(
        (found[0].organization_id, found[0].key_id),
        (w.org, Some(w.key))
    );
    post(&w, request, 0).await;
    assert_eq!(find("other", 101).await, []);
}

async fn two_hundred_holds_at_once_take_no_more_than_there_is(w: World) {
    grant(&w, 250).await;
    let other = w.other_node().await;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let db = if n % 2 == 0 {
                w.db.clone()
            } else {
                other.clone()
            };
            let new = new_hold(w.org, Some(w.key), RequestId::generate(), 10);
            tokio::spawn(async move {
                db.write::<_, StoreError, _>(move |tx| {
                    Box::pin(async move {
                        let outcome = ledger::hold(tx, &new).await?;
                        if outcome == HoldOutcome::Held && n % 3 == 0 {
                            ledger::post(tx, new.organization_id, new.request_id, micros(4), at(3))
                                .await?;
                        }
                        Ok((outcome, n % 3 == 0))
                    })
                })
                .await
            })
        })
        .collect();
    let (mut open, mut earned) = (0, 0);
    for task in tasks {
        match task.await.unwrap().unwrap() {
            (HoldOutcome::Held, true) => earned += 4,
            (HoldOutcome::Held, false) => open += 10,
            (HoldOutcome::Insufficient { .. }, _) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
    assert!(250 - open - earned < 10, "{open} held, {earned} earned");
    expect(&w, 250 - open - earned, open).await;
}

async fn transfers_cannot_be_changed(w: World) {
    grant(&w, 100).await;
    for sql in [
        "UPDATE ledger_transfers SET amount = 1",
        "DELETE FROM ledger_transfers",
    ] {
        let refused =
            w.db.write::<_, StoreError, _>(move |tx| Box::pin(tx.exec(sql, params![])))
                .await;
        let refused = refused.unwrap_err();
        assert!(
            refused.is_conflict_on("ledger_transfers_immutable"),
            "{refused:?}"
        );
    }
    expect(&w, 100, 0).await;
}

async fn wrong_books_are_told(w: World) {
    grant(&w, 1000).await;
    let (open, posted) = (RequestId::generate(), RequestId::generate());
    hold(&w, Some(w.key), open, 100).await;
    hold(&w, Some(w.key), posted, 100).await;
    post(&w, posted, 60).await;
    expect(&w, 840, 100).await;
    for (wrong, right, expected) in [
        (
            "UPDATE credit_balances SET available = available + 1",
            "UPDATE credit_balances SET available = available - 1",
            "available",
        ),
        (
            "UPDATE credit_holds SET posted = 59 WHERE status = 'posted'",
            "UPDATE credit_holds SET posted = 60 WHERE status = 'posted'",
            "does not match its transfers",
        ),
        (
            "UPDATE credit_holds SET amount = amount + 5 WHERE status = 'open'",
            "UPDATE credit_holds SET amount = amount - 5 WHERE status = 'open'",
            "its open holds are",
        ),
        (
            "UPDATE api_keys SET credits_committed = credits_committed + 1",
            "UPDATE api_keys SET credits_committed = credits_committed - 1",
            "has committed",
        ),
        (
            "INSERT INTO ledger_transfers SELECT 'x', organization_id, 9, 'post', 'grants', 'revenue', 5, 0, 0, 'nothing', '', NULL, 0 \
             FROM credit_balances",
            "SELECT 1",
            "which does not exist",
        ),
    ] {
        w.write(move |tx| Box::pin(tx.exec(wrong, params![]))).await;
        let problems = w.db.check_books().await.unwrap();
        assert!(
            problems.iter().any(|problem| problem.contains(expected)),
            "{wrong}: {problems:?}"
        );
        w.write(move |tx| Box::pin(tx.exec(right, params![]))).await;
    }
    let problems = w.db.check_books().await.unwrap();
    for expected in [
        "after 5 transfers; the transfers say",
        "does not follow from the one before",
        "moves from grants to revenue",
    ] {
        assert!(
            problems.iter().any(|problem| problem.contains(expected)),
            "{problems:?}"
        );
    }
}
