//! Kill -9 in a loop against the whole server: clients make organisations, people, invitations and speech while the server is
//! killed at random moments; whatever a client was told is there after the restart, and nothing hangs in the air.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use voxgate_testing::{Client, Method, Options, Outbox, TestServer};

use crate::world::{Database, PASSWORD, make_org, usage};

/// Longest time until a dead server's requests are settled by others on the same Postgres: a minute of silence and a beat.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

/// Enough words for more audio than the server collects before it answers (at 48 kHz), and that many bytes.
const STREAMED_WORDS: u64 = 160;
const STREAMED_BYTES: usize = 4 << 20;

/// Millionths of a credit for a word, and what the organisation begins with.
const WORD_MICROS: u64 = 1_000;
const GRANT_MICROS: u64 = 1_000_000_000_000;

/// Sells words, and gives the organisation enough to buy many.
async fn open_the_till(server: &TestServer, org: &str) {
    let prices = json!({"prices": [{"service": "tts", "unit": "word", "micros": WORD_MICROS}]});
    let answer = server
        .admin()
        .send(Method::PUT, "/admin/v1/prices", Some(&prices))
        .await
        .unwrap();
    answer.expect(200).unwrap();
    let path = format!("/admin/v1/organizations/{org}/credits/transfers");
    let grant = json!({"kind": "grant", "amount_micros": GRANT_MICROS});
    let answer = server.admin().post(&path, grant).await.unwrap();
    answer.expect(201).unwrap();
}

/// Whatever happened, the organisation has paid for what was charged, nothing is on hold, and the books agree.
async fn check_the_till(server: &TestServer, org: &str, charged: u64) {
    let path = format!("/admin/v1/organizations/{org}/credits");
    let balance = server
        .admin()
        .get(&path)
        .await
        .unwrap()
        .expect(200)
        .unwrap()
        .json();
    assert_eq!(balance["held_micros"], 0, "{balance}");
    assert_eq!(
        balance["available_micros"],
        GRANT_MICROS - charged * WORD_MICROS,
        "{balance}"
    );
    let doctor = server.run(&["doctor", "--json"]).unwrap();
    assert!(
        doctor.status.success(),
        "{}{}",
        String::from_utf8_lossy(&doctor.stdout),
        String::from_utf8_lossy(&doctor.stderr)
    );
}

/// What clients were told.
#[derive(Default)]
struct Told {
    /// Ids of organisations made, with the address of their administrator.
    orgs: Vec<(String, String)>,
    /// Addresses of people who accepted their invitation.
    people: Vec<String>,
    /// Ids of invitations made.
    invitations: Vec<String>,
    /// Speech delivered: words by the request's id.
    speech: HashMap<String, u64>,
    /// How many of those were streamed.
    streams: u64,
    /// Requests that got no answer, or an answer that says try again.
    unanswered: u64,
}

struct Load {
    told: Mutex<Told>,
    next: AtomicU64,
    stop: AtomicBool,
}

impl Load {
    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn told(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.told.lock().unwrap());
    }

    fn going(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn unanswered(&self) {
        self.told(|told| told.unanswered += 1);
    }
}

/// Speaks, with texts of different lengths, so that lost or doubled words show in the sum.
async fn speak(load: Arc<Load>, client: Client) {
    while load.going() {
        let words = 1 + load.number() % 9;
        // Every fourth caller loses patience: gone before, in or after the work.
        let patience = match words {
            4 | 8 => Duration::from_micros(rand::random_range(100..20_000)),
            _ => Duration::from_secs(60),
        };
        ask(&load, &client, words, 8_000, patience).await;
    }
}

/// Speaks texts so long that their audio is streamed; every second listener leaves in the middle.
async fn listen(load: Arc<Load>, client: Client) {
    while load.going() {
        let number = load.number();
        let words = STREAMED_WORDS + number % 9;
        let patience = match number % 2 {
            0 => Duration::from_millis(rand::random_range(1..150)),
            _ => Duration::from_secs(60),
        };
        ask(&load, &client, words, 48_000, patience).await;
    }
}

/// One synthesis, given up when patience ends.
async fn ask(load: &Load, client: &Client, words: u64, sample_rate_hz: u32, patience: Duration) {
    let text = crate::world::words(usize::try_from(words).unwrap());
    let body = json!({"text": text, "audio_format": "wav", "sample_rate_hz": sample_rate_hz});
    let answer = tokio::time::timeout(patience, client.post("/tts/tts", body)).await;
    let Ok(answer) = answer else {
        load.unanswered();
        return;
    };
    match answer {
        Ok(answer) if answer.status == 200 => {
            assert_eq!(answer.header("x-words-used"), words.to_string());
            let id = answer.header("x-usage-request-id").to_owned();
            load.told(|told| {
                told.streams += u64::from(answer.body.len() > STREAMED_BYTES);
                told.speech.insert(id, words);
            });
        }
        Ok(answer) => {
            assert!(
                matches!(answer.status, 429 | 503),
                "{}: {}",
                answer.status,
                answer.text()
            );
            load.unanswered();
        }
        Err(_) => {
            load.unanswered();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Makes organisations; their administrators accept as soon as the letter is there.
async fn found(load: Arc<Load>, admin: Client, anonymous: Client, outbox: Outbox) {
    while load.going() {
        let number = load.number();
        let email = format!("founder{number}@example.org");
        let body = json!({"name": format!("Company {number}"), "admin_email": email});
        let Ok(answer) = admin.post("/organizations", body).await else {
            load.unanswered();
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        assert!(
            matches!(answer.status, 201 | 503),
            "{}: {}",
            answer.status,
            answer.text()
        );
        if answer.status != 201 {
            continue;
        }
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        load.told(|told| told.orgs.push((id, email.clone())));
        let begun = Instant::now();
        while load.going() && begun.elapsed() < Duration::from_secs(2) {
            let Some(letter) = outbox.newest_to(&email) else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let path = format!("/invitations/{}/accept", letter.token().unwrap());
            if let Ok(answer) = anonymous.post(&path, json!({"password": PASSWORD})).await {
                assert!(
                    matches!(answer.status, 201 | 503),
                    "{}: {}",
                    answer.status,
                    answer.text()
                );
                if answer.status == 201 {
                    load.told(|told| told.people.push(email.clone()));
                }
            }
            break;
        }
    }
}

/// Invites people who never come.
async fn invite(load: Arc<Load>, client: Client, org: String) {
    while load.going() {
        let email = format!("guest{}@example.org", load.number());
        let body = json!({"email": email, "role": "ORG_USER", "organization_id": org});
        match client.post("/invitations", body).await {
            Ok(answer) if answer.status == 201 => {
                let id = answer.json()["id"].as_str().unwrap().to_owned();
                load.told(|told| told.invitations.push(id));
            }
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
            Err(_) => {
                load.unanswered();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

/// Compares what is stored with what was told. `people` bounds the logins that are tried, newest first.
async fn check(server: &TestServer, client: &Client, org: &str, load: &Load, people: usize) {
    let (orgs, newest, invitations, speech) = {
        let told = load.told.lock().unwrap();
        let newest: Vec<String> = told.people.iter().rev().take(people).cloned().collect();
        (
            told.orgs.clone(),
            newest,
            told.invitations.clone(),
            told.speech.clone(),
        )
    };
    let ids = |rows: &[Value]| -> std::collections::HashSet<String> {
        rows.iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let stored = ids(&server.admin().list("/organizations").await.unwrap());
    for (id, email) in &orgs {
        assert!(stored.contains(id), "the organisation of {email} is gone");
    }
    let stored = ids(&client.list("/invitations").await.unwrap());
    let lost = invitations
        .iter()
        .filter(|id| !stored.contains(*id))
        .count();
    assert_eq!(
        lost,
        0,
        "{lost} of {} invitations are gone",
        invitations.len()
    );
    for email in &newest {
        server.anonymous().login(email, PASSWORD).await.unwrap();
    }

    let rows = client.list("/usage/requests").await.unwrap();
    let mut charged = 0;
    let mut delivered = HashMap::new();
    for row in &rows {
        charged += row["words"].as_u64().unwrap();
        if row["status"] == "success" {
            delivered.insert(
                row["id"].as_str().unwrap().to_owned(),
                row["words"].as_u64().unwrap(),
            );
        }
    }
    for (id, words) in &speech {
        assert_eq!(
            delivered.get(id),
            Some(words),
            "speech {id} was delivered and is not recorded so"
        );
    }
    // The sums by which limits decide are the sums of the rows.
    let sums = usage(server, org).await;
    assert_eq!(sums["words"].as_u64().unwrap(), charged, "{sums}");
    assert_eq!(
        sums["daily"]["words_used"].as_u64().unwrap(),
        charged,
        "{sums}"
    );
    assert_eq!(
        sums["requests"]["success"].as_u64().unwrap(),
        delivered.len() as u64
    );
    check_the_till(server, org, charged).await;
}

async fn pending(server: &TestServer, org: &str) -> u64 {
    usage(server, org).await["requests"]["pending"]
        .as_u64()
        .unwrap()
}

async fn kill_in_a_loop(database: Database, rounds: u64) {
    let sole = matches!(database, Database::Sqlite);
    let options = Options::fake()
        .set("engines.queue_depth", "1000")
        .set("limits.daily_words", "1000000000")
        .set("limits.monthly_words", "1000000000")
        .set("limits.requests_per_minute", "1000000");
    let mut server = TestServer::start(database.options(options)).await.unwrap();
    let org = make_org(&server, "crash", json!({})).await;
    open_the_till(&server, &org.id).await;
    let load = Arc::new(Load {
        told: Mutex::default(),
        next: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(tokio::spawn(speak(Arc::clone(&load), org.admin.clone())));
    }
    tasks.push(tokio::spawn(listen(Arc::clone(&load), org.admin.clone())));
    tasks.push(tokio::spawn(found(
        Arc::clone(&load),
        server.admin(),
        server.anonymous(),
        server.outbox(),
    )));
    tasks.push(tokio::spawn(invite(
        Arc::clone(&load),
        org.admin.clone(),
        org.id.clone(),
    )));

    let begun = Instant::now();
    let mut downtime = Duration::ZERO;
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_millis(rand::random_range(30..600))).await;
        server.kill().unwrap();
        let down = Instant::now();
        server
            .restart()
            .await
            .unwrap_or_else(|error| panic!("round {round}: {error:#}"));
        downtime += down.elapsed();
        assert!(
            tasks.iter().all(|task| !task.is_finished()),
            "round {round}: a client met something unexpected"
        );
    }
    let took = begun.elapsed();
    tokio::time::sleep(Duration::from_millis(200)).await;
    load.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    // One more crash with nothing under way: what was told last must be on disk as well.
    server.kill().unwrap();
    server.restart().await.unwrap();

    let waiting = Instant::now();
    while pending(&server, &org.id).await > 0 {
        assert!(
            !sole,
            "the only server on a database settles everything when it starts"
        );
        assert!(waiting.elapsed() < SETTLED_WITHIN, "requests stay pending");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    check(&server, &org.admin, &org.id, &load, 15).await;
    let told = load.told.lock().unwrap();
    eprintln!(
        "{rounds} kills in {took:.1?} (back after {:.2?} on average): {} organisations, {} people, {} invitations, {} \
         syntheses told and all there, {} of them streamed; {} requests without an answer",
        downtime / u32::try_from(rounds).unwrap(),
        told.orgs.len(),
        told.people.len(),
        told.invitations.len(),
        told.speech.len(),
        told.streams,
        told.unanswered
    );
    assert!(
        told.speech.len() > 20
            && told.streams > 3
            && told.orgs.len() > 3
            && !told.people.is_empty()
            && told.invitations.len() > 3
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_told_is_lost_on_sqlite() {
    kill_in_a_loop(Database::Sqlite, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_told_is_lost_on_postgres() {
    kill_in_a_loop(Database::postgres().await, 15).await;
}
