"""Send a record that is no door event all the way and wait for the receipt; says what is wrong if none comes."""

import argparse
import time
from typing import Any

from edge.cli import UNWELL, WELL
from edge.onsite import reach

WAIT_S = 15
EVERY_S = 0.1
WORDS = {
    "en": {
        "well": "WELL: the platform holds the test record",
        "unwell": "UNWELL: no receipt for the test record after {} s",
        "stored": "on the card",
        "acked": "acknowledged by the broker",
        "receipt": "receipt of the platform",
        "denied": "refused by the broker",
        "none": "not yet",
        "down": "there is no link to the broker",
        "broker": "the broker acknowledges nothing",
        "platform": "the broker took it; no platform answers",
        "more": "It stays in the spool and goes out by itself. `doorunit doctor` tells more.",
    },
    "zh": {
        "well": "正常: 平台已保存测试记录",
        "unwell": "异常: {} 秒内没有收到测试记录的回执",
        "stored": "已写入存储卡",
        "acked": "消息服务器已确认",
        "receipt": "平台回执",
        "denied": "消息服务器拒绝",
        "none": "尚未",
        "down": "未连接到消息服务器",
        "broker": "消息服务器没有确认",
        "platform": "消息服务器已收下，但平台没有回应",
        "more": "记录留在缓存中，会自动发出。详情请运行 doorunit doctor。",
    },
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit test` takes."""
    reach.declare(parser)
    parser.add_argument("--wait", type=float, default=WAIT_S, metavar="S", help=f"seconds to wait (default {WAIT_S})")


def run(args: argparse.Namespace) -> int:
    """0: the platform holds it; 1: no receipt in time."""
    unit = reach.Reach(args)
    key = unit.ask("test")["key"]
    life = _await(unit, key, min(max(args.wait, 0.0), 3600.0))
    well = life["receipt_ms"] is not None
    wrong = [] if well else [one for one in unit.ask("status")["wrong"] if not one["by"]]
    cause = "" if well else _cause(life)
    ms = {f"{step}_ms": _since(life, step) for step in ("stored", "sent", "acked", "receipt")}
    body = {"well": well, "key": key, **ms, "cause": cause, "wrong": wrong}
    unit.tell(body, "\n".join(_text(body, life, args.wait, unit.lang)))
    return WELL if well else UNWELL


def _await(unit: reach.Reach, key: str, wait_s: float) -> dict[str, Any]:
    """Its life, once it has a receipt or the time is up."""
    ends = time.monotonic() + wait_s  # clock: of this program alone
    while True:
        life: dict[str, Any] = unit.ask("why", {"event": key})["life"]
        if life["receipt_ms"] is not None or time.monotonic() >= ends:  # clock: as above
            return life
        time.sleep(EVERY_S)  # clock: a person waits


def _since(life: dict[str, Any], step: str) -> float | None:
    at_ms = life[f"{step}_ms"]
    return None if at_ms is None else float(at_ms - life["made_ms"])


def _cause(life: dict[str, Any]) -> str:
    if life["sent_ms"] is None:
        return "down"
    if life["denied_ms"] is not None and life["acked_ms"] is None:
        return "denied"
    return "broker" if life["acked_ms"] is None else "platform"


def _text(body: dict[str, Any], life: dict[str, Any], wait_s: float, lang: str) -> list[str]:
    words = WORDS[lang]
    lines = [words["well"] if body["well"] else words["unwell"].format(f"{wait_s:g}")]
    for step in ("stored", "acked", "receipt"):
        ms = _since(life, step)
        lines.append(f"  {words['none'] if ms is None else f'{ms:.1f} ms':>12}  {words[step]}")
    if not body["well"]:
        lines += [f"  {words[body['cause']]}", *(f"  {one[lang]} [{one['code']}]" for one in body["wrong"])]
        lines.append(f"  {words['more']}")
    return lines
