//! What a request pays for its API key: `cargo bench -p voxgate-services --bench key_check`.
//!
//! `remembered`: a key that was looked up within the last second and a half, on one and on two threads, always the same
//! one and one of a thousand. `mistyped`: a key whose check characters are wrong, which asks nobody.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use tokio::runtime::Runtime;
use voxgate_domain::{Clock, SystemClock, Timestamp};
use voxgate_services::bootstrap::BootstrapCommand;
use voxgate_services::identity::Credential;
use voxgate_services::keys::CreateKey;
use voxgate_services::{
    Argon2Config, Principal, Process, Secrets, Services, ServicesConfig, ServicesParts,
};
use voxgate_store::{Db, StoreConfig};

fn main() {
    divan::main();
}

/// Costs as much as the clocks of the machine, but stands still, so that nothing remembered grows old.
struct Frozen(SystemClock);

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        divan::black_box(self.0.now());
        Timestamp::from_secs(1_800_014_400)
    }

    fn monotonic(&self) -> Duration {
        divan::black_box(self.0.monotonic());
        Duration::ZERO
    }
}

/// Services over a fresh file, and some good keys.
struct Fixture {
    services: Services,
    keys: Vec<Credential>,
    _runtime: Runtime,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new(keys: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("voxgate.db");
        let (services, keys) = runtime.block_on(async {
            let db = Db::open(&StoreConfig::sqlite(path)).await.unwrap();
            db.migrate().await.unwrap();
            let services = start(db).await;
            let command = BootstrapCommand {
                admin_email: "admin@voxgate.local".into(),
                admin_password: None,
                organization_name: String::new(),
            };
            let boot = services.bootstrap().run(command).await.unwrap().unwrap();
            let mut made = Vec::new();
            for _ in 0..keys {
                let command = CreateKey {
                    name: "bench".into(),
                    user_id: Some(boot.admin_id),
                    ..CreateKey::default()
                };
                let operator = Principal::operator();
                let key = services.keys().create(&operator, command).await.unwrap();
                made.push(Credential::ApiKey(key.secret));
            }
            for key in &made {
                let principal = services.identity().authenticate(key, None).await;
                assert!(principal.is_ok());
            }
            (services, made)
        });
        Self {
            services,
            keys,
            _runtime: runtime,
            _folder: folder,
        }
    }
}

async fn start(db: Db) -> Services {
    let mut config = ServicesConfig {
        process: Process::Command,
        ..ServicesConfig::default()
    };
    config.identity.argon2 = Argon2Config {
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
    };
    let secret = |byte| SecretBox::new(Box::new(vec![byte; 32]));
    let parts = ServicesParts {
        config,
        db,
        secrets: Secrets {
            jwt: secret(1),
            verify: secret(2),
            reset: secret(3),
            api_key_pepper: secret(4),
        },
        clock: Arc::new(Frozen(SystemClock::new())),
        engines: None,
    };
    Services::start(parts).await.unwrap()
}

#[divan::bench(args = [1, 1000], threads = [1, 2])]
fn remembered(bencher: Bencher<'_, '_>, keys: usize) {
    let fixture = Fixture::new(keys);
    let turn = AtomicUsize::new(0);
    bencher.counter(ItemsCount::new(1000_usize)).bench(|| {
        let start = turn.fetch_add(317, Ordering::Relaxed);
        let identity = fixture.services.identity();
        for at in start..start + 1000 {
            let credential = &fixture.keys[at % fixture.keys.len()];
            let principal = identity.recognize(divan::black_box(credential), None);
            assert!(divan::black_box(principal).is_some_and(|found| found.is_ok()));
        }
    });
}

#[divan::bench]
fn mistyped(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new(1);
    let Credential::ApiKey(good) = &fixture.keys[0] else {
        return;
    };
    let good = good.expose_secret();
    let last = if good.ends_with('0') { '1' } else { '0' };
    let wrong: SecretString = format!("{}{last}", &good[..good.len() - 1]).into();
    let wrong = Credential::ApiKey(wrong);
    let runtime = Runtime::new().unwrap();
    bencher.bench(|| {
        let refused = fixture.services.identity().authenticate(&wrong, None);
        assert!(runtime.block_on(refused).is_err());
    });
}
