// The health panel: one unit's pulse in numbers, and its warnings with their codes.
import { buildWarning, linkOf } from "./door.js";
import { $, age, attr, el, heardAgo, language, millis, number, set, span, t } from "./words.js";

/** For each group of a pulse's numbers: how each is written. */
const HEALTH = {
  delivery: {
    backlog: number,
    frames_waiting: number,
    oldest_unsent_s: (s) => age(s * 1000, true),
    link: linkOf,
  },
  clock: {
    clock: (quality) => t(`clock.${quality}`),
    error_ms: (ms) => `±\u2009${span(ms)}`,
  },
  machine: {
    temp_c: (c) => `${number(c, 1)} °C`,
    mem_mb: (mb) => `${number(mb)} MB`,
    uptime_s: (s) => age(s * 1000, true),
    disk_free_mb: (mb) => (mb < 1000 ? `${number(mb)} MB` : `${number(mb / 1000, 1)} GB`),
    supply_mv: (mv) => `${number(mv / 1000, 2)} V`,
    supply_ma: (ma) => `${number(ma)} mA`,
    enclosure_c: (c) => `${number(c, 1)} °C`,
    humidity_pct: (percent) => `${number(percent)} %`,
    version: String,
  },
  contact: {
    openings: number,
    edges_max: number,
    settle_max_us: millis,
    glitches: number,
  },
};

/** Of chips that few units have: shown where they are. */
const FITTED = new Set(["supply_mv", "supply_ma", "enclosure_c", "humidity_pct"]);

const body = $("health-body");

/** The health of one door's unit; null hides the panel. `named`: say which unit, as there are several. */
export function drawHealth(door, named) {
  $("health").hidden = !door;
  if (!door) return;
  const name = named ? door.unit + t("comma") : "";
  set($("health-unit"), name + heardAgo(door.last_seen));
  if (!body.childElementCount) body.append(...build());
  body.querySelector(".as-of").hidden = door.online;
  drawWarnings(door.warnings);
  drawNumbers(door.pulse);
}

/** Forget what is written; it is built anew, in the page's language, when next drawn. */
export function clearHealth() {
  body.replaceChildren();
}

function drawWarnings(warnings) {
  const key = JSON.stringify([language(), warnings]);
  if (body.dataset.codes === key) return;
  body.dataset.codes = key;
  const items = warnings.map((warning) => buildWarning(warning, " ", el("code", {}, warning.code)));
  body.querySelector(".notes").replaceChildren(...items);
}

function drawNumbers(pulse) {
  for (const cell of body.querySelectorAll("dd")) {
    const { group, key } = cell.dataset;
    const value = pulse?.[key] ?? null;
    cell.parentNode.hidden = value === null && FITTED.has(key);
    set(cell, value === null ? "—" : HEALTH[group][key](value));
  }
  const isRough = pulse?.clock && pulse.clock !== "synced";
  attr(body.querySelector("[data-key=backlog]"), "data-level", pulse?.backlog ? "late" : null);
  attr(body.querySelector("[data-key=clock]"), "data-level", isRough ? "warn" : null);
}

function build() {
  const groups = Object.keys(HEALTH).map(buildGroup);
  return [el("p.as-of", { hidden: "" }, t("asOf")), el("ul.notes"), el("div.groups", {}, ...groups)];
}

function buildGroup(group) {
  const cells = Object.keys(HEALTH[group]).map((key) => el("div", {},
    el("dt", {}, t(key === "clock" ? "quality" : key)),
    el("dd", { "data-group": group, "data-key": key })));
  return el("section", {}, el("h3", {}, t(`group.${group}`)), el("dl", {}, ...cells));
}
