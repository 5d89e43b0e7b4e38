//! The nodes of the demo: made, joined, served, asked.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::local::{self, InitRequest, JoinRequest, ServeOptions, ServedNode};
use crate::api::{Api, Body, Request};
use crate::error::CliError;

/// What the other nodes may take to show what happened here.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// A free port of this machine, reached from this machine alone.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Dates and books of the invoices are British.
const ZONE: &str = "Europe/London";

/// A site with its node.
pub struct Site {
    code: &'static str,
    data: PathBuf,
    node: ServedNode,
    api: Api,
}

/// Where a node of the demo is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The code of its site.
    pub site: &'static str,
    /// Where it answers.
    pub url: String,
    /// The address that opens its pages, once.
    pub sign_in: String,
    /// Its folder.
    pub data: String,
}

/// Head office, a store and a warehouse.
pub struct Play {
    /// Where the demo may leave files.
    pub folder: PathBuf,
    /// Head office.
    pub office: Site,
    /// The store.
    pub shop: Site,
    /// The warehouse.
    pub depot: Site,
}

impl Play {
    /// Makes the organisation, lets store and warehouse join, serves all three.
    pub fn start(folder: &Path) -> Result<Self, CliError> {
        let data = folder.join("HQ");
        local::init(&InitRequest {
            data: data.clone(),
            org: "Demo".to_owned(),
            site: "HQ".to_owned(),
            kind: "head-office".to_owned(),
            currency: "GBP".to_owned(),
            zone: ZONE.to_owned(),
            territory: "MAIN".to_owned(),
            sync_listen: Some(LOOPBACK),
        })?;
        let office = Site::serve("HQ", data)?;
        let shop = Site::enrol(&office, folder, "SH01", "store")?;
        let depot = Site::enrol(&office, folder, "WH01", "warehouse")?;
        Ok(Self { folder: folder.to_owned(), office, shop, depot })
    }

    /// Where each node is.
    pub fn places(&self) -> Vec<Place> {
        let of = |site: &Site| Place {
            site: site.code,
            url: site.node.url().to_owned(),
            sign_in: site.node.sign_in().to_owned(),
            data: site.data.display().to_string(),
        };
        [&self.office, &self.shop, &self.depot].map(of).to_vec()
    }

    /// Ends all three.
    pub fn stop(&mut self) -> Result<(), CliError> {
        for site in [&mut self.depot, &mut self.shop, &mut self.office] {
            local::stop(&mut site.node)?;
        }
        Ok(())
    }
}

impl Site {
    fn serve(code: &'static str, data: PathBuf) -> Result<Self, CliError> {
        let node = local::serve_beside(ServeOptions { data: data.clone(), listen: LOOPBACK, sync_listen: None })?;
        let api = Api::open(&data)?;
        Ok(Self { code, data, node, api })
    }

    fn enrol(office: &Site, folder: &Path, code: &'static str, kind: &str) -> Result<Self, CliError> {
        let invite = office.post(&["peers", "invites"], json!({"site": code, "kind": kind, "zone": ZONE}))?;
        let ticket = text(&invite["ticket"]);
        let data = folder.join(code);
        local::join(&JoinRequest { data: data.clone(), ticket, sync_listen: Some(LOOPBACK) })?;
        Self::serve(code, data)
    }

    /// Reads.
    pub fn get(&self, segments: &[&str]) -> Result<Value, CliError> {
        self.ask(&Request::get(segments))
    }

    /// Writes.
    pub fn post(&self, segments: &[&str], body: Value) -> Result<Value, CliError> {
        self.ask(&Request::post(segments, None, Body::Json(body)))
    }

    /// Asks anything.
    pub fn ask(&self, request: &Request) -> Result<Value, CliError> {
        Ok(self.api.call(request)?.value().clone())
    }

    /// Gives all it has to those it meets, and takes all of theirs.
    pub fn exchange(&self) -> Result<(), CliError> {
        self.post(&["sync", "now"], json!({"wait": true})).map(drop)
    }
}

/// Looks until it is as wanted or patience ends; the last look.
pub fn look_until<T>(
    mut look: impl FnMut() -> Result<T, CliError>,
    wanted: impl Fn(&T) -> bool,
) -> Result<T, CliError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = look()?;
        if wanted(&seen) || Instant::now() > until {
            return Ok(seen);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// A text or number of an answer, as it is shown.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
