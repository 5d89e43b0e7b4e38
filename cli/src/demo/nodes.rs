//! The nodes of the demo: made, joined, served, asked.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::local::{self, InitRequest, JoinRequest, Purpose, ServeOptions, ServedNode};
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
    label: &'static str,
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
        let office = Site::found("HQ", folder.join("HQ"), "GBP", ZONE)?;
        let shop = Site::enrol(&office, "SH01", folder.join("SH01"), ("SH01", "store", ZONE))?;
        let depot = Site::enrol(&office, "WH01", folder.join("WH01"), ("WH01", "warehouse", ZONE))?;
        Ok(Self { office, shop, depot })
    }

    /// Where each node is.
    pub fn places(&self) -> Vec<Place> {
        [&self.office, &self.shop, &self.depot].map(Site::place).to_vec()
    }

    /// Ends all three.
    pub fn stop(&mut self) -> Result<(), CliError> {
        for site in [&mut self.depot, &mut self.shop, &mut self.office] {
            site.stop()?;
        }
        Ok(())
    }
}

impl Site {
    /// Makes an organisation and serves its head office.
    pub fn found(label: &'static str, data: PathBuf, currency: &str, zone: &str) -> Result<Self, CliError> {
        local::init(&InitRequest {
            data: data.clone(),
            org: "Demo".to_owned(),
            site: "HQ".to_owned(),
            kind: "head-office".to_owned(),
            currency: currency.to_owned(),
            zone: zone.to_owned(),
            territory: "MAIN".to_owned(),
            sync_listen: Some(LOOPBACK),
        })?;
        Self::serve(label, data)
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place {
            site: self.label,
            url: self.node.url().to_owned(),
            sign_in: self.node.sign_in().to_owned(),
            data: self.data.display().to_string(),
        }
    }

    /// Ends it.
    pub fn stop(&mut self) -> Result<(), CliError> {
        local::stop(&mut self.node)
    }

    fn serve(label: &'static str, data: PathBuf) -> Result<Self, CliError> {
        let node = local::serve_beside(ServeOptions {
            data: data.clone(),
            listen: LOOPBACK,
            sync_listen: None,
            purpose: Purpose::Demo,
        })?;
        let api = Api::open(&data)?;
        Ok(Self { label, data, node, api })
    }

    /// Lets a node of a site (code, kind, zone) join and serves it.
    pub fn enrol(
        office: &Site,
        label: &'static str,
        data: PathBuf,
        (code, kind, zone): (&str, &str, &str),
    ) -> Result<Self, CliError> {
        let invite = office.post(&["peers", "invites"], json!({"site": code, "kind": kind, "zone": zone}))?;
        let ticket = text(&invite["ticket"]);
        local::join(&JoinRequest { data: data.clone(), ticket, sync_listen: Some(LOOPBACK) })?;
        Self::serve(label, data)
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
