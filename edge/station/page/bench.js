// The bench panel: plays with the one simulated unit, its door, its network and its power; a real station has none.
import { $, ask, attr, el, language, set, setIcon, t, word } from "./words.js";

const DEFAULT_WAVE = "bounce"; // what a reed switch does every day

const controls = $("bench-controls");
const segments = $("bench-waves").querySelector(".segments");
let bench = null; // {unit, door, network, power, waves}; null: nothing is simulated here
let only = null; // the one unit that is shown; null: all of them

/** What the station says of its bench; null where it has none. */
export function takeBench(state) {
  bench = state;
  redrawBench();
}

/** Show the panel only beside its own unit, or beside all (null). */
export function showBenchFor(unit) {
  only = unit;
  hideOrShow();
}

export function redrawBench() {
  hideOrShow();
  if (!bench) return;
  drawWaves();
  draw();
}

function hideOrShow() {
  $("bench").hidden = !bench || (only !== null && only !== bench.unit);
}

/** The choice of waves, built anew only where it has changed, so that what was chosen stays chosen. */
function drawWaves() {
  const key = language() + bench.waves.join();
  if (segments.dataset.key === key) return;
  const usual = bench.waves.includes(DEFAULT_WAVE) ? DEFAULT_WAVE : bench.waves[0];
  const chosen = chosenWave() ?? usual;
  segments.dataset.key = key;
  segments.replaceChildren(...bench.waves.map((wave) => buildWave(wave, wave === chosen)));
}

function buildWave(wave, checked) {
  return el("label", {},
    el("input", { type: "radio", name: "wave", value: wave, checked: checked ? "" : null }),
    el("span", {}, t(`wave.${wave}`)));
}

function chosenWave() {
  return segments.querySelector(":checked")?.value;
}

function draw() {
  const shut = bench.door === "shut";
  const button = $("bench-door");
  set($("bench-unit"), bench.unit);
  set(button.lastElementChild, t(shut ? "openDoor" : "shutDoor"));
  setIcon(button.firstElementChild, shut ? "open" : "shut");
  set($("bench-hint"), word(`hint.${chosenWave()}`) ?? "");
  attr($("bench-network"), "aria-checked", bench.network);
  attr($("bench-power"), "aria-checked", bench.power);
}

async function order(what, wish) {
  const held = document.activeElement;
  setBusy(true);
  $("bench-error").hidden = true;
  try {
    takeBench(await ask(`/api/bench/${what}`, wish));
  } catch (error) {
    $("bench-error").hidden = false;
    set($("bench-error"), error.message);
  }
  setBusy(false);
  if (document.activeElement === document.body) held?.focus(); // a disabled control loses the focus
}

function setBusy(busy) {
  controls.disabled = busy;
  attr(controls, "aria-busy", busy);
}

$("bench-waves").addEventListener("change", draw);
$("bench-door").addEventListener("click", () => {
  const to = bench.door === "shut" ? "open" : "shut";
  order("door", { to, wave: chosenWave() });
});
$("bench-network").addEventListener("click", () => order("network", { on: !bench.network }));
$("bench-power").addEventListener("click", () => order("power", { on: !bench.power }));
