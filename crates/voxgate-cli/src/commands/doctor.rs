//! `voxgate doctor`: looks at everything an installation needs and says what to mend.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use voxgate_server::config::{self, Config, Overrides};
use voxgate_server::installation::{Installation, Purpose};
use voxgate_server::{logging, models};

use crate::output;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// Works, but somebody should know.
    Warning,
    /// Must be mended.
    Problem,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    message: String,
}

fn ok(name: &'static str, message: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::Ok,
        message: message.into(),
    }
}

fn warning(name: &'static str, message: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::Warning,
        message: message.into(),
    }
}

fn problem(name: &'static str, message: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::Problem,
        message: message.into(),
    }
}

pub(crate) async fn run(overrides: &Overrides, as_json: bool) -> anyhow::Result<ExitCode> {
    let checks = match config::load(overrides, std::env::vars()) {
        Err(error) => vec![problem("configuration", error.to_string())],
        Ok(mut config) => {
            "error".clone_into(&mut config.log.filter);
            logging::install(&config.log)?;
            let mut checks = vec![ok("configuration", "valid")];
            data_dir(&config, &mut checks);
            if config.data_dir.exists() {
                database(&config, &mut checks).await;
            }
            model_files(&config, &mut checks);
            programs(&mut checks);
            checks
        }
    };
    let worst = checks.iter().any(|c| c.verdict == Verdict::Problem);
    if as_json {
        output::json(&serde_json::json!({"healthy": !worst, "checks": checks}))?;
    } else {
        for check in &checks {
            let mark = match check.verdict {
                Verdict::Ok => "ok      ",
                Verdict::Warning => "warning ",
                Verdict::Problem => "PROBLEM ",
            };
            output::print(&format!("{mark} {:14} {}", check.name, check.message))?;
        }
    }
    Ok(if worst {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn data_dir(config: &Config, checks: &mut Vec<Check>) {
    let dir = &config.data_dir;
    let Ok(metadata) = std::fs::metadata(dir) else {
        checks.push(warning(
            "data directory",
            format!(
                "{} does not exist yet; `voxgate serve` makes it",
                dir.display()
            ),
        ));
        return;
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        checks.push(warning(
            "data directory",
            format!(
                "{} may be read by other users; run: chmod 700 {}",
                dir.display(),
                dir.display()
            ),
        ));
    } else {
        checks.push(ok("data directory", dir.display().to_string()));
    }
}

async fn database(config: &Config, checks: &mut Vec<Check>) {
    // Secrets are checked by opening: damaged or exposed ones are refused there.
    let base_url = format!("http://{}", config.server.listen);
    let installation = match Installation::open(config, &base_url, Purpose::Administer).await {
        Ok(installation) => installation,
        Err(error) => return checks.push(problem("database", error.to_string())),
    };
    checks.push(ok("secrets", "private and whole"));
    match installation.db.inspect().await {
        Ok(report)
            if report.problems.is_empty()
                && report.schema_version == report.expected_schema_version =>
        {
            checks.push(ok(
                "database",
                format!(
                    "{} {}, version {}, {} of data and {} of log, consistent",
                    report.backend.as_str(),
                    report.server_version,
                    report.schema_version,
                    output::bytes(report.data_bytes),
                    output::bytes(report.log_bytes)
                ),
            ));
        }
        Ok(report) if report.problems.is_empty() => checks.push(problem(
            "database",
            format!(
                "version {} instead of {}; run `voxgate migrate`",
                report.schema_version, report.expected_schema_version
            ),
        )),
        Ok(report) => checks.push(problem(
            "database",
            format!("damaged; restore a backup ({})", report.problems.join("; ")),
        )),
        Err(error) => checks.push(problem("database", error.to_string())),
    }
    match installation.db.check_books().await {
        Ok(problems) if problems.is_empty() => {
            checks.push(ok("credits", "the books of credits balance"));
        }
        Ok(problems) => checks.push(problem(
            "credits",
            format!(
                "the books of credits do not balance; keep the database and report this ({})",
                problems.join("; ")
            ),
        )),
        Err(error) => checks.push(problem("credits", error.to_string())),
    }
    match installation.services.mail().backlog().await {
        Ok(backlog) if backlog.failed > 0 => checks.push(warning(
            "mail",
            format!(
                "{} messages were given up and {} wait; check the [mail] section",
                backlog.failed, backlog.waiting
            ),
        )),
        Ok(backlog) => checks.push(ok("mail", format!("{} messages wait", backlog.waiting))),
        Err(error) => checks.push(problem("mail", error.to_string())),
    }
    installation.services.shutdown().await;
}

fn model_files(config: &Config, checks: &mut Vec<Check>) {
    match models::missing_defaults(config) {
        Ok(missing) if missing.is_empty() => {
            checks.push(ok("models", "the default models are installed"))
        }
        Ok(missing) => checks.push(warning(
            "models",
            format!("missing: {}; run `voxgate models pull`", missing.join(", ")),
        )),
        Err(error) => checks.push(problem("models", error.to_string())),
    }
}

/// Programs and libraries that only some formats need.
fn programs(checks: &mut Vec<Check>) {
    match voxgate_audio::mp3_encoder_version() {
        Ok(version) => checks.push(ok("mp3", format!("libmp3lame {version}"))),
        Err(error) => checks.push(warning("mp3", error.to_string())),
    }
    if installed("ffmpeg") {
        checks.push(ok("aac", "ffmpeg is installed"));
    } else {
        checks.push(warning(
            "aac",
            "ffmpeg is not installed; AAC is refused until it is (apt-get install ffmpeg)",
        ));
    }
}

fn installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|dir| is_executable(&dir.join(program)))
    })
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}
