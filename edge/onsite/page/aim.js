// The camera's view on the phone, and the mask that a finger draws on it. Corners are fractions of width and height.

import { word } from "./words.js";

const $ = (id) => document.getElementById(id);
const EVERY_MS = 600;
const APART = 0.015; // corners of a drawn outline stand at least this far from one another
const CORNERS_MAX = 120;
const STRIPS = {
  left: [[0, 0], [0.2, 0], [0.2, 1], [0, 1]],
  right: [[0.8, 0], [1, 0], [1, 1], [0.8, 1]],
  top: [[0, 0], [1, 0], [1, 0.2], [0, 0.2]],
  bottom: [[0, 0.8], [1, 0.8], [1, 1], [0, 1]],
};

export class Aim {
  #act;
  #mask = [];
  #outline = null;
  #on = false;
  #sent = false;
  #timer = 0;
  #saving = 0;

  constructor(act) {
    this.#act = act;
    $("aim-switch").onclick = (event) => act("aim", { on: !this.#on }, event.currentTarget);
    $("as-seen").onclick = () => this.#lookAs(false);
    $("as-sent").onclick = () => this.#lookAs(true);
    $("undo").onclick = () => this.#save(this.#mask.slice(0, -1));
    $("clear").onclick = () => this.#save([]);
    for (const button of document.querySelectorAll("[data-strip]")) {
      button.onclick = () => this.#save([...this.#mask, STRIPS[button.dataset.strip]]);
    }
    $("private").onchange = () => this.#allow();
    $("confirm").onclick = (event) => act("confirm", {}, event.currentTarget);
    const canvas = $("draw");
    canvas.onpointerdown = (event) => this.#begin(event);
    canvas.onpointermove = (event) => this.#extend(event);
    canvas.onpointerup = () => this.#end();
    canvas.onpointercancel = () => this.#end();
  }

  /** What the unit says of this step. */
  told({ state, found, code }, mask) {
    this.show(found.camera === "on");
    if (!this.#saving) this.#mask = mask;
    const words = [];
    if (found.light !== undefined) {
      words.push(word("light", { n: found.light }), word("sharp", { n: found.sharp }));
    }
    words.push(word("masks", { n: this.#mask.length }));
    $("measures").textContent = words.join(" · ");
    $("measures").dataset.wrong = String(state === "wrong" && code !== "");
    this.#paint();
  }

  show(on) {
    const button = $("aim-switch");
    button.textContent = word(on ? "aimClose" : "aimOpen");
    button.setAttribute("aria-pressed", String(on));
    if (on === this.#on) return;
    this.#on = on;
    $("aim").hidden = !on;
    clearTimeout(this.#timer);
    $("private").checked = false;
    this.#allow();
    if (on) this.#look();
    else $("view").removeAttribute("src");
  }

  async #look() {
    if (!this.#on) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(`/api/view.jpg?as=${this.#sent ? "sent" : "seen"}`);
        if (answer.ok) {
          const old = $("view").src;
          $("view").src = URL.createObjectURL(await answer.blob());
          await $("view").decode();
          $("stage").style.aspectRatio = `${$("view").naturalWidth} / ${$("view").naturalHeight}`;
          if (old) URL.revokeObjectURL(old);
          this.#paint();
        }
      } catch {
        // the stream says that the connection is lost
      }
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), EVERY_MS);
  }

  #lookAs(sent) {
    this.#sent = sent;
    $("as-seen").setAttribute("aria-pressed", String(!sent));
    $("as-sent").setAttribute("aria-pressed", String(sent));
    this.#look();
  }

  #allow() {
    $("confirm").disabled = !$("private").checked;
  }

  async #save(mask) {
    this.#mask = mask;
    this.#paint();
    this.#saving += 1;
    await this.#act("mask", { polygons: mask });
    this.#saving -= 1;
  }

  #point(event) {
    const box = $("draw").getBoundingClientRect();
    const part = (at, from, size) => Math.min(1, Math.max(0, (at - from) / size));
    return [part(event.clientX, box.left, box.width), part(event.clientY, box.top, box.height)];
  }

  #begin(event) {
    $("draw").setPointerCapture(event.pointerId);
    this.#outline = [this.#point(event)];
  }

  #extend(event) {
    if (!this.#outline || this.#outline.length >= CORNERS_MAX) return;
    const [x, y] = this.#point(event);
    const [lastX, lastY] = this.#outline.at(-1);
    if (Math.hypot(x - lastX, y - lastY) < APART) return;
    this.#outline.push([x, y]);
    this.#paint();
  }

  #end() {
    const outline = this.#outline;
    this.#outline = null;
    if (outline && outline.length >= 3) this.#save([...this.#mask, outline]);
    else this.#paint();
  }

  #paint() {
    const canvas = $("draw");
    const { width, height } = canvas.getBoundingClientRect();
    if (!width) return;
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    const pen = canvas.getContext("2d");
    pen.lineWidth = 2 * devicePixelRatio;
    pen.strokeStyle = "#ffd54a";
    pen.fillStyle = this.#sent ? "transparent" : "rgb(0 0 0 / 55%)";
    for (const polygon of [...this.#mask, ...(this.#outline ? [this.#outline] : [])]) {
      pen.beginPath();
      for (const [x, y] of polygon) pen.lineTo(x * canvas.width, y * canvas.height);
      if (polygon !== this.#outline) pen.closePath();
      pen.fill();
      pen.stroke();
    }
  }
}
