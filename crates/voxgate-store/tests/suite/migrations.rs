//! Bringing the schema up to date: from empty, from the previous release, by several processes at once, and the refusals.

use std::borrow::Cow;

use voxgate_store::{Db, Migration, StoreError, migrate, params};

use crate::fixture::{Fixture, add_account, test_migrations};

on_both!(
    steps_are_applied_once_and_in_order,
    a_changed_step_is_refused,
    a_newer_database_is_refused,
    a_failing_step_leaves_nothing_behind,
    rows_that_break_a_new_rule_are_told,
);

/// The test schema, and what the next release adds.
fn next_release() -> Vec<Migration> {
    let mut migrations = test_migrations();
    migrations.push(Migration {
        version: 2,
        name: "notes".into(),
        sql: "ALTER TABLE accounts ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY);".into(),
    });
    migrations
}

fn refusal(result: Result<migrate::MigrationReport, StoreError>) -> String {
    match result {
        Err(StoreError::Corrupt(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

async fn steps_are_applied_once_and_in_order(f: Fixture) {
    add_account(&f.db, "old", "old@x").await.unwrap();
    assert_eq!(f.db.schema_version().await.unwrap(), 1);
    // Prepared before the change: the plan must not outlive it.
    let everything = "SELECT * FROM accounts WHERE id = $1";
    f.db.read_opt::<(String,)>(everything, params!["old"])
        .await
        .unwrap();
    let other_node = f.reopen().await;
    other_node
        .read_opt::<(String,)>(everything, params!["old"])
        .await
        .unwrap();

    let report = f.db.apply_migrations(next_release()).await.unwrap();
    assert_eq!((report.from, report.to, report.applied.len()), (1, 2, 1));
    assert_eq!(report.applied[0].1, "notes");
    let note =
        f.db.read_opt::<(String,)>("SELECT note FROM accounts WHERE id = $1", params!["old"])
            .await
            .unwrap();
    assert_eq!(note, Some(("none".to_owned(),)));
    for db in [&f.db, &other_node] {
        db.read_opt::<(String,)>(everything, params!["old"])
            .await
            .unwrap()
            .unwrap();
    }

    let again = f.db.apply_migrations(next_release()).await.unwrap();
    assert_eq!((again.from, again.to, again.applied.len()), (2, 2, 0));
    assert_eq!(f.db.schema_version().await.unwrap(), 2);
}

async fn a_changed_step_is_refused(f: Fixture) {
    let mut changed = next_release();
    changed[0].sql = Cow::Owned(format!("{} -- a harmless comment", changed[0].sql));
    let why = refusal(f.db.apply_migrations(changed).await);
    assert!(
        why.contains("migration 1 (accounts) is not the one that was applied"),
        "{why}"
    );
    assert_eq!(f.db.schema_version().await.unwrap(), 1);
}

async fn a_newer_database_is_refused(f: Fixture) {
    f.db.apply_migrations(next_release()).await.unwrap();
    let why = refusal(f.db.apply_migrations(test_migrations()).await);
    assert!(
        why.contains("newer release") && why.contains("version 2") && why.contains("up to 1"),
        "{why}"
    );
}

async fn a_failing_step_leaves_nothing_behind(f: Fixture) {
    let mut broken = next_release();
    broken.push(Migration {
        version: 3,
        name: "broken".into(),
        sql: "CREATE TABLE half (id TEXT NOT NULL); CREATE TABLE".into(),
    });
    let why = refusal(f.db.apply_migrations(broken).await);
    assert!(why.contains("migration 3 (broken)"), "{why}");
    assert_eq!(f.db.schema_version().await.unwrap(), 1);
    for table in ["SELECT id FROM notes", "SELECT id FROM half"] {
        assert!(f.db.read_opt::<(String,)>(table, params![]).await.is_err());
    }
    f.db.apply_migrations(next_release()).await.unwrap();
}

async fn rows_that_break_a_new_rule_are_told(f: Fixture) {
    add_account(&f.db, "a", "a").await.unwrap();
    add_account(&f.db, "b", "b").await.unwrap();
    let mut strict = test_migrations();
    strict.push(Migration {
        version: 2,
        name: "strict".into(),
        sql: "CREATE UNIQUE INDEX ux_accounts_realm ON accounts (realm);".into(),
    });
    let why = refusal(f.db.apply_migrations(strict).await);
    assert!(
        why.contains("migration 2 (strict)") && why.contains("ux_accounts_realm"),
        "{why}"
    );
    assert_eq!(f.db.schema_version().await.unwrap(), 1);
}

/// Several nodes start at once on an empty database; each ends with the schema, and each step ran once.
async fn started_together(f: Fixture) {
    let mut nodes: Vec<Db> = Vec::new();
    for _ in 0..4 {
        nodes.push(f.reopen().await);
    }
    let tasks: Vec<_> = nodes
        .into_iter()
        .flat_map(|node| [node.clone(), node])
        .map(|node| tokio::spawn(async move { node.apply_migrations(next_release()).await }))
        .collect();
    let mut applied = 0;
    for task in tasks {
        let report = task.await.unwrap().unwrap();
        assert_eq!(report.to, 2);
        applied += report.applied.len();
    }
    assert_eq!(applied, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn started_together_on_sqlite() {
    started_together(Fixture::empty_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn started_together_on_postgres() {
    started_together(Fixture::empty_postgres().await).await;
}

/// The product's own migrations: from empty in one go, and each step on top of the one before as upgrades do.
async fn embedded(whole: Fixture, stepwise: Fixture) {
    let all = migrate::embedded(whole.db.backend());
    let last = all.last().map_or(0, |migration| migration.version);
    let report = whole.db.migrate().await.unwrap();
    assert_eq!((report.from, report.to), (0, last));
    for step in 1..=all.len() {
        stepwise
            .db
            .apply_migrations(all[..step].to_vec())
            .await
            .unwrap();
    }
    assert_eq!(stepwise.db.schema_version().await.unwrap(), last);
    assert_eq!(stepwise.db.migrate().await.unwrap().applied, []);
    let state = whole.db.inspect().await.unwrap();
    assert_eq!(state.problems, Vec::<String>::new());
    assert_eq!(state.schema_version, last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_steps_on_sqlite() {
    embedded(Fixture::empty_sqlite().await, Fixture::empty_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_steps_on_postgres() {
    embedded(
        Fixture::empty_postgres().await,
        Fixture::empty_postgres().await,
    )
    .await;
}
