// The live page: keeps the stream open and draws the doors, their health and the bench; events.js draws the events.
import { frame, load, put, redraw } from "./events.js";
import { $, age, ask, attr, clockSeconds, el, exact, heardAgo, icon, language, millis, nowMs, number, otherLanguage,
  ranges, say, set, setIcon, setNow, shortTime, span, t, word, writeWords } from "./words.js";

const SILENT_MS = 45e3; // a unit speaks every 20 s; after this long without a word the stream is opened anew
const CALL_MS = 15e3; // a call that is not taken in this time is made anew
const RETRY_MS = 3e3;
const SHOW_LOST_MS = 1e3; // shorter breaks mend themselves unseen

const narrow = matchMedia("(max-width: 959px)");
const byName = new Intl.Collator("en", { numeric: true }).compare;
const doors = new Map(); // unit -> {door, node, notes}
let picked = null; // the unit whose events and health are shown; null: all of them
let bench = null;
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
  source.addEventListener("error", () => { lostMs ||= Date.now(); });
  for (const name of Object.keys(HEARD)) source.addEventListener(name, (event) => hear(name, JSON.parse(event.data)));
}

const HEARD = { door: takeDoor, record: (entry) => put([entry], true), frame, bench: takeBench };

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
    const units = new Set(state.doors.map(({ unit }) => unit));
    for (const [unit, { node }] of doors) if (!units.has(unit)) doors.delete(unit) && node.remove();
    state.doors.forEach(takeDoor);
    takeBench(state.bench);
    arrange();
    await load(picked);
  } catch (error) {
    console.warn(error);
    lostMs ||= Date.now();
    setTimeout(() => mine === turn && connect(), RETRY_MS);
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
  drawHealth();
  if (new Date().getDate() !== today) {
    today = new Date().getDate();
    redraw();
  }
}

function drawLive() {
  const lost = lostMs && Date.now() - lostMs > SHOW_LOST_MS;
  const state = lost ? "no" : everLive ? "yes" : "wait";
  attr(document.body, "data-live", state);
  set($("live-word"), t({ no: "stale", yes: "live", wait: "connecting" }[state]));
  $("lost").hidden = !lost;
  if (lost) set($("lost"), everLive ? t("lostBanner", { time: clockSeconds(heardMs) }) : t("never"));
}

function takeDoor(door) {
  let one = doors.get(door.unit);
  if (!one) {
    one = { node: buildDoor(door.unit), notes: "" };
    doors.set(door.unit, one);
    const after = [...$("door-list").children].find((node) => byName(node.dataset.unit, door.unit) > 0);
    $("door-list").insertBefore(one.node, after ?? null);
  }
  one.door = door;
  drawDoor(one);
  arrangeSoon();
}

function buildDoor(unit) {
  const id = `state-${unit}`;
  const pick = el("button.pick", { type: "button", "aria-describedby": id }, unit);
  pick.addEventListener("click", () => doors.size > 1 && go(picked === unit ? null : unit));
  return el("article.door", { "data-testid": "door-card", "data-unit": unit, "aria-label": unit },
    icon("unknown"),
    el("h3", {}, pick),
    el("p.state", { id, "data-testid": "door-state" }),
    el("p.since", {}, el("time.for"), el("span.from")),
    el("ul.facts", {}, ...["online", "camera", "link", "clock", "backlog"].map((name) => el(`li.${name}`, {},
      icon(name), el("span.k"), el("span.v", { "data-testid": name === "backlog" ? name : null })))),
    el("ul.notes", { hidden: "" }));
}

function drawDoor(one) {
  const { door, node } = one;
  const state = ["shut", "open", "held"].includes(door.door) ? door.door : "unknown";
  attr(node, "data-state", state);
  attr(node, "data-attention", needsAttention(door));
  attr(node, "data-online", door.online);
  setIcon(node.querySelector(".icon"), state);
  attr(set(node.querySelector(".state"), t(`state.${state}`)), "data-state", state);
  drawSince(one);
  for (const [name, [key, value, level, look]] of Object.entries(factsOf(door))) {
    const item = node.querySelector(`.facts .${name}`);
    attr(item, "data-level", level);
    set(item.querySelector(".k"), key);
    set(item.querySelector(".v"), value);
    setIcon(item.querySelector(".icon"), look);
  }
  attr(node.querySelector(".backlog .v"), "data-count", door.pulse?.backlog ?? 0);
  drawNotes(one);
}

/** For each fact: its label, its value, how much it matters, its icon. */
function factsOf({ online, camera, last_seen: seen, pulse }) {
  const { clock, link, backlog } = pulse ?? {};
  const offline = t("offlineSince", { heard: heardAgo(seen) });
  const cameraLevel = { on: "ok", failed: "bad" }[camera] ?? "mute";
  const queue = backlog ? t("waiting", { n: number(backlog) }) : t(online && pulse ? "nothingWaiting" : "notKnown");
  return {
    online: online ? [t("unit"), t("online"), "ok", "online"] : [t("unit"), offline, "bad", "offline"],
    camera: [t("camera"), t(`camera.${camera}`), cameraLevel, camera === "on" ? "camera" : "camera-off"],
    link: [t("link"), linkOf(link), "ok", "link"],
    clock: [t("clock"), clock ? t(`clock.${clock}`) : "—", !clock || clock === "synced" ? "ok" : "warn", "anchor"],
    backlog: [t("toSend"), queue, backlog ? "late" : "ok", "late"],
  };
}

const linkOf = (link) => (link ? (/^\d/.test(link) ? `MQTT ${link}` : link.toUpperCase()) : "—");

function drawSince({ door, node }) {
  const lasted = node.querySelector(".for");
  const from = node.querySelector(".from");
  const ms = door.since ? nowMs() - Date.parse(door.since) : 0;
  const alone = document.body.dataset.doors === "one";
  const stale = !door.online || document.body.dataset.live === "no";
  const words = alone && stale ? t("lastKnown") : alone ? t("for", { span: age(ms, true) }) : age(ms);
  set(lasted, door.since ? words : "");
  attr(lasted, "title", exact(door.since));
  attr(lasted, "datetime", door.since);
  set(from, door.since ? t("since", { time: shortTime(door.since) }) : "");
}

function drawNotes(one) {
  const { warnings, gaps } = one.door;
  const key = JSON.stringify([language(), warnings, gaps]);
  if (key === one.notes) return;
  one.notes = key;
  const list = one.node.querySelector(".notes");
  list.replaceChildren(...notesOf(one.door));
  list.hidden = !list.childElementCount;
}

function notesOf({ warnings, gaps }) {
  const notes = warnings.map((warning) => buildWarning(warning));
  const list = ranges(gaps);
  const words = el("span", {}, t("missing", { list }));
  return list ? [...notes, el("li.gaps", { title: t("missingHint", { list }) }, icon("gap"), words)] : notes;
}

function buildWarning(warning, ...more) {
  const words = el("span", {}, warning[language()] || warning.code, ...more);
  return el("li.warning", { title: warning.code }, icon("warn"), words);
}

function needsAttention({ door, online, camera, warnings, gaps }) {
  return door !== "shut" || !online || camera === "failed" || warnings.length > 0 || gaps.length > 0;
}

/** Doors may each speak every second; the counts and the filter follow them a few times a second at most. */
function arrangeSoon() {
  soon ??= setTimeout(arrange, 150);
}

function arrange() {
  clearTimeout(soon);
  soon = null;
  const all = [...doors.values()];
  arrangePanes(all.length > 1 ? "many" : "one");
  const count = (test) => all.filter(({ door }) => test(door)).length;
  const worrying = count(needsAttention);
  const open = count(({ door }) => door === "open" || door === "held");
  const offline = count(({ online }) => !online);
  const notable = [open && t("countOpen", { n: open }), offline && t("countOffline", { n: offline })].filter(Boolean);
  set($("doors-count"), [t("count", { n: all.length }), ...notable].join(" · "));
  document.title = [...notable, t("title")].join(" · ");
  for (const button of $("filter").querySelectorAll("button")) {
    const isAll = button.dataset.show === "all";
    set(button, `${t(button.dataset.show)} ${isAll ? all.length : worrying}`);
    attr(button, "aria-pressed", button.dataset.show === show);
  }
  $("bench").hidden = !bench || (picked !== null && all.length > 1 && picked !== bench.unit);
  filter(all);
  drawHealth();
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
    const fits = (show === "all" || needsAttention(door)) && door.unit.toLowerCase().includes(wanted);
    node.hidden = !fits && !node.contains(document.activeElement); // never from under the reader's hand
    seen += node.hidden ? 0 : 1;
    attr(node.querySelector(".pick"), "aria-pressed", all.length > 1 ? door.unit === picked : null);
    attr(node.querySelector(".pick"), "tabindex", all.length > 1 ? null : -1);
  }
  $("no-doors").hidden = seen > 0;
  set($("no-doors"), t(!all.length ? "noDoors" : wanted ? "noneMatch" : "noneAttention"));
}

const HEALTH = {
  delivery: { backlog: number, frames_waiting: number, oldest_unsent_s: (s) => age(s * 1000, true), link: linkOf },
  clock: { clock: (quality) => t(`clock.${quality}`), error_ms: (ms) => `±\u2009${span(ms)}` },
  machine: {
    temp_c: (c) => `${number(c, 1)} °C`, mem_mb: (mb) => `${number(mb)} MB`, uptime_s: (s) => age(s * 1000, true),
    disk_free_mb: (mb) => (mb < 1000 ? `${number(mb)} MB` : `${number(mb / 1000, 1)} GB`), version: String,
  },
  contact: { openings: number, edges_max: number, settle_max_us: millis, glitches: number },
};

function drawHealth() {
  const door = doors.get(picked)?.door ?? (doors.size === 1 ? [...doors.values()][0].door : null);
  $("health").hidden = !door;
  if (!door) return;
  const { pulse, online, warnings, last_seen: seen } = door;
  set($("health-unit"), (doors.size > 1 ? door.unit + t("comma") : "") + heardAgo(seen));
  const body = $("health-body");
  if (!body.childElementCount) body.append(...buildHealth());
  body.querySelector(".as-of").hidden = online;
  const codes = JSON.stringify([language(), warnings]);
  if (body.dataset.codes !== codes) {
    body.dataset.codes = codes;
    const items = warnings.map((warning) => buildWarning(warning, " ", el("code", {}, warning.code)));
    body.querySelector(".notes").replaceChildren(...items);
  }
  for (const cell of body.querySelectorAll("dd")) {
    const value = pulse?.[cell.dataset.key];
    set(cell, value === null || value === undefined ? "—" : HEALTH[cell.dataset.group][cell.dataset.key](value));
  }
  attr(body.querySelector("[data-key=backlog]"), "data-level", pulse?.backlog ? "late" : null);
  attr(body.querySelector("[data-key=clock]"), "data-level", pulse?.clock && pulse.clock !== "synced" ? "warn" : null);
}

function buildHealth() {
  const cell = (group) => (key) => el("div", {}, el("dt", {}, t(key === "clock" ? "quality" : key)),
    el("dd", { "data-group": group, "data-key": key }));
  const groups = Object.entries(HEALTH).map(([group, cells]) => el("section", {}, el("h3", {}, t(`group.${group}`)),
    el("dl", {}, ...Object.keys(cells).map(cell(group)))));
  return [el("p.as-of", { hidden: "" }, t("asOf")), el("ul.notes"), el("div.groups", {}, ...groups)];
}

function takeBench(state) {
  bench = state;
  arrangeSoon();
  if (!bench) return;
  const box = $("bench-waves").lastElementChild;
  const key = language() + bench.waves.join();
  if (box.dataset.key !== key) {
    const chosen = box.querySelector(":checked")?.value ?? (bench.waves.includes("bounce") ? "bounce" : bench.waves[0]);
    box.dataset.key = key;
    box.replaceChildren(...bench.waves.map((wave) => el("label", {},
      el("input", { type: "radio", name: "wave", value: wave, checked: wave === chosen ? "" : null }),
      el("span", {}, t(`wave.${wave}`)))));
  }
  drawBench();
}

function drawBench() {
  const shut = bench.door === "shut";
  set($("bench-unit"), bench.unit);
  set($("bench-door").lastElementChild, t(shut ? "openDoor" : "shutDoor"));
  setIcon($("bench-door").firstElementChild, shut ? "open" : "shut");
  set($("bench-hint"), word(`hint.${$("bench-waves").querySelector(":checked").value}`) ?? "");
  attr($("bench-network"), "aria-checked", bench.network);
  attr($("bench-power"), "aria-checked", bench.power);
}

function setBusy(busy) {
  $("bench-controls").disabled = busy;
  attr($("bench-controls"), "aria-busy", busy);
}

async function ordered(what, order) {
  const held = document.activeElement;
  setBusy(true);
  $("bench-error").hidden = true;
  try {
    takeBench(await ask(`/api/bench/${what}`, order));
  } catch (error) {
    $("bench-error").hidden = false;
    set($("bench-error"), error.message);
  }
  setBusy(false);
  if (document.activeElement === document.body) held?.focus(); // a disabled control loses the focus
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
  load(picked).catch(() => {}); // the list itself says so, and the next connection brings it
}

function view(name) {
  attr(document.body, "data-view", name);
  for (const tab of $("tabs").children) attr(tab, "aria-current", tab.dataset.view === name ? "page" : null);
  scrollTo(0, 0);
}

function speak() {
  otherLanguage();
  $("health-body").replaceChildren();
  doors.forEach(drawDoor);
  takeBench(bench);
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
$("tabs").addEventListener("click", ({ target }) => target.dataset.view && view(target.dataset.view));
$("bench-waves").addEventListener("change", drawBench);
$("bench-door").addEventListener("click", () => ordered("door", {
  to: bench.door === "shut" ? "open" : "shut", wave: $("bench-waves").querySelector(":checked").value,
}));
$("bench-network").addEventListener("click", () => ordered("network", { on: !bench.network }));
$("bench-power").addEventListener("click", () => ordered("power", { on: !bench.power }));
document.querySelector(".skip").addEventListener("click", () => view("events"));
addEventListener("popstate", follow);
addEventListener("online", connect);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - heardMs > SILENT_MS / 2) connect(); // a phone freezes streams in the background
});

writeWords();
view("doors");
follow();
connect();
setInterval(watch, 1000);
