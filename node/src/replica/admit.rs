//! Admissions: the registrar makes an author a member, opens its site where it is new, and names its first keeper.
//!
//! Invariant: one admission is one commit of `control`, and asking again gives the same letter. Proved by
//! `an_admission_asked_twice_gives_one_letter`.

use crdt_model::control::event::{Keeper, Member, Site};
use crdt_model::control::state::Control;
use crdt_model::event::Event;
use crdt_model::id::{AuthorId, DeviceId, DocumentId, TransactionId};
use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;

use super::batch::Batch;
use super::command::{CommandError, Input, Outcome};
use super::orders::draft_request;
use super::{Replica, Stop};

/// Devices of one site: `A` to `ZZ`.
const LETTERS_MAX: usize = 26 + 26 * 26;

/// Who is admitted, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Signs commits.
    pub author: AuthorId,
    /// Authenticates connections.
    pub device: DeviceId,
    /// Its site; opened where it is new.
    pub site: Site,
}

impl Replica {
    pub(super) fn admit(
        &mut self,
        batch: &mut Batch<'_, '_>,
        input: &Input,
        admission: &Admission,
    ) -> Result<Outcome, Stop> {
        let control = self.control();
        let registrar = control.genesis.as_ref().map(|genesis| genesis.registrar);
        if registrar != Some(self.identity.author_id()) {
            return Err(CommandError::NotRegistrar.into());
        }
        let Admission { author, device, site } = admission;
        if let Some(member) = control.members.get(author) {
            return if member.device == *device && member.site == site.code {
                Ok(Outcome::Admitted { letter: member.device_letter.clone() })
            } else {
                let name = Text::new(&author.to_string()).unwrap_or_default();
                Err(CommandError::Exists { what: "node", name }.into())
            };
        }
        if control.sites.get(&site.code).is_some_and(|known| known != site) {
            return Err(CommandError::OtherSite { code: site.code.clone() }.into());
        }
        let letter = next_letter(control, &site.code)?;
        let events = events_of(control, admission, &letter);
        let id = DocumentId::random(input.now.at, self.random.bytes());
        let mut draft = self.draft(Scope::Control, draft_request(input), TransactionId::ZERO);
        let events = self.with_keys(&mut draft, events);
        let row = self.create_document(&mut draft, id, events, Vec::new())?;
        self.commit(batch, draft, input.now.at)?;
        self.fold_in(batch, &Scope::Control, vec![row])?;
        Ok(Outcome::Admitted { letter })
    }
}

fn events_of(control: &Control, admission: &Admission, letter: &Text) -> Vec<Event> {
    let Admission { author, device, site } = admission;
    let opened = (!control.sites.contains_key(&site.code)).then(|| Event::Site(site.clone()));
    let device_letter = letter.clone();
    let member = Event::Member(Member { author: *author, device: *device, site: site.code.clone(), device_letter });
    let first = control.epoch(&site.code) == 0;
    let keeper = first.then(|| Event::Keeper(Keeper { site: site.code.clone(), epoch: 1, author: *author }));
    opened.into_iter().chain([member]).chain(keeper).collect()
}

/// The first letter that no device of the site has.
fn next_letter(control: &Control, site: &SiteCode) -> Result<Text, CommandError> {
    let of_site = || control.members.values().filter(|member| member.site == *site);
    let free = (0..LETTERS_MAX)
        .map(letter)
        .find(|letter| !of_site().any(|member| member.device_letter.as_str() == letter.as_str()));
    let free = free.and_then(|letter| Text::new(&letter).ok());
    free.ok_or_else(|| CommandError::NoLetterLeft { code: site.clone() })
}

/// `A` to `Z`, then `AA` to `ZZ`.
fn letter(number: usize) -> String {
    let capital = |number: usize| char::from(b'A' + (number % 26) as u8);
    match number.checked_sub(26) {
        None => capital(number).to_string(),
        Some(rest) => [capital(rest / 26), capital(rest)].iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_from_a_to_zz() {
        let ends = [0, 25, 26, 51, 52, LETTERS_MAX - 1].map(letter);
        assert_eq!(ends, ["A", "Z", "AA", "AZ", "BA", "ZZ"]);
    }
}
