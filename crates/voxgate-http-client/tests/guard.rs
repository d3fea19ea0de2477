//! The client against a real server on loopback.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use voxgate_http_client::{Method, OutboundClient, OutboundError, Policy, Request, header};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header_exists, method, path},
};

fn open() -> Policy {
    Policy {
        allow_private: true,
        ..Policy::default()
    }
}

async fn server() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/hello"))
        .respond_with(ResponseTemplate::new(200).set_body_string("hello"))
        .mount(&server)
        .await;
    server
}

fn port(server: &MockServer) -> u16 {
    server.address().port()
}

async fn get(policy: Policy, url: String) -> Result<String, OutboundError> {
    let body = OutboundClient::new(policy)?
        .send(Request::get(url))
        .await?
        .bytes()
        .await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn loopback_is_refused_by_name_and_by_number_and_admitted_with_permission() {
    let server = server().await;
    let hosts = [
        "localhost",
        "LOCALHOST",
        "127.0.0.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
    ];
    for host in hosts {
        let url = format!("http://{host}:{}/hello", port(&server));
        let error = get(Policy::default(), url).await.unwrap_err();
        assert!(
            matches!(error, OutboundError::Refused(_)),
            "{host}: {error}"
        );
    }
    assert!(
        server.received_requests().await.unwrap().is_empty(),
        "nothing was sent"
    );
    assert_eq!(
        get(open(), format!("http://localhost:{}/hello", port(&server)))
            .await
            .unwrap(),
        "hello"
    );
    assert_eq!(
        get(open(), format!("http://127.0.0.1:{}/hello", port(&server)))
            .await
            .unwrap(),
        "hello"
    );
    let one = Policy {
        allowed_hosts: vec!["localhost".to_owned()],
        ..Policy::default()
    };
    assert_eq!(
        get(
            one.clone(),
            format!("http://localhost:{}/hello", port(&server))
        )
        .await
        .unwrap(),
        "hello"
    );
    assert!(
        get(one, format!("http://127.0.0.1:{}/hello", port(&server)))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_redirect_is_checked_like_a_first_request() {
    let server = server().await;
    for (from, to) in [
        ("/to-metadata", "http://169.254.169.254/latest/".to_owned()),
        (
            "/to-address",
            format!("http://127.0.0.1:{}/hello", port(&server)),
        ),
        ("/to-file", "file:///etc/passwd".to_owned()),
        ("/to-hello", "/hello".to_owned()),
        ("/loop", "/loop".to_owned()),
    ] {
        let answer = ResponseTemplate::new(302).insert_header("location", to);
        Mock::given(path(from))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    // Only the name may be private, so the hop to the number is refused.
    let policy = Policy {
        allowed_hosts: vec!["localhost".to_owned()],
        ..Policy::default()
    };
    let url = |path: &str| format!("http://localhost:{}{path}", port(&server));
    assert!(matches!(
        get(policy.clone(), url("/to-metadata")).await,
        Err(OutboundError::Refused(_))
    ));
    assert!(matches!(
        get(policy.clone(), url("/to-address")).await,
        Err(OutboundError::Refused(_))
    ));
    assert!(matches!(
        get(policy.clone(), url("/to-file")).await,
        Err(OutboundError::InvalidUrl(_))
    ));
    assert!(matches!(
        get(policy.clone(), url("/loop")).await,
        Err(OutboundError::TooManyRedirects { limit: 5, .. })
    ));
    assert_eq!(
        get(policy.clone(), url("/to-hello")).await.unwrap(),
        "hello"
    );
    // A POST is never sent elsewhere.
    let client = OutboundClient::new(policy).unwrap();
    let answer = client
        .send(Request::new(Method::POST, url("/to-hello")).body("x"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 302);
}

#[tokio::test]
async fn secrets_stay_with_their_origin() {
    let (first, second) = (server().await, server().await);
    let target = format!("http://127.0.0.1:{}/hello", port(&second));
    let answer = ResponseTemplate::new(307).insert_header("location", target);
    Mock::given(method("GET"))
        .and(header_exists("authorization"))
        .respond_with(answer)
        .mount(&first)
        .await;
    let client = OutboundClient::new(open()).unwrap();
    let request = Request::get(format!("http://127.0.0.1:{}/away", port(&first)))
        .header(header::AUTHORIZATION, "Bearer secret".parse().unwrap());
    assert_eq!(client.send(request).await.unwrap().status(), 200);
    let seen = second.received_requests().await.unwrap();
    assert_eq!(seen.len(), 1);
    assert!(!seen[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn bodies_are_capped_with_and_without_a_length() {
    let server = MockServer::start().await;
    Mock::given(path("/big"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![0; 5_000]))
        .mount(&server)
        .await;
    let policy = |cap| Policy {
        max_body_bytes: cap,
        ..open()
    };
    let url = format!("http://127.0.0.1:{}/big", port(&server));
    assert!(matches!(
        get(policy(4_999), url.clone()).await,
        Err(OutboundError::BodyTooLarge { limit: 4_999, .. })
    ));
    assert_eq!(get(policy(5_000), url).await.unwrap().len(), 5_000);
    let url = chunked_server(5_000).await;
    assert!(matches!(
        get(policy(4_999), url).await,
        Err(OutboundError::BodyTooLarge { .. })
    ));
}

/// A server that answers one request with `bytes` bytes and no length.
async fn chunked_server(bytes: usize) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 2_048]).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
            .await;
        let _ = stream.write_all(&vec![b'x'; bytes]).await;
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn silence_and_closed_ports_end_in_time() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    Mock::given(path("/slow"))
        .respond_with(slow)
        .mount(&server)
        .await;
    let policy = Policy {
        idle_timeout: Duration::from_millis(200),
        ..open()
    };
    let error = get(policy, format!("http://127.0.0.1:{}/slow", port(&server)))
        .await
        .unwrap_err();
    assert!(
        matches!(error, OutboundError::Timeout { .. }) && error.is_transient(),
        "{error}"
    );

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let error = get(open(), format!("http://{closed}/")).await.unwrap_err();
    assert!(matches!(error, OutboundError::Connect { .. }), "{error}");
    let error = get(open(), "http://no-such-name.invalid/".to_owned())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            OutboundError::Resolve { .. } | OutboundError::Timeout { .. }
        ),
        "{error}"
    );
}
