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
        &["keys", "--help"],
        &["usage", "--help"],
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
