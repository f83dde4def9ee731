"""What status and doctor say, in Chinese and English, and how wide it is in a terminal."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

LANGS = ("zh", "en")
WORDS = {
    "en": {
        "well": "ok",
        "soon": "soon",
        "wrong": "WRONG",
        "skipped": "-",
        "WELL": "WELL",
        "UNWELL": "UNWELL",
        "all well": "everything is as it should be",
        "more": " (and {} more)",
        "stop": ". ",
        "waits": "{} records, {} pictures",
        "oldest": ", the oldest {}",
        "ago": "{} ago",
        "within": ", within {} ms",
        "program": "version {}, pid {}, machine up {}",
        "found": "found",
        "wanted": "want",
        "do": "do",
        "explains": "explains",
        "not looked at": "not looked at",
        "not yet": "may mend itself",
        "may fix": "--fix would {}",
        "for": ", for {}",
        "took": "{} checks in {:.1f} s",
        "unit": "unit",
        "agent": "agent",
        "door": "door",
        "camera": "camera",
        "link": "link",
        "waiting": "waiting",
        "receipt": "receipt",
        "others": "others",
        "other": "{} {}: {} records wait, receipt {}",
        "up": "up",
        "down": "down",
        "clock": "clock",
        "machine": "machine",
        "none": "none",
        "now": "all is well",
    },
    "zh": {
        "well": "正常",
        "soon": "观察",
        "wrong": "异常",
        "skipped": "跳过",
        "WELL": "正常",
        "UNWELL": "异常",
        "all well": "一切正常",
        "more": "（另有 {} 项）",
        "stop": "。",
        "waits": "{} 条记录，{} 张图片",
        "oldest": "，最早 {} 前",
        "ago": "{} 前",
        "within": "，误差 {} ms 内",
        "program": "版本 {}，进程 {}，主机已运行 {}",
        "found": "发现",
        "wanted": "应为",
        "do": "处理",
        "explains": "连带",
        "not looked at": "未检查",
        "not yet": "可能自行恢复",
        "may fix": "可用 --fix：{}",
        "for": "，已 {}",
        "took": "{} 项检查，用时 {:.1f} 秒",
        "unit": "设备",
        "agent": "程序",
        "door": "门",
        "camera": "摄像头",
        "link": "连接",
        "waiting": "待发",
        "receipt": "回执",
        "others": "其他平台",
        "other": "{} {}：{} 条记录待发，回执 {}",
        "up": "已连接",
        "down": "未连接",
        "clock": "时钟",
        "machine": "主机",
        "none": "无",
        "now": "一切恢复正常",
    },
}

STATES_ZH = {  # of door, camera and clock, as the pulse has them; any other is shown as it is
    "open": "开",
    "shut": "关",
    "held": "久开未关",
    "unknown": "未知",
    "unwatched": "不在隔离期",
    "on": "开启",
    "off": "关闭",
    "synced": "已同步",
    "unsynced": "未设置",
    "restored": "沿用上次时间",
    "rtc": "电池时钟",
}


def language(asked: str | None, environ: Mapping[str, str]) -> str:
    """The one asked for; else what the terminal is set to (LC_ALL, LC_MESSAGES, LANG, in that order)."""
    if asked:
        return asked
    told = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return "zh" if told.lower().startswith("zh") else "en"


def span(seconds: float) -> str:
    """A time span in its two largest units; the same in both languages."""
    left = int(seconds)
    if left < 1:
        return f"{seconds * 1000:.0f} ms"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2])


def width(text: str) -> int:
    """Columns in a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, columns: int) -> str:
    """`text` and spaces up to that many columns."""
    return text + " " * max(0, columns - width(text))


def fold(text: str, columns: int, indent: str) -> str:
    """`text` in lines of at most that many columns, all but the first indented; broken at spaces, or within Chinese."""
    lines, line, room = [], "", columns
    for piece in _pieces(text):
        if line and width(line) + width(piece.rstrip()) > room:
            lines.append(line.rstrip())
            line, room = "", columns - width(indent)
            piece = piece.lstrip()
        line += piece
    return f"\n{indent}".join([*lines, line.rstrip()])


def _pieces(text: str) -> list[str]:
    """Words with the space before them; each Chinese character by itself."""
    pieces: list[str] = []
    for c in text:
        in_word = pieces and not c.isspace() and width(c) == 1 and width(pieces[-1][-1]) == 1
        if in_word or (pieces and c in "，。；：、）"):  # those never begin a line
            pieces[-1] += c
        else:
            pieces.append(c)
    return pieces


def others(told: Sequence[Mapping[str, Any]], lang: str) -> str:
    """The platforms beside the main one, from the pulse: link, what waits, last receipt."""
    words = WORDS[lang]
    return "; ".join(
        words["other"].format(
            one["name"],
            words["up" if one["link_up"] else "down"],
            one["backlog"],
            words["none"] if one["last_receipt_s"] is None else words["ago"].format(span(one["last_receipt_s"])),
        )
        for one in told
    )
