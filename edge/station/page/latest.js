// The picture of the newest opening beside the state of an only door, where a phone shows it without scrolling.
import { picturesOf } from "./pictures.js";
import { buildThumb } from "./thumb.js";
import { attr, clockTime, micros, set, shortTime, t } from "./words.js";

const TELLING_MS = 1000; // by then a door that was opened stands open, and whoever opened it stands there

/** `order`: the rows of the list, newest first. */
export function drawLatest(order) {
  const box = document.querySelector("[data-doors=one] .latest");
  if (!box) return;
  const row = order.find(({ entry }) => entry.change === "opened");
  const frames = row ? picturesOf(row.entry).frames : [];
  box.hidden = !frames.length;
  if (box.hidden) return;
  const picture = frames.find(({ time }) => isTelling(row.entry, time)) ?? frames.at(-1);
  if (box.firstChild?.dataset.name !== picture.name) box.replaceChildren(buildThumb(row, picture));
  attr(box, "data-of", row.entry.time);
  attr(box.firstChild, "aria-label", [t("latest"), picture.time && clockTime(picture.time)].filter(Boolean).join(" "));
  set(box.firstChild.lastChild, picture.time ? shortTime(picture.time) : "");
}

function isTelling({ time: opened }, time) {
  return Boolean(time && opened) && micros(time) - micros(opened) >= TELLING_MS * 1000;
}
