"""GA/T 1400 (VIID) as far as a camera that uploads pictures needs it: the objects, and what an answer says.

No socket is opened here. Implementations differ in how they wrap an answer: status 200 or 201 and a StatusCode of 0,
wherever it stands, is yes; anything else is no.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from edge.clock import SECOND
from edge.errors import LinkError, RefusedError, ServerError, WireError

TYPE = "application/VIID+JSON"
ROOT = "/VIID"
_IMAGE = "02"  # kind of object within an id
_AUTOMATIC = 1  # InfoKind: captured by itself
_OTHER_SOURCE = "99"  # ImageSource
_INTERNAL = "4"  # SecurityLevel
_SERIALS = 100_000
_UNFIT = (400, 413, 415, 422)
SAID_MAX = 160


class Picture(msgspec.Struct, frozen=True):
    """One masked JPEG, when it was taken (UTC), and its number within that second."""

    jpeg: bytes
    width: int
    height: int
    wall_ns: int
    serial: int


def register(device: str) -> bytes:
    """Body of POST /VIID/System/Register."""
    return _pack({"RegisterObject": {"DeviceID": device}})


def unregister(device: str) -> bytes:
    """Body of POST /VIID/System/UnRegister."""
    return _pack({"UnRegisterObject": {"DeviceID": device}})


def keepalive(device: str) -> bytes:
    """Body of POST /VIID/System/Keepalive."""
    return _pack({"KeepaliveObject": {"DeviceID": device}})


def images(device: str, picture: Picture, *, utc_offset_min: int, event_sort: int) -> bytes:
    """Body of POST /VIID/Images: one picture. It says what and when, and never where or who."""
    shot = _local(picture.wall_ns, utc_offset_min)
    info = {
        "ImageID": f"{device}{_IMAGE}{shot}{picture.serial % _SERIALS:05}",
        "InfoKind": _AUTOMATIC,
        "ImageSource": _OTHER_SOURCE,
        "EventSort": event_sort,
        "DeviceID": device,
        "StoragePath": "",
        "FileHash": hashlib.md5(picture.jpeg, usedforsecurity=False).hexdigest(),
        "FileFormat": "Jpeg",
        "ShotTime": shot,
        "Title": "door opened",
        "ContentDescription": "door opened",
        "SecurityLevel": _INTERNAL,
        "Width": picture.width,
        "Height": picture.height,
        "FileSize": len(picture.jpeg),
    }
    data = base64.b64encode(picture.jpeg).decode()
    return _pack({"ImageListObject": {"Image": [{"ImageInfo": info, "Data": data}]}})


def judge(status: int, body: bytes, where: str, what: str) -> None:
    """Return where the library said yes. Raises LinkError; WireError where it is this one picture that it refuses."""
    codes = list(_codes(body))
    if status in (200, 201) and codes and all(code == 0 for code in codes):
        return
    kind: type[LinkError | WireError] = RefusedError
    if status >= 500 or (status in (200, 201) and not codes):
        kind = ServerError  # it is down, or somebody else answers in its place
    elif status in _UNFIT:
        kind = WireError
    said = " ".join(body[:SAID_MAX].decode("utf-8", "replace").split())
    raise kind(
        f"{what} at {where}",
        found=f"status {status}, StatusCode {codes[0] if codes else 'none'}: {said if said.isprintable() else '?'}",
        wanted="status 200 and StatusCode 0",
        remedy="Check [viid] with the library's keeper: its log says more.",
    )


def _codes(body: bytes) -> Iterator[int]:
    """Every StatusCode in an answer, whatever it is wrapped in; some write it as text."""
    try:
        todo: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):
        return
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += one
        elif isinstance(one, dict):
            code = one.get("StatusCode")
            if code is not None:
                yield int(code) if str(code).isdecimal() and len(str(code)) < 9 else -1
            todo += [each for each in one.values() if isinstance(each, dict | list)]


def _local(wall_ns: int, utc_offset_min: int) -> str:
    """YyyyMMddHHmmss by the library's clock."""
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=wall_ns // SECOND)
    return (utc + timedelta(minutes=utc_offset_min)).strftime("%Y%m%d%H%M%S")


def _pack(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body)
