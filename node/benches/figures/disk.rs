//! What one sync of the disk costs: the unit of the budget for one client.
//!
//! Invariant: the file is as long before as after, so that only its data is synced.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Outcome, figure};

const BLOCK_BYTES: usize = 4 * 1024;
const BLOCKS: u64 = 256;
const ROUNDS: u64 = 400;

/// The middle duration of one 4 KiB write and `fdatasync` in `folder`.
pub fn sync_time(folder: &Path) -> Outcome<Duration> {
    let path = folder.join("sync-probe");
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    let block = [7; BLOCK_BYTES];
    for at in 0..BLOCKS {
        file.write_all_at(&block, at * BLOCK_BYTES as u64)?;
    }
    file.sync_all()?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let start = Instant::now();
        file.write_all_at(&block, (round * 37 % BLOCKS) * BLOCK_BYTES as u64)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(figure::median(&mut times))
}
