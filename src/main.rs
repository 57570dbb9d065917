//! The `kopilka` command.

use std::process::ExitCode;

/// Requests allocate many small things on several threads: this takes less time and memory than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kopilka::cli::run()
}
