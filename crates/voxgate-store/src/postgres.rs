//! The Postgres pool: reading, and writing with retries. Converting values is [`values`], understanding errors is
//! [`errors`], encryption is [`tls`].

pub(crate) mod errors;
mod tls;
mod values;

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
    TimeoutType,
};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, pin_mut};
use tokio::sync::Mutex;
use tokio_postgres::{Config, IsolationLevel, Statement};

use crate::config::PostgresOptions;
use crate::doctor::StatementShape;
use crate::error::StoreError;
use crate::transaction::Transaction;
use crate::tx::Tx;
use crate::value::{Row, RowRef, Rows, Value};
pub(crate) use errors::Failure;
pub(crate) use values::column_value;

/// After this long without an answer from the network the connection counts as lost.
const NETWORK_PATIENCE: Duration = Duration::from_secs(30);

/// How often a statement that met a dead pooled connection is tried on another one: as often as idle connections may all
/// have died together (a restarted server), plus one fresh.
const DEAD_CONNECTION_RETRIES: usize = 3;

/// A pool of connections to one Postgres database.
pub(crate) struct PostgresStore {
    pool: Pool,
    options: PostgresOptions,
    /// Held by a transaction that is being retried: of many that collide on one row, only one at a time comes back, so each
    /// round has a winner and none starves.
    retry_turn: Mutex<()>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("pool", &self.pool.status())
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    pub(crate) async fn open(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let mut config = Config::from_str(url)
            // The driver's message names the part that is wrong, not the password.
            .map_err(|error| {
                StoreError::Corrupt(format!("the database URL is not valid: {error}"))
            })?;
        if config.get_application_name().is_none() {
            config.application_name("voxgate");
        }
        config
            .connect_timeout(options.connect_timeout)
            .tcp_user_timeout(NETWORK_PATIENCE)
            .keepalives(true)
            .keepalives_idle(NETWORK_PATIENCE)
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        let connector = tls::connector(config.get_ssl_mode(), options.ca_file.as_deref())?;
        let manager = Manager::from_config(
            config,
            connector,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        // Set by statement and not as a start-up parameter, which connection poolers refuse.
        let session = format!(
            "SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}",
            options.statement_timeout.as_millis(),
            (options.statement_timeout * 2).as_millis(),
        );
        let pool = Pool::builder(manager)
            .max_size(options.max_connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(options.connect_timeout))
            .create_timeout(Some(options.connect_timeout))
            .recycle_timeout(Some(options.connect_timeout))
            .post_create(Hook::async_fn(move |client, _| {
                let session = session.clone();
                Box::pin(async move {
                    client
                        .batch_execute(&session)
                        .await
                        .map_err(HookError::Backend)
                })
            }))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let store = Self {
            pool,
            options,
            retry_turn: Mutex::new(()),
        };
        // A wrong host, password or certificate is told at the start and not at the first request.
        drop(store.connection().await?);
        Ok(store)
    }

    /// A connection from the pool.
    pub(crate) async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => StoreError::Busy,
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
                StoreError::Unavailable("the database server did not answer in time".to_owned())
            }
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                errors::translate(&error).error
            }
            PoolError::Closed => StoreError::Unavailable("the database is closed".to_owned()),
            other => StoreError::Unavailable(other.to_string()),
        })
    }

    /// Reads on any connection.
    pub(crate) fn read<'a>(
        &'a self,
        sql: &'a str,
        params: &'a [Value],
        rows: &'a mut dyn Rows,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut tries = 0;
            loop {
                let connection = self.connection().await?;
                match run(&*connection, sql, params, rows).await {
                    Err(failure) if failure.again && tries < DEAD_CONNECTION_RETRIES => tries += 1,
                    result => return result.map(drop).map_err(|failure| failure.error),
                }
            }
        })
    }

    /// Runs a transaction, again where it collided with another, and keeps its result in it.
    pub(crate) fn write<'a>(&'a self, transaction: &'a mut dyn Transaction) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let started = Instant::now();
            let mut turn = None;
            loop {
                match self.attempt(transaction).await {
                    Attempt::Over => return,
                    Attempt::Again if started.elapsed() >= self.options.retry_for => return,
                    Attempt::Again => {
                        if turn.is_none() {
                            turn = Some(self.retry_turn.lock().await);
                        }
                    }
                }
            }
        })
    }

    /// One try at a transaction, which holds its result afterwards.
    async fn attempt(&self, work: &mut dyn Transaction) -> Attempt {
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(error) => {
                work.fail(error);
                return Attempt::Over;
            }
        };
        // The same guarantee as SQLite's one writer: as if transactions ran one after the other.
        let begun = connection
            .build_transaction()
            .isolation_level(IsolationLevel::Serializable)
            .start()
            .await;
        let transaction = match begun {
            Ok(transaction) => transaction,
            Err(error) => return Attempt::failed(work, errors::translate(&error)),
        };
        let mut tx = Tx::postgres(&transaction);
        let good = work.run(&mut tx).await;
        match (good, tx.into_failure()) {
            (true, None) => match transaction.commit().await {
                Ok(()) => Attempt::Over,
                // Lost between question and answer: a second try might do the work twice.
                Err(error) if error.as_db_error().is_none() => {
                    work.fail(StoreError::Unavailable(format!(
                        "the connection was lost during the commit, which may or may not have happened: {error}"
                    )));
                    Attempt::Over
                }
                Err(error) => Attempt::failed(work, errors::translate(&error)),
            },
            (good, failure) => {
                // On a lost connection the server rolls back by itself.
                let _ = transaction.rollback().await;
                match failure {
                    Some((error, again)) if good => Attempt::failed(work, Failure { error, again }),
                    Some((_, true)) => Attempt::Again,
                    _ => Attempt::Over,
                }
            }
        }
    }

    /// Forgets prepared statements on every connection; needed after the schema changed under them.
    pub(crate) fn forget_statements(&self) {
        self.pool.manager().statement_caches.clear();
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// How a try at a transaction ended.
enum Attempt {
    /// For good.
    Over,
    /// Without effect, and a new try may succeed.
    Again,
}

impl Attempt {
    fn failed(work: &mut dyn Transaction, failure: Failure) -> Self {
        work.fail(failure.error);
        if failure.again {
            Self::Again
        } else {
            Self::Over
        }
    }
}

/// A connection or a transaction: what statements run on.
pub(crate) trait Session: Sync {
    /// The prepared statement, from the connection's cache where it is known.
    fn prepare(
        &self,
        sql: &str,
    ) -> impl Future<Output = Result<Statement, tokio_postgres::Error>> + Send;
    /// Starts the statement.
    fn start(
        &self,
        statement: &Statement,
        params: &[Value],
    ) -> impl Future<Output = Result<tokio_postgres::RowStream, tokio_postgres::Error>> + Send;
    /// Forgets the prepared statement.
    fn forget(&self, sql: &str);
}

impl Session for deadpool_postgres::ClientWrapper {
    async fn prepare(&self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        self.prepare_cached(sql).await
    }

    async fn start(
        &self,
        statement: &Statement,
        params: &[Value],
    ) -> Result<tokio_postgres::RowStream, tokio_postgres::Error> {
        self.deref().query_raw(statement, params).await
    }

    fn forget(&self, sql: &str) {
        self.statement_cache.remove(sql, &[]);
    }
}

impl Session for deadpool_postgres::Transaction<'_> {
    async fn prepare(&self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        self.prepare_cached(sql).await
    }

    async fn start(
        &self,
        statement: &Statement,
        params: &[Value],
    ) -> Result<tokio_postgres::RowStream, tokio_postgres::Error> {
        self.deref().query_raw(statement, params).await
    }

    fn forget(&self, sql: &str) {
        self.statement_cache.remove(sql, &[]);
    }
}

/// Runs a statement to its end, giving its rows to `answer` as they arrive; answers the number of rows touched.
pub(crate) async fn run<S: Session>(
    session: &S,
    sql: &str,
    params: &[Value],
    answer: &mut dyn Rows,
) -> Result<u64, Failure> {
    let explain = |error: tokio_postgres::Error| {
        let mut failure = errors::translate(&error);
        if errors::plan_is_stale(&error) {
            // Another node migrated the schema under a prepared statement.
            session.forget(sql);
            failure.again = true;
        }
        failure
    };
    let statement = session.prepare(sql).await.map_err(explain)?;
    if statement.params().len() != params.len() {
        return Err(Failure::from(StoreError::Corrupt(format!(
            "a statement wants {} parameters and got {}: {sql}",
            statement.params().len(),
            params.len()
        ))));
    }
    answer.restart();
    let rows = session.start(&statement, params).await.map_err(explain)?;
    pin_mut!(rows);
    while let Some(row) = rows.next().await {
        answer.take(&Row(RowRef::Postgres(&row.map_err(explain)?)))?;
    }
    Ok(rows.rows_affected().unwrap_or(0))
}

/// The shape of a statement; refuses types that our values do not cover.
pub(crate) async fn describe(
    store: &PostgresStore,
    sql: &str,
) -> Result<StatementShape, StoreError> {
    let connection = store.connection().await?;
    let statement = connection
        .deref()
        .deref()
        .prepare(sql)
        .await
        .map_err(|error| errors::translate(&error).error)?;
    for (number, ty) in (1..).zip(statement.params()) {
        if !values::bindable(ty) {
            return Err(StoreError::Corrupt(format!(
                "parameter ${number} is {ty}; CAST it: {sql}"
            )));
        }
    }
    for column in statement.columns() {
        if !values::readable(column.type_()) {
            return Err(StoreError::Corrupt(format!(
                "column {} is {}; CAST it: {sql}",
                column.name(),
                column.type_()
            )));
        }
    }
    Ok(StatementShape {
        parameters: statement.params().len(),
        columns: statement
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect(),
    })
}
