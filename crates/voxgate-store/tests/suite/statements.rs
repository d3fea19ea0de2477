//! Every statement of the product is prepared on both databases, and both see the same shape.

use crate::fixture::Fixture;

/// The statements of every noun's module.
fn all() -> Vec<(&'static str, &'static str)> {
    let lists: &[&[(&str, &str)]] = &[];
    lists.iter().flat_map(|list| list.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_accept_every_statement() {
    let (sqlite, postgres) = (
        Fixture::empty_sqlite().await,
        Fixture::empty_postgres().await,
    );
    sqlite.db.migrate().await.unwrap();
    postgres.db.migrate().await.unwrap();
    let mut wrong = Vec::new();
    for (name, sql) in all() {
        match (
            sqlite.db.describe(sql).await,
            postgres.db.describe(sql).await,
        ) {
            (Ok(lite), Ok(pg))
                if lite.parameters == pg.parameters && lite.columns.len() == pg.columns.len() => {}
            (lite, pg) => wrong.push(format!("{name}\n  sqlite: {lite:?}\n  postgres: {pg:?}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} statements:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
