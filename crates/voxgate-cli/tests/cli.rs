//! The command line as people and scripts meet it: help texts, answers, errors, exit codes. The real binary, the fake
//! engine, a data directory of its own.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

/// Runs the binary; nothing of the caller's environment or configuration reaches it.
fn voxgate(data_dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_voxgate"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("COLUMNS", "100")
        .env("VOXGATE__ENGINES__FAKE", "true")
        // Cheap on purpose: what is tested here is not the hash.
        .env("VOXGATE__AUTH__ARGON2_MEMORY_KIB", "64")
        .env("VOXGATE__AUTH__ARGON2_PASSES", "1")
        .env("VOXGATE__AUTH__ARGON2_LANES", "1")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The error line of a command that must fail.
fn failure(output: &Output) -> String {
    assert!(
        !output.status.success(),
        "should have failed: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A field of a JSON object, without a JSON library: the tests only need texts.
fn field(json: &str, name: &str) -> String {
    let start = json
        .find(&format!("\"{name}\": \""))
        .unwrap_or_else(|| panic!("no {name} in {json}"));
    json[start..].split('"').nth(3).unwrap().to_owned()
}

#[test]
fn help_teaches() {
    let dir = tempfile::tempdir().unwrap();
    for command in [
        &["--help"] as &[&str],
        &["serve", "--help"],
        &["migrate", "--help"],
        &["doctor", "--help"],
        &["say", "--help"],
        &["models", "--help"],
        &["models", "pull", "--help"],
        &["voices", "--help"],
        &["orgs", "--help"],
        &["orgs", "create", "--help"],
        &["orgs", "set", "--help"],
        &["users", "--help"],
        &["users", "create", "--help"],
        &["orgs", "set-plan", "--help"],
        &["orgs", "set-limit", "--help"],
        &["keys", "--help"],
        &["keys", "create", "--help"],
        &["keys", "set", "--help"],
        &["keys", "rotate", "--help"],
        &["plans", "--help"],
        &["plans", "create", "--help"],
        &["prices", "--help"],
        &["prices", "set", "--help"],
        &["credits", "--help"],
        &["credits", "grant", "--help"],
        &["credits", "refund", "--help"],
        &["usage", "--help"],
        &["usage", "report", "--help"],
        &["usage", "export", "--help"],
        &["audit", "--help"],
        &["backup", "--help"],
        &["bench", "tts", "--help"],
    ] {
        let text = stdout(&voxgate(dir.path(), command));
        let name = format!("help {}", command[..command.len() - 1].join(" "));
        insta::with_settings!({filters => vec![("[ \t]+\n", "\n")]}, {
            insta::assert_snapshot!(name.trim().replace(' ', "_"), text);
        });
    }
}

#[test]
fn config_prints_the_documented_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let text = stdout(&voxgate(dir.path(), &["config"]));
    assert_eq!(text, include_str!("../../../config/voxgate.default.toml"));
}

#[test]
fn errors_are_one_sentence_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("wrong.toml");
    std::fs::write(&config, "[server]\nlisen = \"127.0.0.1:1\"\n").unwrap();
    let config = config.to_str().unwrap();
    for (arguments, expected) in [
        (
            &["--config", config, "orgs", "list"] as &[&str],
            "did you mean `server.listen`?",
        ),
        (
            &["--config", "/nowhere.toml", "orgs", "list"],
            "cannot read the configuration file /nowhere.toml",
        ),
        (&["say", "  "], "there is no text to speak"),
        (
            &["say", "hi", "--voice", "nobody"],
            "`voxgate voices` lists them",
        ),
        (
            &["say", "hi", "--format", "midi"],
            "use wav, mp3, opus, flac, aac, pcm, ulaw or alaw",
        ),
        (
            &["say", "hi", "--speed", "9"],
            "use a value from 0.5 to 2.0",
        ),
        (&["say", "hi", "--sample-rate", "1"], "use one of"),
        (&["orgs", "show", "nonsense"], "is not an organisation id"),
        (
            &["orgs", "show", "00000000-0000-7000-8000-000000000000"],
            "no such organisation",
        ),
        (
            &["users", "reset-password", "nobody@example.com"],
            "no user",
        ),
        (&["usage", "--from", "yesterday"], "is not a range of days"),
        (&["serve", "--listen", "nowhere"], "server.listen"),
        (&["keys", "show", "nonsense"], "is not a key id"),
        (
            &["plans", "show", "nonsense"],
            "`voxgate plans list` shows them",
        ),
        (
            &["plans", "create", "p", "--limit", "words=1"],
            "is no limit",
        ),
        (
            &["prices", "set", "/nowhere.json"],
            "cannot read /nowhere.json",
        ),
        (
            &["credits", "balance", "nonsense"],
            "is not an organisation id",
        ),
        (
            &["usage", "report", "00000000-0000-7000-8000-000000000000"],
            "not found",
        ),
        (
            &["usage", "export", "nonsense", "--format", "xls"],
            "use csv or jsonl",
        ),
        (&["audit", "--org", "nonsense"], "is not an organisation id"),
    ] {
        let message = failure(&voxgate(dir.path(), arguments));
        assert!(message.starts_with("error: "), "{arguments:?}: {message}");
        assert!(
            message.to_lowercase().contains(&expected.to_lowercase()),
            "{arguments:?}: {message}"
        );
        assert_eq!(
            message.trim_end().lines().count(),
            1,
            "{arguments:?}: {message}"
        );
    }
}

#[test]
fn say_writes_a_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("out.wav");
    let output = voxgate(
        dir.path(),
        &[
            "say",
            "Hello there, all of you.",
            "-o",
            wav.to_str().unwrap(),
            "--json",
        ],
    );
    let json = stdout(&output);
    assert_eq!(field(&json, "format"), "wav");
    let bytes = std::fs::read(&wav).unwrap();
    let declared = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    assert_eq!(&bytes[..4], b"RIFF");
    assert_eq!(declared + 8, bytes.len(), "the header tells the true size");
    assert!(bytes.len() > 20_000);
    assert!(!dir.path().join("out.wav.part").exists());
    let piped = voxgate(dir.path(), &["say", "Hello.", "-o", "-", "--format", "pcm"]);
    assert!(piped.status.success() && piped.stdout.len() > 4_000);
}

#[test]
fn administration_from_empty_to_locked_out() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let run = |arguments: &[&str]| stdout(&voxgate(&data, arguments));
    assert!(run(&["migrate"]).contains("went from version 0"));
    assert!(run(&["migrate"]).contains("already"));

    let org = field(
        &run(&[
            "orgs",
            "create",
            "Acme",
            "--admin",
            "ana@example.com",
            "--daily-words",
            "50",
            "--json",
        ]),
        "id",
    );
    assert!(run(&["orgs", "list"]).contains("Acme"));
    let mails: Vec<_> = std::fs::read_dir(data.join("outbox")).unwrap().collect();
    assert_eq!(mails.len(), 1, "the administrator is invited");

    let created = run(&[
        "users",
        "create",
        "bob@example.com",
        "--org",
        &org,
        "--json",
    ]);
    assert!(field(&created, "password").len() >= 8);
    assert!(
        failure(&voxgate(
            &data,
            &["users", "create", "BOB@example.com", "--org", &org]
        ))
        .contains("taken")
    );
    let key = run(&[
        "keys",
        "create",
        "laptop",
        "--user",
        "bob@example.com",
        "--json",
    ]);
    assert!(field(&key, "key").starts_with("vg_"));
    assert!(!run(&["keys", "list", "--org", &org, "--json"]).contains(&field(&key, "key")));
    assert_eq!(
        run(&["keys", "revoke", &field(&key, "id")]).trim(),
        "revoked"
    );
    assert!(run(&["keys", "list", "--org", &org]).contains("revoked"));

    assert!(run(&["users", "deactivate", "bob@example.com"]).contains("locked out"));
    assert!(run(&["users", "activate", "bob@example.com"]).contains("active"));
    let first = field(
        &run(&["users", "reset-password", "bob@example.com", "--json"]),
        "password",
    );
    let second = field(
        &run(&["users", "reset-password", "bob@example.com", "--json"]),
        "password",
    );
    assert_ne!(first, second);
    assert!(run(&["orgs", "set", &org, "--status", "suspended"]).contains("suspended"));
    assert!(run(&["usage"]).contains("ORGANISATION"));
    assert!(run(&["usage", "--org", &org, "--json"]).contains("\"words\": 0"));

    let copy = dir.path().join("copy.db");
    run(&["backup", copy.to_str().unwrap()]);
    assert!(
        failure(&voxgate(&data, &["backup", copy.to_str().unwrap()])).contains("never overwrites")
    );
    let restored = dir.path().join("restored");
    std::fs::create_dir(&restored).unwrap();
    std::fs::copy(&copy, restored.join("voxgate.db")).unwrap();
    assert!(stdout(&voxgate(&restored, &["orgs", "list"])).contains("Acme"));
}

#[test]
fn the_gate_from_plan_to_statement() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let run = |arguments: &[&str]| stdout(&voxgate(&data, arguments));
    let refused = |arguments: &[&str]| failure(&voxgate(&data, arguments));

    let plan = run(&[
        "plans",
        "create",
        "free",
        "--limit",
        "words_per_day=500,concurrent_streams=2",
        "--json",
    ]);
    assert!(plan.contains("\"words_per_day\": 500"), "{plan}");
    assert!(refused(&["plans", "create", "free"]).contains("taken"));
    assert!(run(&["plans", "list"]).contains("words_per_day=500"));
    let changed = run(&["plans", "set", "free", "--limit", "words_per_day=400"]);
    assert!(!changed.contains("concurrent_streams"), "{changed}");

    let org = field(
        &run(&[
            "orgs",
            "create",
            "Acme",
            "--admin",
            "ana@example.com",
            "--json",
        ]),
        "id",
    );
    let set = run(&["orgs", "set-plan", &org, "free"]);
    assert!(
        set.contains("plan: ") && !set.contains("plan: none"),
        "{set}"
    );
    let set = run(&[
        "orgs",
        "set-limit",
        &org,
        "words_per_day=plan",
        "tokens_per_day=7",
    ]);
    assert!(
        set.contains("words_per_day=400") && set.contains("tokens_per_day=7"),
        "{set}"
    );
    assert!(refused(&["plans", "rm", "free"]).contains("in use"));

    run(&["users", "create", "bob@example.com", "--org", &org]);
    let made = run(&[
        "keys",
        "create",
        "kiosk",
        "--user",
        "bob@example.com",
        "--service",
        "tts,stt",
        "--voice",
        "fake_anna",
        "--network",
        "203.0.113.0/24",
        "--tier",
        "free",
        "--limit",
        "requests_per_minute=30",
        "--budget",
        "2.50",
        "--expires",
        "90d",
        "--json",
    ]);
    let (key, secret) = (field(&made, "id"), field(&made, "key"));
    for part in [
        "\"credit_budget_micros\": 2500000",
        "\"requests_per_minute\": 30",
        "\"203.0.113.0/24\"",
        "\"fake_anna\"",
    ] {
        assert!(made.contains(part), "{part} is not in {made}");
    }
    let shown = run(&["keys", "show", &key]);
    assert!(
        shown.contains("203.0.113.0/24") && shown.contains("2.5 credits"),
        "{shown}"
    );
    assert!(!shown.contains(&secret));
    let exceeding = refused(&["keys", "set", &key, "--service", "tts,admin"]);
    assert!(exceeding.contains("beyond the rights"), "{exceeding}");
    assert!(refused(&["keys", "set", &key]).contains("nothing to change"));
    let set = run(&[
        "keys",
        "set",
        &key,
        "--voice",
        "all",
        "--network",
        "anywhere",
        "--budget",
        "none",
        "--json",
    ]);
    assert!(
        set.contains("\"voices\": \"all\"") && set.contains("\"networks\": []"),
        "{set}"
    );
    let rotated = run(&["keys", "rotate", &key, "--overlap", "24h", "--json"]);
    assert_ne!(field(&rotated, "key"), secret);
    assert!(refused(&["keys", "rotate", &key, "--overlap", "31d"]).contains("overlap"));

    let prices = dir.path().join("prices.json");
    std::fs::write(
        &prices,
        r#"[{"service": "tts", "model": null, "unit": "character", "micros": 15}]"#,
    )
    .unwrap();
    let prices = prices.to_str().unwrap();
    assert!(run(&["prices", "set", prices]).contains("0.000015"));
    assert!(run(&["prices", "get", "--json"]).contains("\"micros\": 15"));
    assert!(run(&["prices", "get", "--plan", "free"]).contains("no prices"));
    std::fs::write(prices, "{}").unwrap();
    assert!(refused(&["prices", "set", prices]).contains("a list of price lines"));

    assert!(run(&["credits", "balance", &org]).starts_with("0 credits available"));
    run(&["credits", "grant", &org, "12.50", "--memo", "welcome"]);
    let id = "0199aaaa-0000-7000-8000-000000000001";
    let purchase = ["credits", "purchase", &org, "1", "--id", id];
    run(&purchase);
    run(&purchase);
    run(&["credits", "adjust", &org, "-0.5"]);
    assert!(refused(&["credits", "adjust", &org, "-13.01"]).contains("13"));
    assert!(run(&["credits", "balance", &org]).starts_with("13 credits available"));
    let statement = run(&["credits", "statement", &org]);
    assert_eq!(statement.lines().count(), 4, "{statement}");
    assert!(statement.contains("welcome"));

    let report = run(&["usage", "report", &org, "--by", "model", "--json"]);
    assert!(report.contains("\"group\": \"model\""), "{report}");
    let export = run(&["usage", "export", &org]);
    assert!(export.starts_with("id,created_at,"), "{export}");
    assert_eq!(run(&["usage", "export", &org, "--format", "jsonl"]), "");

    let audit = run(&["audit", "--org", &org, "--json"]);
    for action in [
        "credits.grant",
        "key.create",
        "key.update",
        "key.rotate",
        "organization.update",
    ] {
        assert!(audit.contains(action), "{action} is not in {audit}");
    }
    assert!(!audit.contains(&secret));
    assert!(run(&["audit", "--action", "plan.create"]).contains("operator"));
    assert!(run(&["doctor"]).contains("the books of credits balance"));
}

#[test]
fn doctor_tells_well_from_ill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    stdout(&voxgate(&data, &["migrate"]));
    let json = stdout(&voxgate(&data, &["doctor", "--json"]));
    assert!(json.contains("\"healthy\": true"), "{json}");
    let secret = data.join("secrets/jwt.key");
    std::fs::write(&secret, "too short").unwrap();
    let output = voxgate(&data, &["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("PROBLEM") && text.contains("restore it from a backup"),
        "{text}"
    );
}
