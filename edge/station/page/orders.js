// The term of one door on its card: until when, and the orders that the station may give its unit.
import { ask, attr, el, set, shortTime, t } from "./words.js";

const VISIT = { kind: "staff", minutes: "10" };
const SURE_MS = 5e3; // an end is pressed twice within this time

/** Two buttons and what the unit says to them; shown while it has a term. */
export function buildOrders(unit) {
  const said = el("p.refusal", { role: "alert", hidden: "" });
  const visit = el("button.quiet.visit", { type: "button", "data-testid": "visit" });
  const end = el("button.quiet.end", { type: "button", "data-testid": "end-term" });
  const box = el("div.orders", { hidden: "", role: "group" }, visit, end, said);
  let sureMs = 0;
  visit.addEventListener("click", () => order(box, unit, "visit", VISIT));
  end.addEventListener("click", () => {
    if (Date.now() - sureMs < SURE_MS) {
      sureMs = 0;
      attr(end, "data-sure", null);
      order(box, unit, "end", {});
    } else {
      sureMs = Date.now();
      attr(end, "data-sure", true);
      set(end, t("endSure"));
      setTimeout(() => {
        attr(end, "data-sure", null);
        set(end, t("endTerm"));
      }, SURE_MS);
    }
  });
  return box;
}

export function drawOrders({ door, node }) {
  const box = node.querySelector(".orders");
  box.hidden = !door.armed || !door.ends;
  attr(box, "aria-label", t("armed"));
  set(box.querySelector(".visit"), t("announce"));
  const end = box.querySelector(".end");
  if (!end.dataset.sure) set(end, t("endTerm"));
}

/** [words, level] of the card's fact. */
export function termOf({ armed, phase, starts, ends }) {
  if (phase === "unsure") return [t("termUnknown"), "warn"];
  if (!ends) return [armed ? t("termUnknown") : t("noTerm"), "ok"];
  if (armed) return [t("until", { time: shortTime(ends) }), "ok"];
  return phase === "idle" ? [t("from", { time: shortTime(starts) }), "ok"] : [t("noTerm"), "ok"];
}

async function order(box, unit, what, wish) {
  const said = box.querySelector(".refusal");
  said.hidden = true;
  attr(box, "aria-busy", true);
  try {
    const reply = await ask(`/api/orders/${encodeURIComponent(unit)}/${what}`, wish);
    if (!reply.done) throw new Error(reply.said);
  } catch (error) {
    said.hidden = false;
    set(said, error.message);
  }
  attr(box, "aria-busy", null);
}
