"""Warnings as rows: code, words, grace time, and the parent that hushes it. One vocabulary for pulse, page and LED."""

import logging
from collections.abc import Callable

import msgspec

from edge.clock import SECOND

log = logging.getLogger(__name__)


class Row(msgspec.Struct, frozen=True):
    """One thing that can be wrong. grace_s: how long it must last to be shown. parent: shown instead, if active."""

    code: str
    en: str
    zh: str
    grace_s: int = 0
    parent: str = ""


ROWS = {
    row.code: row
    for row in (
        Row("contact.unreadable", "The door contact cannot be read", "无法读取门磁"),
        Row("contact.chatter", "The door contact does not come to rest", "门磁不停抖动"),
        Row("camera.failed", "The camera does not work", "摄像头故障", 5),
        Row("camera.stalled", "The camera gives no pictures", "摄像头无画面", 0, "camera.failed"),
        Row("spool.full", "The card is full", "存储卡已满"),
        Row("spool.failing", "The card cannot be written", "存储卡无法写入"),
        Row("spool.slow", "The card is slow", "存储卡响应缓慢", 3, "spool.failing"),
        Row("spool.lost", "A damaged spool was set aside", "记录库损坏，已隔离保存"),
        Row("link.network", "The network is down", "网络中断", 5),
        Row("link.server", "The platform's server is down", "平台服务器无响应", 5),
        Row("link.refused", "The platform refuses this unit", "平台拒绝本机接入"),
        Row("link.denied", "The broker refuses this unit's messages", "平台拒收本机消息"),
        Row("receipt.none", "The platform confirms nothing", "平台无回执", 0, "link.denied"),
        Row("frames.waiting", "Pictures cannot be delivered", "图片无法上传", 10, "link.network"),
        Row("clock.unsynced", "The clock has not been set by the network", "时钟未同步", 60, "link.network"),
        Row("power.low", "The supply voltage is too low", "供电电压不足"),
        Row("heat.high", "The unit is too hot", "设备温度过高", 60),
        Row("loop.fault", "The software met a fault of its own", "软件内部故障"),
    )
}


class Warning(msgspec.Struct, frozen=True):  # noqa: A001 - the house's word for it; nobody here needs the builtin
    """A row that is active, since when (boot ns), and the detail that goes with it."""

    row: Row
    since_ns: int
    detail: str


class Health:
    """What is wrong now. Lives in the deciding thread; logs changes, not repetitions. Hook: on_change()."""

    def __init__(self) -> None:
        self._active: dict[str, Warning] = {}
        self.on_change: Callable[[], None] = lambda: None

    def set(self, code: str, now_ns: int, detail: object = "") -> bool:
        """Something is wrong; True if it was not so before."""
        was = self._active.get(code)
        self._active[code] = Warning(ROWS[code], was.since_ns if was else now_ns, str(detail))
        if was is None:
            log.warning("%s: %s. %s", code, ROWS[code].en, detail)
            self.on_change()
        else:
            log.debug("%s: %s", code, detail)
        return was is None

    def clear(self, code: str, now_ns: int) -> bool:
        """It is well again; True if it was not so before."""
        was = self._active.pop(code, None)
        if was is not None:
            log.info("%s: well again after %d s", code, (now_ns - was.since_ns) // SECOND)
            self.on_change()
        return was is not None

    def put(self, code: str, now_ns: int, wrong: bool, detail: object = "") -> bool:
        """Set or clear; True if that was a change."""
        return self.set(code, now_ns, detail) if wrong else self.clear(code, now_ns)

    def active(self, code: str) -> bool:
        """Whether this is wrong now, grace or not."""
        return code in self._active

    def shown(self, now_ns: int) -> list[Warning]:
        """What to show: past its grace time, and no parent that explains it."""
        return [
            w
            for w in self._active.values()
            if now_ns - w.since_ns >= w.row.grace_s * SECOND and w.row.parent not in self._active
        ]

    def next_ns(self, now_ns: int) -> int | None:
        """When the next grace time ends (boot ns), or None."""
        ends = (w.since_ns + w.row.grace_s * SECOND for w in self._active.values())
        return min((end for end in ends if end > now_ns), default=None)
