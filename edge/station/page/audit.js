// One unit's audit: for the technician's screen, and for the resident on paper.
import { officeTime, writeExports } from "./lists.js";
import { whoAmI } from "./session.js";
import { $, ask, attr, el, otherLanguage, set, t, word, writeWords } from "./words.js";

const unit = decodeURIComponent(location.pathname.split("/").pop());
let told = null;

async function begin() {
  await whoAmI();
  try {
    told = await ask(`/api/audit/${encodeURIComponent(unit)}`);
  } catch (error) {
    set($("audit-error"), error.message);
    $("audit-error").hidden = false;
  }
  draw();
}

function draw() {
  writeWords();
  set($("audit-title"), [told?.label, unit].filter(Boolean).join(" · "));
  document.title = `${t("auditTitle")} ${unit}`;
  $("audit-scroll").hidden = !told?.rows.length;
  $("audit-none").hidden = !told || told.rows.length > 0;
  if (!told) return;
  writeExports(`&unit=${encodeURIComponent(unit)}`);
  $("audit-table").tBodies[0].replaceChildren(...told.rows.map(rowOf));
}

function rowOf({ time, person, what, subject, detail }) {
  const short = what === "looked" ? subject.slice(0, 12) : subject;
  return el("tr", { "data-testid": "audit-row" },
    el("td", {}, el("time", { datetime: time }, officeTime(time, { year: "numeric", second: "2-digit" }))),
    el("td", {}, person), el("td", {}, word(`act.${what}`) ?? what), attr(el("td", {}, short), "title", subject),
    el("td", {}, detail));
}

$("lang").addEventListener("click", () => {
  otherLanguage();
  draw();
});
$("print").addEventListener("click", () => print());
begin();
