//! `voxgate serve`: signals and what the terminal shows; the serving itself is in `voxgate-server`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use voxgate_server::config::Config;
use voxgate_server::hello::{Hello, HelloError};
use voxgate_server::serve::{Announce, Fetch, ServeOptions, serve};

use crate::args::Serve;
use crate::output;

struct Terminal;

impl Announce for Terminal {
    fn listening(&self, base_url: &str) {
        eprintln!(
            "voxgate {} listens on {base_url}",
            env!("CARGO_PKG_VERSION")
        );
    }

    fn ready(&self, base_url: &str, voices: usize, took: Duration) {
        eprintln!(
            "ready after {:.1} s with {voices} voices: {base_url}",
            took.as_secs_f64()
        );
    }

    fn first_run(&self, text: &str) {
        // The one thing on standard output: what the user must keep.
        if output::print(text).is_err() {
            eprintln!("{text}");
        }
    }

    fn hello(&self, file: &Path, result: &Result<Hello, HelloError>) {
        match result {
            Ok(hello) => eprintln!(
                "self-test: spoke {:.1} s of audio into {} in {:.2} s (first audio after {:.2} s)",
                hello.audio.as_secs_f64(),
                file.display(),
                hello.total.as_secs_f64(),
                hello.first_audio.as_secs_f64(),
            ),
            Err(error) => eprintln!("self-test failed: {error}"),
        }
    }

    fn without_voices(&self, reason: &str) {
        eprintln!("warning: no speech until this is mended: {reason}");
    }
}

pub(crate) async fn run(config: Config, args: Serve) -> anyhow::Result<ExitCode> {
    let shutdown = CancellationToken::new();
    let signals = tokio::spawn(watch_signals(shutdown.clone()));
    let fetch: Fetch = {
        let config = config.clone();
        Box::new(move || {
            Box::pin(async move {
                super::models::fetch_missing_defaults(&config)
                    .await
                    .map_err(|e| format!("{e:#}"))
            })
        })
    };
    let options = ServeOptions {
        bootstrap_file: args.bootstrap_file,
        hello: args.hello,
    };
    let result = serve(config, options, fetch, Arc::new(Terminal), shutdown).await;
    signals.abort();
    result?;
    Ok(ExitCode::SUCCESS)
}

/// The first SIGTERM or Ctrl-C drains; a second one ends at once.
async fn watch_signals(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return;
    };
    for last in [false, true] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if last {
            std::process::exit(130);
        }
        eprintln!("stopping: requests in progress may finish; once more to stop at once");
        shutdown.cancel();
    }
}
