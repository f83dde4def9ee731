"""Warnings as rows: code, words, grace time, and the parents that hush it. One vocabulary for pulse, page and LED."""

import logging
from collections.abc import Callable

import msgspec

from edge.clock import SECOND

log = logging.getLogger(__name__)


class Row(msgspec.Struct, frozen=True):
    """One thing that can be wrong. grace_s: how long it must last to be shown. parents: shown instead, if active.

    lasts_s: how long it is shown after it last happened, where it is something that happens; 0: until it is cleared.
    remedy, remedy_zh: what to do at the door, where one who stands there can cure it.
    """

    code: str
    en: str
    zh: str
    grace_s: int = 0
    parents: tuple[str, ...] = ()
    lasts_s: int = 0
    remedy: str = ""
    remedy_zh: str = ""


# Why there is no link; at most one of them at a time. Each explains all that needs the link.
LINK = ("link.network", "link.name", "link.server", "link.refused", "link.distrust", "link.untimed")
_CONTACT = ("contact.unreadable", "contact.chatter")
_NETWORK = ("link.network",)
_PHONES = ("phones.wecom", "phones.dingtalk", "phones.feishu", "phones.ntfy", "phones.apprise")
_CARD = ("spool.full", "spool.failing", "spool.newer")

ROWS = {
    row.code: row
    for row in (
        Row("contact.unreadable", "The door contact cannot be read", "无法读取门磁"),
        Row("contact.chatter", "The door contact does not come to rest", "门磁不停抖动"),
        Row(
            "contact.failing",
            "The reed switch bounces longer and longer: it is failing",
            "门磁触点老化，抖动加剧",
            parents=_CONTACT,
            remedy="Replace the reed switch before it misses an opening.",
            remedy_zh="请更换门磁。",
        ),
        Row(
            "contact.magnet",
            "The magnet closes the reed switch badly: it has moved, or the door hangs",
            "磁铁偏移，关门时门磁吸合不稳",
            parents=_CONTACT,
            remedy="Bring magnet and reed closer together, and see that the door shuts fully.",
            remedy_zh="请调近磁铁与门磁的间距，并检查门能否关严。",
        ),
        Row(
            "contact.noise",
            "The door contact's wire picks up disturbances",
            "门磁线路受干扰",
            lasts_s=30,
            remedy="Tighten the terminals; lead the wire away from mains and motors, or shorten it.",
            remedy_zh="请拧紧接线端子，并使线路远离电源线和电机。",
        ),
        Row("camera.failed", "The camera does not work", "摄像头故障", 5),
        Row("camera.stalled", "The camera gives no pictures", "摄像头无画面", 0, ("camera.failed",)),
        Row("spool.full", "The card is full", "存储卡已满"),
        Row("spool.failing", "The card cannot be written", "存储卡无法写入"),
        Row("spool.newer", "The spool was written by newer software", "记录库由更新版本的软件写入"),
        Row("spool.slow", "The card is slow", "存储卡响应缓慢", 0, _CARD),
        Row("spool.lost", "A damaged spool was set aside", "记录库损坏，已隔离保存", lasts_s=30),
        Row("link.network", "The network is down", "网络中断", 5),
        Row("link.name", "The platform's name is not known", "找不到平台域名", 5),
        Row("link.server", "The platform's server is down", "平台服务器无响应", 5),
        Row("link.refused", "The platform refuses this unit", "平台拒绝本机接入"),
        Row("link.distrust", "The platform's certificate is not to be believed", "平台证书不可信"),
        Row("link.untimed", "The platform cannot be verified yet", "暂时无法验证平台身份", 5, ("clock.unsynced",)),
        Row("link.denied", "The broker refuses this unit's messages", "平台拒收本机消息", 0, LINK),
        Row("receipt.none", "The platform confirms nothing", "平台无回执", 0, ("link.denied", *LINK)),
        # A frame's sending notices a silent network before the keep-alive does: only what lasts is the pictures' own.
        Row("frames.waiting", "Pictures cannot be delivered", "图片无法上传", 60, LINK),
        Row("camera.unstopped", "The camera is still on, outside the term", "隔离期外摄像头仍未关闭"),
        Row(
            "term.unknown",
            "Nobody knows whether a term runs; the camera stays off",
            "隔离期不明，摄像头保持关闭",
            5,
            (*_CARD, "spool.slow"),
        ),
        Row("term.unkept", "The term cannot be written to the card", "隔离期无法写入存储卡", 0, _CARD),
        Row("frames.unkept", "Pictures cannot be kept on the card", "图片无法存入存储卡", 5, _CARD),
        # Each tries again within seconds, so what lasts half a minute is no hiccup.
        Row("phones.wecom", "The WeCom group robot takes no alerts", "企业微信群机器人收不到告警", 30, _NETWORK),
        Row("phones.dingtalk", "The DingTalk group robot takes no alerts", "钉钉群机器人收不到告警", 30, _NETWORK),
        Row("phones.feishu", "The Feishu group robot takes no alerts", "飞书群机器人收不到告警", 30, _NETWORK),
        Row("phones.ntfy", "The ntfy server takes no alerts", "ntfy 服务器收不到告警", 30, _NETWORK),
        Row("phones.apprise", "The service behind apprise takes no alerts", "apprise 所接服务收不到告警", 30, _NETWORK),
        Row("phones.pictures", "Pictures do not reach the phones", "图片无法发到手机", 30, (*_PHONES, *_NETWORK)),
        Row("clock.unsynced", "The clock has not been set by the network", "时钟未同步", 60, ("link.network",)),
        Row("command.forged", "Somebody sends commands that are not the platform's", "收到伪造指令", lasts_s=30),
        Row("clock.floor", "The clock is behind the day this software was made", "时钟早于软件发布日期"),
        Row("enrol.pending", "This unit waits to be accepted at the station", "等待接入站确认本机"),
        Row("enrol.refused", "The station refuses this unit's token", "接入站拒绝本机的令牌"),
        Row("enrol.token", "The used token is still on the boot partition", "已用令牌仍留在启动分区"),
        Row("identity.ending", "The certificate ends soon and is not renewed", "证书即将到期且未能续期", 60, LINK),
        Row("power.low", "The supply voltage is too low", "供电电压不足"),
        Row("heat.high", "The unit is too hot", "设备温度过高", 60),
        Row(
            "sensor.failed",
            "A sensor does not answer",
            "传感器无响应",
            remedy="See the detail: which chip, and what to look at. The door is watched all the same.",
            remedy_zh="请按详情检查对应芯片及接线；门的监测不受影响。",
        ),
        Row("power.lost", "The mains is gone: the unit runs on its battery", "外部断电，正在使用电池"),
        Row("supply.low", "The supply is close to too low", "供电电压偏低", 5, ("power.lost", "power.low")),
        Row("enclosure.hot", "The enclosure is too hot", "机箱内温度过高", 60),
        Row("enclosure.damp", "The enclosure is damp", "机箱内潮湿", 60),
        Row(
            "clock.battery",
            "The clock chip stood still without power: its battery is empty",
            "时钟芯片曾停走，纽扣电池可能没电",
            remedy="Replace the clock's coin cell.",
            remedy_zh="请更换时钟芯片的纽扣电池。",
        ),
        Row("tamper.lid", "The unit's lid is open", "设备外壳被打开"),
        Row("tamper.wall", "The unit was tilted or taken off its wall", "设备被倾斜或拆离墙面"),
        Row("tamper.wiring", "The door contact's wiring was tampered with", "门磁线路被破坏或干扰"),
        Row("indicator.failed", "The fault lamp or buzzer cannot be switched", "故障灯或蜂鸣器无法控制"),
        Row("loop.fault", "The software met a fault of its own", "软件内部故障", lasts_s=30),
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
        self._ends_ns: dict[str, int] = {}  # of what is shown for a while only
        self.on_change: Callable[[], None] = lambda: None

    def set(self, code: str, now_ns: int, detail: object = "") -> bool:
        """Something is wrong, or happened; True if it was not so before."""
        self.expire(now_ns)
        was = self._active.get(code)
        if ROWS[code].lasts_s:
            self._ends_ns[code] = now_ns + ROWS[code].lasts_s * SECOND
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
        self._ends_ns.pop(code, None)
        if was is not None:
            log.info("%s: well again after %d s", code, (now_ns - was.since_ns) // SECOND)
            self.on_change()
        return was is not None

    def put(self, code: str, now_ns: int, wrong: bool, detail: object = "") -> bool:
        """Set or clear; True if that was a change."""
        return self.set(code, now_ns, detail) if wrong else self.clear(code, now_ns)

    def expire(self, now_ns: int) -> None:
        """What is shown for a while only is over."""
        for code in [code for code, ends_ns in self._ends_ns.items() if ends_ns <= now_ns]:
            self.clear(code, now_ns)

    def active(self, code: str) -> bool:
        """Whether this is wrong now, grace or not."""
        return code in self._active

    def shown(self, now_ns: int) -> list[Warning]:
        """What to show: past its grace time, not over, and no parent that explains it."""
        return [
            w
            for w in self._active.values()
            if now_ns - w.since_ns >= w.row.grace_s * SECOND
            and now_ns < self._ends_ns.get(w.row.code, now_ns + 1)
            and self._active.keys().isdisjoint(w.row.parents)
        ]

    def next_ns(self, now_ns: int) -> int | None:
        """When what is shown next changes by itself (boot ns): a grace time ends or a while is over. None: never."""
        ends = [w.since_ns + w.row.grace_s * SECOND for w in self._active.values()]
        return min((end for end in (*ends, *self._ends_ns.values()) if end > now_ns), default=None)
