//! The service, as a process of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Failure;

/// How long the service may take to begin, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `kopilka serve`. Ends with this.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// How long it took until it answered.
    pub(super) ready: Duration,
}

/// Memory of a process.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    /// Resident now, in kB.
    pub(super) now_kb: u64,
    /// The most that was resident, in kB.
    pub(super) most_kb: u64,
}

impl Service {
    /// Starts it with its usual settings, but for the limit on requests of one key: there is only one key here.
    pub(super) fn start(url: &str, log: &Path) -> Result<Self, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log_file = std::fs::File::create(log)?;
        let started = Instant::now();
        let child = Command::new(std::env::current_exe()?)
            .arg("serve")
            // Not the caller's folder: its config/local.toml is not what is measured.
            .current_dir(log.parent().unwrap_or(log))
            .env("KOPILKA__DATABASE__URL", url)
            .env("KOPILKA__LISTEN", address.to_string())
            .env("KOPILKA__LIMITS__REQUESTS_PER_MINUTE_PER_KEY", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file)
            .spawn()?;
        let mut service = Service {
            child,
            address,
            ready: Duration::ZERO,
        };
        while !service.is_ready() {
            if let Some(status) = service.child.try_wait()? {
                let text = std::fs::read_to_string(log).unwrap_or_default();
                return Err(format!("the service ended ({status}): {text}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err("the service does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        service.ready = started.elapsed();
        Ok(service)
    }

    fn is_ready(&self) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer.starts_with("HTTP/1.1 200"))
        };
        ask().unwrap_or(false)
    }

    /// Its memory, where the system tells.
    pub(super) fn memory(&self) -> Result<Option<Memory>, Failure> {
        let Ok(text) = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())) else {
            return Ok(None);
        };
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().ok()
        };
        Ok(field("VmRSS")
            .zip(field("VmHWM"))
            .map(|(now_kb, most_kb)| Memory { now_kb, most_kb }))
    }

    /// How long it was on a processor, all threads together; zero where the system does not tell.
    pub(super) fn processor_time(&self) -> Result<Duration, Failure> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // After the name in brackets; the 12th and 13th field are in hundredths of a second, of user and system.
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
        let hundredths: u64 = fields
            .split_ascii_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Ok(Duration::from_millis(10 * hundredths))
    }

    /// Tells it to stop, as a container does, and waits until it has.
    pub(super) fn stop(&mut self) -> Result<(), Failure> {
        let told = Command::new("kill").arg(self.child.id().to_string()).status()?;
        let told_at = Instant::now();
        while told.success() && told_at.elapsed() < PATIENCE {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("the service does not stop".into())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Already gone where it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
