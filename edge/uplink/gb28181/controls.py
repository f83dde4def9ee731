"""What a platform asks to be done (GB/T 28181, 9.3, 9.14, A.2.3), and how little of it an unsigned message may do.

    SetGuard, ResetGuard   nothing: the signed term alone arms this unit. OK says that what was asked for holds anyhow
    ResetAlarm             lets the next alarm go, where wait_for_reset has it wait; nothing else
    TeleBoot               starts the program anew, with allow_teleboot
    IFameCmd, IFrameCmd    a key frame in a stream that runs anyhow
    SnapShotConfig         pictures within the term, to addresses that begin with snapshot_url
    anything else          nothing: ERROR

Each is in the audit trail, done or not: a flood of one kind as its first and a count a minute.
"""

import re
from collections.abc import Callable

import msgspec

from edge.centre import Gb28181
from edge.clock import SECOND
from edge.uplink.gb28181.answers import View, ids
from edge.uplink.gb28181.manscdp import Document
from edge.uplink.gb28181.views import ViewBegan, ViewEnded

AUDIT_NS = 60 * SECOND
BOOT_NS = 600 * SECOND  # a program that runs for less is not started anew: whoever asks all the time gets little
SNAPS_MAX = 10
INTERVAL_MAX_S = 600


class Snaps(msgspec.Struct, frozen=True):
    """Pictures that were asked for: how many, how far apart, where to, and the platform's name for it."""

    count: int
    interval_s: int
    url: str
    session: str


class Controls:
    """Lives in the deciding thread.

    Hooks: on_audit(what, detail), on_boot(), on_key_frame(), on_reset(), on_snaps(Snaps). None for on_snaps: no camera.
    """

    def __init__(self, gb: Gb28181, now: Callable[[], int]) -> None:
        self._gb = gb
        self._now = now
        self.on_audit: Callable[[str, dict[str, int | str | None]], None] = lambda _what, _detail: None
        self.on_boot: Callable[[], None] = lambda: None
        self.on_key_frame: Callable[[], None] = lambda: None
        self.on_reset: Callable[[], None] = lambda: None
        self.on_snaps: Callable[[Snaps], None] | None = None
        self._told: dict[str, tuple[int, int]] = {}  # when a kind was last told, and how often it came since
        self._begun_ns = now()
        self._views: dict[str, int] = {}  # since when a call is watched

    def take(self, control: Document, view: View) -> str:
        """OK or ERROR as the Response's Result; "" where the standard wants no Response."""
        if control.device not in ids(self._gb):
            return "ERROR"
        if control.name == "deviceconfig" and control.text("snapshotconfig", "snapnum"):
            return self._snap(control, view)
        if control.name != "devicecontrol":
            return "ERROR"
        if guard := control.text("guardcmd").lower():
            return self._guard(guard, view)
        if control.text("alarmcmd").lower() == "resetalarm":
            self.audit("centre.reset")
            self.on_reset()
            return "OK"
        if control.text("teleboot").lower() == "boot":
            return self._boot()
        if "send" in (control.text("ifamecmd").lower(), control.text("iframecmd").lower()):
            self.on_key_frame()
            return ""
        return "" if control.text("ptzcmd") else "ERROR"

    def audit(self, what: str, **detail: int | str | None) -> None:
        """Tell it, or count it where the last of its kind was told a moment ago."""
        now = self._now()
        last_ns, more = self._told.get(what, (None, 0))
        if last_ns is not None and now - last_ns < AUDIT_NS:
            self._told[what] = (last_ns, more + 1)
            return
        self._told[what] = (now, 0)
        self.on_audit(what, {**detail, **({"more": more} if more else {})})

    def began(self, view: ViewBegan) -> None:
        """Somebody begins to watch; each is told, once it is known for how long."""
        self._views[view.call] = view.boot_ns

    def ended(self, view: ViewEnded) -> None:
        """Nobody watches any more."""
        seconds = (view.boot_ns - self._views.pop(view.call, view.boot_ns)) // SECOND
        told: dict[str, int | str | None] = {"seconds": seconds, "pictures": view.pictures, "dropped": view.dropped}
        self.on_audit("centre.watched", told | ({"reason": view.reason[:100]} if view.reason else {}))

    def _guard(self, wish: str, view: View) -> str:
        holds = {"setguard": view.watching, "resetguard": not view.watching}.get(wish)
        if holds is None:
            return "ERROR"
        self.audit("centre.guard", wish=wish, watching=int(view.watching))
        return "OK" if holds else "ERROR"

    def _boot(self) -> str:
        allowed = self._gb.allow_teleboot and self._now() - self._begun_ns >= BOOT_NS
        self.audit("centre.teleboot", allowed=int(allowed))
        if allowed:
            self.on_boot()
        return ""

    def _snap(self, control: Document, view: View) -> str:
        url = control.text("snapshotconfig", "uploadurl")
        session = control.text("snapshotconfig", "sessionid")
        count, interval = control.text("snapshotconfig", "snapnum"), control.text("snapshotconfig", "interval")
        known = re.fullmatch(r"[A-Za-z0-9-]{1,128}", session) and is_below(url, self._gb.snapshot_url)
        counts = re.fullmatch(r"[0-9]{1,2}", count) and re.fullmatch(r"[0-9]{1,5}", interval or "1")
        may = bool(known and counts and view.watching and view.camera_on and self.on_snaps is not None)
        self.audit("centre.snapshot", allowed=int(may))
        if not may or self.on_snaps is None:
            return "ERROR"
        apart_s = min(max(1, int(interval or "1")), INTERVAL_MAX_S)
        self.on_snaps(Snaps(min(max(1, int(count)), SNAPS_MAX), apart_s, url, session))
        return "OK"


def is_below(url: str, prefix: str | None) -> bool:
    """Whether an address begins with the one that is allowed, and leads nowhere else by dots or another host."""
    if prefix is None or not re.fullmatch(r"[A-Za-z0-9:/._~%?&=+,-]{1,500}", url):
        return False
    below = prefix if prefix.endswith("/") else prefix + "/"
    return (url == prefix or url.startswith(below)) and "/.." not in url and "%2e" not in url.lower()
