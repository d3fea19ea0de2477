//! The SQLite file: connections and their settings, reads in place and on threads. The writer thread is [`writer`],
//! statements are run in [`query`], messages are understood in [`errors`].

pub(crate) mod errors;
pub(crate) mod query;
mod writer;

use std::any::Any;
use std::fmt;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::config::{Durability, SqliteOptions};
use crate::error::StoreError;
use crate::transaction::Transaction;
use crate::value::{Rows, Value};
use writer::Writer;

/// Prepared statements kept per connection; all of the product's statements fit.
const STATEMENT_CACHE: usize = 256;

/// Pages in the log before a commit moves them into the main file: 4000 × 4 KiB = 16 MiB.
const AUTOCHECKPOINT_PAGES: u32 = 4000;

/// The log file is cut to this size after a checkpoint, in bytes.
const LOG_SIZE_LIMIT: u32 = 64 * 1024 * 1024;

/// What a scan answers, whatever it reads.
type ScanResult = Box<dyn Any + Send>;

/// A long read.
type Scan = Box<dyn FnOnce(&Connection) -> Result<ScanResult, StoreError> + Send + 'static>;

/// One open SQLite file.
pub(crate) struct SqliteStore {
    readers: Arc<Readers>,
    writer: Writer,
    /// Permits for scans: bounds the threads they occupy.
    scans: Arc<Semaphore>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.readers.path)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    pub(crate) async fn open(path: PathBuf, options: SqliteOptions) -> Result<Self, StoreError> {
        let (scans, depth, batch, timeout) = (
            options.scans.max(1),
            options.queue_depth.max(1),
            options.max_batch.max(1),
            options.busy_timeout,
        );
        let (connection, readers) = blocking(move || {
            let connection = open_writer(&path, &options)?;
            let readers = Readers {
                path,
                options,
                idle: Mutex::new(Vec::new()),
            };
            // Opening one now tells of a wrong setting at the start and not at the first request.
            drop(readers.lend()?);
            Ok((connection, readers))
        })
        .await?;
        Ok(Self {
            readers: Arc::new(readers),
            writer: Writer::start(connection, depth, batch, timeout)?,
            scans: Arc::new(Semaphore::new(scans)),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.readers.path
    }

    /// Reads in place.
    pub(crate) fn read(
        &self,
        sql: &str,
        params: &[Value],
        rows: &mut dyn Rows,
    ) -> Result<(), StoreError> {
        let reader = self.readers.lend()?;
        query::run(reader.connection()?, sql, params, rows).map(drop)
    }

    /// Runs a long read on a thread of its own, as soon as one of the few is free.
    pub(crate) async fn scan<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let read: Scan = Box::new(move |connection| {
            let result: ScanResult = Box::new(read(connection)?);
            Ok(result)
        });
        let result = self.scan_untyped(read).await?.downcast();
        result
            .map(|result| *result)
            .map_err(|_| StoreError::Corrupt("a scan answered another type".to_owned()))
    }

    fn scan_untyped(&self, read: Scan) -> BoxFuture<'_, Result<ScanResult, StoreError>> {
        Box::pin(async move {
            let permit = Arc::clone(&self.scans)
                .acquire_owned()
                .await
                .map_err(|_| StoreError::Unavailable("the database is closed".to_owned()))?;
            let readers = Arc::clone(&self.readers);
            blocking(move || {
                // Moved in: a dropped caller must not free the place of a scan that still runs.
                let _permit = permit;
                let reader = readers.lend()?;
                read(reader.connection()?)
            })
            .await
        })
    }

    /// Runs a transaction on the writer's thread, and gives it back with its result.
    pub(crate) fn write(
        &self,
        transaction: Box<dyn Transaction>,
    ) -> BoxFuture<'_, Result<Box<dyn Transaction>, StoreError>> {
        Box::pin(self.writer.submit(transaction))
    }

    pub(crate) async fn close(&self) {
        self.scans.close();
        // The writer goes last: only a connection that may write moves the log into the main file and removes it.
        self.readers.drop_idle();
        self.writer.close().await;
        self.readers.drop_idle();
    }
}

/// Runs blocking code off the async threads; a panic in it comes out here.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, StoreError> + Send + 'static,
) -> Result<R, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(StoreError::Unavailable(
            "the runtime is shutting down".to_owned(),
        )),
    }
}

/// Read-only connections, lent one per read. As many exist as reads ever ran at once, which the async threads and the scan
/// permits bound.
struct Readers {
    path: PathBuf,
    options: SqliteOptions,
    /// Last in, first out: the connection with the warmest cache is lent next. Held for a push or a pop only.
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn drop_idle(&self) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn lend(&self) -> Result<Lent<'_>, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path, &self.options)?,
        };
        Ok(Lent {
            readers: self,
            connection: Some(connection),
        })
    }
}

/// A lent connection; goes back when dropped.
struct Lent<'r> {
    readers: &'r Readers,
    connection: Option<Connection>,
}

impl Lent<'_> {
    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::Busy)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}

/// Opens the connection that writes; makes the file, readable by its owner only, where there is none.
pub(crate) fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    create_private(path)?;
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, options)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))
        .map_err(|error| errors::translate(&connection, &error))?;
    if mode != "wal" {
        return Err(StoreError::Unavailable(format!(
            "{}: the file system does not allow the write-ahead log (journal mode stays {mode}); put the data directory on a local disk",
            path.display()
        )));
    }
    let synchronous = match options.durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous={synchronous}; PRAGMA wal_autocheckpoint={AUTOCHECKPOINT_PAGES}; \
             PRAGMA journal_size_limit={LOG_SIZE_LIMIT}"
        ))
        .map_err(|error| errors::translate(&connection, &error))?;
    Ok(connection)
}

/// Opens a connection that cannot write.
pub(crate) fn open_reader(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, options)
}

fn open(path: &Path, mode: OpenFlags, options: &SqliteOptions) -> Result<Connection, StoreError> {
    // One connection is used by one thread at a time, so SQLite's own mutex would only cost.
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    let settings = connection
        .busy_timeout(options.busy_timeout)
        .and_then(|()| {
            connection.execute_batch(&format!(
                "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY; \
             PRAGMA cache_size=-{}; PRAGMA mmap_size={}",
                options.cache_kib,
                u64::from(options.mmap_mib) * 1024 * 1024
            ))
        });
    match settings {
        Ok(()) => Ok(connection),
        Err(error) => Err(match errors::translate(&connection, &error) {
            StoreError::Corrupt(why) => StoreError::Corrupt(format!("{}: {why}", path.display())),
            other => other,
        }),
    }
}

/// Makes an empty file with mode 0600; SQLite gives its log files the same mode. An existing file is left as it is.
pub(crate) fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))
}
