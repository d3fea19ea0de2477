//! A unit of work without its types, so that what runs it (queueing, beginning, committing, retrying, on either database) is
//! compiled once and not for every kind of answer.

use std::any::Any;

use futures_util::future::BoxFuture;

use crate::error::StoreError;
use crate::tx::Tx;

/// Work to be done in one transaction, which keeps its result.
pub(crate) trait Transaction: Send {
    /// Does the work, once more where an earlier try came to nothing; answers whether its changes shall stay.
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, bool>;
    /// Whether its result is an error; one that was not run yet has none.
    fn has_failed(&self) -> bool;
    /// Puts an error in the place of its result.
    fn fail(&mut self, error: StoreError);
    /// For taking the result out.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// A closure and what it answered.
pub(crate) struct Work<R, E, F> {
    work: F,
    result: Option<Result<R, E>>,
}

impl<R, E, F> Work<R, E, F>
where
    R: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'t> Fn(&'t mut Tx<'_>) -> BoxFuture<'t, Result<R, E>> + Send + Sync + 'static,
{
    pub(crate) fn boxed(work: F) -> Box<dyn Transaction> {
        Box::new(Self { work, result: None })
    }

    /// What came of it: `transaction` is one that [`Work::boxed`] made of the same types.
    pub(crate) fn result(transaction: Box<dyn Transaction>) -> Result<R, E> {
        let result = transaction
            .into_any()
            .downcast::<Self>()
            .ok()
            .and_then(|work| work.result);
        result.unwrap_or_else(|| {
            Err(StoreError::Unavailable("the transaction was not run".to_owned()).into())
        })
    }
}

impl<R, E, F> Transaction for Work<R, E, F>
where
    R: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'t> Fn(&'t mut Tx<'_>) -> BoxFuture<'t, Result<R, E>> + Send + Sync + 'static,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, bool> {
        let Self { work, result } = self;
        let work = work(tx);
        Box::pin(async move { result.insert(work.await).is_ok() })
    }

    fn has_failed(&self) -> bool {
        matches!(self.result, Some(Err(_)))
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
