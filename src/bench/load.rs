//! Requests in flight: so many connections, each sending its next request when it has the answer to the last.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Failure;
use super::report::per_second;
use super::shop::{Dice, Shop, Work};
use crate::http_client::Client;

/// What is asked, and how hard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) shop: &'a Shop,
    pub(super) work: Work,
    pub(super) in_flight: usize,
    pub(super) warm_up: Duration,
    pub(super) time: Duration,
}

/// How it went.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured {
    pub(super) in_flight: usize,
    /// How many were asked in all, warming up included.
    pub(super) asked: u64,
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Measured {
    /// From how long each of them took.
    pub(super) fn of(in_flight: usize, time: Duration, mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let at = |percent: usize| {
            let rank = (took.len() * percent).div_ceil(100).saturating_sub(1);
            took.get(rank).map_or(0.0, |t| t.as_secs_f64() * 1000.0)
        };
        Measured {
            in_flight,
            asked: took.len() as u64,
            per_second: per_second(took.len(), time),
            p50_ms: at(50),
            p99_ms: at(99),
        }
    }
}

impl Load<'_> {
    /// Warms up, then measures.
    pub(super) fn run(self, address: SocketAddr) -> Result<Measured, Failure> {
        let begin = Instant::now() + self.warm_up;
        let end = begin + self.time;
        let slots = self.slots(address, move |started| started < end)?;
        let asked = slots.iter().map(|slot| slot.len() as u64).sum();
        // What was asked before the time began and answered in it counts; what was answered after its end does not.
        let took = slots
            .into_iter()
            .flatten()
            .filter(|(started, took)| {
                let answered = *started + *took;
                begin <= answered && answered < end
            })
            .map(|(_, took)| took)
            .collect();
        Ok(Measured {
            asked,
            ..Measured::of(self.in_flight, self.time, took)
        })
    }

    /// Asks so many times.
    pub(super) fn ask(self, address: SocketAddr, times: u64) -> Result<(), Failure> {
        let asked = Arc::new(AtomicU64::new(0));
        self.slots(address, move |_| asked.fetch_add(1, Ordering::Relaxed) < times)?;
        Ok(())
    }

    /// When each request of each slot began and how long it took. A slot ends when `more` says so.
    fn slots(
        self,
        address: SocketAddr,
        more: impl Fn(Instant) -> bool + Clone + Send + 'static,
    ) -> Result<Vec<Vec<(Instant, Duration)>>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut slots = tokio::task::JoinSet::new();
            for _ in 0..self.in_flight {
                let requests = self.shop.requests(self.work);
                let more = more.clone();
                slots.spawn(async move {
                    let mut dice = Dice::new();
                    let mut client = Client::connect(address).await?;
                    let mut took = Vec::new();
                    loop {
                        let request = requests.next(&mut dice);
                        let started = Instant::now();
                        if !more(started) {
                            return Ok::<_, Failure>(took);
                        }
                        let answer = client.ask(&request.bytes).await?;
                        took.push((started, started.elapsed()));
                        if !request.is_answered(answer.status, answer.body) {
                            let body = String::from_utf8_lossy(answer.body);
                            return Err(format!("the service answered {}: {body}", answer.status).into());
                        }
                    }
                });
            }
            let mut all = Vec::with_capacity(self.in_flight);
            while let Some(slot) = slots.join_next().await {
                all.push(slot??);
            }
            Ok(all)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let took = (1..=200).rev().map(Duration::from_millis).collect();
        let measured = Measured::of(8, Duration::from_secs(2), took);
        assert_eq!((measured.asked, measured.in_flight), (200, 8));
        assert!((measured.per_second - 100.0).abs() < 1e-9);
        assert!((measured.p50_ms - 100.0).abs() < 1e-9);
        assert!((measured.p99_ms - 198.0).abs() < 1e-9);
        assert!(Measured::of(1, Duration::from_secs(1), Vec::new()).p99_ms.abs() < 1e-9);
    }
}
