"""The life of one record as text, edge by edge, and what delayed it; in Chinese or English."""

from collections.abc import Iterator, Mapping
from typing import Any

from edge.onsite.words import fold, pad, span

JSON = Mapping[str, Any]
COLUMNS = 79
_MS = 18  # columns
SLOW_MS = 1000.0  # a step that takes longer is told as a delay
LIVE_MS = 100.0  # from settled to sent: beyond this it was not sent live
EDGES_SHOWN = 8
WORDS = {
    "en": {
        "DELIVERED": "DELIVERED",
        "WAITS": "WAITS",
        "GONE": "NOT HELD",
        "none yet": "the door has done nothing since this unit started, as far as it knows",
        "gone": "neither among the last events nor in the spool: the platform has given its receipt for it, or it was "
        "evicted (a gap record tells), or it never was",
        "older": "made before this unit started; only the spool knows of it",
        "dead": "the agent does not run; only the spool knows of it",
        "in spool": "{} stands in the spool, {} records before it",
        "after": "{} {}: receipt after {}",
        "still": "{} {}: no receipt for {}",
        "edge": "first change of the contact",
        "edges": "{} changes: {}",
        "missed": "the contact changed some time before this; the instant itself was missed",
        "made": "settled, and recorded",
        "recorded": "recorded",
        "stored": "stored: on the card",
        "sent": "sent",
        "sent again": "sent, {} times by now",
        "acked": "acknowledged by the broker",
        "denied": "refused by the broker",
        "receipt": "receipt: the platform holds it",
        "taken": "picture {}: taken",
        "sealed": "picture {}: sealed, in RAM",
        "kept": "picture {}: on the card",
        "delivered": "picture {}: the platform holds it",
        "told": "set of pictures: {}",
        "delayed": "what delayed it",
        "not delayed": "nothing delayed it",
        "besides": "wrong meanwhile",
        "link": "the link had been down for {} when it was recorded",
        "queue": "{} records waited before it",
        "card": "the card took {}",
        "card waits": "the card has not taken it for {}",
        "broker": "the broker took {} to acknowledge",
        "broker waits": "the broker has not acknowledged it for {}",
        "platform": "the platform took {} to give its receipt",
        "platform waits": "the platform has given no receipt for {}",
        "again": "it was sent {} times",
        "pictures": "the pictures: {}",
        "picture card": "the card took {} for a picture",
    },
    "zh": {
        "DELIVERED": "已送达",
        "WAITS": "等待中",
        "GONE": "无此记录",
        "none yet": "本次启动以来未见门有动作",
        "gone": "最近事件和缓存中都没有：平台已给出回执，或已因空间不足被移除（另有缺失记录说明），或从未有过",
        "older": "在本次启动之前产生，只有缓存中的内容可查",
        "dead": "程序未运行，只有缓存中的内容可查",
        "in spool": "{} 在缓存中，前面还有 {} 条记录",
        "after": "{} {}：{} 后收到回执",
        "still": "{} {}：{} 仍无回执",
        "edge": "触点第一次变化",
        "edges": "共 {} 次变化：{}",
        "missed": "触点在此之前已变化，确切时刻未捕捉到",
        "made": "已稳定，生成记录",
        "recorded": "生成记录",
        "stored": "已写入存储卡",
        "sent": "已发送",
        "sent again": "已发送，至今共 {} 次",
        "acked": "消息服务器已确认",
        "denied": "消息服务器拒绝",
        "receipt": "平台回执：已保存",
        "taken": "图片 {}：拍摄",
        "sealed": "图片 {}：已在内存中加密",
        "kept": "图片 {}：已写入存储卡",
        "delivered": "图片 {}：平台已保存",
        "told": "图片清单：{}",
        "delayed": "延迟原因",
        "not delayed": "没有延迟",
        "besides": "期间的异常",
        "link": "产生记录时连接已断开 {}",
        "queue": "前面有 {} 条记录等待",
        "card": "存储卡写入用了 {}",
        "card waits": "存储卡 {} 仍未写入",
        "broker": "消息服务器确认用了 {}",
        "broker waits": "消息服务器 {} 仍未确认",
        "platform": "平台回执用了 {}",
        "platform waits": "平台 {} 仍未给出回执",
        "again": "共发送 {} 次",
        "pictures": "图片：{}",
        "picture card": "写入一张图片用了 {}",
    },
}
WHAT_ZH = {"opened": "开门", "shut": "关门", "held": "久开未关", "lost": "触点失灵", "found": "触点恢复"}
WHAT_ZH |= {
    "test": "测试",
    "mark": "标记",
    "snap": "抓拍",
    "update.confirmed": "新版本已确认",
    "update.returned": "新版本已退回",
}


def why(answer: JSON, lang: str, *, alive: bool) -> str:
    """The answer to `why`: the verdict, each step with its time, and what delayed it."""
    words, life = WORDS[lang], answer.get("life")
    if life:
        return _life(life, lang)
    if not answer["waits"]:
        reason = words["none yet" if "searched" not in answer and alive else "gone"]
        return fold(f"{words['GONE']}: {reason}", COLUMNS, "  ")
    record = answer["record"]
    key = f"{record['epoch']}/{record['seq']}"
    first = f"{words['WAITS']}: {_what(record, lang)} {words['in spool'].format(key, answer['before'])}"
    lines = [fold(first, COLUMNS, "  "), "  " + words["older" if alive else "dead"]]
    return "\n".join([*lines, *(f"  {name}" for name in answer.get("frames", ()))])


def delays(life: JSON, lang: str) -> list[str]:
    """What took longer than it should, in the order of the way."""
    return list(_delays(life, WORDS[lang]))


def one_line(life: JSON, lang: str) -> str:
    """One record of `doorunit events`."""
    words, ms = WORDS[lang], life.get("receipt_ms")
    end = words["WAITS"] if ms is None else f"{words['DELIVERED']} {ms:+.0f} ms"
    when = life.get("time") or life.get("clock", "")
    return f"{pad(life['key'].rpartition('/')[2], 7)}{pad(str(when), 29)}{pad(_what(life, lang), 20)}{end}"


def _life(life: JSON, lang: str) -> str:
    words, ms = WORDS[lang], life["receipt_ms"]
    name = (_what(life, lang), life["key"])
    if ms is None:
        first = f"{words['WAITS']}: {words['still'].format(*name, span(life['now_ms'] / 1000))}"
    else:
        first = f"{words['DELIVERED']}: {words['after'].format(*name, span(ms / 1000))}"
    lines = [fold(first, COLUMNS, "  "), *([f"  {life['time']} ({life['clock']})"] if life["time"] else []), ""]
    for at_ms, text in sorted(_steps(life, words), key=lambda step: step[0]):
        lines.append(fold(f"  {f'{at_ms:+.3f} ms':>{_MS - 4}}  {text}", COLUMNS, " " * _MS))
    found = delays(life, lang)
    lines += ["", words["delayed"] + ":" if found else words["not delayed"]]
    lines += [fold(f"  {one}", COLUMNS, "    ") for one in found]
    if life["by"]:
        lines += [words["besides"] + ":"]
        lines += [
            fold(f"  {row[lang]} [{row['code']}], {row['since_ms']:+.0f} ms", COLUMNS, "    ") for row in life["by"]
        ]
    return "\n".join(lines)


def _steps(life: JSON, words: Mapping[str, str]) -> Iterator[tuple[float, str]]:
    """(ms, text) of everything that happened."""
    if life["kind"] == "event":
        shown = " ".join(f"{us:+d}" for us in life["edges_us"][:EDGES_SHOWN])
        more = " ..." if len(life["edges_us"]) > EDGES_SHOWN else ""
        edges = f" ({words['edges'].format(life['edges'], f'{shown}{more} us')})" if len(life["edges_us"]) > 1 else ""
        yield 0.0, words["missed" if life["missed"] else "edge"] + edges
    for step in ("made", "stored", "sent", "acked", "denied", "receipt"):
        if life[f"{step}_ms"] is not None:
            name = "recorded" if step == "made" and life["kind"] != "event" else step
            again = step == "sent" and life["sends"] > 1
            yield life[f"{step}_ms"], words["sent again"].format(life["sends"]) if again else words[name]
    for i, picture in enumerate(life["pictures"], 1):
        for step in ("taken", "sealed", "kept", "delivered"):
            if picture[f"{step}_ms"] is not None:
                yield picture[f"{step}_ms"], words[step].format(i)
    told = life["pictures_told"] or {}
    for step in ("sent", "acked", "receipt"):
        if told.get(f"{step}_ms") is not None:
            yield told[f"{step}_ms"], words["told"].format(words[step])


def _delays(life: JSON, words: Mapping[str, str]) -> Iterator[str]:
    made, stored, sent, acked, receipt = (life[f"{step}_ms"] for step in ("made", "stored", "sent", "acked", "receipt"))
    now = life["now_ms"]
    late = (sent if sent is not None else now) - made > LIVE_MS
    if life["link_down_ms"] is not None and late:
        yield words["link"].format(span((made - life["link_down_ms"]) / 1000))
    if life["backlog"] and late:
        yield words["queue"].format(life["backlog"])
    yield from _slow(words, "card", made, stored, now)
    if sent is not None:
        first = min(ms for ms in (acked, receipt, now) if ms is not None)
        yield from _slow(words, "broker", sent, None if first == now else first, now)
        if acked is not None or receipt is not None:
            yield from _slow(words, "platform", max(sent, acked or sent), receipt, now)
        if life["sends"] > 1:
            yield words["again"].format(life["sends"])
    slowest = max((p["kept_ms"] - p["sealed_ms"] for p in life["pictures"] if p["kept_ms"] is not None), default=0)
    if slowest > SLOW_MS:
        yield words["picture card"].format(span(slowest / 1000))
    if life["pictures_missing"]:
        yield words["pictures"].format(life["pictures_missing"])


def _slow(words: Mapping[str, str], name: str, began: float, ended: float | None, now: float) -> Iterator[str]:
    took = (now if ended is None else ended) - began
    if took > SLOW_MS:
        yield words[name if ended is not None else f"{name} waits"].format(span(took / 1000))


def _what(record: JSON, lang: str) -> str:
    what = str(record.get("what") or record.get("change") or record["kind"])
    return WHAT_ZH.get(what, what) if lang == "zh" else what
