"""PUT of frames at the station: kept only where the unit of the certificate signed it, and under its own name.

An input is a request (asking.py). Whatever it is, the answer blames the sender, and no other file changes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.spool import seal
from edge.station.unitapi import FRAME_MAX_BYTES
from tests.fuzz.asking import Request, asker, bend_request
from tests.fuzz.bend import Pick
from tests.fuzz.office import Office, office
from tests.fuzz.player import Play, Target
from tests.fuzz.seals import SEEDS, STRANGER, UNIT, bent, is_signed

HEAD = b"PUT /v1/units/door-1/frames/~\npeer: door-1\ncontent-type: application/octet-stream\n\n"
KEYS = {"door-1": UNIT, "door-2": STRANGER}
HARMLESS = {307, 400, 403, 404, 405, 413, 422}
TOO_LONG = HEAD + bytes(FRAME_MAX_BYTES + 1)
EVENTS = Request.of(b"GET /api/events?unit=door-1")


def kept(at: Office, request: Request) -> str:
    """The frame's name, after a look whether it is rightly there."""
    unit, name = request.peer, seal.frame_name(request.body)
    header = seal.verify(request.body, bytes(KEYS[unit].verify_key))
    assert is_signed(request.body, KEYS[unit])
    assert header.unit == unit
    assert at.ledger.read("SELECT name, unit, event FROM frame") == [(name, unit, header.event)]
    assert [path.name for path in (at.folder / "frames").rglob("*") if path.is_file()] == [name]
    assert (at.folder / "frames" / unit / name).read_bytes() == request.body
    return name


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """A station that has heard of an opening and has no frame of it."""
    with office(folder) as at, asker() as ask:
        at.keep_records()
        empty = at.tree()

        def play(data: bytes) -> None:
            request = Request.of(data)
            status = ask(at.units, request).status
            if status != 201:
                assert status in HARMLESS or (request.cut and status == 0), status
                assert at.tree() == empty
                assert at.ledger.read("SELECT * FROM frame") == []
                return
            name = kept(at, request)
            assert ask(at.units, request).status == 200
            assert kept(at, request) == name
            assert ask(at.page, EVENTS).status == 200
            assert ask(at.page, Request.of(f"GET /api/frames/{name}.jpg".encode())).status in (200, 400)
            at.forget_frames()

        yield play


def bend(raw: bytes, pick: Pick) -> bytes:
    """Another request, or the same with another frame."""
    if pick((True, True, False)):
        return bend_request(raw, pick)
    if pick(range(200)) == 199:
        return TOO_LONG
    head, _, body = raw.partition(b"\n\n")
    return head + b"\n\n" + bent(body, pick)


REAL = tuple(HEAD + frame for frame in SEEDS)
TARGET = Target("posts", opened, (*REAL, REAL[0].replace(b"door-1", b"door-2")), bend, longest=2048)
