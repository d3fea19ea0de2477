//! Credits: held before the work, posted for what was delivered, given back for the rest; and the books agree.

use voxgate_domain::{
    LimitKind, Micros, Page, Price, PriceUnit, RequestStatus, Role, Service, TransferId,
};
use voxgate_services::Principal;
use voxgate_services::credits::{Change, ChangeCredits, CreditError, TransferKind};
use voxgate_services::gate::GateError;
use voxgate_services::keys::{CreateKey, UpdateKey};
use voxgate_services::orgs::UpdateOrg;
use voxgate_services::speech::SpeechError;
use voxgate_services::usage::ListRequests;

use crate::fixture::{Fixture, say, words};

on_both!(
    a_request_pays_for_what_it_was,
    without_credits_nothing_is_spoken,
    a_failure_and_a_departure_give_the_hold_back,
    parallel_requests_never_spend_more_than_there_is,
    a_key_spends_no_more_than_its_budget,
    a_refund_gives_back_at_most_what_was_paid,
    a_repeated_change_happens_once,
    only_system_administrators_make_money,
    what_cannot_be_counted_is_refused,
);

fn price(unit: PriceUnit, micros: i64) -> Price {
    Price {
        service: Service::Tts,
        model: None,
        unit,
        micros: Micros::new(micros),
    }
}

async fn sell_words(f: &Fixture, micros: i64) {
    let lines = vec![price(PriceUnit::Word, micros)];
    f.services
        .credits()
        .set_prices(&f.admin, None, lines)
        .await
        .unwrap();
}

async fn give(f: &Fixture, amount: i64) -> TransferId {
    let command = change(f, Change::Grant, amount);
    let id = command.id;
    f.services
        .credits()
        .change(&f.admin, command)
        .await
        .unwrap();
    id
}

fn change(f: &Fixture, change: Change, amount: i64) -> ChangeCredits {
    ChangeCredits {
        id: TransferId::generate(),
        organization_id: f.org,
        change,
        amount: Micros::new(amount),
        memo: "test".into(),
    }
}

async fn balance(f: &Fixture) -> (i64, i64) {
    let balance = f.services.credits().balance(&f.admin, f.org).await.unwrap();
    (balance.available.get(), balance.held.get())
}

async fn books_agree(f: &Fixture) {
    assert_eq!(f.db.check_books().await.unwrap(), Vec::<String>::new());
}

async fn last(f: &Fixture, principal: &Principal) -> voxgate_services::usage::UsageRecord {
    let listed = f
        .services
        .usage()
        .requests(principal, ListRequests::default())
        .await
        .unwrap();
    listed.items.into_iter().next().unwrap()
}

async fn a_request_pays_for_what_it_was(f: Fixture) {
    sell_words(&f, 1_000).await;
    give(&f, 10_000).await;
    f.services
        .speech()
        .synthesize(&f.admin, say("three short words"))
        .await
        .unwrap();
    assert_eq!(balance(&f).await, (7_000, 0));
    let statement = f
        .services
        .credits()
        .statement(&f.admin, f.org, Page::new(10, 0))
        .await
        .unwrap();
    let kinds: Vec<TransferKind> = statement
        .items
        .iter()
        .map(|transfer| transfer.kind)
        .collect();
    assert!(kinds.contains(&TransferKind::Post) && kinds.contains(&TransferKind::Grant));
    let quote = f
        .services
        .speech()
        .quote(&f.admin, &say("two words"))
        .await
        .unwrap();
    assert_eq!(quote.micros, Micros::new(2_000));
    assert_eq!(balance(&f).await, (7_000, 0));
    books_agree(&f).await;
    f.stop().await;
}

async fn without_credits_nothing_is_spoken(f: Fixture) {
    sell_words(&f, 1_000).await;
    give(&f, 2_500).await;
    let refused = f
        .services
        .speech()
        .synthesize(&f.admin, say(words(3)))
        .await;
    let Err(SpeechError::Gate(GateError::InsufficientCredits { needed, available })) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((needed.get(), available.get()), (3_000, 2_500));
    assert_eq!(balance(&f).await, (2_500, 0));
    assert_eq!(f.requests_left(&f.admin).await, 100);
    // What was refused counts nowhere.
    let summary = f.services.usage().summary(&f.admin, None).await.unwrap();
    assert_eq!((summary.daily.words_used, summary.totals.requests), (0, 0));
    f.services
        .speech()
        .synthesize(&f.admin, say(words(2)))
        .await
        .unwrap();
    assert_eq!(balance(&f).await, (500, 0));
    books_agree(&f).await;
    f.stop().await;
}

async fn a_failure_and_a_departure_give_the_hold_back(f: Fixture) {
    sell_words(&f, 10).await;
    give(&f, 100_000).await;
    let failed = f
        .services
        .speech()
        .synthesize(&f.admin, say("[[fail]] in the middle"))
        .await;
    assert!(matches!(failed, Err(SpeechError::Engine(_))));
    assert_eq!(balance(&f).await, (100_000, 0));
    let (speech, caller) = (f.services.speech().clone(), f.admin.clone());
    let text = format!("[[slow]] {}", words(200));
    let before = f.engine.counts().chunks;
    let call = tokio::spawn(async move { speech.synthesize(&caller, say(text)).await });
    while f.engine.counts().chunks == before {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(balance(&f).await, (100_000 - 2_010, 2_010));
    call.abort();
    drop(call.await);
    let record = loop {
        let record = last(&f, &f.admin).await;
        if record.status != RequestStatus::Pending {
            break record;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(record.error.as_deref(), Some("cancelled"));
    assert_eq!(balance(&f).await, (100_000, 0));
    books_agree(&f).await;
    f.stop().await;
}

async fn parallel_requests_never_spend_more_than_there_is(f: Fixture) {
    sell_words(&f, 1_000).await;
    give(&f, 17_500).await;
    let unlimited = UpdateOrg {
        rate_limit_per_minute: Some(100_000),
        ..UpdateOrg::default()
    };
    f.services
        .orgs()
        .update(&f.admin, f.org, unlimited)
        .await
        .unwrap();
    let caller = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let (speech, caller) = (f.services.speech().clone(), caller.clone());
            tokio::spawn(async move { speech.synthesize(&caller, say("word")).await })
        })
        .collect();
    let mut spoken = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => spoken += 1,
            Err(SpeechError::Gate(GateError::InsufficientCredits { .. })) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(spoken, 17);
    assert_eq!(balance(&f).await, (500, 0));
    books_agree(&f).await;
    f.stop().await;
}

async fn a_key_spends_no_more_than_its_budget(f: Fixture) {
    sell_words(&f, 1_000).await;
    give(&f, 1_000_000).await;
    let anna = f.member("anna@example.com", Role::OrgAdmin, f.org).await;
    let command = CreateKey {
        name: "small".into(),
        credit_budget: Some(Micros::new(3_000)),
        ..CreateKey::default()
    };
    let created = f.services.keys().create(&anna, command).await.unwrap();
    let key = f.authenticate(&created.secret).await;
    let speak = |text: String| f.services.speech().synthesize(&key, say(text));
    speak(words(2)).await.unwrap();
    let refused = speak(words(2)).await;
    let Err(SpeechError::Gate(GateError::OverBudget { needed, left })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((needed.get(), left.get()), (2_000, 1_000));
    speak(words(1)).await.unwrap();
    assert!(speak(words(1)).await.is_err());
    let more = UpdateKey {
        credit_budget: voxgate_domain::Patch::Set(Micros::new(4_000)),
        ..UpdateKey::default()
    };
    f.services
        .keys()
        .update(&anna, created.key.id, more)
        .await
        .unwrap();
    speak(words(1)).await.unwrap();
    assert_eq!(balance(&f).await, (1_000_000 - 4_000, 0));
    books_agree(&f).await;
    f.stop().await;
}

async fn a_refund_gives_back_at_most_what_was_paid(f: Fixture) {
    sell_words(&f, 1_000).await;
    give(&f, 10_000).await;
    let spoken = f
        .services
        .speech()
        .synthesize(&f.admin, say(words(4)))
        .await
        .unwrap();
    let refund = |amount| change(&f, Change::Refund(spoken.meta.request_id), amount);
    let credits = f.services.credits();
    let refused = credits.change(&f.admin, refund(4_001)).await;
    assert!(matches!(refused, Err(CreditError::NotRefundable { .. })));
    let first = refund(3_000);
    credits.change(&f.admin, first.clone()).await.unwrap();
    credits.change(&f.admin, first).await.unwrap();
    assert_eq!(balance(&f).await, (9_000, 0));
    let refused = credits.change(&f.admin, refund(1_001)).await;
    assert!(matches!(refused, Err(CreditError::NotRefundable { .. })));
    credits.change(&f.admin, refund(1_000)).await.unwrap();
    assert_eq!(balance(&f).await, (10_000, 0));
    books_agree(&f).await;
    f.stop().await;
}

async fn a_repeated_change_happens_once(f: Fixture) {
    let credits = f.services.credits();
    let grant = change(&f, Change::Purchase, 5_000);
    let first = credits.change(&f.admin, grant.clone()).await.unwrap();
    let second = credits.change(&f.admin, grant.clone()).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(balance(&f).await, (5_000, 0));
    let other = ChangeCredits {
        amount: Micros::new(6_000),
        ..grant
    };
    assert!(matches!(
        credits.change(&f.admin, other).await,
        Err(CreditError::IdTaken)
    ));
    let too_much = change(&f, Change::Adjustment, -5_001);
    assert!(matches!(
        credits.change(&f.admin, too_much).await,
        Err(CreditError::Insufficient { .. })
    ));
    credits
        .change(&f.admin, change(&f, Change::Adjustment, -5_000))
        .await
        .unwrap();
    assert_eq!(balance(&f).await, (0, 0));
    for amount in [0, -1, i64::MAX] {
        let refused = credits
            .change(&f.admin, change(&f, Change::Grant, amount))
            .await;
        assert!(
            matches!(refused, Err(CreditError::Invalid { .. })),
            "{amount}"
        );
    }
    books_agree(&f).await;
    f.stop().await;
}

async fn only_system_administrators_make_money(f: Fixture) {
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let elsewhere = f.organization("elsewhere", 100, 100).await;
    let stranger = f
        .member("stranger@example.com", Role::OrgAdmin, elsewhere)
        .await;
    let credits = f.services.credits();
    let refused = credits.change(&boss, change(&f, Change::Grant, 1)).await;
    assert!(matches!(refused, Err(CreditError::Forbidden)));
    let refused = credits.set_prices(&boss, None, Vec::new()).await;
    assert!(matches!(refused, Err(CreditError::Forbidden)));
    assert!(matches!(
        credits.balance(&stranger, f.org).await,
        Err(CreditError::NotFound)
    ));
    assert!(matches!(
        credits.statement(&stranger, f.org, Page::default()).await,
        Err(CreditError::NotFound)
    ));
    assert!(matches!(
        credits
            .change(&stranger, change(&f, Change::Grant, 1))
            .await,
        Err(CreditError::NotFound)
    ));
    let plain = f.member("plain@example.com", Role::OrgUser, f.org).await;
    assert!(credits.balance(&plain, f.org).await.is_ok());
    assert!(matches!(
        credits.statement(&plain, f.org, Page::default()).await,
        Err(CreditError::Forbidden)
    ));
    let twice = vec![price(PriceUnit::Word, 1), price(PriceUnit::Word, 2)];
    assert!(matches!(
        credits.set_prices(&f.admin, None, twice).await,
        Err(CreditError::Invalid { .. })
    ));
    assert!(
        f.services
            .gate()
            .view(&f.admin)
            .await
            .unwrap()
            .get(LimitKind::RequestsPerMinute)
            .is_some()
    );
    f.stop().await;
}

async fn what_cannot_be_counted_is_refused(f: Fixture) {
    sell_words(&f, 1_000).await;
    give(&f, 1_000_000).await;
    let speech = f.services.speech();
    speech.synthesize(&f.admin, say("word")).await.unwrap();
    assert_eq!(balance(&f).await.0, 999_000);
    let before = f.engine.counts().chunks;
    f.db.close().await;
    let refused = speech.synthesize(&f.admin, say("word")).await;
    assert!(
        matches!(refused, Err(SpeechError::Gate(GateError::Fault(_)))),
        "{refused:?}"
    );
    assert_eq!(f.engine.counts().chunks, before, "no engine was asked");
    assert_eq!(f.requests_left(&f.admin).await, 99);
}
