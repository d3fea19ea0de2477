//! Files inside packages of language registries: fetching a package with the language's own client, taking members out.
//!
//! Only members that the catalogue names are read, and they are written to paths of our own: nothing in an archive can
//! choose where it lands.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use flate2::read::GzDecoder;
use tokio::{io::AsyncReadExt, process::Command};

use crate::files::copy_capped;

/// Largest archive taken from a registry.
const MAX_ARCHIVE_BYTES: u64 = 4 << 30;

/// How much of a client's messages is kept for an error.
const MAX_MESSAGE: usize = 16 * 1024;

/// Runs `pip download` for one wheel into `folder`, which must be empty, and returns the wheel.
pub(crate) async fn fetch_wheel(
    pip: &[String],
    folder: &Path,
    package: &str,
    version: &str,
    limit: Duration,
) -> Result<PathBuf, String> {
    let requirement = format!("{package}=={version}");
    let options = [
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--no-input",
    ];
    let mut command = client(pip, folder)?;
    command
        .args(options)
        .args(["--quiet", "--progress-bar", "off", "--dest"])
        .arg(folder)
        .arg(requirement);
    run(command, limit).await?;
    only_archive(folder, "whl")
}

/// Runs `npm pack` for one tarball into `folder`, which must be empty, and returns the tarball.
pub(crate) async fn fetch_tarball(
    npm: &[String],
    folder: &Path,
    package: &str,
    version: &str,
    limit: Duration,
) -> Result<PathBuf, String> {
    let mut command = client(npm, folder)?;
    command.args([
        "pack",
        "--ignore-scripts",
        "--loglevel=error",
        "--pack-destination",
    ]);
    command.arg(folder).arg(format!("{package}@{version}"));
    run(command, limit).await?;
    only_archive(folder, "tgz")
}

fn client(program: &[String], folder: &Path) -> Result<Command, String> {
    let (program, arguments) = program.split_first().ok_or("no program is configured")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.kill_on_drop(true);
    Ok(command)
}

async fn run(mut command: Command, limit: Duration) -> Result<(), String> {
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{program} is not installed"),
        _ => format!("{program} could not be started: {error}"),
    })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        // Both pipes are emptied while the program runs, or it could stop at a full one.
        let (_, said) = tokio::join!(last_words(stdout), last_words(stderr));
        (child.wait().await, said)
    };
    match tokio::time::timeout(limit, work).await {
        Err(_) => Err(format!(
            "{program} did not finish within {} s",
            limit.as_secs()
        )),
        Ok((Ok(status), _)) if status.success() => Ok(()),
        Ok((Ok(status), said)) => {
            let line = said
                .lines()
                .rev()
                .map(str::trim)
                .find(|line| is_telling(line))
                .unwrap_or_default()
                .to_owned();
            Err(if line.is_empty() {
                format!("{program} ended with {status}")
            } else {
                format!("{program}: {line}")
            })
        }
        Ok((Err(error), _)) => Err(format!("{program}: {error}")),
    }
}

/// Lines of pip and npm that say what happened, not where the log is.
fn is_telling(line: &str) -> bool {
    !line.is_empty()
        && !line.contains("A complete log of this run")
        && !line.starts_with("[notice]")
        && !line.starts_with('/')
}

/// Reads a pipe to its end and keeps its last bytes.
async fn last_words(pipe: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else {
        return String::new();
    };
    let (mut kept, mut buffer) = (Vec::new(), [0; 4_096]);
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        if kept.len() > 2 * MAX_MESSAGE {
            kept.drain(..kept.len() - MAX_MESSAGE);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The one file with `extension` that a client left in a folder.
fn only_archive(folder: &Path, extension: &str) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut found = entries.filter_map(Result::ok).map(|entry| entry.path());
    let archive = found
        .find(|path| {
            path.extension()
                .is_some_and(|end| end.eq_ignore_ascii_case(extension))
        })
        .ok_or_else(|| format!("the client left no .{extension} file"))?;
    let size = archive.metadata().map_err(|error| error.to_string())?.len();
    if size > MAX_ARCHIVE_BYTES {
        Err(format!("the package has {size} bytes"))
    } else {
        Ok(archive)
    }
}

/// Joins one member of each wheel, in order, into `target`, which may not exceed `bytes`. Blocking.
pub(crate) fn join_members(
    wheels: &[(PathBuf, String)],
    target: &Path,
    bytes: u64,
) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut out = BufWriter::new(File::create(target).map_err(|error| text(&error))?);
    let mut left = bytes;
    for (wheel, member) in wheels {
        let opened = File::open(wheel).map_err(|error| text(&error))?;
        let mut archive =
            zip::ZipArchive::new(BufReader::new(opened)).map_err(|error| text(&error))?;
        let mut entry = archive
            .by_name(member)
            .map_err(|error| format!("{member}: {error}"))?;
        if !entry.is_file() {
            return Err(format!("{member} is not a file"));
        }
        left -= copy_capped(&mut entry, &mut out, left)
            .map_err(|error| format!("{member}: {error}"))?;
    }
    out.flush().map_err(|error| text(&error))
}

/// Takes members out of a gzipped tarball in one pass: each to its own path, with its own cap. Blocking.
///
/// Returns the members that were found; links and folders do not count.
pub(crate) fn take_members(
    tarball: &Path,
    wanted: &HashMap<String, (PathBuf, u64)>,
) -> Result<Vec<String>, String> {
    let opened = File::open(tarball).map_err(|error| error.to_string())?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(opened)));
    let mut found = Vec::new();
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        let name = entry
            .path()
            .map_err(|error| error.to_string())?
            .to_string_lossy()
            .into_owned();
        let Some((target, cap)) = wanted.get(&name) else {
            continue;
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let copied =
            File::create(target).and_then(|mut out| copy_capped(&mut entry, &mut out, *cap));
        copied.map_err(|error| format!("{name}: {error}"))?;
        found.push(name);
        if found.len() == wanted.len() {
            break;
        }
    }
    Ok(found)
}
