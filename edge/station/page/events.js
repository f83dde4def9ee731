// The list of events: in the order things happened, filled as records arrive, with their pictures and the lightbox.
import { $, ask, attr, clockTime, dayKey, dayName, el, exact, icon, isToday, micros, millis, ranges, say,
  seconds, set, shortTime, span, t, word } from "./words.js";

const PAGE = 200; // what one request brings
const KEEP = 1000; // live rows kept; older ones can be asked for again
const LATE_MS = 1000;
const SAY_AFTER_MS = 600; // a burst is told to a screen reader as one sentence

const list = $("event-list");
const rows = new Map(); // n -> row
const pictures = new Map(); // unit/epoch/seq of the event -> {frames, why, row}
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
  const [ns, full] = [events.map(({ n }) => n), events.length >= PAGE];
  if (known !== null && (Math.max(...ns) < known || (full && Math.min(...ns) > known))) {
    clear(); // another ledger, or a hole between then and now
  }
  if (!rows.size) $("earlier").hidden = !full;
  put(events);
}

/** Records as they come. `live`: they arrived just now, so they are shown as new and told. */
export function put(entries, live = false) {
  const added = [];
  for (const entry of entries) {
    if (unit && entry.unit !== unit) continue;
    oldest = Math.min(oldest, entry.n);
    if (entry.kind === "frames") {
      const belonging = picturesOf(entry.unit, entry.detail.of || entry.epoch, entry.detail.event);
      belonging.why = entry.reason;
      touched(belonging);
    }
    for (const picture of entry.frames) frame(picture);
    if (entry.kind !== "frames" && place(entry)) added.push(rows.get(entry.n));
  }
  if (live && rows.size > limit) trim();
  markDays();
  $("no-events").hidden = rows.size > 0;
  if (live && added.length) welcome(added);
}

/** One picture; it goes to its event, whether that is here yet or not. */
export function frame(picture) {
  const belonging = picturesOf(picture.unit, picture.epoch, picture.event);
  if (belonging.frames.some(({ name }) => name === picture.name)) return;
  belonging.frames.push(picture);
  belonging.frames.sort((a, b) => (a.time ?? "").localeCompare(b.time ?? ""));
  touched(belonging);
}

/** Everything again, in another language or on another day. */
export function redraw() {
  title();
  order.forEach(draw);
  markDays();
  fresh();
  if (shown) drawPicture();
}

function title() {
  set($("events-title"), unit ? t("eventsOf", { unit }) : t("events"));
}

async function brought(query) {
  try {
    const page = await ask(`/api/events?${query}${unit ? `&unit=${encodeURIComponent(unit)}` : ""}`);
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
  pictures.clear();
  [order, oldest, limit, unread] = [[], Infinity, KEEP, 0];
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
  pictures.delete(nameOf(row.entry));
  order.splice(order.indexOf(row), 1);
  row.node.remove();
}

const nameOf = (entry) => `${entry.unit}/${entry.epoch}/${entry.seq}`;

function picturesOf(of, epoch, seq) {
  const name = `${of}/${epoch}/${seq}`;
  if (!pictures.has(name)) pictures.set(name, { frames: [], why: "", row: null });
  return pictures.get(name);
}

function touched({ row }) {
  if (row) draw(row);
  if (row && row === shown?.row) drawPicture();
}

/** Put an entry at its place in time. True if it was not here before. */
function place(entry) {
  let row = rows.get(entry.n);
  if (row && nameOf(row.entry) !== nameOf(entry)) remove(row);
  const known = rows.has(entry.n);
  const at = micros(entry.time ?? entry.interval?.[0] ?? entry.interval?.[1] ?? entry.received);
  if (known && row.at === at) {
    row.entry = entry;
  } else {
    if (known) order.splice(order.indexOf(row), 1);
    else row = { node: build(entry) };
    Object.assign(row, { entry, at });
    rows.set(entry.n, row);
    if (entry.kind === "event") picturesOf(entry.unit, entry.epoch, entry.seq).row = row;
    let [low, high] = [0, order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isNewer(order[middle], row)) low = middle + 1;
      else high = middle;
    }
    list.insertBefore(row.node, order[low]?.node ?? null);
    order.splice(low, 0, row);
  }
  draw(row);
  return !known;
}

function isNewer(a, b) {
  if (a.at !== b.at) return a.at > b.at;
  const sameLife = a.entry.unit === b.entry.unit && a.entry.epoch === b.entry.epoch;
  return sameLife ? a.entry.seq > b.entry.seq : a.entry.n > b.entry.n;
}

function build(entry) {
  const isEvent = entry.kind === "event";
  const look = isEvent ? { opened: "open" }[entry.change] ?? entry.change : entry.kind;
  return el(`li.event${isEvent ? "" : ".minor"}`, {
    "data-testid": isEvent ? "event-row" : "note-row", "data-kind": entry.kind, "data-look": look,
    "data-change": entry.change, "data-unit": entry.unit, "data-seq": entry.seq, "data-epoch": entry.epoch,
  },
  el("h3.day", { hidden: "" }),
  el("div.row", {}, el("span.mark", {}, icon(look)),
    el("div.body", {},
      el("p.line", {}, el("strong.what"), el("span.of"), el("time.when")),
      el("p.meta"), el("p.note", { hidden: "" }), el("div.thumbs", { hidden: "" }))));
}

function draw(row) {
  const { entry, node } = row;
  const part = (name) => node.querySelector(`.${name}`);
  set(part("what"), whatOf(entry));
  set(part("of"), entry.unit);
  const [, to, ms] = /^(.*?)(\.\d{3})?$/.exec(whenOf(entry));
  if (part("when").textContent !== to + (ms ?? "")) part("when").replaceChildren(to, ms ? el("span.ms", {}, ms) : "");
  attr(part("when"), "datetime", entry.time);
  attr(part("when"), "title", exact(entry.time));
  part("meta").replaceChildren(...metaOf(entry));
  const { frames, why } = picturesOf(entry.unit, entry.epoch, entry.seq);
  part("note").hidden = !set(part("note"), notesOf(entry, frames, why)).textContent;
  drawThumbs(row, part("thumbs"), frames);
}

function whatOf(entry) {
  if (entry.kind === "event") return t(`change.${entry.change}`);
  return t(entry.kind === "boot" && entry.detail.new_boot === false ? "kind.agent" : `kind.${entry.kind}`);
}

function whenOf({ time, interval }) {
  if (!time) return interval?.some(Boolean) ? "" : t("unknownTime"); // its note says between when and when
  const [low, high] = interval ?? [];
  return high === time && low !== time ? t("by", { time: clockTime(time) }) : clockTime(time);
}

function metaOf(entry) {
  const { seq, edges, settle_us: settle, time, clock, error_ms: error, received } = entry;
  const late = lagOf(entry) >= LATE_MS;
  const parts = [el("span.seq", { title: t("seq", { n: seq }) }, `#${seq}`)];
  if (edges) {
    const rest = t(entry.change === "lost" ? "unsettled" : "settled", { span: millis(settle) });
    parts.push(el("span", {}, t("edges", { n: edges }) + (settle ? rest : "")));
  }
  if (entry.kind === "boot") parts.push(el("span", {}, t("versionIs", { v: entry.detail.version ?? "—" })));
  if (time && clock !== "synced") {
    const about = error === null ? "" : `±\u2009${span(error)}${t("comma")}`;
    parts.push(el("span.rough", {}, about + t("clockWas", { quality: t(`clock.${clock}`) })));
  }
  parts.push(el(late ? "span.late" : "span", { title: exact(received) }, late && icon("late"), deliveredOf(entry)));
  return parts;
}

/** How long it was on its way: a change is timed by its first edge, but known only once the contact rests. */
function lagOf({ delay_ms: delay, settle_us: settle, interval }) {
  return delay === null || interval ? delay : delay - settle / 1000;
}

function deliveredOf(entry) {
  const lag = lagOf(entry);
  if (lag === null) return t("arrived", { time: shortTime(entry.received) });
  return lag < LATE_MS ? t("atOnce") : t("later", { span: span(lag) });
}

function notesOf(entry, frames, why) {
  const { kind, time, interval, reason, detail } = entry;
  const notes = [];
  if (interval) {
    const [a, b] = interval.map((end) => end && (isToday(end) ? clockTime(end) : shortTime(end)));
    const bounds = a && b ? t("between", { a, b }) : a ? t("after", { a }) : b && t("before", { b });
    if (bounds) notes.push(time ? bounds : t("unknownTime") + t("comma") + bounds);
  }
  if (kind === "boot" && detail.clean === false) notes.push(t("unclean"));
  if (kind === "gap") {
    if (detail.seqs?.length) notes.push(ranges(detail.seqs));
    if (detail.records) notes.push(t("records", { n: detail.records }));
    if (detail.frames) notes.push(t("pictures", { n: detail.frames }));
    notes.push(word(`gap.${detail.reason}`) ?? detail.reason ?? "");
  } else if (reason) {
    notes.push(word(`reason.${reason}`) ?? reason);
  }
  if (why) notes.push(t(frames.length ? "fewPictures" : "noPictures", { why }));
  return notes.filter(Boolean).join(" · ");
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
    set(thumb.lastChild, offsetOf(row.entry, picture, true));
  });
}

function buildThumb(row, picture) {
  const image = el("img", { alt: "", loading: "lazy", decoding: "async", width: 96, height: 72 });
  const thumb = el("button.thumb", { type: "button", "data-testid": "frame-thumb", "data-name": picture.name },
    icon("camera-off"), image, el("span.offset"));
  image.addEventListener("load", () => thumb.classList.add("loaded"));
  image.addEventListener("error", () => thumb.classList.add("broken"));
  image.src = picture.url;
  thumb.addEventListener("click", () => openPicture(row, picture.name));
  return thumb;
}

/** How long before or after its event a picture was taken: "+0.4 s" (short), or in words. */
function offsetOf(entry, picture, short) {
  if (!picture.time || !entry.time) return "";
  const ms = (micros(picture.time) - micros(entry.time)) / 1000;
  if (short) return `${ms <= -50 ? "\u2212" : "+"}${(Math.abs(ms) / 1000).toFixed(1)} s`;
  return t(ms < 0 ? "beforeIt" : "afterIt", { span: seconds(Math.abs(ms)) });
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
  const events = added.filter(({ entry }) => entry.kind === "event");
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
  const [{ entry }] = unsaid;
  const [what, time, late] = [whatOf(entry), whenOf(entry) || t("unknownTime"), deliveredOf(entry)];
  say(unsaid.length === 1 ? t("say", { unit: entry.unit, what, time, late }) : t("sayMany", { n: unsaid.length }));
  unsaid = [];
}

function fresh() {
  $("fresh").hidden = !unread;
  $("fresh").replaceChildren(icon("up"), t("fresh", { n: unread }));
}

let shown = null; // {row, name}: the picture in the lightbox; by name, as others may arrive before it
const box = $("lightbox");

function openPicture(row, name) {
  shown = { row, name };
  drawPicture();
  box.showModal();
}

function drawPicture() {
  const { entry } = shown.row;
  const { frames } = picturesOf(entry.unit, entry.epoch, entry.seq);
  const i = frames.findIndex(({ name }) => name === shown.name);
  if (i < 0) return box.close();
  const time = frames[i].time ? clockTime(frames[i].time) : t("unknownTime");
  set($("picture-title"), `${whatOf(entry)} · ${entry.unit} · #${entry.seq}`);
  set($("picture-count"), t("picture", { i: i + 1, n: frames.length }));
  set($("picture-when"), [time, offsetOf(entry, frames[i], false)].filter(Boolean).join(" · "));
  attr($("picture-when"), "title", exact(frames[i].time));
  attr($("picture"), "alt", t("pictureAlt", { what: whatOf(entry), time }));
  if ($("picture").getAttribute("src") !== frames[i].url) {
    box.classList.remove("broken");
    attr($("picture"), "src", frames[i].url);
  }
  attr($("picture-previous"), "aria-disabled", i === 0);
  attr($("picture-next"), "aria-disabled", i === frames.length - 1);
  for (const near of [frames[i - 1], frames[i + 1]]) if (near) new Image().src = near.url;
}

function step(by) {
  const { entry } = shown.row;
  const { frames } = picturesOf(entry.unit, entry.epoch, entry.seq);
  const to = frames[frames.findIndex(({ name }) => name === shown.name) + by];
  if (!to) return;
  shown.name = to.name;
  drawPicture();
}

function lightboxKey(event) {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
  if (event.key !== "Tab") return;
  const stops = [...box.querySelectorAll("button")]; // the browser's own chrome is not part of the dialogue
  const at = stops.indexOf(document.activeElement);
  event.preventDefault();
  stops[(at + (event.shiftKey ? -1 : 1) + stops.length) % stops.length].focus();
}

$("picture").addEventListener("error", () => {
  box.classList.add("broken");
  set($("picture-when"), t("pictureLost"));
});
$("picture-previous").addEventListener("click", () => step(-1));
$("picture-next").addEventListener("click", () => step(1));
$("picture-close").addEventListener("click", () => box.close());
box.addEventListener("keydown", lightboxKey);
box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
box.addEventListener("close", () => {
  const { row, name } = shown;
  shown = null;
  row.node.querySelector(`[data-name="${name}"]`)?.focus(); // the picture looked at last, not the one clicked first
});
$("earlier").addEventListener("click", (event) => { if (!event.target.ariaDisabled) earlier(); });
$("fresh").addEventListener("click", () => $("events").scrollIntoView({ block: "start" }));
new IntersectionObserver(([seen]) => {
  atTop = seen.isIntersecting;
  if (atTop) unread = 0;
  fresh();
}).observe($("events-title"));
