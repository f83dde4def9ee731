// The page's words in Chinese and English, times and amounts as each writes them, and the tools all modules share.

const WORDS = {
  title: ["Door station", "门磁工作站"],
  skip: ["Skip to events", "跳到事件列表"],
  other: ["中文", "English"],
  otherName: ["切换到中文", "Switch to English"],
  live: ["Live", "实时"],
  connecting: ["Connecting", "正在连接"],
  stale: ["Not live", "未连接"],
  lostBanner: [
    "No connection to the station since {time}. What is shown may be out of date. Trying again by itself.",
    "自 {time} 起与工作站断开，所示内容可能已过时。正在自动重连。",
  ],
  never: ["The station does not answer. Trying again by itself.", "工作站没有应答，正在自动重试。"],
  back: ["Connected to the station again", "已重新连接工作站"],

  views: ["Views", "视图"],
  doors: ["Doors", "门"],
  noDoors: [
    "No unit has reported yet. Its door appears here with its first message.",
    "还没有设备上报。设备首次上报后会显示在这里。",
  ],
  all: ["All", "全部"],
  attention: ["Needs attention", "需要关注"],
  find: ["Find a flat or unit", "查找住户或设备"],
  noneMatch: ["No door matches. ", "没有符合条件的门。"],
  noneAttention: ["Every door is shut, online and without warnings.", "所有门均已关闭、在线且无告警。"],
  allEvents: ["All doors", "全部的门"],
  count: ["{n} door|{n} doors", "{n} 扇门"],
  countOpen: ["{n} open", "{n} 扇开着"],
  countOffline: ["{n} offline", "{n} 台离线"],

  "state.shut": ["Shut", "已关"],
  "state.open": ["Open", "开着"],
  "state.held": ["Held open", "久开未关"],
  "state.unknown": ["Unknown", "未知"],
  "state.unwatched": ["Not watched", "未监测"],
  armed: ["Term", "隔离期"],
  until: ["until {time}", "至 {time}"],
  from: ["from {time}", "自 {time} 起"],
  noTerm: ["none", "无"],
  termUnknown: ["not known", "不详"],
  announce: ["Announce a visit, 10 minutes", "预告来访，10 分钟"],
  endTerm: ["End the term", "结束隔离期"],
  endSure: ["Press again to end it: the unit then erases", "再按一次确认：设备将清除数据"],
  expected: ["Expected: {kind}", "预期：{kind}"],
  "visit.doctor": ["doctor", "医护"],
  "visit.delivery": ["delivery", "送货"],
  "visit.staff": ["staff", "工作人员"],
  "visit.resident": ["announced by the resident", "住户报备"],
  "audit.term.began": ["Term began", "隔离期开始"],
  "audit.update.confirmed": ["New software confirmed", "新版本软件已确认"], "audit.update.returned": ["New software sent back", "新版本软件已退回"],
  "audit.term.changed": ["Term changed", "隔离期变更"],
  "audit.term.ended": ["Term ended", "隔离期结束"],
  "audit.visit.added": ["Visit announced", "已预告来访"],
  "audit.walk": ["Walk test", "开关门测试"],
  "audit.test": ["Installer's test", "安装测试"],
  "audit.installed": ["Installed and signed off", "安装并签收"],
  "audit.erased": ["Erased", "数据已清除"],
  undelivered: ["not delivered: {what}", "未送达：{what}"],
  allDelivered: ["everything had been delivered", "此前已全部送达"],
  signed: ["signed by the unit", "设备签名有效"],
  unsigned: ["the signature is not this unit's", "签名无效"],
  for: ["for {span}", "持续 {span}"],
  since: ["since {time}", "{time} 起"],
  unit: ["Unit", "设备"],
  online: ["Online", "在线"],
  offline: ["Offline", "离线"],
  offlineSince: ["Offline, {heard}", "离线，{heard}"],
  heard: ["heard {span} ago", "{span}前有消息"],
  heardNow: ["heard just now", "刚刚有消息"],
  lastKnown: ["last known", "最后所知"],
  neverHeard: ["not heard yet", "尚无消息"],
  camera: ["Camera", "摄像头"],
  "camera.on": ["on", "开启"],
  "camera.off": ["off", "关闭"],
  "camera.failed": ["failed", "故障"],
  "camera.none": ["none", "未安装"],
  link: ["Link", "链路"],
  clock: ["Clock", "时钟"],
  "clock.synced": ["synced", "已同步"],
  "clock.rtc": ["from its RTC chip", "取自时钟芯片"],
  "clock.restored": ["restored, not synced", "断电前保存值"],
  "clock.unsynced": ["not set", "未校准"],
  waiting: ["{n} waiting on the unit", "设备上还有 {n} 条待传"],
  nothingWaiting: ["nothing waiting", "无待传"],
  notKnown: ["not known", "不详"],
  toSend: ["To send", "待传"],
  missing: ["missing: {list}", "缺失：{list}"],
  missingHint: ["Records numbered {list} have not arrived", "编号 {list} 的记录尚未收到"],

  health: ["Unit health", "设备状况"],
  asOf: ["As last heard, before it went offline.", "以下为离线前最后一次上报。"],
  "group.delivery": ["Delivery", "上传"],
  "group.clock": ["Clock", "时钟"],
  "group.machine": ["Machine", "主机"],
  "group.contact": ["Contact", "门磁"],
  backlog: ["Records waiting", "待传记录"],
  frames_waiting: ["Pictures waiting", "待传图片"],
  oldest_unsent_s: ["Oldest unsent", "最早未传"],
  quality: ["Quality", "状态"],
  error_ms: ["Error", "误差"],
  temp_c: ["Temperature", "温度"],
  mem_mb: ["Memory", "内存"],
  disk_free_mb: ["Disk free", "剩余空间"],
  uptime_s: ["Uptime", "运行时长"],
  version: ["Version", "版本"],
  openings: ["Openings", "开门次数"],
  edges_max: ["Most edges", "最多跳变"],
  settle_max_us: ["Longest settle", "最长稳定"],
  glitches: ["Glitches ignored", "已忽略毛刺"],
  supply_mv: ["Supply", "供电电压"],
  supply_ma: ["Current", "供电电流"],
  enclosure_c: ["Enclosure", "机箱温度"],
  humidity_pct: ["Humidity", "机箱湿度"],

  events: ["Events", "事件"],
  eventsOf: ["Events of {unit}", "{unit} 的事件"],
  noEvents: ["Nothing yet. An event appears here the moment it arrives.", "暂无事件。事件到达时会立即显示在这里。"],
  earlier: ["Show earlier events", "显示更早的事件"],
  fresh: ["{n} new event|{n} new events", "{n} 条新事件"],
  loadFailed: ["The station did not send the events. {why}", "工作站未能返回事件。{why}"],
  "change.opened": ["Opened", "开门"],
  "change.shut": ["Shut", "关门"],
  "change.held": ["Held open", "久开未关"],
  "change.lost": ["Contact lost", "门磁失联"],
  "change.found": ["Contact found", "门磁正常"],
  "kind.boot": ["Unit started", "设备启动"],
  "kind.agent": ["Agent started again", "程序重新启动"],
  "kind.anchor": ["Clock synced", "时钟已同步"],
  "kind.gap": ["Records lost on the unit", "设备上有记录丢失"],
  "reason.chatter": ["the contact does not come to rest", "触点一直不稳定"],
  unclean: ["the last run was cut off", "上次运行被中断"],
  versionIs: ["version {v}", "版本 {v}"],
  "gap.full": ["its storage was full", "存储已满"],
  "gap.corrupt": ["its storage was damaged", "存储损坏"],
  "gap.erased": ["erased before it was sent", "未发送即被清除"],
  "gap.overrun": ["its card could not be written", "存储卡无法写入"],
  records: ["{n} record|{n} records", "{n} 条记录"],
  latest: ["Picture of the last opening", "最近一次开门的图片"],
  pictures: ["{n} picture|{n} pictures", "{n} 张图片"],
  atOnce: ["at once", "即时到达"],
  later: ["buffered, arrived {span} later", "缓存后补传，晚到 {span}"],
  arrived: ["arrived {time}", "{time} 到达"],
  edges: ["{n} edge|{n} edges", "{n} 次跳变"],
  unsettled: [" in {span}", "，历时 {span}"],
  settled: [", settled in {span}", "，{span}后稳定"],
  comma: [", ", "，"],
  colon: [": ", "："],
  seq: ["Record number {n}", "记录编号 {n}"],
  by: ["by {time}", "不晚于 {time}"],
  between: ["between {a} and {b}", "介于 {a} 与 {b} 之间"],
  after: ["after {a}", "晚于 {a}"],
  before: ["before {b}", "早于 {b}"],
  unknownTime: ["time unknown", "时间未知"],
  clockWas: ["clock {quality}", "时钟{quality}"],
  noPictures: ["No pictures: {why}", "无图片：{why}"],
  fewPictures: ["Fewer pictures: {why}", "图片不全：{why}"],
  say: ["{unit}: {what}, {time}, {late}", "{unit}：{what}，{time}，{late}"],
  sayMany: ["{n} events arrived", "收到 {n} 条事件"],

  picture: ["Picture {i} of {n}", "第 {i} 张，共 {n} 张"],
  pictureAlt: ["Landing camera, {what}, {time}", "楼道摄像头，{what}，{time}"],
  pictureLost: ["This picture could not be loaded.", "无法加载此图片。"],
  beforeIt: ["{span} before", "之前 {span}"],
  afterIt: ["{span} after", "之后 {span}"],
  previous: ["Previous picture", "上一张"],
  next: ["Next picture", "下一张"],
  close: ["Close", "关闭"],

  bench: ["Bench", "试验台"],
  benchTry: [
    "Cut the network, open the door a few times, kill the unit, start it, reconnect: " +
      "every opening arrives once, in order, with its true time.",
    "断开网络，开几次门，强制断电，再开机并恢复网络：每次开门都会到达且只到达一次，顺序正确，时间真实。",
  ],
  openDoor: ["Open door", "开门"],
  shutDoor: ["Shut door", "关门"],
  how: ["How the contact moves", "门磁如何动作"],
  "wave.clean": ["Clean", "干净"],
  "wave.bounce": ["Bounce", "弹跳"],
  "wave.rattle": ["Rattle", "晃动"],
  "wave.glitch": ["Glitch", "毛刺"],
  "wave.chatter": ["Chatter", "颤动"],
  "hint.clean": ["One edge, as on paper.", "只有一次跳变，理想情况。"],
  "hint.bounce": ["A few milliseconds of bounce, as every reed switch has.", "几毫秒的弹跳，每个干簧管都有。"],
  "hint.rattle": ["A slammed or ill-fitting door: a quarter of a second of noise.", "摔门或门框松动，抖动约四分之一秒。"],
  "hint.glitch": ["A 3 ms spike and back: the door did not move, so no event follows.", "3 毫秒的毛刺，门没有动，不应产生事件。"],
  "hint.chatter": ["A failing contact that does not come to rest.", "门磁故障，一直不稳定。"],
  network: ["Network connected", "网络已连接"],
  networkHint: ["Off: records wait on the unit", "关闭后：记录留在设备上"],
  power: ["Unit powered", "设备已通电"],
  powerHint: ["Off: kill -9. On: start", "关闭：kill -9；开启：启动"],
  refused: ["The station answered {status} without a reason.", "工作站返回 {status}，未说明原因。"],
  noAnswer: ["The station did not answer. Nothing is known of this request.", "工作站没有应答，不知道请求是否执行。"],
};

const JUST_NOW_MS = 5e3;
const KEPT = "doorunit.lang";
let lang = remembered() ?? (/^zh\b/i.test(navigator.language) ? "zh" : "en");
let skewMs = 0; // the station's clock minus this browser's
let formats = makeFormats();

/** The words for `key` in the page's language, {names} filled in, "one|many" chosen by values.n. None: null. */
export function word(key, values = {}) {
  const pair = WORDS[key];
  if (!pair) return null;
  const forms = pair[lang === "zh" ? 1 : 0].split("|");
  const form = forms.length > 1 && values.n !== 1 ? forms[1] : forms[0];
  return form.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** As word, but a key without words is shown as its own last part, so a new value of the API is still legible. */
export const t = (key, values) => word(key, values) ?? key.slice(key.indexOf(".") + 1);
export const language = () => lang;

/** Change to the other language, keep that, and rewrite every [data-t] and [data-t-label] of the document. */
export function otherLanguage() {
  lang = lang === "zh" ? "en" : "zh";
  try { localStorage.setItem(KEPT, lang); } catch { /* storage is blocked: it lasts as long as the page */ }
  formats = makeFormats();
  writeWords();
}

export function writeWords() {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  attr($("lang"), "lang", lang === "zh" ? "en" : "zh-CN");
  for (const node of document.querySelectorAll("[data-t]")) set(node, t(node.dataset.t));
  for (const node of document.querySelectorAll("[data-t-label]")) {
    attr(node, node.localName === "input" ? "placeholder" : "aria-label", t(node.dataset.tLabel));
  }
}

/** The station's `now`, so that "4 min ago" is right on a computer whose own clock is not. */
export const setNow = (stationTime) => { skewMs = Date.parse(stationTime) - Date.now(); };
export const nowMs = () => Date.now() + skewMs;

/** A time as one whole number of microseconds since 1970, for ordering. */
export function micros(time) {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  return Math.floor(Date.parse(time) / 1000) * 1e6 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

export const clockTime = (time) => formats.ms.format(new Date(time));
export const clockSeconds = (time) => formats.s.format(new Date(time));
export const exact = (time) => (time ? `${formats.full.format(new Date(time))}\n${time}` : "");
export const dayKey = (ms) => formats.key.format(new Date(ms));
export const isToday = (time) => dayKey(Date.parse(time)) === dayKey(nowMs());

export function dayName(ms) {
  const days = Math.round((Date.parse(dayKey(nowMs())) - Date.parse(dayKey(ms))) / 86400e3);
  const near = days === 0 || days === 1 ? formats.relative.format(-days, "day") + (lang === "zh" ? " " : ", ") : "";
  const words = near + formats.day.format(new Date(ms));
  return words[0].toUpperCase() + words.slice(1);
}

/** 14:03:22, with the day in front where it is not today. */
export function shortTime(time) {
  return (isToday(time) ? "" : `${formats.date.format(new Date(time))} `) + clockSeconds(time);
}

/** How long something took or was late: "240 ms", "3.4 s", "4 min", "2 h 5 min". */
export function span(ms) {
  if (ms < 1000) return Math.round(ms) + units().ms;
  return ms < 10e3 ? seconds(ms) : age(ms);
}

export const seconds = (ms) => (ms / 1000).toFixed(1) + units().s;

/** How long something has lasted, in one unit, or `fine`, in two. */
export function age(ms, fine = false) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const { min, h, day, days, s: second } = units();
  const two = (big, bigUnit, small, smallUnit) => `${big}${bigUnit}${fine && small ? ` ${small}${smallUnit}` : ""}`;
  if (s < 60) return `${s}${second}`;
  if (s < 3600) return two(Math.floor(s / 60), min, s % 60, second);
  if (s < 86400) return two(Math.floor(s / 3600), h, Math.floor((s % 3600) / 60), min);
  return two(Math.floor(s / 86400), s < 172800 ? day : days, Math.floor((s % 86400) / 3600), h);
}

export function heardAgo(seen) {
  const ms = nowMs() - Date.parse(seen);
  if (!seen) return t("neverHeard");
  return ms < JUST_NOW_MS ? t("heardNow") : t("heard", { span: age(ms) });
}

/** A settling time; a contact's is microseconds to seconds. */
export const millis = (us) => (us < 10e3 ? (us / 1000).toFixed(1) + units().ms : span(us / 1000));
const decimals = (digits) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });
export const number = (value, digits = 0) => value.toLocaleString(locale(), decimals(digits));
/** "41-43, 57"; of a long list the first eight, and how many more there are. */
export function ranges(pairs) {
  const parts = pairs.slice(0, 8).map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`));
  if (pairs.length > 8) parts.push(`+${pairs.length - 8}`);
  return parts.join(", ");
}

export const $ = (id) => document.getElementById(id);

/** el("p.note", {title: "…"}, child, …): an element; a null attribute or child is left out. */
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) attr(node, key, value);
  node.append(...children.filter(Boolean));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  return setIcon(svg, name);
}

export function setIcon(svg, name) {
  attr(svg.firstElementChild, "href", `#i-${name}`);
  return svg;
}

/** Write only what changed: a door may be redrawn every second, and nothing on it should flicker. */
export function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
  return node;
}

export function attr(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  return node;
}

/** More words, of a module that not every page loads. */
export const addWords = (words) => Object.assign(WORDS, words);

let csrf = "";
/** What the station wants to see with every change, so that no other page can make one. */
export const setCsrf = (word) => { csrf = word; };

/** GET, or POST with a body; returns the JSON. Throws an Error whose message is a sentence for the reader. */
export async function ask(path, body) {
  const headers = { "Content-Type": "application/json", "X-Doorunit-Csrf": csrf };
  const post = body && { method: "POST", headers, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, { ...post, cache: "no-store", signal: AbortSignal.timeout(20e3) });
  } catch {
    throw new Error(t("noAnswer"));
  }
  if (answer.status === 401) location.assign(`/signin?next=${encodeURIComponent(location.pathname)}`);
  const data = await answer.json().catch(() => null);
  if (!answer.ok || data === null) {
    throw Object.assign(new Error(data?.error ?? t("refused", { status: answer.status })), data);
  }
  return data;
}

/** Tell a screen reader, without moving anything on the screen. */
export function say(text) {
  set($("said"), "");
  requestAnimationFrame(() => set($("said"), text));
}

function remembered() {
  try {
    const kept = localStorage.getItem(KEPT);
    return kept === "zh" || kept === "en" ? kept : null;
  } catch {
    return null; // storage is blocked: the browser's language decides
  }
}

function locale() {
  return lang === "zh" ? "zh-CN" : "en-GB";
}

function units() {
  return lang === "zh"
    ? { ms: " 毫秒", s: " 秒", min: " 分", h: " 小时", day: " 天", days: " 天" }
    : { ms: " ms", s: " s", min: " min", h: " h", day: " day", days: " days" };
}

function makeFormats() {
  const hms = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const make = (options, where = locale()) => new Intl.DateTimeFormat(where, options);
  return {
    s: make(hms),
    ms: make({ ...hms, fractionalSecondDigits: 3 }),
    full: make({
      ...hms, year: "numeric", month: "short", day: "numeric", fractionalSecondDigits: 3, timeZoneName: "short",
    }),
    date: make({ month: "short", day: "numeric" }),
    day: make({ weekday: "long", month: "long", day: "numeric" }),
    key: make({ year: "numeric", month: "2-digit", day: "2-digit" }, "en-CA"),
    relative: new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }),
  };
}
