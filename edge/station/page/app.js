// The live page: keeps the stream open and draws the doors, their health and the bench; events.js draws the events.
import { ask, frame, load, put, redraw, say } from "./events.js";
import { age, attr, clockSeconds, el, exact, icon, language, nowMs, number, millis, otherLanguage, ranges, set, setIcon,
  setNow, shortTime, span, t, word, writeWords } from "./words.js";

const SILENT_MS = 45e3; // a unit speaks every 20 s; after this long without a word the stream is opened anew
const RETRY_MS = 3e3;
const SHOW_LOST_MS = 1e3; // shorter breaks mend themselves unseen

const $ = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 959px)");
const byName = new Intl.Collator("en", { numeric: true }).compare;
const doors = new Map(); // unit -> {door, node, notes}
let picked = null; // the unit whose events and health are shown; null: all of them
let bench = null;
let busy = false;
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
  for (const name of ["door", "record", "frame", "bench"]) {
    source.addEventListener(name, (event) => hear(name, JSON.parse(event.data)));
  }
}

function hear(name, data) {
  heardMs = Date.now();
  if (waiting) waiting.push([name, data]);
  else if (name === "door") takeDoor(data);
  else if (name === "record") put([data], true);
  else if (name === "frame") frame(data);
  else takeBench(data);
}

/** The whole state, once after each (re)connection; what the stream says meanwhile is kept and applied after it. */
async function refresh() {
  const mine = ++turn;
  waiting ??= [];
  try {
    const state = await ask("/api/doors");
    setNow(state.now);
    for (const unit of doors.keys()) if (!state.doors.some((door) => door.unit === unit)) dropDoor(unit);
    state.doors.forEach(takeDoor);
    takeBench(state.bench);
    arrange();
    await load(picked);
  } catch {
    if (mine === turn) {
      lostMs ||= Date.now();
      setTimeout(() => mine === turn && connect(), RETRY_MS);
    }
    return;
  }
  if (mine !== turn) return;
  const late = waiting;
  waiting = null;
  late.forEach(([name, data]) => hear(name, data));
  heardMs = Date.now();
  if (everLive && lostMs) say(t("back"));
  everLive = true;
  lostMs = 0;
  drawLive();
}

function watch() {
  const now = Date.now();
  const closed = source.readyState === EventSource.CLOSED && now - triedMs > RETRY_MS;
  const silent = !lostMs && now - heardMs > SILENT_MS;
  const stuck = source.readyState === EventSource.CONNECTING && now - triedMs > SILENT_MS;
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

function dropDoor(unit) {
  doors.get(unit).node.remove();
  doors.delete(unit);
}

const FACTS = ["online", "camera", "link", "clock", "backlog"];

function buildDoor(unit) {
  const id = `state-${unit}`;
  const pick = el("button.pick", { type: "button", "aria-describedby": id }, unit);
  pick.addEventListener("click", () => go(picked === unit ? null : unit));
  return el("article.door", { "data-testid": "door-card", "data-unit": unit },
    icon("unknown"),
    el("h3", {}, pick),
    el("p.state", { id, "data-testid": "door-state" }),
    el("p.since", {}, el("time.for"), el("span.from")),
    el("ul.facts", {}, ...FACTS.map((name) => el(`li.${name}`, {}, icon(name === "camera" ? "camera" : "online"),
      el("span.k"), el("span.v", { "data-testid": name === "backlog" ? "backlog" : null })))),
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

function factsOf({ online, camera, last_seen: seen, pulse }) {
  const clock = pulse?.clock;
  const heard = seen ? t("heard", { span: age(nowMs() - Date.parse(seen)) }) : t("neverHeard");
  const backlog = pulse?.backlog ?? 0;
  const cameraLevel = { on: "ok", failed: "bad", off: "mute", none: "mute" }[camera] ?? "mute";
  return {
    online: [t("unit"), online ? t("online") : t("offlineSince", { heard }), online ? "ok" : "bad", online ? "online" : "offline"],
    camera: [t("camera"), t(`camera.${camera}`), cameraLevel, camera === "on" ? "camera" : "camera-off"],
    link: [t("link"), linkOf(pulse?.link), "ok", "link"],
    clock: [t("clock"), clock ? t(`clock.${clock}`) : "—", !clock || clock === "synced" ? "ok" : "warn", "anchor"],
    backlog: [t("toSend"), backlog ? t("waiting", { n: number(backlog) }) : t("nothingWaiting"), backlog ? "late" : "ok", "late"],
  };
}

const linkOf = (link) => (link ? (/^\d/.test(link) ? `MQTT ${link}` : link.toUpperCase()) : "—");

function drawSince({ door, node }) {
  const lasted = node.querySelector(".for");
  const from = node.querySelector(".from");
  const ms = door.since ? nowMs() - Date.parse(door.since) : 0;
  const alone = document.body.dataset.doors === "one";
  set(lasted, !door.since ? "" : alone ? t("for", { span: age(ms, true) }) : age(ms));
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
  const notes = warnings.map((warning) => el("li.warning", { title: warning.code }, icon("warn"),
    el("span", {}, warning[language()] || warning.en || warning.code)));
  if (gaps.length) {
    const list = ranges(gaps);
    notes.push(el("li.gaps", { title: t("missingHint", { list }) }, icon("gap"), el("span", {}, t("missing", { list }))));
  }
  return notes;
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
  const open = all.filter(({ door }) => door.door === "open" || door.door === "held").length;
  const offline = all.filter(({ door }) => !door.online).length;
  const worrying = all.filter(({ door }) => needsAttention(door)).length;
  const counts = [t("count", { n: all.length }), open && t("countOpen", { n: open }), offline && t("countOffline", { n: offline })];
  set($("doors-count"), counts.filter(Boolean).join(" · "));
  document.title = `${open ? `${t("countOpen", { n: open })} · ` : ""}${t("title")}`;
  for (const button of $("filter").querySelectorAll("button")) {
    const isAll = button.dataset.show === "all";
    set(button, `${t(button.dataset.show)} ${isAll ? all.length : worrying}`);
    attr(button, "aria-pressed", button.dataset.show === show);
  }
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
  const heard = seen ? t("heard", { span: age(nowMs() - Date.parse(seen)) }) : t("neverHeard");
  set($("health-unit"), doors.size > 1 ? door.unit + t("comma") + heard : heard);
  const body = $("health-body");
  if (!body.childElementCount) body.append(...buildHealth());
  body.querySelector(".as-of").hidden = online;
  const codes = JSON.stringify([language(), warnings]);
  if (body.dataset.codes !== codes) {
    body.dataset.codes = codes;
    body.querySelector(".notes").replaceChildren(...warnings.map((one) => el("li.warning", {}, icon("warn"),
      el("span", {}, one[language()] || one.en, " ", el("code", {}, one.code)))));
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
  $("bench").hidden = !bench;
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
  const wave = $("bench-waves").querySelector(":checked")?.value;
  set($("bench-unit"), bench.unit);
  set($("bench-door").lastElementChild, t(shut ? "openDoor" : "shutDoor"));
  setIcon($("bench-door").firstElementChild, shut ? "open" : "shut");
  set($("bench-hint"), word(`hint.${wave}`) ?? "");
  attr($("bench-network"), "aria-checked", bench.network);
  attr($("bench-power"), "aria-checked", bench.power);
  $("bench-controls").disabled = busy;
  attr($("bench-controls"), "aria-busy", busy);
}

async function ordered(what, order) {
  const held = document.activeElement;
  busy = true;
  $("bench-error").hidden = true;
  drawBench();
  try {
    takeBench(await ask(`/api/bench/${what}`, order));
  } catch (error) {
    $("bench-error").hidden = false;
    set($("bench-error"), error.message);
  }
  busy = false;
  drawBench();
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
  if (unit === picked) return;
  picked = unit;
  $("all-doors").hidden = !picked;
  arrange();
  if (narrow.matches && doors.size > 1) view(picked ? "events" : "doors");
  load(picked).catch(() => {}); // the list itself says so, and the next connection brings it
}

function view(name) {
  attr(document.body, "data-view", name);
  for (const tab of $("tabs").children) attr(tab, "aria-current", tab.dataset.view === name ? "page" : null);
  scrollTo(0, 0);
}

function speak() {
  otherLanguage();
  attr($("lang"), "lang", language() === "zh" ? "en" : "zh-CN");
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
  if (!target.dataset.show) return;
  show = target.dataset.show;
  arrange();
});
$("tabs").addEventListener("click", ({ target }) => target.dataset.view && view(target.dataset.view));
$("bench-waves").addEventListener("change", drawBench);
$("bench-door").addEventListener("click", () => ordered("door", {
  to: bench.door === "shut" ? "open" : "shut", wave: $("bench-waves").querySelector(":checked").value,
}));
$("bench-network").addEventListener("click", () => ordered("network", { on: !bench.network }));
$("bench-power").addEventListener("click", () => ordered("power", { on: !bench.power }));
addEventListener("popstate", follow);
addEventListener("online", connect);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - heardMs > SILENT_MS / 2) connect(); // a phone freezes streams in the background
});

writeWords();
attr($("lang"), "lang", language() === "zh" ? "en" : "zh-CN");
view("doors");
follow();
connect();
setInterval(watch, 1000);
