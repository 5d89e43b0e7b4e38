//! The pages in a real browser (Debian's Chromium) against real nodes: the walks of a day, the keyboard, the scanner.
//!
//! Needs `chromium` and `chromedriver`, which `tests/run.sh` installs, and the built program (`TRADEPOST_BIN`).
//! Where they cannot be had, `TRADEPOST_WITHOUT_BROWSER=1` leaves these tests out, and `tests/run.sh` says so at its end.
//!
//! Invariants: each test has its own nodes, folders and browser; what is waited for is waited for in the page.
#![allow(clippy::unwrap_used)]

mod browser {
    pub mod driver;
    pub mod place;
    mod reading;
    mod screens;
    mod walks;
}
