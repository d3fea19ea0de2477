//! The `voxgate` command: parses the command line, runs one command, and turns errors into one sentence.
//!
//! Owns what people see in the terminal. What the commands do is in `voxgate-server` and below.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool answers on standard output and standard error"
)]

mod args;
mod commands;
mod output;

use std::process::ExitCode;

use clap::Parser as _;
use voxgate_server::config::{self, Config, Overrides};
use voxgate_server::{logging, tls};

use args::{Cli, Command, Global};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tls::install_crypto_provider();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(cli));
    // Threads that wait for a slow disk or a pipe must not keep the process after its answer.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match result {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let json = cli.global.json;
    let mut overrides = overrides(&cli.global);
    match cli.command {
        Command::Config => output::print(config::DEFAULTS)?,
        Command::Serve(serve) => {
            overrides.listen = serve.listen.clone();
            overrides.offline = serve.offline;
            return commands::serve::run(configuration(&overrides, true)?, serve).await;
        }
        Command::Migrate => {
            commands::database::migrate(&configuration(&overrides, false)?, json).await?
        }
        Command::Backup(backup) => {
            commands::database::backup(&configuration(&overrides, false)?, &backup.file, json)
                .await?;
        }
        Command::Doctor => return commands::doctor::run(&overrides, json).await,
        Command::Say(say) => {
            commands::say::run(&configuration(&overrides, false)?, say, json).await?
        }
        Command::Models(models) => {
            return commands::models::run(&configuration(&overrides, false)?, models, json).await;
        }
        Command::Voices => commands::say::voices(&configuration(&overrides, false)?, json)?,
        Command::Orgs(orgs) => {
            commands::orgs::run(&configuration(&overrides, false)?, orgs, json).await?
        }
        Command::Users(users) => {
            commands::users::run(&configuration(&overrides, false)?, users, json).await?
        }
        Command::Keys(keys) => {
            commands::keys::run(&configuration(&overrides, false)?, keys, json).await?
        }
        Command::Plans(plans) => {
            commands::plans::run(&configuration(&overrides, false)?, plans, json).await?
        }
        Command::Prices(prices) => {
            commands::prices::run(&configuration(&overrides, false)?, prices, json).await?
        }
        Command::Credits(credits) => {
            commands::credits::run(&configuration(&overrides, false)?, credits, json).await?
        }
        Command::Audit(audit) => {
            commands::audit::run(&configuration(&overrides, false)?, audit, json).await?
        }
        Command::Usage(usage) => {
            commands::usage::run(&configuration(&overrides, false)?, usage, json).await?
        }
        Command::Bench(bench) => {
            commands::bench::run(&configuration(&overrides, false)?, &bench, json)?
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn overrides(global: &Global) -> Overrides {
    Overrides {
        config_file: global.config.clone(),
        data_dir: global.data_dir.clone(),
        ..Overrides::default()
    }
}

/// Reads the configuration and starts logging: for `serve` as configured, for other commands only what goes wrong.
fn configuration(overrides: &Overrides, serving: bool) -> anyhow::Result<Config> {
    let mut config = config::load(overrides, std::env::vars())?;
    if !serving && config.log.filter == "info" {
        "warn".clone_into(&mut config.log.filter);
    }
    logging::install(&config.log)?;
    Ok(config)
}
