"""What is written to a phone, in Chinese, English or both. It names the unit and the door, never a resident."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from edge.clock import SECOND, Known, Quality, Stamp
from edge.records import Change, Event

LINES = 8  # of one message that tells several changes; the others are only counted
LABEL_MAX = 40  # characters of what an opening was expected for
SURE_MS = 1000  # a clock's error that is worth telling
UNEASY = (Change.OPENED, Change.HELD, Change.LOST)  # what calls people, where nobody expected it


class Alert(msgspec.Struct, frozen=True):
    """One change of the door, told at boot clock `told_ns`."""

    event: Event
    told_ns: int


class Tally(msgspec.Struct, frozen=True):
    """Changes that are only counted, and the first and last of them."""

    counts: dict[Change, int]
    first: Event
    last: Event


class Batch(msgspec.Struct, frozen=True):
    """What one message tells: `fresh` in full, `late` in numbers."""

    fresh: tuple[Alert, ...] = ()
    late: Tally | None = None


class Message(msgspec.Struct, frozen=True):
    """One message. `urgent`: something happened that nobody expected."""

    title: str
    text: str
    urgent: bool


class Tongue(msgspec.Struct, frozen=True):
    """One language."""

    mark: str
    changes: Mapping[Change, str]
    expected: str
    unexpected: str
    time: str
    between: str
    unsure: str
    within: str
    unknown: str
    several: str
    late: str
    more: str
    comma: str


_ZH = Tongue(
    mark="【门磁】",
    changes={
        Change.OPENED: "门已打开",
        Change.SHUT: "门已关闭",
        Change.HELD: "门长时间未关",
        Change.LOST: "门磁故障，无法判断门的状态",
        Change.FOUND: "门磁恢复正常",
    },
    expected="（预期内：{}）",
    unexpected="（非预期）",
    time="时间：{}",
    between="{} 至 {} 之间",
    unsure="{}（时间不确定）",
    within="{}（误差 {} 秒内）",
    unknown="约 {} 秒前（本机时钟未校准）",
    several="共 {} 次变化",
    late="未能及时通知 {} 次变化（{}），最早 {}，最晚 {}",
    more="另有 {} 次",
    comma="，",
)
_EN = Tongue(
    mark="[Door] ",
    changes={
        Change.OPENED: "door opened",
        Change.SHUT: "door shut",
        Change.HELD: "door open too long",
        Change.LOST: "contact faulty, the door's state is unknown",
        Change.FOUND: "contact works again",
    },
    expected=" (expected: {})",
    unexpected=" (not expected)",
    time="Time: {}",
    between="between {} and {}",
    unsure="{} (time uncertain)",
    within="{} (within {} s)",
    unknown="about {} s ago (this unit's clock is not set)",
    several="{} changes",
    late="{} changes could not be told in time ({}), first {}, last {}",
    more="{} more",
    comma=", ",
)
TONGUES = {"zh": (_ZH,), "en": (_EN,), "both": (_ZH, _EN)}


class Writer:
    """Writes for one unit. `know` gives the best that is known of a stamp's time now."""

    def __init__(self, unit: str, language: str, utc_offset_min: int, know: Callable[[Stamp], Known]) -> None:
        self._unit = unit
        self._tongues = TONGUES[language]
        self._offset = timedelta(minutes=utc_offset_min)
        self._know = know

    def message(self, batch: Batch, now_ns: int) -> Message:
        """One message for all that is in the batch; `now_ns` is the boot clock."""
        blocks = [self._block(tongue, batch, now_ns) for tongue in self._tongues]
        urgent = any(one.event.expected is None and one.event.change in UNEASY for one in batch.fresh)
        return Message(self._title(self._tongues[0], batch), "\n\n".join(blocks), urgent)

    def caption(self, alert: Alert, now_ns: int) -> str:
        """One line for a picture."""
        return f"{self._unit} {self._when(self._tongues[0], alert.event, now_ns)}"

    def _title(self, tongue: Tongue, batch: Batch) -> str:
        if len(batch.fresh) == 1 and batch.late is None:
            return f"{tongue.mark}{self._unit} {_what(tongue, batch.fresh[0])}"
        return f"{tongue.mark}{self._unit} {tongue.several.format(_size(batch))}"

    def _block(self, tongue: Tongue, batch: Batch, now_ns: int) -> str:
        lines = [self._title(tongue, batch)]
        if len(batch.fresh) == 1 and batch.late is None:
            lines.append(tongue.time.format(self._when(tongue, batch.fresh[0].event, now_ns)))
            return "\n".join(lines)
        if len(batch.fresh) > 1:
            lines.append(_counts(tongue, count(one.event for one in batch.fresh)))
        shown = batch.fresh[-LINES:]
        if len(shown) < len(batch.fresh):
            lines.append(tongue.more.format(len(batch.fresh) - len(shown)))
        lines += [f"{self._when(tongue, one.event, now_ns)} {_what(tongue, one)}" for one in shown]
        if batch.late is not None:
            first, last = (self._when(tongue, event, now_ns) for event in (batch.late.first, batch.late.last))
            total, counts = sum(batch.late.counts.values()), _counts(tongue, batch.late.counts)
            lines.append(tongue.late.format(total, counts, first, last))
        return "\n".join(lines)

    def _when(self, tongue: Tongue, event: Event, now_ns: int) -> str:
        until = self._clock(tongue, event.at, now_ns)
        return until if event.since is None else tongue.between.format(self._clock(tongue, event.since, now_ns), until)

    def _clock(self, tongue: Tongue, at: Stamp, now_ns: int) -> str:
        known = self._know(at)
        if known.wall_ns is None:
            return tongue.unknown.format(max(0, now_ns - at.boot_ns) // SECOND)
        wall = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=known.wall_ns // 1000) + self._offset
        text = f"{wall:%Y-%m-%d %H:%M:%S}"
        if known.clock is not Quality.SYNCED:
            return tongue.unsure.format(text)
        if known.error_ms is not None and known.error_ms > SURE_MS:
            return tongue.within.format(text, -(-known.error_ms // 1000))
        return text


def count(events: Iterable[Event]) -> dict[Change, int]:
    """How often each change happened, in the order of Change."""
    seen = [event.change for event in events]
    return {change: seen.count(change) for change in Change if change in seen}


def cut(text: str, most_bytes: int) -> str:
    """`text` in at most so many bytes of UTF-8, no character cut in two."""
    raw = text.encode()
    return text if len(raw) <= most_bytes else raw[: most_bytes - 3].decode(errors="ignore") + "…"


def _size(batch: Batch) -> int:
    return len(batch.fresh) + (sum(batch.late.counts.values()) if batch.late else 0)


def _counts(tongue: Tongue, counts: Mapping[Change, int]) -> str:
    return tongue.comma.join(f"{tongue.changes[change]} {n}" for change, n in counts.items())


def _what(tongue: Tongue, alert: Alert) -> str:
    words = tongue.changes[alert.event.change]
    if alert.event.expected is not None:
        label = "".join(c for c in alert.event.expected if c.isprintable())[:LABEL_MAX]
        return words + tongue.expected.format(label)
    return words + (tongue.unexpected if alert.event.change in (Change.OPENED, Change.HELD) else "")
