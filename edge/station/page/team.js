// The office: who is in term today, what was opened and who saw to it, the week, and how far each unit is.
import { attendance } from "./attend.js";
import { officeDay, officeTime, writeExports } from "./lists.js";
import { may, whoAmI } from "./session.js";
import { $, ask, el, otherLanguage, say, set, setNow, span, t, word, writeWords } from "./words.js";

const AGAIN_MS = 60e3; // a term may begin or end without a message
const SOON_MS = 1000; // several messages make one look
const RETRY_MS = 3e3;

let team = null;
let installs = null;
let soon = null;

async function look() {
  clearTimeout(soon);
  soon = setTimeout(look, AGAIN_MS);
  try {
    if (may("team")) team = await ask("/api/team");
    if (may("install")) installs = (await ask("/api/installations")).units;
    $("lost").hidden = true;
  } catch (error) {
    set($("lost"), error.message);
    $("lost").hidden = false;
  }
  draw();
}

function draw() {
  writeWords();
  document.title = t("teamTitle");
  $("no-right").hidden = may("team") || may("install");
  if (team) {
    setNow(team.now);
    drawToday();
    drawDay();
    drawWeek();
  }
  $("installs").hidden = !installs;
  if (installs && !$("installs-list").contains(document.activeElement)) fill("installs", installs.map(installOf));
  writeExports();
  find();
}

function drawToday() {
  const now = team.flats.filter(({ term }) => term === "now");
  const others = team.flats.filter(({ term }) => term !== "now");
  $("today").hidden = false;
  const asOf = t("asOfTime", { time: officeTime(team.now) }); // on paper too
  set($("today-count"), `${t("todayCount", { n: now.length })} · ${asOf}`);
  fill("today", now.map(flatOf));
  $("others").hidden = !others.length;
  $("others-list").replaceChildren(...others.map(flatOf));
}

function drawDay() {
  $("day").hidden = false;
  set($("day-count"), t("openingsOf", { n: team.openings.length }));
  if ($("day-list").contains(document.activeElement)) return; // not from under a finger; the next look draws it
  fill("day", team.openings.map(openingOf));
}

function drawWeek() {
  const { week } = team;
  $("week").hidden = false;
  set($("week-count"), `${officeTime(week.from)} – ${officeTime(week.to)}`);
  set($("week-sum"), t("weekSum", week));
  const fast = week.median_ms === null ? "" : t("weekMedian", { span: span(week.median_ms) });
  set($("week-more"), [fast, t("weekTerms", { now: week.in_term, ended: week.ended })].filter(Boolean).join(" "));
  fill("week", week.units.map((one) => card(one, [el("span", {}, t("openingsOf", { n: one.openings })),
    one.attended ? el("span.soft", {}, t("weekSumOne", one)) : null])));
}

function fill(name, nodes) {
  $(`${name}-list`).replaceChildren(...nodes);
  if ($(`${name}-none`)) $(`${name}-none`).hidden = nodes.length > 0;
}

/** One line of a list: the flat, its unit, and more. */
function card({ unit, label }, lines, about = {}) {
  const head = el("p.who", {}, el("strong", {}, label || unit), label ? el("span.of", {}, unit) : null);
  return el("li.flatrow", { "data-find": `${label} ${unit}`.toLowerCase(), "data-unit": unit, ...about }, head, ...lines);
}

function flatOf(flat) {
  const { term, starts, ends, day, days, last } = flat;
  const lines = [];
  if (term === "now") {
    const today = officeDay(ends) === officeDay(team.now) ? el("span.tag", {}, t("endsToday")) : null;
    lines.push(el("p.days", {}, el("strong", {}, t("dayOf", { day, days })), today));
    lines.push(el("p.soft", {}, t("fromUntil", { from: officeTime(starts), until: officeTime(ends) })));
  } else {
    const time = { before: starts, over: ends }[term];
    lines.push(el("p.soft", {}, t(`term.${term}`, { time: time && officeTime(time) })));
  }
  const when = last ? t("lastOpening", { time: officeTime(last.time) }) : t("noOpening");
  lines.push(el("p.soft", {}, when, last && term === "now" ? ` · ${by(last)}` : ""));
  return card(flat, lines, { "data-testid": "flat-row" });
}

function by({ expected, attended }) {
  if (attended.length) return attended.map(({ person }) => person).join(", ");
  return expected ? word(`expected.${expected}`) ?? expected : t("notAttended");
}

function openingOf(opening) {
  const { expected, time } = opening;
  const words = `${t("change.opened")} · ${opening.label || opening.unit}`;
  const lines = [el("p.days", {}, el("time", { datetime: time }, officeTime(time, { second: "2-digit" })))];
  if (expected) lines.push(el("p.soft", {}, word(`expected.${expected}`) ?? expected));
  const done = () => {
    document.activeElement?.blur();
    say(t("saved"));
    look();
  };
  lines.push(el("p.attendance", {}, ...attendance(opening, words, done)));
  return card(opening, lines, { "data-testid": "opening-row" });
}

function installOf(one) {
  const missing = Object.entries(one.steps).filter(([, done]) => !done).map(([step]) => t(`step.${step}`));
  const state = one.done ? t("done") : t("toDo", { list: missing.join(t("comma")) });
  const facts = [t(one.online ? "isOnline" : "isOffline")];
  if (one.armed !== null) facts.push(t(one.armed ? "isArmed" : "isDisarmed"));
  if (one.last_seen) facts.push(officeTime(one.last_seen));
  const lines = [el(one.done ? "p.done" : "p.todo", {}, state), el("p.soft", {}, facts.join(" · "))];
  if (may("label") && one.steps.heard) lines.push(labelForm(one));
  if (may("audit")) {
    const href = `/team/audit/${encodeURIComponent(one.unit)}`;
    lines.push(el("p.screen", {}, el("a.tool", { href, "aria-label": t("auditOfUnit", one) }, t("auditOf"))));
  }
  return card(one, lines, { "data-testid": "install-row" });
}

function labelForm({ unit, label }) {
  const input = el("input", {
    value: label, maxlength: 60, autocomplete: "off", spellcheck: "false", placeholder: t("flatHint"),
    "aria-label": t("flatOf", { unit }), "data-testid": "label",
  });
  const save = el("button.tool", { type: "submit", "aria-label": t("saveFlat", { unit }) }, t("save"));
  const refusal = el("p.refusal", { role: "alert", hidden: "" });
  const form = el("form.label.screen", {}, input, save, refusal);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await ask("/api/label", { unit, label: input.value });
      document.activeElement?.blur();
      say(t("saved"));
      look();
    } catch (error) {
      set(refusal, error.message);
      refusal.hidden = false;
    }
  });
  return form;
}

/** Of all lists only what fits the words in the field. */
function find() {
  const wanted = $("find").value.trim().toLowerCase();
  for (const row of document.querySelectorAll("[data-find]")) row.hidden = !row.dataset.find.includes(wanted);
}

function listen() {
  const source = new EventSource("/api/live");
  const lookSoon = () => {
    clearTimeout(soon);
    soon = setTimeout(look, SOON_MS);
  };
  for (const name of ["record", "door", "attended"]) source.addEventListener(name, lookSoon);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => whoAmI().then(listen, listen), RETRY_MS);
  });
}

async function begin() {
  try {
    await whoAmI();
  } catch {
    setTimeout(begin, RETRY_MS);
    return;
  }
  await look();
  listen();
}

$("find").addEventListener("input", find);
$("print").addEventListener("click", () => print());
$("lang").addEventListener("click", () => {
  otherLanguage();
  draw();
});
begin();
