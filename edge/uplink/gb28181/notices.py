"""A record as the alarm that GB/T 28181 has for it (A.2.5.3). Pure.

There is no code for a door that opens or shuts: the magnet's ID, the priority and the description say it. Method 2
(alarm device) without a type is the plain alarm; type 2 is tampering. Method 6 is a fault of the device.
"""

from collections.abc import Callable

import msgspec

from edge.centre import Gb28181
from edge.clock import Known, Quality, Stamp
from edge.records import Alarm, Alarmed, AnyRecord, Change, Event, Source
from edge.uplink.gb28181.clockwork import local
from edge.uplink.gb28181.manscdp import Node

UNSURE = "（时间未校准）"  # said of a time that nothing confirmed
_CHANGES = {Change.OPENED: ("1", "门磁：开启"), Change.HELD: ("2", "门磁：开启超时"), Change.SHUT: ("4", "门磁：关闭")}
_EXPECTED = {Change.OPENED: "3", Change.HELD: "3"}
_ALARMED = {
    Alarmed.TAMPER: ("1", "2", "2", "防拆报警"),
    Alarmed.TAMPER_OVER: ("4", "2", "2", "防拆恢复"),
    Alarmed.POWER_LOST: ("2", "6", "", "外部供电中断"),
    Alarmed.POWER_BACK: ("4", "6", "", "外部供电恢复"),
}
_SOURCES = {Source.LID: "外壳", Source.WALL: "安装位置", Source.WIRING: "门磁线路", Source.SUPPLY: "电源"}


class Notice(msgspec.Struct, frozen=True):
    """One alarm, but for its number. opens: it is a plain one, after which the standard wants a reset."""

    priority: str
    method: str
    kind: str  # AlarmType, or ""
    said: str
    opens: bool


def notice(record: AnyRecord, gb: Gb28181) -> Notice | None:
    """What a platform is told of this record; None where nothing."""
    if isinstance(record, Event) and record.change in _CHANGES:
        if record.change is Change.SHUT and not gb.shut:
            return None
        priority, said = _CHANGES[record.change]
        if record.expected is not None:
            return Notice(_EXPECTED.get(record.change, priority), "2", "", f"{said}（预约）", opens=True)
        return Notice(priority, "2", "", said, opens=record.change is not Change.SHUT)
    if isinstance(record, Alarm):
        priority, method, kind, said = _ALARMED[record.what]
        return Notice(priority, method, kind, f"{said}：{_SOURCES[record.source]}", opens=False)
    return None


def body(told: Notice, at: Stamp, sn: int, gb: Gb28181, known: Callable[[Stamp], Known]) -> list[Node]:
    """The Notify's inside. Where a time is not confirmed, the description says so."""
    when = known(at)
    wall_ns = at.wall_ns if when.wall_ns is None else when.wall_ns
    unsure = "" if when.clock in (Quality.SYNCED, Quality.RTC) else UNSURE
    id_ = gb.camera if gb.alarm_id == "camera" else gb.magnet_id or ""
    return [
        ("CmdType", "Alarm"),
        ("SN", str(sn)),
        ("DeviceID", id_),
        ("AlarmPriority", told.priority),
        ("AlarmMethod", told.method),
        ("AlarmTime", local(wall_ns)),
        ("AlarmDescription", told.said + unsure),
        *([("Info", [("AlarmType", told.kind)])] if told.kind else []),
    ]
