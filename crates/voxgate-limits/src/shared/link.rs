//! The connection to Redis: whether it is there, and who found out that it is not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, ScriptInvocation,
};
use tokio::sync::Notify;

use super::RedisConfig;
use super::leases::Held;
use super::scripts::Scripts;
use crate::error::LimiterError;

/// How long connecting may take. Only the background task waits for it.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// What everyone who talks to Redis shares.
pub(crate) struct Link {
    client: Client,
    pub(super) config: RedisConfig,
    /// Told apart by its number: a question that failed on a connection of before says nothing about this one.
    connection: RwLock<Option<Connection>>,
    away: AtomicBool,
    pub(super) scripts: Scripts,
    pub(super) held: Mutex<Held>,
    /// Streams have ended without anybody waiting for it.
    pub(super) ended: Notify,
}

/// One connection, shared by all who ask at the same time.
#[derive(Clone)]
pub(crate) struct Connection {
    number: u64,
    timeout: Duration,
    inner: MultiplexedConnection,
}

impl Connection {
    /// Runs a script; one that Redis does not know is loaded first.
    pub(super) async fn ask<T: FromRedisValue>(
        &mut self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, RedisError> {
        within(self.timeout, script.invoke_async(&mut self.inner)).await
    }

    /// Sends many commands at once.
    pub(super) async fn send(&mut self, commands: &Pipeline) -> Result<(), RedisError> {
        within(self.timeout, commands.exec_async(&mut self.inner)).await
    }
}

impl Link {
    pub(super) fn open(config: RedisConfig) -> Result<Self, LimiterError> {
        let client = Client::open(config.url.as_str())
            .map_err(|error| LimiterError::Address(error.to_string()))?;
        Ok(Self {
            client,
            scripts: Scripts::new(&config),
            held: Mutex::default(),
            config,
            connection: RwLock::new(None),
            away: AtomicBool::new(true),
            ended: Notify::new(),
        })
    }

    #[inline]
    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// The connection, or `None` while Redis is away.
    pub(super) fn connection(&self) -> Option<Connection> {
        if self.is_away() {
            return None;
        }
        self.connection
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Connects, loads the scripts, reports the streams that run here, and only then lets requests ask.
    pub(super) async fn connect(&self) -> Result<(), RedisError> {
        let timeout = self.config.response_timeout;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(timeout));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let mut inner = within(CONNECT_WITHIN, connecting).await?;
        within(CONNECT_WITHIN, self.scripts.load(&mut inner)).await?;

        let number = self.number() + 1;
        let mut connection = Connection {
            number,
            timeout,
            inner,
        };
        self.renew_on(&mut connection).await?;
        *self
            .connection
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(connection);
        if self.away.swap(false, Ordering::AcqRel) && number > 1 {
            tracing::warn!("Redis answers again: limits are shared by all servers");
        }
        metrics::gauge!("voxgate_limits_degraded").set(0.0);
        Ok(())
    }

    /// A question on `connection` failed. The first to find out turns the mode and says so.
    pub(super) fn lost(&self, connection: &Connection, error: &RedisError) {
        if connection.number != self.number() || self.away.swap(true, Ordering::AcqRel) {
            return;
        }
        metrics::gauge!("voxgate_limits_degraded").set(1.0);
        tracing::warn!(
            %error,
            "Redis does not answer: this server admits its share of each limit until it does",
        );
    }

    /// Decides here from now on, without a word: the limiter is shut down.
    pub(super) fn close(&self) {
        self.away.store(true, Ordering::Release);
        *self
            .connection
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn number(&self) -> u64 {
        self.connection
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map_or(0, |connection| connection.number)
    }
}

async fn within<T>(
    patience: Duration,
    asking: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, RedisError> {
    tokio::time::timeout(patience, asking)
        .await
        .unwrap_or_else(|_| {
            let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time");
            Err(RedisError::from(late))
        })
}
