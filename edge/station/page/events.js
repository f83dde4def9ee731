// The list of events: in the order things happened, filled as records arrive, each with its pictures.
import { attendance } from "./attend.js";
import { deliveredOf, lookOf, metaOf, noteOf, shortOffset, whatOf, whenOf } from "./entry.js";
import { drawLatest } from "./latest.js";
import { redrawPicture } from "./lightbox.js";
import { addPicture, forgetAllPictures, forgetPictures, nameOf, picturesOf } from "./pictures.js";
import { buildThumb } from "./thumb.js";
import { $, ask, attr, clockTime, dayKey, dayName, el, exact, icon, micros, say, set, t } from "./words.js";

const PAGE = 200; // what one request brings
const KEEP = 1000; // live rows kept; older ones can be asked for again
const SAY_AFTER_MS = 600; // a burst is told to a screen reader as one sentence

const list = $("event-list");
const rows = new Map(); // n -> row: {entry, at, node}
let order = []; // rows as shown, newest first
let unit = null; // the one unit shown, or null for all
let oldest = Infinity; // smallest n brought so far, shown or not
let limit = KEEP;
let unsaid = [];
let unread = 0;
let atTop = true;

/** Bring the newest events of one unit, or of all (null), and join them to what is shown. */
export async function load(of) {
  if (of !== unit) clear();
  unit = of;
  title();
  const known = rows.size ? Math.max(...rows.keys()) : null;
  const { events } = await brought(`limit=${PAGE}`);
  if (of !== unit) return;
  const ns = events.map(({ n }) => n);
  const full = events.length >= PAGE;
  const anotherLedger = Math.max(...ns) < known;
  const hole = full && Math.min(...ns) > known; // between what is shown and what came now
  if (known !== null && (anotherLedger || hole)) clear();
  if (!rows.size) $("earlier").hidden = !full;
  put(events);
}

/** Records as they come. `live`: they arrived just now, so they are shown as new and told. */
export function put(entries, live = false) {
  const added = [];
  for (const entry of entries) {
    if (unit && entry.unit !== unit) continue;
    if (live && entry.n < oldest && !$("earlier").hidden) continue; // comes, mended, when it is asked for
    oldest = Math.min(oldest, entry.n);
    entry.frames.forEach(frame);
    if (entry.kind === "frames") explain(entry);
    else if (place(entry)) added.push(rows.get(entry.n));
  }
  if (live && rows.size > limit) trim();
  markDays();
  drawLatest(order);
  $("no-events").hidden = rows.size > 0;
  if (live && added.length) welcome(added);
}

/** One picture; it goes to its event, whether that is here yet or not. */
export function frame(picture) {
  const row = addPicture(picture)?.row;
  if (!row) return;
  draw(row);
  drawLatest(order);
}

/** Somebody saw to an opening. */
export function attended({ unit: of, epoch, seq, attended: by }) {
  const row = picturesOf({ unit: of, epoch, seq }).row;
  if (!row) return;
  row.entry.attended = by;
  draw(row);
}

/** Everything again, in another language or on another day. */
export function redraw() {
  title();
  order.forEach(draw);
  drawLatest(order);
  markDays();
  fresh();
}

function title() {
  set($("events-title"), unit ? t("eventsOf", { unit }) : t("events"));
}

async function brought(query) {
  try {
    const ofUnit = unit ? `&unit=${encodeURIComponent(unit)}` : "";
    const page = await ask(`/api/events?${query}${ofUnit}`);
    $("events-error").hidden = true;
    return page;
  } catch (error) {
    $("events-error").hidden = false;
    set($("events-error"), t("loadFailed", { why: error.message }));
    throw error;
  }
}

async function earlier() {
  const button = $("earlier");
  attr(button, "aria-disabled", true);
  const of = unit;
  try {
    const { events } = await brought(`limit=${PAGE}&before=${oldest}`);
    if (of !== unit) return;
    limit = Math.max(KEEP, rows.size + PAGE);
    button.hidden = events.length < PAGE;
    put(events);
  } catch {
    return; // said above the list
  } finally {
    attr(button, "aria-disabled", null);
  }
}

function clear() {
  list.replaceChildren();
  rows.clear();
  forgetAllPictures();
  order = [];
  drawLatest(order);
  oldest = Infinity;
  limit = KEEP;
  unread = 0;
  fresh();
}

function trim() {
  const extra = [...rows.keys()].sort((a, b) => a - b).slice(0, rows.size - limit);
  extra.forEach((n) => remove(rows.get(n)));
  oldest = Math.min(...rows.keys());
  $("earlier").hidden = false;
}

function remove(row) {
  rows.delete(row.entry.n);
  forgetPictures(row.entry);
  order.splice(order.indexOf(row), 1);
  row.node.remove();
}

/** A set of pictures says for which event it is, and why some are missing. */
function explain({ unit: of, epoch, reason, detail }) {
  const belonging = picturesOf({ unit: of, epoch: detail.of || epoch, seq: detail.event });
  belonging.why = reason;
  if (belonging.row) draw(belonging.row);
}

/** Put an entry at its place in time, or anew if a later anchor mended its time. True if it was not here before. */
function place(entry) {
  const stale = rows.get(entry.n);
  if (stale && nameOf(stale.entry) !== nameOf(entry)) remove(stale); // another ledger's: its n meant something else
  const known = rows.get(entry.n);
  const row = known ?? { node: build(entry), at: null };
  const at = micros(entry.time ?? entry.interval?.[0] ?? entry.interval?.[1] ?? entry.received);
  const moves = row.at !== at;
  if (known && moves) order.splice(order.indexOf(row), 1);
  row.entry = entry;
  row.at = at;
  rows.set(entry.n, row);
  if (entry.kind === "event") picturesOf(entry).row = row;
  if (moves) insert(row);
  draw(row);
  return !known;
}

function insert(row) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isNewer(order[middle], row)) low = middle + 1;
    else high = middle;
  }
  list.insertBefore(row.node, order[low]?.node ?? null);
  order.splice(low, 0, row);
}

function isNewer(a, b) {
  if (a.at !== b.at) return a.at > b.at;
  const sameLife = a.entry.unit === b.entry.unit && a.entry.epoch === b.entry.epoch;
  return sameLife ? a.entry.seq > b.entry.seq : a.entry.n > b.entry.n;
}

function build(entry) {
  const isEvent = entry.kind === "event";
  const look = lookOf(entry);
  const about = {
    "data-testid": isEvent ? "event-row" : "note-row",
    "data-kind": entry.kind,
    "data-look": look,
    "data-change": entry.change,
    "data-unit": entry.unit,
    "data-seq": entry.seq,
    "data-epoch": entry.epoch,
  };
  const body = el("div.body", {},
    el("p.line", {}, el("strong.what"), el("span.of"), el("time.when")),
    el("p.meta"),
    el("p.note", { hidden: "" }),
    el("p.attendance", { hidden: "" }),
    el("div.thumbs", { hidden: "" }));
  return el(isNews(entry) ? "li.event" : "li.event.minor", about,
    el("h3.day", { hidden: "" }),
    el("div.row", {}, el("span.mark", {}, icon(look)), body));
}

/** What somebody is told aloud: the door, and whoever is at the unit itself. */
const isNews = ({ kind }) => kind === "event" || kind === "alarm";

function draw(row) {
  const { entry, node } = row;
  const { frames, why } = picturesOf(entry);
  const part = (name) => node.querySelector(`.${name}`);
  const note = noteOf(entry, frames, why);
  set(part("what"), whatOf(entry));
  set(part("of"), entry.unit);
  drawWhen(part("when"), entry);
  part("meta").replaceChildren(...metaOf(entry));
  set(part("note"), note);
  part("note").hidden = !note;
  drawAttendance(row, part("attendance"));
  drawThumbs(row, part("thumbs"), frames);
  redrawPicture(row);
}

function drawAttendance(row, box) {
  const { entry } = row;
  const opening = entry.kind === "event" && entry.change === "opened";
  box.hidden = !opening;
  const key = JSON.stringify([entry.attended, entry.time, t("attend")]);
  if (box.dataset.key === key) return; // a button under a finger stays
  box.dataset.key = key;
  const done = (by) => attended({ ...entry, attended: by });
  if (opening) box.replaceChildren(...attendance(entry, `${whatOf(entry)} · ${entry.unit}`, done));
}

/** The milliseconds stand apart, so that they can be written smaller. */
function drawWhen(node, entry) {
  const when = whenOf(entry);
  const ms = /\.\d{3}$/.exec(when)?.[0] ?? "";
  if (node.textContent !== when) {
    node.replaceChildren(when.slice(0, when.length - ms.length), ms && el("span.ms", {}, ms));
  }
  attr(node, "datetime", entry.time);
  attr(node, "title", exact(entry.time));
}

function drawThumbs(row, box, frames) {
  box.hidden = !frames.length;
  frames.forEach((picture, i) => {
    let thumb = box.children[i];
    if (thumb?.dataset.name !== picture.name) {
      thumb = [...box.children].find((one) => one.dataset.name === picture.name) ?? buildThumb(row, picture);
      box.insertBefore(thumb, box.children[i] ?? null);
    }
    const label = t("picture", { i: i + 1, n: frames.length });
    attr(thumb, "aria-label", picture.time ? label + t("comma") + clockTime(picture.time) : label);
    set(thumb.lastChild, shortOffset(row.entry, picture));
  });
}

function markDays() {
  let above = null;
  for (const { node, at } of order) {
    const day = dayKey(at / 1000);
    node.firstChild.hidden = day === above;
    if (day !== above) set(node.firstChild, dayName(at / 1000));
    above = day;
  }
}

function welcome(added) {
  const events = added.filter(({ entry }) => isNews(entry));
  for (const { node } of added) {
    node.classList.add("new");
    node.addEventListener("animationend", () => node.classList.remove("new"), { once: true });
  }
  if (!unsaid.length && events.length) setTimeout(tell, SAY_AFTER_MS);
  unsaid.push(...events);
  if (!atTop) unread += events.length;
  fresh();
}

function tell() {
  say(unsaid.length === 1 ? sentenceOf(unsaid[0].entry) : t("sayMany", { n: unsaid.length }));
  unsaid = [];
}

function sentenceOf(entry) {
  const time = whenOf(entry) || t("unknownTime");
  return t("say", { unit: entry.unit, what: whatOf(entry), time, late: deliveredOf(entry) });
}

function fresh() {
  $("fresh").hidden = !unread;
  $("fresh").replaceChildren(icon("up"), t("fresh", { n: unread }));
}

$("earlier").addEventListener("click", (event) => {
  if (!event.target.ariaDisabled) earlier();
});
$("fresh").addEventListener("click", () => $("events").scrollIntoView({ block: "start" }));
new IntersectionObserver(([seen]) => {
  atTop = seen.isIntersecting;
  if (atTop) unread = 0;
  fresh();
}).observe($("events-title"));
