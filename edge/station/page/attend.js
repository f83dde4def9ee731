// Who saw to an opening, and the button and small form by which somebody says so. Shared by the live page and the office.
import { may } from "./session.js";
import { ask, attr, clockTime, el, set, shortTime, t } from "./words.js";

const box = el("dialog.ask", { id: "attend-box", "data-testid": "attend-box", "aria-labelledby": "attend-title" });
const title = el("h2", { id: "attend-title" });
const what = el("p.soft");
const note = el("input", { id: "attend-note", maxlength: 200, autocomplete: "off", "data-testid": "attend-note" });
const noteName = el("label", { for: "attend-note" });
const refusal = el("p.refusal", { role: "alert", hidden: "" });
const yes = el("button.main", { type: "submit", "data-testid": "attend-yes" });
const no = el("button.wide", { type: "button" });
const form = el("form", { method: "dialog" }, title, what, noteName, note, refusal, yes, no);
box.append(form);
document.body.append(box);
let asked = null; // {opening, done}: what the form is about, and whom to tell

/** The lines and the button of one opening, {unit, epoch, seq, time, attended}; `done` is called with all who attended. */
export function attendance(opening, words, done) {
  const nodes = opening.attended.map(({ person, time, note: said }, i) => {
    const line = t(i ? "alsoBy" : "attendedBy", { person, time: shortTime(time) });
    return el("span.attended", { "data-testid": "attended" }, said ? `${line}: ${said}` : line);
  });
  if (!nodes.length && may("attend")) {
    const time = opening.time ? clockTime(opening.time) : t("unknownTime");
    const button = el("button.attend", {
      type: "button", "data-testid": "attend", "aria-label": t("attendOf", { what: words, time }),
    }, t("attend"));
    button.addEventListener("click", () => openForm(opening, `${words} · ${time}`, done));
    nodes.push(button);
  }
  return nodes;
}

function openForm(opening, words, done) {
  asked = { opening, done };
  set(title, t("attendTitle"));
  set(what, words);
  set(noteName, t("note"));
  set(yes, t("attend"));
  set(no, t("cancel"));
  note.value = "";
  refusal.hidden = true;
  box.showModal();
  note.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { unit, epoch, seq } = asked.opening;
  attr(yes, "disabled", "");
  try {
    const { attended } = await ask("/api/attend", { unit, epoch, seq: String(seq), note: note.value });
    box.close();
    asked.done(attended);
  } catch (error) {
    set(refusal, error.message);
    refusal.hidden = false;
  } finally {
    attr(yes, "disabled", null);
  }
});
no.addEventListener("click", () => box.close());
