"""What a unit tells besides records: online, state, pulse, reply. A number that nothing measured is null or left out.

A field with UNSET for a default is left out where it does not apply; a unit on a smaller board may leave out those too
that this one always fills. Units of measure are in the names.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from edge.clock import Int64, Quality

Door = Literal["shut", "open", "held", "unknown", "unwatched"]  # unwatched: outside the term, when nothing is told
Camera = Literal["none", "off", "on", "failed"]


class Online(msgspec.Struct, frozen=True):
    """Retained: whether the unit is connected; with False it is the last will, or its good-bye."""

    online: bool
    boot: str | UnsetType = UNSET
    version: str | UnsetType = UNSET


class State(msgspec.Struct, frozen=True):
    """Retained: the door as it is now, and the term."""

    door: Door
    since: str | None
    camera: Camera
    armed: bool | UnsetType = UNSET
    phase: Literal["idle", "armed", "ending", "unsure"] | UnsetType = UNSET
    starts: str | None | UnsetType = UNSET
    ends: str | None | UnsetType = UNSET


class Warned(msgspec.Struct, frozen=True):
    """Something that is wrong now; `code` is stable, the words are for people."""

    code: str
    zh: str
    en: str
    for_s: Int64
    remedy: str | UnsetType = UNSET
    remedy_zh: str | UnsetType = UNSET


class Beside(msgspec.Struct, frozen=True):
    """A platform beside this one, and what it lacks. lost: records that went before it had them, since the start."""

    name: str
    link_up: bool
    backlog: Int64
    lost: Int64
    in_flight: Int64
    last_receipt_s: float | None


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """The unit in numbers, now and then; never kept for later, so one that is missed is missed.

    A short one has the numbers without a default alone: all others are as they were in the last whole one of that boot.
    """

    time: str | None
    boot: str
    boot_ns: Int64 | UnsetType = UNSET
    clock: Quality
    error_ms: Int64 | None | UnsetType = UNSET
    version: str | UnsetType = UNSET
    armed: bool | UnsetType = UNSET
    camera: Camera | UnsetType = UNSET
    link: str | UnsetType = UNSET
    backlog: Int64
    oldest_unsent_s: float | None | UnsetType = UNSET
    in_flight: Int64 | UnsetType = UNSET
    frames_waiting: Int64 | UnsetType = UNSET
    frames_delivered: Int64 | UnsetType = UNSET
    commits: Int64 | UnsetType = UNSET
    others: list[Beside] | UnsetType = UNSET
    door: Door
    openings: Int64 | UnsetType = UNSET
    glitches: Int64 | UnsetType = UNSET
    contact_faults: Int64 | UnsetType = UNSET
    edges_max: Int64 | UnsetType = UNSET
    settle_max_us: Int64 | UnsetType = UNSET
    contact_learned: bool | UnsetType = UNSET
    contact_findings: list[str] | UnsetType = UNSET
    temp_c: float | None | UnsetType = UNSET
    under_voltage: bool | None | UnsetType = UNSET
    mem_mb: float | None | UnsetType = UNSET
    mem_free_mb: float | None | UnsetType = UNSET
    disk_free_mb: float | None | UnsetType = UNSET
    uptime_s: Int64 | UnsetType = UNSET
    loop_faults: Int64 | UnsetType = UNSET
    refused_commands: Int64 | UnsetType = UNSET
    warnings: list[Warned] | UnsetType = UNSET
    supply_mv: Int64 | UnsetType = UNSET
    supply_ma: Int64 | UnsetType = UNSET
    enclosure_c: float | UnsetType = UNSET
    humidity_pct: float | UnsetType = UNSET
    knocks: Int64 | UnsetType = UNSET
    loop: str | UnsetType = UNSET
    sensor_faults: list[str] | UnsetType = UNSET
    tamper: list[str] | UnsetType = UNSET


SHORT_PULSE = tuple(field.name for field in msgspec.structs.fields(Pulse) if field.required)


class Reply(msgspec.Struct, frozen=True):
    """What became of a command."""

    id: str
    done: bool
    said: str
