//! What one transaction promises: all or nothing, the same refusals on both databases, the values that went in.

use voxgate_store::{Db, StoreError, Value, params};

use crate::fixture::{Fixture, add_account};

on_both!(
    values_come_back_as_they_went_in,
    parameters_are_bound_by_number,
    an_error_rolls_back_this_transaction_only,
    a_failed_statement_ends_the_transaction,
    refusals_have_the_same_names,
    a_panic_rolls_back_and_reaches_the_caller,
    returning_and_counts,
    wrong_statements_are_told,
    closed_databases_refuse,
    a_dropped_write_is_whole_or_absent,
);

async fn balance(db: &Db, id: &str) -> Option<i64> {
    db.read_opt::<(i64,)>("SELECT balance FROM accounts WHERE id = $1", params![id])
        .await
        .unwrap()
        .map(|(b,)| b)
}

async fn values_come_back_as_they_went_in(f: Fixture) {
    let secret: Vec<u8> = (0..=255).collect();
    let written = secret.clone();
    f.db.write::<_, StoreError, _>(move |tx| {
        let params = params!["ä'\"$1", "e\u{1F600}", i64::MAX, -0.125, written.clone(), Option::<String>::None];
        Box::pin(async move {
            tx.exec(
                "INSERT INTO accounts (id, email, realm, balance, score, secret) VALUES ($1, $2, COALESCE(CAST($6 AS TEXT), 'none'), $3, $4, $5)",
                params,
            )
            .await
        })
    })
    .await
    .unwrap();
    let row =
        f.db.read_opt::<(String, String, String, i64, f64, Vec<u8>)>(
            "SELECT id, email, realm, balance, score, secret FROM accounts WHERE id = $1",
            params!["ä'\"$1"],
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        row,
        (
            "ä'\"$1".into(),
            "e\u{1F600}".into(),
            "none".into(),
            i64::MAX,
            -0.125,
            secret
        )
    );

    add_account(&f.db, "nothing", "n").await.unwrap();
    let nulls = f
        .db
        .read_opt::<(Option<f64>, Option<Vec<u8>>, bool, u64)>(
            "SELECT score, secret, EXISTS (SELECT 1 FROM entries), balance FROM accounts WHERE id = $1",
            params!["nothing"],
        )
        .await
        .unwrap();
    assert_eq!(nulls, Some((None, None, false, 0)));
    let wrong =
        f.db.read_opt::<(String,)>(
            "SELECT balance FROM accounts WHERE id = $1",
            params!["nothing"],
        )
        .await;
    assert!(matches!(wrong, Err(StoreError::Corrupt(why)) if why.contains("column 0")));
}

async fn parameters_are_bound_by_number(f: Fixture) {
    add_account(&f.db, "one", "1").await.unwrap();
    // SQLite numbers $-names by first appearance; here the second comes first, and one comes twice.
    f.db.write::<_, StoreError, _>(|tx| {
        Box::pin(tx.exec(
            "UPDATE accounts SET balance = $2, realm = $3 WHERE id = $1 AND $2 > 0",
            params!["one", 41, "x"],
        ))
    })
    .await
    .unwrap();
    assert_eq!(balance(&f.db, "one").await, Some(41));
}

async fn an_error_rolls_back_this_transaction_only(f: Fixture) {
    #[derive(Debug, PartialEq)]
    enum Refusal {
        Mine,
        Store(StoreError),
    }
    impl From<StoreError> for Refusal {
        fn from(error: StoreError) -> Self {
            Self::Store(error)
        }
    }
    let writes = (0..40).map(|n| {
        f.db.write::<(), Refusal, _>(move |tx| {
            Box::pin(async move {
                let id = format!("a{n}");
                let insert =
                    "INSERT INTO accounts (id, email, realm, balance) VALUES ($1, $1, 'r', 1)";
                tx.exec(insert, params![&id]).await?;
                let seen = tx
                    .read_opt::<(i64,)>("SELECT balance FROM accounts WHERE id = $1", params![&id])
                    .await?;
                assert_eq!(seen, Some((1,)), "a transaction sees its own changes");
                if n % 3 == 0 {
                    Err(Refusal::Mine)
                } else {
                    Ok(())
                }
            })
        })
    });
    for (n, result) in futures_util::future::join_all(writes)
        .await
        .into_iter()
        .enumerate()
    {
        assert_eq!(
            result,
            if n % 3 == 0 {
                Err(Refusal::Mine)
            } else {
                Ok(())
            }
        );
        assert_eq!(balance(&f.db, &format!("a{n}")).await.is_some(), n % 3 != 0);
    }
}

async fn a_failed_statement_ends_the_transaction(f: Fixture) {
    add_account(&f.db, "a", "taken").await.unwrap();
    let result = f
        .db
        .write::<(), StoreError, _>(|tx| {
            Box::pin(async move {
                tx.exec("UPDATE accounts SET balance = 9 WHERE id = 'a'", params![]).await?;
                let refused = tx
                    .exec("INSERT INTO accounts (id, email, realm, balance) VALUES ('b', 'taken', 'r', 0)", params![])
                    .await;
                let later = tx.exec("UPDATE accounts SET balance = 10 WHERE id = 'a'", params![]).await;
                assert_eq!(refused, later);
                Ok(())
            })
        })
        .await;
    assert!(result.unwrap_err().is_conflict_on("ux_accounts_email"));
    assert_eq!(balance(&f.db, "a").await, Some(0));
}

async fn refusals_have_the_same_names(f: Fixture) {
    add_account(&f.db, "a", "a@x").await.unwrap();
    let cases = [
        (
            "INSERT INTO accounts (id, email, realm, balance) VALUES ('b', 'a@x', 'r', 0)",
            "ux_accounts_email",
        ),
        (
            "INSERT INTO accounts (id, email, realm, balance) VALUES ('a', 'c@x', 'q', 0)",
            "accounts_pkey",
        ),
        (
            "INSERT INTO accounts (id, email, realm, balance) VALUES ('A', 'c@x', 'r', 0)",
            "ux_accounts_realm_lower",
        ),
        ("UPDATE accounts SET balance = -1", "ck_accounts_balance"),
        (
            "UPDATE accounts SET email = NULL",
            "accounts_email_not_null",
        ),
        (
            "INSERT INTO entries (account, number) VALUES ('nobody', 1)",
            "foreign_key",
        ),
        (
            "INSERT INTO entries (account, number, twin) VALUES ('a', 1, 1), ('a', 2, 1)",
            "entries_twin_key",
        ),
        (
            "INSERT INTO entries (account, number) VALUES ('a', 1), ('a', 1)",
            "entries_pkey",
        ),
    ];
    for (sql, name) in cases {
        let result =
            f.db.write::<u64, StoreError, _>(move |tx| Box::pin(tx.exec(sql, params![])))
                .await;
        assert_eq!(
            result,
            Err(StoreError::Conflict {
                constraint: name.to_owned()
            }),
            "{sql}"
        );
    }
}

async fn a_panic_rolls_back_and_reaches_the_caller(f: Fixture) {
    let db = f.db.clone();
    let task = tokio::spawn(async move {
        db.write::<(), StoreError, _>(|tx| {
            Box::pin(async move {
                tx.exec(
                    "INSERT INTO accounts (id, email, realm, balance) VALUES ('p', 'p', 'r', 0)",
                    params![],
                )
                .await?;
                panic!("deliberate");
            })
        })
        .await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(balance(&f.db, "p").await, None);
    add_account(&f.db, "after", "after").await.unwrap();
}

async fn returning_and_counts(f: Fixture) {
    for n in 0..5 {
        add_account(&f.db, &format!("a{n}"), &format!("{n}"))
            .await
            .unwrap();
    }
    let (changed, rows, none) = f
        .db
        .write::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                let changed = tx.exec("UPDATE accounts SET balance = 7 WHERE id <> $1", params!["a0"]).await?;
                let rows = tx
                    .read_all::<(String, i64)>(
                        "UPDATE accounts SET balance = balance + $1 WHERE balance = 7 RETURNING id, balance",
                        params![1],
                    )
                    .await?;
                let again = tx.exec("UPDATE accounts SET balance = 0 WHERE id = 'zz' RETURNING id", params![]).await?;
                Ok((changed, rows, again))
            })
        })
        .await
        .unwrap();
    assert_eq!((changed, rows.len(), none), (4, 4, 0));
    assert!(rows.iter().all(|(_, balance)| *balance == 8));
    let sum =
        f.db.read_all::<(i64, i64)>(
            "SELECT COUNT(*), CAST(SUM(balance) AS BIGINT) FROM accounts",
            params![],
        )
        .await
        .unwrap();
    assert_eq!(sum, [(5, 32)]);
    let upserted = f
        .db
        .write::<_, StoreError, _>(|tx| {
            Box::pin(tx.read_opt::<(i64,)>(
                "INSERT INTO accounts (id, email, realm, balance) VALUES ('a1', '1', 'r', 5) \
                 ON CONFLICT (email) DO UPDATE SET balance = accounts.balance + excluded.balance RETURNING balance",
                params![],
            ))
        })
        .await
        .unwrap();
    assert_eq!(upserted, Some((13,)));
}

async fn wrong_statements_are_told(f: Fixture) {
    for (sql, values) in [
        ("SELECT 1 FROM no_such_table", vec![]),
        ("SELEKT", vec![]),
        ("SELECT id FROM accounts WHERE id = $1", vec![]),
        (
            "SELECT id FROM accounts WHERE id = $1",
            vec![Value::from("a"), Value::from("b")],
        ),
    ] {
        let result = f.db.read_all::<(String,)>(sql, values).await;
        assert!(
            matches!(result, Err(StoreError::Corrupt(_))),
            "{sql}: {result:?}"
        );
    }
    // The connection is of use afterwards.
    f.db.ping().await.unwrap();
}

async fn closed_databases_refuse(f: Fixture) {
    add_account(&f.db, "a", "a").await.unwrap();
    let other = f.db.clone();
    f.db.close().await;
    let refused = add_account(&other, "b", "b").await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    let again = f.reopen().await;
    assert_eq!(
        (balance(&again, "a").await, balance(&again, "b").await),
        (Some(0), None)
    );
}

async fn a_dropped_write_is_whole_or_absent(f: Fixture) {
    for n in 0_i64..60 {
        let write = f.db.write::<(), StoreError, _>(move |tx| {
            Box::pin(async move {
                for half in 0_i64..2 {
                    tx.exec(
                        "INSERT INTO rounds (number, half) VALUES ($1, $2)",
                        params![n, half],
                    )
                    .await?;
                }
                Ok(())
            })
        });
        let patience = std::time::Duration::from_micros(u64::try_from(n).unwrap() * 40);
        let _ = tokio::time::timeout(patience, write).await;
    }
    // A transaction after all of them: what was dropped is decided by now.
    add_account(&f.db, "a", "a").await.unwrap();
    let halves =
        f.db.read_all::<(i64,)>(
            "SELECT number FROM rounds GROUP BY number HAVING COUNT(*) <> 2",
            params![],
        )
        .await
        .unwrap();
    assert_eq!(halves, []);
}
