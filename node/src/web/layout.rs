//! The frame of every page: navigation, site, search, language and theme, the state bar, toasts and the key map.
//!
//! Invariants: the state bar says whether this node is on its own and never blocks anything; amber and grey differ by
//! words, not by colour alone. Proved by `the_state_bar_says_how_things_stand` and the page snapshots.

use crdt_model::control::event::SiteKind;
use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::form::TOKEN_FIELD;
use super::format;
use super::look::{Look, Size, Theme};
use super::texts::Language;
use super::visit::Visit;
use crate::app::place::Standing;
use crate::link::directory::Exchange;
use crate::run::Purpose;

/// A page in the navigation.
struct Place {
    path: &'static str,
    key: &'static str,
    /// The key that opens it, after `g`.
    hot_key: char,
    who: Who,
}

#[derive(PartialEq, Eq)]
enum Who {
    All,
    HeadOffice,
}

const fn place(path: &'static str, key: &'static str, hot_key: char) -> Place {
    Place { path, key, hot_key, who: Who::All }
}

const PLACES: &[Place] = &[
    Place { path: "/overview", key: "nav-overview", hot_key: 'v', who: Who::HeadOffice },
    place("/orders/new", "nav-new-order", 'n'),
    place("/orders", "nav-orders", 'o'),
    place("/stock", "nav-stock", 's'),
    place("/products", "nav-products", 'p'),
    place("/customers", "nav-customers", 'c'),
    place("/reports/sales", "nav-reports", 'r'),
    place("/inbox", "nav-inbox", 'i'),
    place("/imports", "nav-import", 'm'),
    place("/network", "nav-network", 'w'),
];

/// The title of a page.
pub enum Title<'t> {
    /// A sentence of ours.
    Key(&'static str),
    /// A name, such as an order's number.
    Name(&'t str),
}

/// A page in the frame.
pub fn page(visit: &Visit, title: Title<'_>, body: &Markup) -> Markup {
    let language = visit.language();
    let title = match title {
        Title::Key(key) => language.text(key),
        Title::Name(name) => name.to_owned(),
    };
    html! {
        (DOCTYPE)
        html lang=(language.tag()) data-theme=(visit.look.theme.word()) data-size=(visit.look.size.word()) {
            (head(&format!("{title} · {} · {}", visit.place.site, visit.place.org_name), &visit.page_token))
            body data-on-page=(path_of(&visit.address)) {
                a.skip href="#main" { (language.text("skip-to-content")) }
                (top(visit))
                (navigation(visit))
                (state_bar(visit))
                main #main tabindex="-1" {
                    h1 { (title) }
                    (done(visit))
                    (body)
                }
                div #toasts role="status" aria-live="polite" {}
                (script_texts(language))
                (key_map(language))
            }
        }
    }
}

/// A page outside the frame: for who is not signed in.
pub fn bare(look: Look, title: &'static str, body: &Markup) -> Markup {
    let title = look.language.text(title);
    html! {
        (DOCTYPE)
        html lang=(look.language.tag()) data-theme=(look.theme.word()) data-size=(look.size.word()) {
            (head(&title, ""))
            body.bare { main #main { h1 { (title) } (body) } }
        }
    }
}

fn head(title: &str, page_token: &str) -> Markup {
    let [style, script, icon] = assets::addresses();
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="page-token" content=(page_token);
            title { (title) }
            link rel="stylesheet" href=(style);
            link rel="icon" href=(icon) type="image/svg+xml";
            script defer src=(script) {}
        }
    }
}

fn top(visit: &Visit) -> Markup {
    let (language, place) = (visit.language(), &visit.place);
    html! {
        header.top {
            a.brand href="/" { "Tradepost" }
            span.site title=(place.node) {
                strong { (place.site) } " · " (language.text(kind_key(place.kind))) " · " (place.org_name)
                " · " (language.with("till-letter", &[("letter", &place.letter)]))
            }
            form.search method="get" action="/search" role="search" {
                input name="q" type="search" maxlength="60" placeholder=(language.text("search-hint"))
                    aria-label=(language.text("search")) autocomplete="off" data-search data-typeahead;
                div #found {}
            }
            div.looks {
                (look_form(visit, "language", &language_choices()))
                (look_form(visit, "theme", &choices(&Theme::ALL.map(|theme| (theme.word(), theme == visit.look.theme)))))
                (look_form(visit, "size", &choices(&Size::ALL.map(|size| (size.word(), size == visit.look.size)))))
                button.plain type="button" data-opens="keys" aria-keyshortcuts="?" { "?" }
                form method="post" action="/sign-out" { (hidden(visit)) button.plain { (language.text("sign-out")) } }
            }
        }
    }
}

/// What a visitor may choose: word and whether it is chosen.
type Choices = Vec<(&'static str, bool)>;

fn choices(all: &[(&'static str, bool)]) -> Choices {
    all.to_vec()
}

fn language_choices() -> Choices {
    Language::ALL.map(|language| (language.tag(), false)).to_vec()
}

/// A row of buttons, one a choice; works without the script.
fn look_form(visit: &Visit, name: &'static str, choices: &Choices) -> Markup {
    let language = visit.language();
    let chosen = |word: &str, is: bool| is || (name == "language" && word == language.tag());
    html! {
        form.look method="post" action="/look" role="group" aria-label=(language.text(&format!("look-{name}"))) {
            (hidden(visit))
            input type="hidden" name="back" value=(visit.address);
            @for (word, is) in choices {
                button.plain name=(name) value=(word) aria-pressed=(chosen(word, *is)) {
                    (language.text(&format!("{name}-{word}")))
                }
            }
        }
    }
}

/// The fields that every form of ours carries.
pub fn hidden(visit: &Visit) -> Markup {
    html! { input type="hidden" name=(TOKEN_FIELD) value=(visit.page_token); }
}

fn navigation(visit: &Visit) -> Markup {
    let language = visit.language();
    let shown = |place: &&Place| place.who == Who::All || visit.place.kind == SiteKind::HeadOffice;
    let here = path_of(&visit.address);
    let is_here = |place: &Place| {
        let below = here.starts_with(&format!("{}/", place.path));
        here == place.path || below && !PLACES.iter().any(|other| other.path == here)
    };
    html! {
        nav.main aria-label=(language.text("nav-label")) {
            @for place in PLACES.iter().filter(shown) {
                a href=(place.path) data-hot-key=(place.hot_key) aria-current=[is_here(place).then_some("page")] {
                    (language.text(place.key))
                }
            }
        }
    }
}

fn path_of(address: &str) -> &str {
    address.split('?').next().unwrap_or_default()
}

/// What the state bar says and how it looks.
pub fn state_bar(visit: &Visit) -> Markup {
    let language = visit.language();
    let (level, text) = standing_text(visit);
    html! {
        div #standing.(level) data-live role="status" {
            a href="/network" { span.dot aria-hidden="true" {} (text) }
            span #stopped hidden { (language.text("standing-stopped")) }
            @if visit.purpose == Purpose::Demo { (cut_or_heal(visit)) }
        }
    }
}

/// The demo's button: cuts this node off, or lets it meet the others again.
fn cut_or_heal(visit: &Visit) -> Markup {
    let is_cut = matches!(visit.standing, Standing::OnItsOwn { exchange: Exchange::Paused, .. });
    let verb = if is_cut { "resume" } else { "pause" };
    html! {
        form.cut method="post" action={ "/network/" (verb) } {
            (hidden(visit))
            input type="hidden" name="back" value=(visit.address);
            button data-demo=(verb) { (visit.language().text(&format!("network-{verb}"))) }
        }
    }
}

/// Level (quiet, amber) and sentence.
fn standing_text(visit: &Visit) -> (&'static str, String) {
    let language = visit.language();
    let time = |at| format::clock_time(language, at, &visit.now);
    let waiting = |commits: u64| match commits {
        0 => String::new(),
        some => format!(" · {}", language.counted("standing-waiting", some)),
    };
    match &visit.standing {
        Standing::Alone => ("quiet", language.text("standing-alone")),
        Standing::Level(Some(at)) => ("quiet", language.with("standing-level-at", &[("time", &time(at))])),
        Standing::Level(None) => ("quiet", language.text("standing-level")),
        Standing::Exchanging { commits } => ("quiet", language.counted("standing-exchanging", *commits)),
        Standing::Without { sites, as_of, waiting: commits } => {
            let sites = sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let text = match as_of {
                Some(at) => language.with("standing-without-as-of", &[("sites", &sites), ("time", &time(at))]),
                None => language.with("standing-without", &[("sites", &sites)]),
            };
            ("amber", text + &waiting(*commits))
        }
        Standing::OnItsOwn { since, waiting: commits, exchange } => {
            let text = match (exchange, since) {
                (Exchange::Paused, Some(at)) => language.with("standing-paused-since", &[("time", &time(at))]),
                (Exchange::Paused, None) => language.text("standing-paused"),
                (Exchange::Running, Some(at)) => language.with("standing-own-since", &[("time", &time(at))]),
                (Exchange::Running, None) => language.text("standing-own"),
            };
            let others = match since {
                Some(at) => format!(" · {}", language.with("standing-others-as-of", &[("time", &time(at))])),
                None => String::new(),
            };
            ("amber", text + &waiting(*commits) + &others)
        }
    }
}

fn done(visit: &Visit) -> Markup {
    let text = visit.done.as_ref().map(|done| visit.language().text(&format!("done-{done}")));
    html! { @if let Some(text) = text { p.done role="status" { (text) } } }
}

/// Sentences that the script shows.
fn script_texts(language: Language) -> Markup {
    const KEYS: [&str; 5] = ["script-working", "script-stopped", "script-back", "script-ime", "script-failed"];
    html! { div #texts hidden { @for key in KEYS { span data-key=(key) { (language.text(key)) } } } }
}

fn key_map(language: Language) -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { (language.text("keys-title")) }
            dl.keys {
                @for place in PLACES {
                    dt { kbd { "g" } " " kbd { (place.hot_key) } }
                    dd { (language.text(place.key)) }
                }
                @for (key, text) in [("?", "keys-help"), ("/", "keys-search"), ("j k", "keys-move"), ("Enter", "keys-open"),
                    ("n", "keys-new"), ("Esc", "keys-back")] {
                    dt { kbd { (key) } }
                    dd { (language.text(text)) }
                }
            }
            form method="dialog" { button { (language.text("close")) } }
        }
    }
}

/// The key of a site kind's name.
pub fn kind_key(kind: SiteKind) -> &'static str {
    match kind {
        SiteKind::HeadOffice => "kind-head-office",
        SiteKind::Store => "kind-store",
        SiteKind::Warehouse => "kind-warehouse",
        SiteKind::Field => "kind-field",
    }
}
