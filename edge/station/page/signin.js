// The sign-in page: name and password, the first password's change, and what to do where there are no accounts.
import "./officewords.js";
import { $, age, ask, attr, otherLanguage, set, setCsrf, t, writeWords } from "./words.js";

const wanted = new URLSearchParams(location.search).get("next") ?? "/";
const next = /^\/(?![/\\])/.test(wanted) && !wanted.startsWith("/signin") ? wanted : "/"; // of this station only
let given = ""; // the first password, until its successor is chosen

async function look() {
  const me = await ask("/api/me");
  setCsrf(me.csrf);
  if (me.open || (me.person && !me.fresh)) {
    location.replace(next);
    return;
  }
  const chooses = Boolean(me.person && given); // after a reload the first password is asked for again
  $("nobody").hidden = me.people;
  $("sign-in").hidden = !me.people || chooses;
  $("choose").hidden = !chooses;
  if (chooses) $("whose").value = me.person;
  if (me.people) $(chooses ? "new" : "name").focus();
}

async function signIn() {
  given = $("password").value;
  await ask("/api/signin", { name: $("name").value, password: given });
  await look();
}

async function choose() {
  if ($("new").value !== $("again").value) throw new Error(t("differ"));
  const name = $("whose").value;
  await ask("/api/password", { old: given, new: $("new").value });
  await ask("/api/signin", { name, password: $("new").value });
  await look();
}

function wire(form, error, act) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    attr(button, "disabled", "");
    error.hidden = true;
    try {
      await act();
    } catch (caught) {
      set(error, wordsOf(caught));
      error.hidden = false;
    } finally {
      attr(button, "disabled", null);
    }
  });
}

function wordsOf({ code, wait_s: waits, message }) {
  if (code === "wrong") return t("wrong");
  return code === "locked" ? t("locked", { span: age(waits * 1000, true) }) : message;
}

wire($("sign-in"), $("sign-in-error"), signIn);
wire($("choose"), $("choose-error"), choose);
$("lang").addEventListener("click", otherLanguage);
writeWords();
look().catch((error) => {
  $("sign-in").hidden = false;
  set($("sign-in-error"), error.message);
  $("sign-in-error").hidden = false;
});
