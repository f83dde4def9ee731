// The page's words, from one table in Chinese and English; the phone chooses, and the button overrules it.

const TABLE = await (await fetch("words.json")).json();
const KEPT = "doorunit-language";

let chosen = localStorage.getItem(KEPT) ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

export const language = () => chosen;

export function word(name, values = {}) {
  const row = TABLE[name];
  if (!row) return undefined;
  const text = row[chosen === "zh" ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

export function switchLanguage() {
  chosen = chosen === "zh" ? "en" : "zh";
  localStorage.setItem(KEPT, chosen);
  write();
}

/** Fill in every element that names its words. */
export function write() {
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  document.title = word("title");
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", word(element.dataset.label));
  }
  const other = document.getElementById("language");
  other.textContent = word("other");
  other.setAttribute("aria-label", word("otherName"));
  document.getElementById("draw").setAttribute("aria-label", word("view"));
}

/** A new element with text; never markup. */
export function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** What is wrong, what helps, and what was literally said. */
export function cure(code, values = {}) {
  const parts = [make("strong", word(`said.${code}`, values) ?? code), make("span", word(`cure.${code}`, values) ?? "")];
  if (values.said) parts.push(make("small", word("said", { what: values.said })));
  return parts;
}
