// What the office's lists share: times by the office's clock, and the links that take a list out as a file.
import { officeZone } from "./session.js";
import { attr, el, language, t } from "./words.js";

const PARTS = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** "11-24 08:00" where the office is, wherever this browser is. */
export function officeTime(time, more = {}) {
  const format = new Intl.DateTimeFormat("en-GB", { ...PARTS, ...more, timeZone: officeZone() });
  const part = Object.fromEntries(format.formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
  const day = [part.year, part.month, part.day].filter(Boolean).join("-");
  return `${day} ${[part.hour, part.minute, part.second].filter(Boolean).join(":")}`;
}

export const officeDay = (time) => officeTime(time, { year: "numeric" }).slice(0, 10);

/** CSV and PDF of each list that has a [data-export]; `named` are words for it, `query` what more to say. */
export function writeExports(query = "") {
  for (const box of document.querySelectorAll("[data-export]")) {
    const what = box.dataset.export;
    const name = box.parentElement.querySelector("h2").textContent;
    const links = ["csv", "pdf"].map((kind) => {
      const href = `/api/export/${what}.${kind}?lang=${language()}${query}`;
      return el("a.tool.screen", { href, download: "", "aria-label": t(`${kind}Of`, { what: name }) }, kind.toUpperCase());
    });
    box.replaceChildren(...links);
    attr(box, "role", "group");
    attr(box, "aria-label", name);
  }
}
