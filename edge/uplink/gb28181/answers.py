"""What the device answers to queries (GB/T 28181, 9.5 and A.2.6). Pure: from the settings and a view of the unit."""

from collections.abc import Callable, Sequence

import msgspec

from edge.centre import Gb28181
from edge.uplink.gb28181.manscdp import Document, Node

MAKER = "doorunit"
MODEL = "door unit"


class View(msgspec.Struct, frozen=True):
    """The unit as a platform may know it; what the door does is told within the term only."""

    unit: str
    version: str
    time: str  # Beijing's, or "" while nobody knows it
    watching: bool  # the term runs
    door_open: bool
    has_camera: bool
    camera_on: bool
    camera_failed: bool = False
    magnet_failed: bool = False


Body = list[Node]


def answer(query: Document, gb: Gb28181, view: View, *, alarm_stands: bool) -> list[Body]:
    """The bodies of the Responses to a query, each to be sent when the one before was taken."""
    make = _ANSWERS.get(query.name)
    if make is None or query.device not in ids(gb):
        return [[*head(query), ("Result", "ERROR")]]
    return [[*head(query), *rest] for rest in make(query, gb, view, alarm_stands)]


def ids(gb: Gb28181) -> tuple[str, ...]:
    """Every ID this device answers to."""
    return (gb.device_id or "", gb.camera, gb.magnet_id or "")


def head(query: Document) -> Body:
    """What every answer begins with."""
    return [("CmdType", query.cmd), ("SN", query.sn), ("DeviceID", query.device)]


def catalog(gb: Gb28181, view: View) -> list[Node]:
    """The channels: the camera, where there is one, and the door magnet beside it."""
    magnet = _item(gb, gb.magnet_id or "", f"门磁 {view.unit}", failed=view.magnet_failed)
    if not view.has_camera:
        return [magnet]
    return [_item(gb, gb.camera, f"门口摄像机 {view.unit}", failed=view.camera_failed, camera=True), magnet]


def faulty(gb: Gb28181, view: View) -> list[str]:
    """IDs of the channels that do not work."""
    found = [gb.camera] if view.camera_failed else []
    return found + ([gb.magnet_id or ""] if view.magnet_failed else [])


def _item(gb: Gb28181, id_: str, name: str, *, failed: bool, camera: bool = False) -> Node:
    old = gb.version == "2016"
    info: list[Node] = []
    if camera and not old:
        info = [("Info", [("PTZType", "3"), ("RoomType", "2")])]  # fixed, indoors
    return (
        "Item",
        [
            ("DeviceID", id_),
            ("Name", name),
            ("Manufacturer", MAKER),
            ("Model", MODEL),
            *([("Owner", MAKER)] if old else []),
            ("CivilCode", id_[:6]),
            ("Address", view_address(gb)),
            ("Parental", "0"),
            ("ParentID", gb.device_id or ""),
            *([("SafetyWay", "0")] if old else []),
            ("RegisterWay", "1"),
            ("Secrecy", "0"),
            ("Status", "OFF" if failed else "ON"),
            *info,
        ],
    )


def view_address(gb: Gb28181) -> str:
    """A mandatory field; where the flat is, the platform knows and the unit does not."""
    return gb.device_id or ""


def _catalog(_query: Document, gb: Gb28181, view: View, _alarm: bool) -> Sequence[Body]:
    items = catalog(gb, view)
    size = len(items) if gb.transport == "tcp" else 1  # a datagram must not be cut up on its way
    parts = [items[at : at + size] for at in range(0, len(items), size)]
    return [[("SumNum", str(len(items))), (f'DeviceList Num="{len(part)}"', part)] for part in parts]


def _device_info(_query: Document, _gb: Gb28181, view: View, _alarm: bool) -> Sequence[Body]:
    return [
        [
            ("DeviceName", f"门磁单元 {view.unit}"),
            ("Result", "OK"),
            ("Manufacturer", MAKER),
            ("Model", MODEL),
            ("Firmware", view.version),
            ("Channel", str(1 + view.has_camera)),
        ]
    ]


def _device_status(_query: Document, gb: Gb28181, view: View, alarm: bool) -> Sequence[Body]:
    duty = "OFFDUTY"
    if view.watching:
        duty = "ALARM" if view.door_open or alarm else "ONDUTY"
    failed = view.camera_failed or view.magnet_failed
    return [
        [
            ("Result", "OK"),
            ("Online", "ONLINE"),
            ("Status", "ERROR" if failed else "OK"),
            *([("Reason", f"故障：{', '.join(faulty(gb, view))}")] if failed else []),
            ("Encode", "ON" if view.camera_on else "OFF"),
            ("Record", "OFF"),
            *([("DeviceTime", view.time)] if view.time else []),
            ('Alarmstatus Num="1"', [("Item", [("DeviceID", gb.magnet_id or ""), ("DutyStatus", duty)])]),
        ]
    ]


def _config(query: Document, gb: Gb28181, view: View, _alarm: bool) -> Sequence[Body]:
    if "basicparam" not in query.text("configtype").lower().split("/"):
        return [[("Result", "ERROR")]]
    basic: Body = [
        ("Name", f"门磁单元 {view.unit}"),
        ("Expiration", str(gb.expires_s)),
        ("HeartBeatInterval", str(gb.keepalive_s)),
        ("HeartBeatCount", str(gb.misses)),
    ]
    return [[("Result", "OK"), ("BasicParam", basic)]]


def _records(_query: Document, _gb: Gb28181, view: View, _alarm: bool) -> Sequence[Body]:
    """No video is recorded here, and sealed pictures are for the platform that holds the key."""
    return [[("Name", view.unit), ("SumNum", "0")]]


def _presets(_query: Document, _gb: Gb28181, _view: View, _alarm: bool) -> Sequence[Body]:
    return [[('PresetList Num="0"', [])]]


_ANSWERS: dict[str, Callable[[Document, Gb28181, View, bool], Sequence[Body]]] = {
    "catalog": _catalog,
    "deviceinfo": _device_info,
    "devicestatus": _device_status,
    "configdownload": _config,
    "recordinfo": _records,
    "presetquery": _presets,
}
