// One small picture: pressed, it is shown large.
import { openPicture } from "./lightbox.js";
import { el, icon } from "./words.js";

export function buildThumb(row, picture) {
  const image = el("img", { alt: "", loading: "lazy", decoding: "async", width: 96, height: 72 });
  const thumb = el("button.thumb", { type: "button", "data-testid": "frame-thumb", "data-name": picture.name },
    icon("camera-off"), image, el("span.offset"));
  image.addEventListener("load", () => thumb.classList.add("loaded"));
  image.addEventListener("error", () => thumb.classList.add("broken"));
  image.src = picture.url;
  thumb.addEventListener("click", () => openPicture(row, picture.name));
  return thumb;
}
