//! Several servers on one Postgres and one Redis: limits, streams, keys and quotas are shared; what happens while Redis is away,
//! and when a server dies.

use std::time::{Duration, Instant};

use serde_json::json;
use voxgate_testing::{Client, Options, RedisServer, TestDatabase, TestServer};

use crate::world::{Org, make_org, usage, words};

/// Servers in a group.
const NODES: u64 = 3;

struct Group {
    servers: Vec<TestServer>,
    redis: RedisServer,
    _database: TestDatabase,
}

impl Group {
    async fn start() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let redis = RedisServer::start().unwrap();
        let options = Options::fake()
            .database(&database.url)
            .set("redis.url", &redis.url)
            .set("engines.queue_depth", "1000");
        let mut servers = vec![TestServer::start(options.clone()).await.unwrap()];
        for _ in 1..NODES {
            let next = TestServer::start_beside(options.clone(), &servers[0]).await;
            servers.push(next.unwrap());
        }
        Self {
            servers,
            redis,
            _database: database,
        }
    }

    async fn org(&self, name: &str, limits: serde_json::Value) -> Org {
        make_org(&self.servers[0], name, limits).await
    }

    /// A key of the organisation's administrator, as clients of every server.
    async fn key(&self, org: &Org) -> (String, Vec<Client>) {
        let made = org
            .admin
            .post("/admin/v1/keys", json!({"name": "everywhere"}))
            .await
            .unwrap()
            .expect(201)
            .unwrap()
            .json();
        let secret = made["secret"].as_str().expect("the secret is shown once");
        let clients = self
            .servers
            .iter()
            .map(|server| server.anonymous().with_token(secret))
            .collect();
        (made["key"]["id"].as_str().unwrap().to_owned(), clients)
    }
}

/// Sends that many requests at once, spread over the servers; answers how many were spoken and how many refused.
async fn storm(clients: &[Client], requests: usize, text: &str) -> (u64, u64) {
    let tasks: Vec<_> = (0..requests)
        .map(|number| {
            let (client, text) = (clients[number % clients.len()].clone(), text.to_owned());
            tokio::spawn(async move { client.speak(&text).await.unwrap() })
        })
        .collect();
    let (mut spoken, mut refused) = (0, 0);
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status {
            200 => spoken += 1,
            429 => refused += 1,
            other => panic!("{other}: {}", answer.text()),
        }
    }
    (spoken, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_admit_exactly_the_limit() {
    const LIMIT: u64 = 40;
    let group = Group::start().await;
    let org = group
        .org("minute", json!({"rate_limit_per_minute": LIMIT}))
        .await;
    let (_, clients) = group.key(&org).await;
    assert_eq!(storm(&clients, 150, "word").await, (LIMIT, 150 - LIMIT));
    // Words are decided by Postgres, whoever asks where.
    let org = group
        .org(
            "day",
            json!({"rate_limit_per_minute": 100_000, "daily_word_limit": 100}),
        )
        .await;
    let (_, clients) = group.key(&org).await;
    assert_eq!(storm(&clients, 60, &words(3)).await, (33, 27));
    let used = usage(&group.servers[1], &org.id).await;
    assert_eq!(
        (used["words"].as_u64(), used["daily"]["words_used"].as_u64()),
        (Some(99), Some(99))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_server_goes_on_with_its_share() {
    const LIMIT: u64 = 30;
    let mut group = Group::start().await;
    let limits = json!({"rate_limit_per_minute": LIMIT});
    // Every server must have heard how many there are.
    tokio::time::sleep(Duration::from_secs(16)).await;
    let org = group.org("before", limits.clone()).await;
    let (_, clients) = group.key(&org).await;
    // Some were admitted while Redis was there.
    assert_eq!(storm(&clients, 12, "word").await, (12, 0));
    group.redis.stop();
    let fresh = group.org("away", limits).await;
    let (_, away) = group.key(&fresh).await;
    let (spoken, _) = storm(&away, 120, "word").await;
    assert!(
        (NODES..=LIMIT).contains(&spoken),
        "{spoken} while Redis is away"
    );
    let (spoken, _) = storm(&clients, 120, "word").await;
    assert!(
        spoken + 12 < 2 * LIMIT,
        "{spoken} more in the window in which Redis went away"
    );
    group.redis.start_again().unwrap();
    // It is looked for twice a second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (spoken, _) = storm(&away, 150, "word").await;
    assert!(
        spoken <= LIMIT,
        "{spoken} in the window in which Redis came back empty"
    );
    let log = group.servers[0].log();
    assert!(log.contains("Redis"), "the log says that Redis was away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_dead_on_other_nodes_within_two_seconds() {
    let group = Group::start().await;
    let org = group.org("keys", json!({})).await;
    let (id, clients) = group.key(&org).await;
    for client in &clients {
        client.speak("word").await.unwrap().expect(200).unwrap();
    }
    let path = format!("/admin/v1/keys/{id}");
    let answer = org
        .admin
        .send(voxgate_testing::Method::DELETE, &path, None)
        .await
        .unwrap();
    assert!(matches!(answer.status, 200 | 204), "{}", answer.text());
    let revoked = Instant::now();
    // At once where it was revoked.
    assert_eq!(clients[0].speak("word").await.unwrap().status, 401);
    for client in &clients[1..] {
        loop {
            let asked = revoked.elapsed();
            if client.speak("word").await.unwrap().status == 401 {
                break;
            }
            assert!(asked < Duration::from_secs(2), "still open after {asked:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_a_dead_server_end_with_their_lease() {
    let mut group = Group::start().await;
    let org = group
        .org("streams", json!({"rate_limit_per_minute": 100_000}))
        .await;
    let (_, clients) = group.key(&org).await;
    let path = format!("/admin/v1/organizations/{}", org.id);
    group.servers[0]
        .admin()
        .patch(&path, json!({"limits": {"concurrent_streams": 1}}))
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    // The other servers hear of it within two seconds.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let slow = format!("[[slow]] {}", words(400));
    let dying = clients[2].clone();
    let stream = tokio::spawn(async move { dying.speak(&slow).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(clients[0].speak("word").await.unwrap().status, 429);
    group.servers[2].kill().unwrap();
    assert!(stream.await.unwrap().is_err());
    let died = Instant::now();
    while clients[0].speak("word").await.unwrap().status != 200 {
        assert!(
            died.elapsed() < Duration::from_secs(20),
            "the stream of a dead server is still counted"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(
        died.elapsed() > Duration::from_secs(2),
        "the lease was not what counted"
    );
}
