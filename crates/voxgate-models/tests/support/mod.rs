//! A catalogue of small files, an HTTP server with faults, and stand-ins for pip and npm.
#![allow(dead_code)] // each test file uses its own part

use std::{
    collections::HashMap,
    fs,
    io::Write,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use voxgate_models::{Catalogue, Event, ModelStore, Progress, PullOptions};

/// Bytes that differ from file to file and do not compress away.
pub(crate) fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A catalogue entry with these files and this TOML for its sources.
pub(crate) fn model(name: &str, files: &[(&str, &[u8])], sources: &str) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|(path, bytes)| {
            format!(
                "{{ path = {path:?}, bytes = {}, sha256 = {:?} }}",
                bytes.len(),
                sha256(bytes)
            )
        })
        .collect();
    format!(
        "[[model]]\nname = {name:?}\nkind = \"other\"\nlicence = \"CC0-1.0\"\ndescription = \"test\"\ndefault = true\nfiles = [{}]\n{sources}\n",
        files.join(", ")
    )
}

pub(crate) fn http_source(url: &str) -> String {
    format!("[[model.source]]\ntype = \"http\"\nurl = {url:?}\n")
}

/// A store in a fresh folder over a catalogue text.
pub(crate) fn store(catalogue: &str, options: PullOptions) -> (TempDir, ModelStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), catalogue, options);
    (folder, store)
}

pub(crate) fn store_in(folder: &Path, catalogue: &str, options: PullOptions) -> ModelStore {
    let options = PullOptions {
        allow_private: true,
        ..options
    };
    ModelStore::new(
        folder,
        Catalogue::parse("test", catalogue).unwrap(),
        options,
    )
    .unwrap()
}

/// Options under which no registry client exists.
pub(crate) fn no_packages() -> PullOptions {
    PullOptions {
        pip: vec!["no-such-pip-program".to_owned()],
        npm: vec!["no-such-npm-program".to_owned()],
        ..PullOptions::default()
    }
}

/// Remembers events as text.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Vec<String>);

impl Progress for Log {
    fn on_event(&mut self, event: Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

/// What the server does with a path.
#[derive(Clone)]
pub(crate) enum Serve {
    Bytes(Vec<u8>),
    /// Honours ranges, and cuts the connection after so many body bytes, as often as told.
    CutAfter {
        bytes: Vec<u8>,
        cut: usize,
        times: usize,
    },
    Status(u16),
}

/// A server on loopback; requests are remembered as `path range`.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(routes: impl IntoIterator<Item = (&'static str, Serve)>) -> Self {
        let routes: HashMap<String, Serve> = routes
            .into_iter()
            .map(|(path, serve)| (path.to_owned(), serve))
            .collect();
        let routes = Arc::new(Mutex::new(routes));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&routes), Arc::clone(&log)));
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    mut stream: tokio::net::TcpStream,
    routes: Arc<Mutex<HashMap<String, Serve>>>,
    log: Arc<Mutex<Vec<String>>>,
) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let range = request
        .lines()
        .find_map(|line| line.strip_prefix("range: bytes="))
        .map(|range| range.trim_end_matches('-'));
    let start: usize = range.and_then(|start| start.parse().ok()).unwrap_or(0);
    log.lock()
        .unwrap()
        .push(range.map_or_else(|| path.clone(), |range| format!("{path} from {range}")));
    let (status, bytes, cut) = {
        let mut routes = routes.lock().unwrap();
        match routes.get_mut(&path) {
            None => (404, Vec::new(), None),
            Some(Serve::Status(status)) => (*status, Vec::new(), None),
            Some(Serve::Bytes(bytes)) => (200, bytes.clone(), None),
            Some(Serve::CutAfter { bytes, cut, times }) => {
                let cut = (*times > 0).then_some(*cut);
                *times = times.saturating_sub(1);
                (
                    if start > 0 { 206 } else { 200 },
                    bytes[start.min(bytes.len())..].to_vec(),
                    cut,
                )
            }
        }
    };
    let mut head = format!(
        "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n",
        bytes.len()
    );
    if status == 206 {
        head += &format!(
            "content-range: bytes {start}-{}/{}\r\n",
            start + bytes.len() - 1,
            start + bytes.len()
        );
    }
    let _ = stream.write_all((head + "\r\n").as_bytes()).await;
    let _ = stream
        .write_all(&bytes[..cut.unwrap_or(bytes.len()).min(bytes.len())])
        .await;
    let _ = stream.shutdown().await;
}

/// A wheel (a zip file) with these members.
pub(crate) fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// An npm tarball with these members; names are written as they are, `..` included.
pub(crate) fn tarball(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A stand-in for pip or npm: puts the archive prepared for the requested package into the requested folder, and writes
/// each request to a log. `flag` is the option that names the folder.
pub(crate) struct FakeClient {
    folder: TempDir,
    flag: &'static str,
}

impl FakeClient {
    pub(crate) fn pip() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            flag: "--dest",
        }
    }

    pub(crate) fn npm() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            flag: "--pack-destination",
        }
    }

    /// Serves `archive` for a requirement such as `name==1.0` or `name@1.0`.
    pub(crate) fn with(self, requirement: &str, archive: &[u8]) -> Self {
        fs::write(self.folder.path().join(requirement), archive).unwrap();
        self
    }

    pub(crate) fn program(&self) -> Vec<String> {
        let path = self.folder.path().join("client");
        let extension = if self.flag == "--dest" { "whl" } else { "tgz" };
        let script = format!(
            "#!/bin/sh\nhere=$(dirname \"$0\")\nwhile [ $# -gt 0 ]; do\n  [ \"$1\" = {} ] && dest=$2\n  last=$1\n  shift\ndone\n\
             echo \"$last\" >> \"$here/log\"\n[ -f \"$here/$last\" ] || {{ echo \"ERROR: no such package $last\" >&2; exit 1; }}\n\
             cp \"$here/$last\" \"$dest/package.{extension}\"\n",
            self.flag
        );
        if !path.exists() {
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        vec![path.to_string_lossy().into_owned()]
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}

/// Every file under a folder, relative, sorted; the lock file left out.
pub(crate) fn tree(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, base: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, base, into);
            } else if path.file_name().is_some_and(|name| name != ".lock") {
                into.push(
                    path.strip_prefix(base)
                        .unwrap()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}
