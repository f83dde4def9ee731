"""Brings a release from the station over a link that may break at any byte, and goes on where it broke.

The digest over all of it decides, once, at the end; until then a part is a part, whoever sent it. The door comes
first: between two megabytes it is asked whether somebody stands in it, and then the rest waits for the next time.
"""

import hashlib
import http.client
import random
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import urlsplit

from deploy.ota.durable import PART, Card
from deploy.ota.manifest import MANIFEST_MAX, Manifest, Refusal
from deploy.ota.settings import Settings

TIMEOUT_S = 30.0
TRIES = 8  # in a row that brought nothing new
PROGRESS = 65_536  # bytes; a try that brought less brought nothing
PAUSES_S = (2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # the longest there is; each is waited for by half to whole, at random
CHUNK = 65_536
ASK_EVERY = 1_000_000  # bytes
ROOM_LEFT = 100_000_000  # what the door's own records keep to themselves
T = TypeVar("T")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Later(Exception):
    """Not now: the door comes first, or the link is bad. No fault; the next time will do."""


@dataclass(frozen=True)
class Way:
    """How bytes come: from which station, and what waiting is."""

    settings: Settings
    context: ssl.SSLContext | None
    busy: Callable[[], str] = lambda: ""  # why to stop now; "" to go on
    sleep: Callable[[float], None] = time.sleep
    dice: random.Random = random.SystemRandom()

    def path(self, name: str) -> str:
        """Of a file of the channel."""
        return f"{urlsplit(self.settings.url).path.rstrip('/')}/v1/releases/{self.settings.channel}/{name}"


def offer(way: Way, name: str) -> bytes | None:
    """The channel's newest manifest of that name; None where it offers none. Raises Later, Refusal."""

    def ask() -> bytes | None:
        with _get(way, way.path(name), 0) as answer:
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise Refusal(f"station's {name}", f"status {answer.status}", "200")
            return answer.read(MANIFEST_MAX + 1)

    return _patiently(way, ask, lambda: 0)


def download(way: Way, told: Manifest, folder: Path, card: Card) -> Path:
    """The package, whole and with its digest, in `folder`; another release's goes. Raises Later, Refusal, OSError."""
    whole = folder / f"{told.sha256}.deb"
    part = whole.with_name(whole.name + PART)
    for path in folder.iterdir():
        if path not in (whole, part):
            path.unlink()
    if whole.exists():
        return whole
    room(folder, told.size + told.unpacked, card)
    _patiently(way, lambda: _more(way, told, part, card), lambda: part.stat().st_size if part.exists() else 0)
    if digest(part) != told.sha256:
        part.unlink()
        raise Refusal("download", "bytes with another sha256", "what the manifest names; it begins anew next time")
    part.replace(whole)
    card.sync_folder(folder)
    return whole


def room(folder: Path, wanted: int, card: Card) -> None:
    """Raises Refusal where the card has not so many bytes to spare."""
    free = card.free(folder)
    if free < wanted + ROOM_LEFT:
        raise Refusal(f"card at {folder}", f"{free / 1e6:.0f} MB free", f"{(wanted + ROOM_LEFT) / 1e6:.0f} MB")


def digest(path: Path) -> str:
    """sha256, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _more(way: Way, told: Manifest, part: Path, card: Card) -> None:
    """From where the part ends to the end. Raises OSError, HTTPException where the link breaks; Later, Refusal."""
    have = part.stat().st_size if part.exists() else 0
    if have > told.size:
        part.unlink()
        have = 0
    if have < told.size:
        with _get(way, way.path(told.file), have) as answer, part.open("ab") as file:
            if answer.status == 416 or (answer.status == 206 and not _goes_on(answer, have, told.size)):
                file.truncate(0)
                raise http.client.HTTPException("the station has other bytes under that name")
            if answer.status not in (200, 206):
                raise Refusal(f"station's {told.file}", f"status {answer.status}", "200 or 206")
            if answer.status == 200:  # a server that knows no ranges
                file.truncate(0)
                have = 0
            _pour(way, answer, file, told.size - have)
            file.flush()
            card.sync(file.fileno())
    if (have := part.stat().st_size) != told.size:
        raise http.client.HTTPException(f"the link ended at byte {have} of {told.size}")


def _pour(way: Way, answer: http.client.HTTPResponse, file: IO[bytes], left: int) -> None:
    poured = 0
    while left and (chunk := answer.read(min(CHUNK, left))):
        file.write(chunk)
        left -= len(chunk)
        poured += len(chunk)
        if poured >= ASK_EVERY:
            poured = 0
            if why := way.busy():
                raise Later(why)
    if not left and answer.read(1):
        file.truncate(0)
        raise Refusal("download", "more bytes than its manifest says", "as many")


def _goes_on(answer: http.client.HTTPResponse, have: int, size: int) -> bool:
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return found is not None and int(found[1]) == have and found[2] in ("*", str(size))


@contextmanager
def _get(way: Way, path: str, first: int) -> Iterator[http.client.HTTPResponse]:
    url = urlsplit(way.settings.url)
    line = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=TIMEOUT_S, context=way.context)
    try:
        line.request("GET", path, headers={"Range": f"bytes={first}-"} if first else {})
        yield line.getresponse()
    finally:
        line.close()


def _patiently(way: Way, act: Callable[[], T], have: Callable[[], int]) -> T:
    """Again and again while the link breaks, with growing pauses; anew after each try that brought something."""
    tries = 0
    while True:
        if why := way.busy():
            raise Later(why)
        had = have()
        try:
            return act()
        except (ConnectionError, TimeoutError, socket.gaierror, ssl.SSLError, http.client.HTTPException) as err:
            tries = 0 if have() >= had + PROGRESS else tries + 1
            if tries >= TRIES:
                raise Later(f"the station at {way.settings.url} cannot be reached: {err}") from err
        way.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)] * (0.5 + way.dice.random() / 2))
