//! What every page must do in a browser: both languages, the keyboard, a scanner, no script, no fault in the console.

use serde_json::json;

use super::driver::{Browser, ENTER, TAB, is_left_out};
use super::place::Chain;

const PAGES: [&str; 11] = [
    "/overview",
    "/orders/new",
    "/orders",
    "/stock",
    "/products",
    "/customers",
    "/reports/sales",
    "/inbox",
    "/imports",
    "/network",
    "/stock/TEA",
];

#[test]
fn every_page_stands_in_both_languages_without_a_fault() {
    if is_left_out() {
        return;
    }
    let (_chain, office) = Chain::new();
    office.post("/api/v1/products", &json!({"sku": "TEA", "name": "<img src=x onerror=alert(1)>", "price": "12.50"}));
    office
        .post("/api/v1/orders", &json!({"walk_in": true, "lines": [{"sku": "TEA", "quantity": "2", "price": "12.5"}]}));
    for language in ["zh", "en"] {
        let browser = Browser::open(language);
        let link = office.post("/api/v1/sign-in-links", &json!({}));
        browser.go(link["sign_in"].as_str().unwrap());
        browser.until("document.querySelector('nav.main')");
        browser.run("window.onerror = (words) => { document.title = 'FAULT ' + words; }");
        for page in PAGES {
            browser.go(&format!("{}{page}", office.url));
            browser.until(&format!("document.documentElement.lang === '{language}'"));
            browser.until("document.readyState === 'complete' && document.querySelector('h1').textContent");
            assert_eq!(browser.run("return document.images.length"), 0, "{page}: a hostile name made an element");
            let faults = browser.run(ACCESSIBLE);
            assert_eq!(faults, json!([]), "{page} in {language}");
            let wide = browser.run("return document.documentElement.scrollWidth > window.innerWidth + 1");
            assert_eq!(wide, false, "{page} in {language} is wider than the window");
        }
    }
}

/// What an accessibility check finds first: fields and buttons without a name, tables without headings, ids twice,
/// headings left out, a page without language, title or main part.
const ACCESSIBLE: &str = "
    const faults = []; const all = (s) => [...document.querySelectorAll(s)];
    const name = (e) => (e.getAttribute('aria-label') || e.textContent || e.labels?.[0]?.textContent || '').trim();
    if (!document.documentElement.lang || !document.title || all('main').length !== 1 || all('h1').length !== 1) faults.push('frame');
    for (const field of all('input:not([type=hidden]), select, textarea')) {
      if (!field.labels?.length && !field.getAttribute('aria-label')) faults.push('no label: ' + field.name); }
    for (const button of all('button, a[href]')) if (!name(button)) faults.push('no name: ' + button.outerHTML.slice(0, 80));
    for (const table of all('table')) if (!table.querySelector('th[scope]')) faults.push('no headings');
    const ids = all('[id]').map((e) => e.id); if (new Set(ids).size !== ids.length) faults.push('an id twice');
    for (const e of all('[role=img]')) if (!e.getAttribute('aria-label')) faults.push('a picture without words');
    return faults;";

#[test]
fn an_order_is_taken_with_the_keyboard_alone() {
    if is_left_out() {
        return;
    }
    let (_chain, office) = Chain::new();
    office
        .post("/api/v1/products", &json!({"sku": "TEA", "name": "Tea", "price": "12.50", "barcode": "6901234567892"}));
    let browser = Browser::open("en");
    browser.go(&office.sign_in);
    browser.until("document.querySelector('nav.main')");
    browser.press("gn", 10);
    browser.until("location.pathname === '/orders/new'");
    browser.press(&format!("TEA{ENTER}"), 60);
    browser.until("document.querySelector('[name=line_sku]')");
    browser.until("document.activeElement.matches('[data-scan]')");
    browser.press("\u{e034}", 0);
    browser.until("location.pathname.endsWith('/receipt')");
    browser.press("go", 10);
    browser.until("location.pathname === '/orders'");
    browser.press("j", 10);
    browser.until("document.querySelector('tr.picked')");
    browser.press(ENTER, 0);
    browser.until("location.pathname === '/orders/HQ-A-000001'");
    browser.press("?", 10);
    browser.until("document.querySelector('#keys').open");
}

#[test]
fn a_scanner_is_heard_everywhere_and_swallows_nothing() {
    if is_left_out() {
        return;
    }
    let (_chain, office) = Chain::new();
    office
        .post("/api/v1/products", &json!({"sku": "TEA", "name": "Tea", "price": "12.50", "barcode": "6901234567892"}));
    let browser = Browser::open("en");
    browser.go(&office.sign_in);
    browser.until("document.querySelector('nav.main')");
    browser.go(&format!("{}/orders/new", office.url));
    browser.until("document.activeElement.matches('[data-scan]')");
    browser.run("document.activeElement.blur()");
    browser.press(&format!("6901234567892{ENTER}"), 0);
    browser.until("document.querySelector('[name=line_quantity]')?.value === '1'");
    for _ in 0..5 {
        browser.press(&format!("6901234567892{ENTER}"), 0);
    }
    browser.until("document.querySelector('[name=line_quantity]').value === '6'");
    browser.until("document.activeElement.matches('[data-scan]') && document.activeElement.value === ''");
    browser.fill("[name=note]", "6901234567892");
    browser.press(TAB, 0);
    assert_eq!(browser.run("return document.querySelector('[name=note]').value"), "6901234567892");
    assert_eq!(browser.run("return document.querySelector('[name=line_quantity]').value"), "6");
    // Letters of an input method in the middle of a word are its own.
    browser.run(
        "const box = document.querySelector('[data-scan]'); box.focus(); box.value = 'ni'; \
         box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}));",
    );
    assert_eq!(browser.run("return document.querySelector('[data-scan]').value"), "ni");
    browser.run("document.querySelector('[data-scan]').value = ''");
    browser.fill("[data-scan]", &format!("３*６９０１２３４５６７８９２{ENTER}"));
    browser.until("document.querySelector('[name=line_quantity]').value === '9'");
}

#[test]
fn two_windows_follow_each_other_and_keep_what_is_typed() {
    if is_left_out() {
        return;
    }
    let (_chain, office) = Chain::new();
    office.post("/api/v1/products", &json!({"sku": "TEA", "name": "Tea", "price": "12.50"}));
    let browser = Browser::open("en");
    browser.go(&office.sign_in);
    browser.until("document.querySelector('nav.main')");
    browser.go(&format!("{}/orders", office.url));
    browser.fill("[name=channel]", "half a wo");
    office
        .post("/api/v1/orders", &json!({"walk_in": true, "lines": [{"sku": "TEA", "quantity": "2", "price": "12.5"}]}));
    browser.until_shows("#list", "HQ-A-000001");
    assert_eq!(browser.run("return document.querySelector('[name=channel]').value"), "half a wo");
    assert_eq!(browser.run("return document.activeElement.name"), "channel");
}
