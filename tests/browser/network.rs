//! The network between the browser and the service, with a switch: whole, down, or losing the answers to receipts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// All goes through.
    Whole,
    /// Nothing does.
    Down,
    /// A receipt reaches the service, its answer never comes back.
    LosesAnswers,
}

/// The network.
pub struct Network {
    /// Where the browser finds the service.
    pub address: SocketAddr,
    wire: watch::Sender<Wire>,
    lost: Arc<AtomicUsize>,
}

impl Network {
    /// In front of a service.
    pub async fn before(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (wire, _) = watch::channel(Wire::Whole);
        let lost = Arc::new(AtomicUsize::new(0));
        let (state, count) = (wire.clone(), Arc::clone(&lost));
        tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                tokio::spawn(carry(browser, service, state.subscribe(), Arc::clone(&count)));
            }
        });
        Network { address, wire, lost }
    }

    /// Turns the switch. Connections that are open end where it is down.
    pub fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }

    /// How many answers were lost so far.
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }
}

async fn carry(
    mut browser: TcpStream,
    service: SocketAddr,
    mut wire: watch::Receiver<Wire>,
    lost: Arc<AtomicUsize>,
) {
    if *wire.borrow() == Wire::Down {
        return;
    }
    let Ok(mut service) = TcpStream::connect(service).await else {
        return;
    };
    let (mut from_browser, mut from_service) = ([0; 16_384], [0; 16_384]);
    let mut receipt = false;
    loop {
        tokio::select! {
            changed = wire.changed() => {
                if changed.is_err() || *wire.borrow() == Wire::Down {
                    return;
                }
            }
            read = browser.read(&mut from_browser) => {
                let Ok(size @ 1..) = read else { return };
                let said = &from_browser[..size];
                if said.starts_with(b"POST ") || said.starts_with(b"GET ") || said.starts_with(b"PUT ") {
                    receipt = said.starts_with(b"POST /api/v1/receipts HTTP");
                }
                if service.write_all(said).await.is_err() {
                    return;
                }
            }
            read = service.read(&mut from_service) => {
                let Ok(size @ 1..) = read else { return };
                if receipt && *wire.borrow() == Wire::LosesAnswers {
                    lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                if browser.write_all(&from_service[..size]).await.is_err() {
                    return;
                }
            }
        }
    }
}
