// The picture dialog: one picture of an event, large; its neighbours are a button or an arrow key away.
import { spokenOffset, whatOf } from "./entry.js";
import { picturesOf } from "./pictures.js";
import { $, attr, clockTime, exact, set, t } from "./words.js";

const box = $("lightbox");
const image = $("picture");
let shown = null; // {row, name}: the picture looked at; by name, as others may arrive before it

export function openPicture(row, name) {
  shown = { row, name };
  draw();
  box.showModal();
}

/** A row was drawn again; so is the picture, if it is one of that row's. */
export function redrawPicture(row) {
  if (row === shown?.row) draw();
}

function draw() {
  const { entry } = shown.row;
  const { frames } = picturesOf(entry);
  const i = indexIn(frames);
  if (i < 0) {
    box.close();
    return;
  }
  const picture = frames[i];
  const time = picture.time ? clockTime(picture.time) : t("unknownTime");
  set($("picture-title"), `${whatOf(entry)} · ${entry.unit} · #${entry.seq}`);
  set($("picture-count"), t("picture", { i: i + 1, n: frames.length }));
  set($("picture-when"), [time, spokenOffset(entry, picture)].filter(Boolean).join(" · "));
  attr($("picture-when"), "title", exact(picture.time));
  attr(image, "alt", t("pictureAlt", { what: whatOf(entry), time }));
  if (image.getAttribute("src") !== picture.url) {
    box.classList.remove("broken");
    attr(image, "src", picture.url);
  }
  attr($("picture-previous"), "aria-disabled", i === 0);
  attr($("picture-next"), "aria-disabled", i === frames.length - 1);
  fetchAhead(frames[i - 1]);
  fetchAhead(frames[i + 1]);
}

function indexIn(frames) {
  return frames.findIndex(({ name }) => name === shown.name);
}

function fetchAhead(picture) {
  if (picture) new Image().src = picture.url;
}

function step(by) {
  const { frames } = picturesOf(shown.row.entry);
  const to = frames[indexIn(frames) + by];
  if (!to) return;
  shown.name = to.name;
  draw();
}

function takeKey(event) {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
  if (event.key === "Tab") moveFocus(event);
}

/** Round and round inside the dialog: the browser's own chrome is not part of it. */
function moveFocus(event) {
  const stops = [...box.querySelectorAll("button")];
  const at = stops.indexOf(document.activeElement);
  const by = event.shiftKey ? -1 : 1;
  event.preventDefault();
  stops[(at + by + stops.length) % stops.length].focus();
}

image.addEventListener("error", () => {
  box.classList.add("broken");
  set($("picture-when"), t("pictureLost"));
});
$("picture-previous").addEventListener("click", () => step(-1));
$("picture-next").addEventListener("click", () => step(1));
$("picture-close").addEventListener("click", () => box.close());
box.addEventListener("keydown", takeKey);
box.addEventListener("click", (event) => {
  if (event.target === box) box.close();
});
box.addEventListener("close", () => {
  const { row, name } = shown;
  shown = null;
  row.node.querySelector(`[data-name="${name}"]`)?.focus(); // the picture looked at last, not the one clicked first
});
