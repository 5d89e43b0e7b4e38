// What the pages can do beyond links and forms. Without it everything still works, a page load at a time.
// 1. live: an event of the node re-reads the page and swaps the parts marked data-live.
// 2. forms marked data-swap are sent without leaving the page; what fails keeps what was typed.
// 3. keys: g + letter, j k Enter, / ? Esc and the buttons' own; 4. the bar that says that the node has stopped.
"use strict";

const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const token = () => $('meta[name="page-token"]')?.content ?? "";
const text = (key) => $(`#texts [data-key="script-${key}"]`)?.textContent ?? key;
const isTyping = (at) => at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));

function toast(words, kind = "") {
  const box = document.createElement("div");
  box.className = kind;
  box.textContent = words;
  $("#toasts")?.append(box);
  setTimeout(() => box.remove(), kind ? 12000 : 4000);
}

// ---- parts of the page that follow the node

/** Replaces a part unless somebody types in it; keeps focus, scroll and open details. */
function swapPart(old, fresh) {
  if (old.contains(document.activeElement) && isTyping(document.activeElement)) return;
  if (old.outerHTML === fresh.outerHTML) return;
  const picked = $("tr.picked", old)?.dataset.href;
  const focused = old.contains(document.activeElement) ? document.activeElement.id || document.activeElement.getAttribute("href") : null;
  all("details[open][id]", old).forEach((open) => { const same = $(`#${CSS.escape(open.id)}`, fresh); if (same) same.open = true; });
  old.replaceWith(fresh);
  if (picked) $(`tr[data-href="${CSS.escape(picked)}"]`, fresh)?.classList.add("picked");
  if (focused) ($(`#${CSS.escape(focused)}`, fresh) ?? $(`[href="${CSS.escape(focused)}"]`, fresh))?.focus({ preventScroll: true });
}

function takeParts(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const parts = all("[data-live][id]", fresh);
  for (const part of parts) {
    const old = document.getElementById(part.id);
    if (old) swapPart(old, document.importNode(part, true));
  }
  const freshToken = $('meta[name="page-token"]', fresh);
  if (freshToken?.content) $('meta[name="page-token"]').content = freshToken.content;
  return fresh;
}

let reading = false;
let again = false;
async function refresh() {
  if (reading) { again = true; return; }
  reading = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
    if (answer.ok) takeParts(await answer.text());
    answered();
  } catch { stopped(); }
  reading = false;
  if (again) { again = false; setTimeout(refresh, 50); }
}

// ---- the node on this computer

let isStopped = false;
function stopped() {
  if (isStopped) return;
  isStopped = true;
  const bar = $("#standing");
  if (!bar) return;
  bar.className = "red";
  const words = $("#stopped");
  if (words) words.hidden = false;
}
function answered() {
  if (!isStopped) return;
  isStopped = false;
  toast(text("back"));
  refresh();
}

let events = null;
function listen() {
  if (!token() || !window.EventSource) return;
  events = new EventSource("/api/v1/events");
  let due = 0;
  const soon = () => { clearTimeout(due); due = setTimeout(refresh, 120); };
  for (const kind of ["changed", "sync", "import"]) events.addEventListener(kind, soon);
  events.onopen = () => { if (isStopped) { isStopped = false; toast(text("back")); } refresh(); };
  events.onerror = () => { stopped(); if (events.readyState === EventSource.CLOSED) { events.close(); setTimeout(listen, 1000); } };
}

// ---- forms

/** Sends a form without leaving the page; gives the page that answers, or null where nothing was done. */
async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  let answer;
  try {
    const headers = { accept: "text/html", "x-tradepost-token": token(), "content-type": "application/x-www-form-urlencoded" };
    answer = await fetch(form.action, { method: "POST", body: fields.toString(), headers, credentials: "same-origin" });
  } catch {
    stopped();
    toast(text("stopped"), "problem");
    return null;
  }
  const html = await answer.text();
  const page = new DOMParser().parseFromString(html, "text/html");
  if (!answer.ok) {
    const problem = $(".problem", page);
    toast(problem ? problem.innerText.trim() : text("failed"), "problem");
    return null;
  }
  return { page, html, address: answer.url };
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("[data-swap]")) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  const done = await send(form, event.submitter);
  delete form.dataset.busy;
  if (!done) return;
  const here = new URL(done.address);
  const main = $("main", done.page);
  if (main) $("main").replaceWith(document.importNode(main, true));
  takeParts(done.html);
  here.searchParams.delete("done");
  history.pushState({}, "", here.pathname + here.search);
  document.title = done.page.title;
  document.dispatchEvent(new CustomEvent("page"));
});
window.addEventListener("popstate", () => location.reload());

// ---- the till: scans queue while a line is being added, focus stays in the box, what is typed meanwhile stays

const scans = [];
let scanning = false;

async function step(form, button, scan) {
  const fields = new FormData(form, button);
  if (scan !== undefined) { fields.set("scan", scan); fields.set("do", "add"); }
  const headers = { accept: "text/html", "x-tradepost-token": token(), "content-type": "application/x-www-form-urlencoded" };
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(fields).toString(), headers, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.redirected) { location.assign(answer.url); return true; }
    const fresh = $("#draft", page);
    const old = $("#draft", form);
    if (!fresh || !old) { toast($(".problem", page)?.innerText.trim() ?? text("failed"), "problem"); return true; }
    const at = document.activeElement;
    const typing = old.contains(at) && isTyping(at) && scan !== undefined ? { name: at.name, place: all(`[name="${at.name}"]`, old).indexOf(at), value: at.value } : null;
    old.replaceWith(document.importNode(fresh, true));
    const same = typing && all(`[name="${typing.name}"]`, form)[typing.place];
    if (same) { same.value = typing.value; same.focus(); }
    else if (button?.value === "find") ($('#draft button[value^="customer:"]', form) ?? $("[data-find]", form))?.focus();
    else $("[data-scan]", form)?.focus();
    beep($("#said [data-sound]", form)?.dataset.sound);
    return true;
  } catch { stopped(); toast(text("stopped"), "problem"); return false; }
}

async function workOff(form) {
  if (scanning) return;
  scanning = true;
  while (scans.length) {
    if (!(await step(form, null, scans[0]))) { await new Promise((wait) => setTimeout(wait, 1000)); continue; }
    scans.shift();
  }
  scanning = false;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("[data-till]")) return;
  event.preventDefault();
  const button = event.submitter;
  if (button && button.value !== "add") { step(form, button); return; }
  const box = $("[data-scan]", form);
  if (document.activeElement?.matches("[data-find]")) { step(form, $('button[value="find"]', form)); return; }
  if (!box.value.trim()) return;
  if (/[^\x00-\x7f]/.test(box.value) && /[\uff01-\uff5e]/.test(box.value)) toast(text("ime"));
  scans.push(box.value);
  box.value = "";
  workOff(form);
});

let sound = null;
function beep(kind) {
  if (!kind || !window.AudioContext) return;
  sound ??= new AudioContext();
  const tone = sound.createOscillator();
  tone.frequency.value = kind === "good" ? 1200 : 300;
  tone.connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + (kind === "good" ? 0.06 : 0.3));
}

// A scanner types fast and ends with Enter: caught wherever no field has the focus; nothing else is swallowed.
let burst = { text: "", last: 0 };
document.addEventListener("keydown", (event) => {
  const form = $("[data-till]");
  if (!form || event.isComposing || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const now = event.timeStamp;
  if (event.key.length === 1) burst = { text: (now - burst.last < 35 ? burst.text : "") + event.key, last: now };
  if ((event.key === "Enter" || event.key === "Tab") && burst.text.length >= 6 && now - burst.last < 35) {
    event.preventDefault();
    event.stopImmediatePropagation();
    scans.push(burst.text);
    burst = { text: "", last: 0 };
    workOff(form);
  }
}, true);

// ---- keys and clicks

let pending = "";
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape" && isTyping(document.activeElement)) { document.activeElement.blur(); return; }
  if (/^F\d+$/.test(event.key)) { const button = $(`main button[data-key="${event.key}"]:not([disabled])`); if (button) { event.preventDefault(); button.click(); } return; }
  if (isTyping(event.target)) return;
  const key = event.key;
  if (pending === "g") {
    pending = "";
    const link = $(`nav.main a[data-hot-key="${CSS.escape(key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  if (key === "g") { pending = "g"; setTimeout(() => { pending = ""; }, 1500); return; }
  if (key === "?") { event.preventDefault(); $("#keys")?.showModal(); return; }
  if (key === "/") { const box = $("[data-search]"); if (box) { event.preventDefault(); box.focus(); } return; }
  if (key === "n") { const link = $('nav.main a[href="/orders/new"]'); if (link) { event.preventDefault(); link.click(); } return; }
  if (key === "j" || key === "k") { walk(key === "j" ? 1 : -1); return; }
  if (key === "Enter" && event.target === document.body) { const row = $("tr.picked"); if (row) location.assign(row.dataset.href); return; }
  const button = $(`main button[data-key="${CSS.escape(key)}"]:not([disabled])`);
  if (button) { event.preventDefault(); button.click(); }
});

function walk(step) {
  const rows = all("table[data-rows] tbody tr[data-href]");
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.classList.contains("picked"));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  rows.forEach((row) => row.classList.toggle("picked", row === next));
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  const opens = event.target.closest("[data-opens]");
  if (opens) document.getElementById(opens.dataset.opens)?.showModal();
  if (event.target.closest("[data-prints]")) window.print();
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, label")) location.assign(row.dataset.href);
});

// ---- typeahead: the hits of the search page below the box

let asked = 0;
document.addEventListener("input", (event) => {
  const box = event.target;
  if (!box.matches?.("[data-typeahead]") || event.isComposing) return;
  const mine = ++asked;
  const found = $("#found");
  if (!box.value.trim()) { found.replaceChildren(); return; }
  setTimeout(async () => {
    if (mine !== asked) return;
    try {
      const answer = await fetch(`/search?q=${encodeURIComponent(box.value)}`, { headers: { accept: "text/html" }, credentials: "same-origin" });
      const hits = $("#hits", new DOMParser().parseFromString(await answer.text(), "text/html"));
      if (mine !== asked || !hits) return;
      hits.id = "typed-hits";
      found.replaceChildren(document.importNode(hits, true));
    } catch { stopped(); }
  }, 60);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const links = all("#found a");
  const at = links.indexOf(document.activeElement);
  if (!links.length || (at < 0 && !document.activeElement?.matches("[data-typeahead]"))) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  (links[next] ?? $("[data-typeahead]")).focus();
});
document.addEventListener("focusin", (event) => { if (!event.target.closest("form.search")) $("#found")?.replaceChildren(); });

const follow = $("a[data-follow]");
if (follow) location.replace(follow.href);
listen();
