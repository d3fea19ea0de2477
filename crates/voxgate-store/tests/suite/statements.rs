//! Every statement of the product is prepared on both databases, and both see the same shape.

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_accept_every_statement() {
    let (sqlite, postgres) = (
        Fixture::empty_sqlite().await,
        Fixture::empty_postgres().await,
    );
    sqlite.db.migrate().await.unwrap();
    postgres.db.migrate().await.unwrap();
    let mut wrong = Vec::new();
    for (name, sql) in voxgate_store::STATEMENTS.iter().copied().flatten().copied() {
        match (
            sqlite.db.describe(sql).await,
            postgres.db.describe(sql).await,
        ) {
            (Ok(lite), Ok(pg))
                if lite.parameters == pg.parameters && lite.columns.len() == pg.columns.len() => {}
            (lite, pg) => wrong.push(format!("{name}\n  sqlite: {lite:?}\n  postgres: {pg:?}")),
        }
    }
    let mut names: Vec<_> = voxgate_store::STATEMENTS
        .iter()
        .copied()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert!(
        count > 50 && names.len() == count,
        "{count} names, {} of them different",
        names.len()
    );
    assert!(
        wrong.is_empty(),
        "{} statements:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
