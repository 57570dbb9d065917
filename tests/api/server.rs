//! The server on a real socket.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use kopilka::api::authentication::ClientAddress;
use kopilka::server::{ServerLimits, serve_within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Running {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

async fn run(limits: ServerLimits) -> Running {
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "slow"
    };
    let whence = |ClientAddress(address): ClientAddress| async move { address.to_string() };
    let router = Router::new()
        .route("/slow", get(slow))
        .route("/whence", get(whence));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(serve_within(limits, listener, router, async {
        let _ = stopped.await;
    }));
    Running {
        address,
        stop,
        served,
    }
}

/// Sends text and reads until the server closes.
async fn say(address: std::net::SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_end() {
    let running = run(ServerLimits::default()).await;
    let address = running.address;
    let asked = tokio::spawn(async move { say(address, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop.send(()).unwrap();
    running.served.await.unwrap().unwrap();
    assert!(asked.await.unwrap().ends_with("\r\n\r\nslow"));
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_client_that_does_not_speak_is_dropped_and_gives_its_place() {
    let limits = ServerLimits {
        header_time: Duration::from_millis(100),
        connections: 1,
        ..ServerLimits::default()
    };
    let running = run(limits).await;
    let address = running.address;
    let silent = tokio::spawn(async move { say(address, "GET /wh").await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let asked = "GET /whence HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = tokio::time::timeout(Duration::from_secs(5), say(address, asked))
        .await
        .unwrap();
    assert!(answer.ends_with("127.0.0.1"), "{answer}");
    let silence = silent.await.unwrap();
    assert!(
        silence.is_empty() || silence.starts_with("HTTP/1.1 408"),
        "{silence}"
    );
}
