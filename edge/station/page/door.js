// The card of one door: its state, since when, the facts about its unit, and what is amiss.
import { buildOrders, drawOrders, termOf } from "./orders.js";
import { age, attr, el, exact, heardAgo, icon, language, nowMs, number, ranges, set, setIcon, shortTime, t }
  from "./words.js";

const FACTS = ["online", "camera", "link", "clock", "backlog", "term"];
const STATES = ["shut", "open", "held", "unwatched"];

/** An empty card; `onPick` is called with the unit when its name is pressed. */
export function buildDoor(unit, onPick) {
  const id = `state-${unit}`;
  const pick = el("button.pick", { type: "button", "aria-describedby": id }, unit);
  pick.addEventListener("click", () => onPick(unit));
  return el("article.door", { "data-testid": "door-card", "data-unit": unit, "aria-label": unit },
    icon("unknown"),
    el("h3", {}, pick),
    el("p.flat", { hidden: "", "data-testid": "door-flat" }),
    el("p.state", { id, "data-testid": "door-state" }),
    el("p.since", {}, el("time.for"), el("span.from")),
    el("div.latest", { hidden: "", "data-testid": "latest-picture" }),
    el("ul.facts", {}, ...FACTS.map(buildFact)),
    el("ul.notes", { hidden: "" }),
    buildOrders(unit));
}

/** `one` is {door, node, notes}: what the station says, the card, and what its notes were written from. */
export function drawDoor(one) {
  const { door, node } = one;
  const state = STATES.includes(door.door) ? door.door : "unknown";
  attr(node, "data-state", state);
  attr(node, "data-attention", needsAttention(door));
  attr(node, "data-online", door.online);
  setIcon(node.querySelector(".icon"), state === "unwatched" ? "unknown" : state);
  set(node.querySelector(".state"), t(`state.${state}`));
  attr(node.querySelector(".state"), "data-state", state);
  set(node.querySelector(".flat"), door.label);
  node.querySelector(".flat").hidden = !door.label;
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
  drawOrders(one);
}

/** How long it has been so; drawn every second. */
export function drawSince({ door, node }) {
  const lasted = node.querySelector(".for");
  const from = node.querySelector(".from");
  set(lasted, door.since ? lastedWords(door) : "");
  attr(lasted, "title", exact(door.since));
  attr(lasted, "datetime", door.since);
  set(from, door.since ? t("since", { time: shortTime(door.since) }) : "");
}

export function needsAttention({ door, armed, online, camera, warnings, gaps }) {
  return (armed && door !== "shut") || !online || camera === "failed" || warnings.length > 0 || gaps.length > 0;
}

/** A link is told by its protocol; a number alone is a version of MQTT. */
export function linkOf(link) {
  if (!link) return "—";
  return /^\d/.test(link) ? `MQTT ${link}` : link.toUpperCase();
}

export function buildWarning(warning, ...more) {
  const words = el("span", {}, warning[language()] || warning.code, ...more);
  return el("li.warning", { title: warning.code }, icon("warn"), words);
}

function buildFact(name) {
  const value = el("span.v", { "data-testid": name === "backlog" ? name : null });
  return el(`li.${name}`, {}, icon(name), el("span.k"), value);
}

/** For each fact: its label, its value, how much it matters, its icon. */
function factsOf(door) {
  const { online, camera, last_seen: seen, pulse } = door;
  const [term, termLevel] = termOf(door);
  const { clock, link, backlog } = pulse ?? {};
  const offline = t("offlineSince", { heard: heardAgo(seen) });
  const cameraLevel = online ? { on: "ok", failed: "bad" }[camera] ?? "mute" : "stale";
  const clockLevel = !clock || clock === "synced" ? "ok" : "warn";
  const now = (words) => (online ? words : t("notKnown"));
  const nothing = t(online && pulse ? "nothingWaiting" : "notKnown");
  const queue = backlog ? t("waiting", { n: number(backlog) }) : nothing;
  return {
    online: [t("unit"), online ? t("online") : offline, online ? "ok" : "bad", online ? "online" : "offline"],
    camera: [t("camera"), now(t(`camera.${camera}`)), cameraLevel, camera === "on" ? "camera" : "camera-off"],
    link: [t("link"), linkOf(online && link), "ok", "link"],
    clock: [t("clock"), now(clock ? t(`clock.${clock}`) : "—"), online ? clockLevel : "stale", "anchor"],
    backlog: [t("toSend"), queue, backlog ? "late" : "ok", "late"],
    term: [t("armed"), term, termLevel, "anchor"],
  };
}

function lastedWords({ since, online }) {
  const ms = nowMs() - Date.parse(since);
  const stale = !online || document.body.dataset.live === "no";
  if (document.body.dataset.doors !== "one") return age(ms);
  return stale ? t("lastKnown") : t("for", { span: age(ms, true) });
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
  if (list) {
    const words = el("span", {}, t("missing", { list }));
    notes.push(el("li.gaps", { title: t("missingHint", { list }) }, icon("gap"), words));
  }
  return notes;
}
