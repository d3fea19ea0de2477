//! `voxgate serve`: from configuration to a draining shutdown.
//!
//! The order: listen, open the data directory, answer `/health`; then models (fetched if missing, loaded), the first
//! start's administrator, `/ready`. A listener that answers early lets an orchestrator tell "starting" from "dead".

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use voxgate_api::extract::DecodeOptions;
use voxgate_api::{ApiConfig, ApiParts, ApiState, Hsts, MetricsAccess, Readiness};
use voxgate_domain::EmailPolicy;
use voxgate_services::Services;
use voxgate_services::speech::SpeechEngines;

use crate::config::Config;
use crate::engines::{self, EnginesError};
use crate::first_run::{self, FirstRunError};
use crate::hello::{self, Hello, HelloError};
use crate::installation::{Installation, OpenError, Purpose};
use crate::listener::{self, ListenerConfig};
use crate::tls::{self, TlsError};

/// Why the server cannot start or has to end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The data directory.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The first start.
    #[error(transparent)]
    FirstRun(#[from] FirstRunError),
    /// The engines.
    #[error(transparent)]
    Engines(#[from] EnginesError),
    /// The metrics recorder.
    #[error("metrics: {0}")]
    Metrics(String),
    /// A task of the server ended by a panic.
    #[error("a part of the server failed: {0}")]
    Panicked(String),
}

/// What `serve` is asked for beyond the configuration.
#[derive(Debug, Clone, Default)]
pub struct ServeOptions {
    /// `--bootstrap-file`.
    pub bootstrap_file: Option<PathBuf>,
    /// `--hello`.
    pub hello: Option<PathBuf>,
}

/// What happens while the server starts, for whoever shows it. Methods are called from the runtime and must not block
/// for long.
pub trait Announce: Send + Sync {
    /// The listener is up.
    fn listening(&self, base_url: &str);
    /// Models are loaded: how many voices, how long since the process began to serve.
    fn ready(&self, base_url: &str, voices: usize, took: Duration);
    /// The first start's secrets.
    fn first_run(&self, text: &str);
    /// The self-test's result.
    fn hello(&self, file: &Path, result: &Result<Hello, HelloError>);
    /// Models cannot be used; the server answers everything but speech.
    fn without_voices(&self, reason: &str);
}

/// Fetches what `serve` needs before engines load. The command line implements it with progress bars.
pub type Fetch =
    Box<dyn FnOnce() -> std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send>;

/// Serves until `shutdown` is cancelled.
///
/// # Errors
/// [`ServeError`] if it cannot start. Missing or broken models are no reason not to start: `/ready` tells.
pub async fn serve(
    config: Config,
    options: ServeOptions,
    fetch: Fetch,
    announce: Arc<dyn Announce>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let begun = Instant::now();
    let (listener, base_url) = bind(&config).await?;
    let host = base_host(&config);
    let tls = tls::server_config(&config.tls, &config.data_dir, &host)?;
    let installation = Installation::open(&config, &base_url, Purpose::Serve).await?;
    let services = installation.services.clone();
    let metrics = install_metrics(&config)?;
    let readiness = Readiness::waiting("loading models");
    let state = ApiState::from(ApiParts {
        services: services.clone(),
        config: api_config(&config, tls.is_some()),
        metrics: metrics.clone(),
        readiness: readiness.clone(),
    });
    let router = voxgate_api::router(state);
    let stop = shutdown.child_token();
    let accepting = tokio::spawn(listener::serve(
        listener,
        router,
        tls,
        ListenerConfig {
            max_connections: config.server.max_connections,
            header_timeout: Duration::from_secs(config.server.header_timeout_seconds),
            grace: Duration::from_secs(config.server.shutdown_grace_seconds),
        },
        stop.clone(),
    ));
    announce.listening(&base_url);
    let upkeep = tokio::spawn(upkeep(metrics, stop.clone()));

    let starting = start(
        &config, &options, &base_url, &services, fetch, &readiness, &*announce, begun,
    );
    let started = tokio::select! {
        started = starting => started,
        // Interrupted while fetching or loading: nothing to drain but the listener.
        () = shutdown.cancelled() => Ok(None),
    };
    let (result, engines) = match started {
        Ok(engines) => (Ok(()), engines),
        Err(error) => {
            stop.cancel();
            (Err(error), None)
        }
    };
    let drained = accepting.await;
    readiness.set_waiting("shutting down");
    services.shutdown().await;
    if let Some(engines) = engines {
        let pool = engines.pool;
        // Joining engine threads blocks.
        let _ = tokio::task::spawn_blocking(move || pool.shutdown()).await;
    }
    let _ = upkeep.await;
    installation.db.close().await;
    result?;
    drained
        .map(|_| ())
        .map_err(|e| ServeError::Panicked(e.to_string()))
}

#[allow(
    clippy::too_many_arguments,
    reason = "one call, and each is another thing"
)]
async fn start(
    config: &Config,
    options: &ServeOptions,
    base_url: &str,
    services: &Services,
    fetch: Fetch,
    readiness: &Readiness,
    announce: &dyn Announce,
    begun: Instant,
) -> Result<Option<SpeechEngines>, ServeError> {
    let engines = match load_engines(config, fetch).await {
        Ok(engines) => {
            services.speech().attach(engines.clone());
            Some(engines)
        }
        Err(reason) => {
            readiness.set_waiting(reason.clone());
            announce.without_voices(&reason);
            None
        }
    };
    let made = first_run::prepare(
        services,
        config,
        base_url,
        options.bootstrap_file.as_deref(),
    )
    .await?;
    if let Some(engines) = &engines {
        readiness.set_ready();
        announce.ready(base_url, engines.voices.voices().len(), begun.elapsed());
        if let Some(file) = &options.hello {
            let result = hello::speak(engines, &config.voices.default, file).await;
            announce.hello(file, &result);
        }
    }
    if let Some(made) = &made {
        announce.first_run(&first_run::welcome(made, base_url, config.tls.self_signed));
    }
    Ok(engines)
}

async fn load_engines(config: &Config, fetch: Fetch) -> Result<SpeechEngines, String> {
    if !config.engines.fake {
        fetch().await?;
    }
    let for_loading = config.clone();
    let voices = tokio::task::spawn_blocking(move || engines::load(&for_loading))
        .await
        .map_err(|e| format!("loading models failed: {e}"))?
        .map_err(|e| e.to_string())?;
    Ok(engines::start(config, voices))
}

/// Binds the listener; the base URL has the port that was really taken.
async fn bind(config: &Config) -> Result<(TcpListener, String), ServeError> {
    let fail = |source| ServeError::Listen {
        address: config.server.listen.clone(),
        source,
    };
    let listener = TcpListener::bind(&config.server.listen)
        .await
        .map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    let scheme = if config.tls.enabled() {
        "https"
    } else {
        "http"
    };
    Ok((listener, format!("{scheme}://{}", reachable(bound))))
}

/// An address that listens everywhere is reached on this machine through loopback.
fn reachable(bound: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let ip = if bound.is_ipv4() {
        std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)
    } else {
        std::net::IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)
    };
    SocketAddr::new(ip, bound.port())
}

/// The host name that a self-made certificate should carry beside the loopback names.
fn base_host(config: &Config) -> String {
    let public = config
        .server
        .public_url
        .split("://")
        .nth(1)
        .unwrap_or_default();
    let host = public.split(['/', ':']).next().unwrap_or_default();
    if host.is_empty() {
        config
            .server
            .listen
            .parse::<SocketAddr>()
            .map(|a| reachable(a).ip().to_string())
            .unwrap_or_default()
    } else {
        host.to_owned()
    }
}

fn api_config(config: &Config, tls: bool) -> ApiConfig {
    let observability = &config.observability;
    ApiConfig {
        environment: config.server.environment.clone(),
        tls,
        hsts: if observability.hsts_on_plain_http {
            Hsts::Always
        } else {
            Hsts::OnlyTls
        },
        docs: observability.docs,
        metrics: match (
            observability.metrics,
            observability.metrics_token.is_empty(),
        ) {
            (false, _) => MetricsAccess::Off,
            (true, true) => MetricsAccess::Open,
            (true, false) => MetricsAccess::Token(observability.metrics_token.expose().into()),
        },
        cors_allowed_origins: config.server.cors_origins.clone(),
        // Validated when the configuration was read.
        trusted_proxies: config
            .server
            .trusted_proxies
            .iter()
            .filter_map(|n| n.parse().ok())
            .collect(),
        max_body_bytes: config.server.max_body_bytes,
        body_deadline: Duration::from_secs(config.server.body_timeout_seconds),
        decode: DecodeOptions {
            email: EmailPolicy {
                allow_reserved_domains: config.auth.allow_reserved_domains,
            },
            max_text_characters: config.speech.max_characters,
            ..DecodeOptions::default()
        },
    }
}

fn install_metrics(
    config: &Config,
) -> Result<Option<metrics_exporter_prometheus::PrometheusHandle>, ServeError> {
    if !config.observability.metrics {
        return Ok(None);
    }
    voxgate_api::recorder_builder()
        .and_then(metrics_exporter_prometheus::PrometheusBuilder::install_recorder)
        .map(Some)
        .map_err(|e| ServeError::Metrics(e.to_string()))
}

/// Keeps histograms from growing between scrapes.
async fn upkeep(
    metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    stop: CancellationToken,
) {
    let Some(metrics) = metrics else { return };
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => metrics.run_upkeep(),
        }
    }
}
