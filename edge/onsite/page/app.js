// The installer's page: lets somebody in, shows every step as the unit tells it, and asks the unit for what is tapped.

import { Aim } from "./aim.js";
import { showReport } from "./report.js";
import { cure, make, switchLanguage, word, write } from "./words.js";

const $ = (id) => document.getElementById(id);
const ICONS = { well: "✓", wrong: "!", running: "…", open: "○", skipped: "–" };
let told = null;
let stream = null;

async function ask(path, wish = {}) {
  try {
    const answer = await fetch(`/api/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Doorunit": "1" },
      body: JSON.stringify(wish),
    });
    $("lost").hidden = true;
    return { status: answer.status, ...(await answer.json()) };
  } catch {
    $("lost").hidden = false;
    return { status: 0 };
  }
}

/** One wish of the unit, by a button that stays down until it is answered. */
async function act(what, wish = {}, button = null) {
  if (button) button.setAttribute("aria-busy", "true");
  $("refused").hidden = true;
  const answer = await ask(`do/${what}`, wish);
  if (button) button.removeAttribute("aria-busy");
  if (answer.status === 401) entrance(answer);
  else if (answer.signed) signed(answer.signed);
  else if (answer.refused) refuse($("refused"), answer);
  return answer;
}

function refuse(place, answer) {
  const values = { ...answer, minutes: Math.round((answer.since_s ?? 0) / 60) };
  place.replaceChildren(...cure(answer.refused, values));
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}

function only(id) {
  for (const main of document.querySelectorAll("main")) main.hidden = main.id !== id;
}

const aim = new Aim(act);

// Getting in

function entrance(answer = null) {
  stream?.close();
  stream = null;
  aim.show(false);
  only("entrance");
  if (answer?.refused) refuse($("entry-refused"), answer);
}

async function enter(takeOver) {
  const wish = { code: $("code").value, name: $("name").value, phone_ms: Date.now(), take_over: takeOver };
  const answer = await ask("enter", wish);
  $("take-over").hidden = answer.refused !== "gate.busy";
  if (answer.status === 200) {
    $("entry-refused").hidden = true;
    $("code").value = "";
    history.replaceState(null, "", location.pathname);
    listen();
  } else if (answer.refused) refuse($("entry-refused"), answer);
}

function listen() {
  stream?.close();
  only("work");
  stream = new EventSource("/api/live");
  stream.onmessage = (event) => {
    $("lost").hidden = true;
    told = JSON.parse(event.data);
    show();
  };
  stream.addEventListener("out", () => entrance({ refused: "gate.out" }));
  stream.onerror = async () => {
    if ($("work").hidden) return;
    $("lost").hidden = false;
    if (stream?.readyState !== EventSource.CLOSED) return;
    setTimeout(resume, 1000);
  };
}

/** After a lock or a lost network: go on where it was, or ask for the code. */
async function resume() {
  if (!$("done").hidden) return;
  try {
    const { inside } = await (await fetch("/api/hello")).json();
    $("lost").hidden = true;
    if (inside) listen();
    else entrance($("work").hidden ? null : { refused: "gate.out" });
  } catch {
    $("lost").hidden = false;
    setTimeout(resume, 1000);
  }
}

// What is shown

function show() {
  if (!told) return;
  const steps = Object.fromEntries(told.steps.map((step) => [step.name, step]));
  $("unit").textContent = told.unit;
  for (const list of document.querySelectorAll("[data-steps]")) {
    list.replaceChildren(...list.dataset.steps.split(" ").map((name) => row(steps[name])));
  }
  const passed = told.steps.filter((step) => ["well", "skipped"].includes(step.state)).length;
  $("progress").textContent = word("progress", { done: passed, all: told.steps.length });
  const missing = told.steps.filter((step) => !["well", "skipped"].includes(step.state));
  const names = missing.map((step) => word(`step.${step.name}`)).join(", ");
  $("missing").textContent = missing.length ? word("stillMissing", { what: names }) : "";
  $("identify").hidden = steps.identify.state === "well";
  $("blink").hidden = !told.indicator;
  $("camera").hidden = !told.camera;
  showWarnings(told.warnings);
  showWalk(steps.walk);
  aim.told(steps.aim, told.mask ?? []);
}

function row(step) {
  const item = make("li");
  item.dataset.step = step.name;
  item.dataset.state = step.state;
  const head = make("div", "", "head");
  const icon = make("span", ICONS[step.state], "icon");
  icon.setAttribute("aria-hidden", "true");
  head.append(icon, make("span", word(`step.${step.name}`), "name"), make("span", word(step.state), "state"));
  item.append(head);
  const facts = factsOf(step);
  if (facts) item.append(make("p", facts, "soft facts"));
  if (step.code) {
    const box = make("div", "", step.state === "skipped" || step.state === "well" ? "note" : "cure");
    box.append(...cure(step.code, step.found));
    if (step.state === "wrong") box.append(make("small", word("want", { what: word(`wanted.${step.name}`) })));
    item.append(box);
  }
  return item;
}

function factsOf({ found, ms }) {
  const facts = [found.address, found.host, found.version, found.protocol, found.unit].filter(Boolean);
  if (found.code) facts.push(word("codeIs", { code: found.code }));
  if (found.width) facts.push(`${found.width} × ${found.height}`);
  if (found.quality) facts.push(found.quality);
  if (found.apart_s !== undefined && found.apart_s !== null) facts.push(word("apart", { n: found.apart_s }));
  if (ms !== null) facts.push(word("ms", { n: ms }));
  return facts.join(" · ");
}

function showWarnings(warnings) {
  $("warnings").hidden = warnings.length === 0;
  const chinese = document.documentElement.lang === "zh-CN";
  const lines = warnings.map((one) => {
    const item = make("li", chinese ? one.zh : one.en);
    const help = (chinese ? one.cure_zh : one.cure) || word(`cure.${one.code}`);
    if (help) item.append(make("br"), make("small", help));
    return item;
  });
  $("warnings").querySelector("ul").replaceChildren(...lines);
}

function showWalk({ state, found }) {
  const begun = found.moves !== undefined;
  $("walk-live").hidden = !begun;
  $("walk").classList.toggle("main", state !== "well");
  if (!begun) return;
  $("walk-door").textContent = word("doorIs", { state: word(`door.${found.door}`) });
  $("walk-door").dataset.door = found.door;
  const next = found.next ? word(`walkNow.${found.next}`) : word(state === "well" ? "walkDone" : "walkWaiting");
  $("walk-now").textContent = next;
  $("walk-moves").replaceChildren(
    ...found.moves.map((move) => {
      const values = { to: word(`door.${move.to}`), edges: move.edges, settle: move.settle_ms };
      const item = make("li", word("move", values));
      const waits = move.receipt_ms === null;
      item.append(make("br"), make("small", waits ? word("moveWaits") : word("moveReceipt", { n: move.receipt_ms })));
      item.dataset.received = String(!waits);
      return item;
    }),
  );
}

function signed(proof) {
  stream?.close();
  stream = null;
  aim.show(false);
  only("done");
  showReport(proof);
  scrollTo(0, 0);
}

// What can be tapped

$("language").onclick = () => {
  switchLanguage();
  show();
};
$("enter").onsubmit = (event) => {
  event.preventDefault();
  enter(false);
};
$("take-over").onclick = () => enter(true);
for (const what of ["blink", "identify", "check", "walk", "test", "sign"]) {
  $(what).onclick = (event) => act(what, {}, event.currentTarget);
}
$("print").onclick = () => print();
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !$("work").hidden) resume();
});

write();
$("code").value = decodeURIComponent(location.hash.slice(1));
resume();
