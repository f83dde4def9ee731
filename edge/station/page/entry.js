// One entry of the ledger in words: what happened, when, how well its time is known, how it got here.
import "./alarmwords.js";
import { clockTime, el, exact, icon, isToday, micros, millis, ranges, seconds, shortTime, span, t, word }
  from "./words.js";

const LATE_MS = 1000;
const AT_EVENT_MS = 50; // rounds to 0.0 s, which is written with a plus

export function whatOf({ kind, change, detail }) {
  if (kind === "event") return t(`change.${change}`);
  if (kind === "alarm") return t(`alarm.${detail.what}`);
  if (kind === "boot" && detail.new_boot === false) return t("kind.agent");
  if (kind === "audit") return word(`audit.${detail.what}`) ?? detail.what;
  return t(`kind.${kind}`);
}

/** The name of its icon. */
export function lookOf({ kind, change }) {
  if (kind === "audit") return "anchor";
  if (kind !== "event") return kind;
  return change === "opened" ? "open" : change;
}

/** "14:03:22.123", or "by" that time where it is only the later bound; empty where its note gives the bounds. */
export function whenOf({ time, interval }) {
  if (!time) return interval?.some(Boolean) ? "" : t("unknownTime");
  const [low, high] = interval ?? [];
  return high === time && low !== time ? t("by", { time: clockTime(time) }) : clockTime(time);
}

/** The small print below it, as elements. */
export function metaOf(entry) {
  const { kind, seq, edges, time, clock, received, detail } = entry;
  const parts = [el("span.seq", { title: t("seq", { n: seq }) }, `#${seq}`)];
  if (entry.expected) parts.unshift(el("span.expected", { "data-testid": "expected" }, expectedOf(entry)));
  if (edges) parts.push(el("span", {}, edgesOf(entry)));
  if (kind === "boot") parts.push(el("span", {}, t("versionIs", { v: detail.version ?? "—" })));
  if (time && clock !== "synced") parts.push(el("span.rough", {}, clockOf(entry)));
  const late = isLate(entry);
  parts.push(el(late ? "span.late" : "span", { title: exact(received) }, late && icon("late"), deliveredOf(entry)));
  return parts;
}

export function deliveredOf(entry) {
  const lag = lagOf(entry);
  if (lag === null) return t("arrived", { time: shortTime(entry.received) });
  return isLate(entry) ? t("later", { span: span(lag) }) : t("atOnce");
}

/** What a reader should know beside the time; `frames` and `why` are its pictures'. Often empty. */
export function noteOf(entry, frames, why) {
  const { kind, reason, detail } = entry;
  const notes = [boundsOf(entry)];
  if (kind === "boot" && detail.clean === false) notes.push(t("unclean"));
  if (kind === "audit") notes.push(...auditOf(detail));
  if (kind === "gap") notes.push(...lossOf(detail));
  else if (kind === "alarm") notes.push(aboutOf(detail));
  else if (reason) notes.push(word(`reason.${reason}`) ?? reason);
  if (why) notes.push(t(frames.length ? "fewPictures" : "noPictures", { why }));
  return notes.filter(Boolean).join(" · ");
}

/** How long before or after its event a picture was taken: "+0.4 s"; empty where either time is unknown. */
export function shortOffset(entry, picture) {
  const ms = offsetMs(entry, picture);
  if (ms === null) return "";
  const sign = ms <= -AT_EVENT_MS ? "\u2212" : "+";
  return `${sign}${(Math.abs(ms) / 1000).toFixed(1)} s`;
}

/** The same in words: "0.4 s after". */
export function spokenOffset(entry, picture) {
  const ms = offsetMs(entry, picture);
  if (ms === null) return "";
  return t(ms < 0 ? "beforeIt" : "afterIt", { span: seconds(Math.abs(ms)) });
}

function offsetMs(entry, picture) {
  if (!picture.time || !entry.time) return null;
  return (micros(picture.time) - micros(entry.time)) / 1000;
}

/** How long it was on its way: a change is timed by its first edge, but known only once the contact rests. */
function lagOf({ delay_ms: delay, settle_us: settle, interval }) {
  return delay === null || interval ? delay : delay - settle / 1000;
}

const isLate = (entry) => lagOf(entry) >= LATE_MS;

function edgesOf({ change, edges, settle_us: settle }) {
  const count = t("edges", { n: edges });
  if (!settle) return count;
  return count + t(change === "lost" ? "unsettled" : "settled", { span: millis(settle) });
}

function clockOf({ clock, error_ms: error }) {
  const quality = t("clockWas", { quality: t(`clock.${clock}`) });
  return error === null ? quality : `±\u2009${span(error)}${t("comma")}${quality}`;
}

function boundsOf({ time, interval }) {
  if (!interval) return "";
  const [low, high] = interval.map((end) => end && (isToday(end) ? clockTime(end) : shortTime(end)));
  if (!low && !high) return "";
  const bounds = betweenWords(low, high);
  return time ? bounds : t("unknownTime") + t("comma") + bounds;
}

function betweenWords(low, high) {
  if (low && high) return t("between", { a: low, b: high });
  return low ? t("after", { a: low }) : t("before", { b: high });
}

const expectedOf = ({ expected }) => t("expected", { kind: word(`visit.${expected}`) ?? expected });

function auditOf({ what, of, kind, records, frames, signed, ends_ns: ends, until_ns: until }) {
  const time = until ?? ends;
  const notes = [];
  if (kind) notes.push(word(`visit.${kind}`) ?? kind);
  if (time && what !== "term.ended") notes.push(t("until", { time: shortTime(new Date(time / 1e6).toISOString()) }));
  if (!of) return notes;
  const lost = [records && t("records", { n: records }), frames && t("pictures", { n: frames })].filter(Boolean);
  notes.push(lost.length ? t("undelivered", { what: lost.join(t("comma")) }) : t("allDelivered"));
  notes.push(t(signed ? "signed" : "unsigned"));
  return notes;
}

/** "the contact's wiring: cut". What a newer unit says and this page does not know is shown as it is. */
function aboutOf({ source, detail }) {
  const parts = [word(`source.${source}`) ?? source, detail && (word(`alarm.${detail}`) ?? detail)];
  return parts.filter(Boolean).join(t("colon"));
}

function lossOf({ seqs, records, frames, reason }) {
  const losses = [];
  if (seqs?.length) losses.push(ranges(seqs));
  if (records) losses.push(t("records", { n: records }));
  if (frames) losses.push(t("pictures", { n: frames }));
  losses.push(word(`gap.${reason}`) ?? reason ?? "");
  return losses;
}
