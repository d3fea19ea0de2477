//! One file over HTTP, resumed from what an earlier attempt left behind.

use std::path::Path;

use tokio::{fs, io::AsyncWriteExt};
use voxgate_http_client::{OutboundClient, OutboundError, Request, Response, StatusCode, header};

/// Connections tried for one file, as long as each brings it forward or failed before it brought anything.
const MAX_ATTEMPTS: u32 = 8;

/// Why a URL did not provide a file.
#[derive(Debug)]
pub(crate) struct HttpFailure {
    pub(crate) reason: String,
    /// The host itself cannot be reached: its other files need not be tried.
    pub(crate) unreachable: bool,
}

impl HttpFailure {
    fn new(reason: impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
            unreachable: false,
        }
    }
}

/// Fetches `url` into `part`, continuing behind the bytes that are there, until the file has exactly `bytes` bytes.
/// `on_bytes` gets the bytes there so far.
pub(crate) async fn download(
    client: &OutboundClient,
    url: &str,
    part: &Path,
    bytes: u64,
    on_bytes: &mut (dyn FnMut(u64) + Send),
) -> Result<(), HttpFailure> {
    let (mut fruitless, mut attempts) = (0, 0);
    loop {
        let before = length(part).await;
        attempts += 1;
        let failure = match attempt(client, url, part, bytes, on_bytes).await {
            Ok(()) => return Ok(()),
            Err(Broken::Final(reason)) => return Err(HttpFailure::new(reason)),
            Err(Broken::Transient(error)) => error,
        };
        let progressed = length(part).await > before;
        fruitless = if progressed { 0 } else { fruitless + 1 };
        if fruitless == 2 || attempts == MAX_ATTEMPTS {
            let unreachable = !progressed
                && matches!(
                    failure,
                    OutboundError::Connect { .. }
                        | OutboundError::Resolve { .. }
                        | OutboundError::Timeout { .. }
                );
            return Err(HttpFailure {
                reason: failure.to_string(),
                unreachable,
            });
        }
        tracing::debug!(error = %failure, "model download interrupted, trying again");
    }
}

enum Broken {
    /// Trying again may help.
    Transient(OutboundError),
    /// It will not.
    Final(String),
}

impl From<OutboundError> for Broken {
    fn from(error: OutboundError) -> Self {
        if error.is_transient() {
            Self::Transient(error)
        } else {
            Self::Final(error.to_string())
        }
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Final(format!("writing to disk: {error}"))
    }
}

async fn attempt(
    client: &OutboundClient,
    url: &str,
    part: &Path,
    bytes: u64,
    on_bytes: &mut (dyn FnMut(u64) + Send),
) -> Result<(), Broken> {
    let mut have = length(part).await;
    if have >= bytes {
        // Whole already, or of some other file: the hash decides about the first, the second starts again.
        if have == bytes {
            return Ok(());
        }
        fs::remove_file(part).await?;
        have = 0;
    }
    let mut request = Request::get(url);
    if have > 0 {
        let range = format!("bytes={have}-")
            .parse()
            .map_err(|error| Broken::Final(format!("range: {error}")))?;
        request = request.header(header::RANGE, range);
    }
    let mut response = client.send(request).await?;
    let append = match response.status() {
        StatusCode::OK => false,
        StatusCode::PARTIAL_CONTENT if have > 0 && range_start(&response) == Some(have) => true,
        StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
            fs::remove_file(part).await?;
            return Err(Broken::Final(
                "the server does not continue where the last attempt ended".to_owned(),
            ));
        }
        status => return Err(Broken::Final(format!("status {}", status.as_u16()))),
    };
    if !append {
        have = 0;
    }
    if let Some(announced) = response
        .content_length()
        .filter(|announced| have + announced != bytes)
    {
        return Err(Broken::Final(format!(
            "it has {} bytes, not {bytes}",
            have + announced
        )));
    }
    let mut file = fs::File::options()
        .create(true)
        .write(true)
        .append(append)
        .truncate(!append)
        .open(part)
        .await?;
    loop {
        let piece = match response.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => {
                // What came so far is kept for the next attempt.
                file.flush().await?;
                return Err(error.into());
            }
        };
        have += piece.len() as u64;
        if have > bytes {
            drop(file);
            fs::remove_file(part).await?;
            return Err(Broken::Final(format!("it has more than {bytes} bytes")));
        }
        file.write_all(&piece).await?;
        on_bytes(have);
    }
    file.flush().await?;
    if have == bytes {
        return Ok(());
    }
    drop(file);
    fs::remove_file(part).await?;
    Err(Broken::Final(format!("it has {have} bytes, not {bytes}")))
}

async fn length(path: &Path) -> u64 {
    fs::metadata(path).await.map_or(0, |found| found.len())
}

/// The first byte that a partial answer holds.
fn range_start(response: &Response) -> Option<u64> {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    range
        .strip_prefix("bytes ")?
        .split_once('-')?
        .0
        .parse()
        .ok()
}
