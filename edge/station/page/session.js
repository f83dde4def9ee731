// Who is signed in at this page, and what they may see and do.
import { $, ask, attr, setCsrf } from "./words.js";
import "./officewords.js";

let rights = new Set();
let zone; // the office's, for lists that others read too

export const may = (right) => rights.has(right);
export const officeZone = () => zone;

/** Ask the station who this is; somebody who must sign in first is shown where. */
export async function whoAmI() {
  const me = await ask("/api/me");
  const known = me.open || (me.person && !me.fresh);
  if (!known) {
    location.assign(`/signin?next=${encodeURIComponent(location.pathname)}`);
    return new Promise(() => {}); // the browser is leaving
  }
  rights = new Set(me.rights);
  zone = me.zone;
  setCsrf(me.csrf);
  attr(document.body, "data-rights", me.rights.join(" "));
  if ($("sign-out")) {
    $("sign-out").hidden = me.open;
    attr($("sign-out"), "title", me.person);
  }
  if ($("to-team")) $("to-team").hidden = false;
  return me;
}

$("sign-out")?.addEventListener("click", async () => {
  await ask("/api/signout", {}).catch(() => {}); // a session that is gone already is as good
  location.assign("/signin");
});
