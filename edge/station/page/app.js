// The live page: keeps the stream open, hands on what it says, and arranges the doors and what stands beside them.
import { redrawBench, showBenchFor, takeBench } from "./bench.js";
import { buildDoor, drawDoor, drawSince, needsAttention } from "./door.js";
import { attended, frame, load, put, redraw } from "./events.js";
import { clearHealth, drawHealth } from "./health.js";
import { may, whoAmI } from "./session.js";
import { $, ask, attr, clockSeconds, otherLanguage, say, set, setNow, t, writeWords } from "./words.js";

const SILENT_MS = 45e3; // a unit speaks every 20 s; after this long without a word the stream is opened anew
const CALL_MS = 15e3; // a call that is not taken in this time is made anew
const RETRY_MS = 3e3;
const SHOW_LOST_MS = 1e3; // shorter breaks mend themselves unseen
const ARRANGE_MS = 150;
const HEARD = { door: takeDoor, record: takeRecord, frame, attended, bench: takeBench }; // what the stream speaks of
const LIVE_WORDS = { no: "stale", yes: "live", wait: "connecting" };

const narrow = matchMedia("(max-width: 959px)");
const byName = new Intl.Collator("en", { numeric: true }).compare;
const doors = new Map(); // unit -> {door, node, notes}
let picked = null; // the unit whose events and health are shown; null: all of them
let show = "all";
let source = null;
let waiting = null; // what the stream said while the whole state was on its way
let turn = 0;
let soon = null; // the timer of the next arrange
let heardMs = Date.now();
let triedMs = 0;
let lostMs = 0; // since when there is no live station; 0: there is one, or it is still being called
let everLive = false;
let today = new Date().getDate();

function connect() {
  source?.close();
  triedMs = Date.now();
  source = new EventSource("/api/live");
  source.addEventListener("open", refresh);
  source.addEventListener("error", () => {
    lostMs ||= Date.now();
    if (source.readyState === EventSource.CLOSED) whoAmI().catch(() => {}); // signed out, perhaps
  });
  for (const name of Object.keys(HEARD)) {
    source.addEventListener(name, (event) => hear(name, JSON.parse(event.data)));
  }
}

function hear(name, data) {
  heardMs = Date.now();
  if (waiting) waiting.push([name, data]);
  else HEARD[name](data);
}

/** The whole state, once after each (re)connection; what the stream says meanwhile is kept and applied after it. */
async function refresh() {
  const mine = ++turn;
  waiting ??= [];
  try {
    const state = await ask("/api/doors");
    setNow(state.now);
    keepDoors(new Set(state.doors.map(({ unit }) => unit)));
    state.doors.forEach(takeDoor);
    takeBench(state.bench);
    arrange();
    if (may("events")) await load(picked);
  } catch (error) {
    console.warn(error);
    lostMs ||= Date.now();
    setTimeout(() => {
      if (mine === turn) connect();
    }, RETRY_MS);
    return;
  }
  if (mine !== turn) return;
  const late = waiting;
  waiting = null;
  late.forEach(([name, data]) => hear(name, data));
  heardMs = Date.now();
  if (everLive && !$("lost").hidden) say(t("back"));
  everLive = true;
  lostMs = 0;
  drawLive();
}

function watch() {
  const now = Date.now();
  const closed = source.readyState === EventSource.CLOSED && now - triedMs > RETRY_MS;
  const silent = !lostMs && now - heardMs > SILENT_MS;
  const stuck = source.readyState === EventSource.CONNECTING && now - triedMs > CALL_MS;
  if (silent) lostMs = now;
  if (closed || silent || stuck) connect();
  drawLive();
  for (const one of doors.values()) drawSince(one);
  drawPickedHealth();
  if (new Date().getDate() !== today) {
    today = new Date().getDate();
    redraw();
  }
}

function drawLive() {
  const lost = lostMs && Date.now() - lostMs > SHOW_LOST_MS;
  const called = everLive ? "yes" : "wait";
  const state = lost ? "no" : called;
  attr(document.body, "data-live", state);
  set($("live-word"), t(LIVE_WORDS[state]));
  $("lost").hidden = !lost;
  if (lost) set($("lost"), everLive ? t("lostBanner", { time: clockSeconds(heardMs) }) : t("never"));
}

/** Remove the doors of all other units. */
function keepDoors(units) {
  for (const [unit, { node }] of doors) {
    if (units.has(unit)) continue;
    doors.delete(unit);
    node.remove();
  }
}

function takeRecord(entry) {
  put([entry], true);
}

function takeDoor(door) {
  let one = doors.get(door.unit);
  if (!one) {
    one = { node: buildDoor(door.unit, pick), notes: "" };
    doors.set(door.unit, one);
    const after = [...$("door-list").children].find((node) => byName(node.dataset.unit, door.unit) > 0);
    $("door-list").insertBefore(one.node, after ?? null);
  }
  one.door = door;
  drawDoor(one);
  arrangeSoon();
}

/** Show only this unit, or all again if it was the only one already. */
function pick(unit) {
  if (doors.size > 1) go(picked === unit ? null : unit);
}

/** Doors may each speak every second; the counts and the filter follow them a few times a second at most. */
function arrangeSoon() {
  soon ??= setTimeout(arrange, ARRANGE_MS);
}

function arrange() {
  clearTimeout(soon);
  soon = null;
  const all = [...doors.values()];
  arrangePanes(all.length > 1 ? "many" : "one");
  drawCounts(all.map(({ door }) => door));
  showBenchFor(all.length > 1 ? picked : null);
  filter(all);
  drawPickedHealth();
}

function drawCounts(all) {
  const open = all.filter(({ door }) => door === "open" || door === "held").length;
  const offline = all.filter(({ online }) => !online).length;
  const notable = [];
  if (open) notable.push(t("countOpen", { n: open }));
  if (offline) notable.push(t("countOffline", { n: offline }));
  set($("doors-count"), [t("count", { n: all.length }), ...notable].join(" · "));
  document.title = [...notable, t("title")].join(" · ");
  const counts = { all: all.length, attention: all.filter(needsAttention).length };
  for (const button of $("filter").querySelectorAll("button")) {
    const name = button.dataset.show;
    set(button, `${t(name)} ${counts[name]}`);
    attr(button, "aria-pressed", name === show);
  }
}

function arrangePanes(mode) {
  if (document.body.dataset.doors === mode) return;
  attr(document.body, "data-doors", mode);
  if (mode === "one") $("pane-doors").append($("bench"), $("health"));
  else $("pane-events").prepend($("bench"), $("health"));
  $("health").open = !narrow.matches;
  if (mode === "many" && picked) view("events");
}

function filter(all) {
  const wanted = $("find").value.trim().toLowerCase();
  let seen = 0;
  for (const { door, node } of all) {
    const fits = (show === "all" || needsAttention(door)) && `${door.unit} ${door.label}`.toLowerCase().includes(wanted);
    node.hidden = !fits && !node.contains(document.activeElement); // never from under the reader's hand
    if (!node.hidden) seen += 1;
    const button = node.querySelector(".pick");
    attr(button, "aria-pressed", all.length > 1 ? door.unit === picked : null);
    attr(button, "tabindex", all.length > 1 ? null : -1);
  }
  const none = wanted ? "noneMatch" : "noneAttention";
  $("no-doors").hidden = seen > 0;
  set($("no-doors"), t(all.length ? none : "noDoors"));
}

/** The health of the unit picked, or of the only one there is. */
function drawPickedHealth() {
  const only = doors.size === 1 ? [...doors.values()][0] : null;
  const one = doors.get(picked) ?? only;
  drawHealth(one?.door ?? null, doors.size > 1);
}

/** Show one unit's events and health, or all (null); the address says which, so Back works and a link can be sent. */
function go(unit) {
  history.pushState(null, "", unit ? `#unit=${encodeURIComponent(unit)}` : location.pathname + location.search);
  follow();
}

function follow() {
  const named = /^#unit=(.+)/.exec(location.hash)?.[1];
  const unit = named ? decodeURIComponent(named) : null;
  if (unit === picked || (location.hash && !named)) return;
  picked = unit;
  $("all-doors").hidden = !picked;
  attr(document.body, "data-picked", picked);
  arrange();
  if (narrow.matches && doors.size > 1) {
    view(picked ? "events" : "doors");
    if (picked) $("events").focus({ preventScroll: true });
  }
  if (may("events")) load(picked).catch(() => {}); // the list itself says so, and the next connection brings it
}

function view(name) {
  attr(document.body, "data-view", name);
  for (const tab of $("tabs").children) {
    attr(tab, "aria-current", tab.dataset.view === name ? "page" : null);
  }
  scrollTo(0, 0);
}

function speak() {
  otherLanguage();
  clearHealth();
  doors.forEach(drawDoor);
  redrawBench();
  arrange();
  redraw();
  drawLive();
}

$("lang").addEventListener("click", speak);
$("all-doors").addEventListener("click", () => go(null));
$("find").addEventListener("input", arrange);
$("filter").addEventListener("click", ({ target }) => {
  show = target.dataset.show ?? show;
  arrange();
});
$("tabs").addEventListener("click", ({ target }) => {
  if (target.dataset.view) view(target.dataset.view);
});
document.querySelector(".skip").addEventListener("click", () => view("events"));
addEventListener("popstate", follow);
addEventListener("online", connect);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - heardMs > SILENT_MS / 2) connect(); // a phone freezes streams in the background
});

async function begin() {
  try {
    await whoAmI();
  } catch {
    setTimeout(begin, RETRY_MS);
    return;
  }
  follow();
  connect();
  setInterval(watch, 1000);
}

writeWords();
view("doors");
begin();
