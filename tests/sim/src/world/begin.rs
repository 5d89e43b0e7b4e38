//! The organisation begins: head office writes the genesis, admits four nodes, opens a channel and the catalogue.
//!
//! Invariant: when it ends every node holds `control`, and links dial. Proved by every run.

use crdt_model::control::event::{Channel, Genesis, Member, Site, SiteKind};
use crdt_model::id::{DeviceId, OrgId, SessionId};
use crdt_model::money::Currency;
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;
use crdt_model::time::Timestamp;
use ed25519_dalek::SigningKey;
use node::replica::{Admission, Arrival, Command, GenesisDraft, ProductDraft, write_genesis};
use node::store::{Store, StoreConfig};

use super::{Event, World};
use crate::check::{Check, Violation};
use crate::disk::{Disk, Syncs};
use crate::link::Link;
use crate::machine::{Answer, Job, Tag};
use crate::node::{START_MS, SimNode};
use crate::plan::{ITEMS, NODES};

/// Site and kind of each node.
const SITES: [(&str, SiteKind); NODES] = [
    ("HQ", SiteKind::HeadOffice),
    ("SH01", SiteKind::Store),
    ("SH01", SiteKind::Store),
    ("WH01", SiteKind::Warehouse),
    ("SH02", SiteKind::Store),
];

/// A text that fits.
pub fn text(value: &str) -> Text {
    Text::new(value).expect("invariant: texts of the simulator are short")
}

/// A site's code.
pub fn code(value: &str) -> SiteCode {
    SiteCode::new(value).expect("invariant: codes of the simulator are codes")
}

/// The currency of the organisation.
pub fn currency() -> Currency {
    Currency::new("CNY", 2).expect("invariant: CNY has two digits")
}

fn failed(why: impl std::fmt::Debug) -> Violation {
    Violation::of(Check::Works, format!("the organisation does not begin: {why:?}"))
}

impl World {
    pub(super) fn begin(&mut self) -> Result<(), Violation> {
        let (org, bytes) = genesis().map_err(failed)?;
        for (number, (site, _)) in SITES.iter().enumerate() {
            let mut node = SimNode::new(number as u8, code(site), org, self.bug);
            if number == 0 {
                node.replace_disk(bytes.clone());
            }
            node.start(0, &mut self.sessions).map_err(failed)?;
            self.nodes.push(node);
            self.seen.push(Default::default());
            self.told.push(Default::default());
            self.acknowledged.push(Vec::new());
        }
        self.admit_all()?;
        for one in 0..NODES {
            for other in one + 1..NODES {
                self.links.push(Link::new(one, other));
                self.enter(0, Event::Dial(self.links.len() - 1));
            }
        }
        Ok(())
    }

    fn admit_all(&mut self) -> Result<(), Violation> {
        let rogue = crate::world::people::rogue_key();
        // The first device of a site keeps its rights.
        let nodes = (1..NODES).map(|at| (self.nodes[at].author().0, self.nodes[at].device().0, at));
        let rogue = (rogue.verifying_key().to_bytes(), [99; 32], 1);
        for (author, device, at) in nodes.chain([rogue]).collect::<Vec<_>>() {
            let (site, kind) = SITES[at];
            let site = Site { code: code(site), kind, zone: text("Asia/Shanghai"), territory: code("MAIN") };
            let author = crdt_model::id::AuthorId(author);
            self.at_once(0, Command::Admit(Admission { author, device: DeviceId(device), site }))?;
        }
        self.at_once(0, channel("SH01"))?;
        for item in 0..ITEMS {
            self.at_once(0, product(item))?;
        }
        // A new node takes `control` over the connection that it joins by.
        let snapshot = self.nodes[0].snapshot().ok_or_else(|| failed("no snapshot"))?;
        let commits = crate::check::commits_of(&snapshot, Some(&Scope::Control)).map_err(failed)?;
        for node in 1..NODES {
            self.at_once(node, Command::Receive(Arrival { commits: commits.clone(), keys: Vec::new() }))?;
        }
        Ok(())
    }

    /// A command that must work, outside the calendar.
    fn at_once(&mut self, node: usize, command: Command) -> Result<(), Violation> {
        let input = self.nodes[node].input(0, command);
        match self.nodes[node].process(vec![Job { tag: Tag::Duty, input }]).pop() {
            Some((_, Answer::Done(_))) => Ok(()),
            other => Err(failed(other)),
        }
    }
}

/// The channel whose files are imported at its home.
pub fn channel(home: &str) -> Command {
    Command::AddChannel(Channel { name: text("web"), home: code(home), zone: text("Asia/Shanghai") })
}

/// An item of the catalogue.
pub fn product(item: usize) -> Command {
    let (sku, name) = (text(&sku(item)), text(&format!("item {item}")));
    Command::PostProduct(ProductDraft { sku, name, unit: None, barcodes: Vec::new(), price: None })
}

/// The SKU of an item.
pub fn sku(item: usize) -> String {
    format!("ITEM-{item}")
}

/// A store with nothing but the genesis.
///
/// # Errors
/// What the store said.
pub fn genesis() -> Result<(OrgId, Vec<u8>), String> {
    let key = SigningKey::from_bytes(&[1; 32]);
    let author = crdt_model::id::AuthorId(key.verifying_key().to_bytes());
    let site =
        Site { code: code("HQ"), kind: SiteKind::HeadOffice, zone: text("Asia/Shanghai"), territory: code("MAIN") };
    let member = Member { author, device: DeviceId([1; 32]), site: site.code.clone(), device_letter: text("A") };
    let genesis = Genesis {
        name: text("Simulated"),
        currency: currency(),
        root_keys: vec![[1; 32]],
        recovery_verifier: Genesis::verifier_of(&[2; 16]),
        site,
        member,
        keeper: author,
        registrar: author,
    };
    let disk = Disk::new(Syncs::Honest);
    let opened = disk.clone();
    let store = Store::open(move || Ok(Box::new(opened.clone())), StoreConfig::default()).map_err(|e| e.to_string())?;
    let draft = GenesisDraft { genesis, key, session: SessionId([0; 8]), now: Timestamp(START_MS), random: [3; 10] };
    let org = store.write(|tx| write_genesis(tx, draft)).map_err(|e| e.to_string())?;
    drop(store);
    Ok((org, disk.copy()))
}
