// The resident's page: one button, and what came of it. It shows nothing of the door.
import { $, addWords, ask, attr, otherLanguage, set, t, writeWords } from "./words.js";

addWords({
  goTitle: ["I am about to open my door", "开门预告"],
  goWhat: [
    "Putting out rubbish, taking in a parcel: announce it, and the team knows that you expect it.",
    "倒垃圾、取快递等需要开门时，请先预告，工作人员即可知悉。",
  ],
  go: ["Announce one opening", "预告一次开门"],
  goDone: ["Announced: one opening within {n} minutes.", "已预告：{n} 分钟内开门一次。"],
  goLate: [
    "Sent. The unit has not answered yet; it counts as soon as it does.",
    "已发送，设备尚未应答，应答后即生效。",
  ],
  goNot: ["The unit does not watch at present, so nothing need be announced.", "设备当前未布防，无需预告。"],
  goAgain: ["You announced one less than a minute ago.", "一分钟内已预告过。"],
  goFailed: ["It could not be sent. Try again, or call the team.", "未能发送，请重试或联系工作人员。"],
  goSoft: ["Every opening is recorded all the same.", "每次开门仍会记录。"],
});

async function announce() {
  attr($("go"), "disabled", "");
  try {
    const { done, minutes } = await ask(`/api${location.pathname}`, {});
    set($("go-said"), done ? t("goDone", { n: minutes }) : t(done === null ? "goLate" : "goNot"));
  } catch (error) {
    set($("go-said"), t(error.code === "again" ? "goAgain" : "goFailed"));
  } finally {
    attr($("go"), "disabled", null);
  }
}

$("go").addEventListener("click", announce);
$("lang").addEventListener("click", otherLanguage);
writeWords();
