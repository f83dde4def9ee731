"""The live page's side of the station: any address, query, header and body gets an answer that blames the sender.

An input is a request (asking.py). No file but the page's own is served, and none is changed. /api/live never ends and
is left out.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote_to_bytes

from edge.spool import seal
from edge.station.pageapi import PAGE
from tests.fuzz.asking import Answer, Request, asker, bend_request
from tests.fuzz.bend import INTS, WORDS, Pick
from tests.fuzz.office import office
from tests.fuzz.player import Play, Target
from tests.fuzz.seals import JPEG, real

HARMLESS = {200, 206, 304, 307, 400, 403, 404, 405, 416}
SERVED = {path.read_bytes() for path in PAGE.iterdir()}
PATHS = ("/", "/app.js", "/api/doors", "/api/health", "/api/events?limit=5&before=7&unit=door-1", "/api/frames/abc.jpg")
WISHES = ("door", {"to": "open", "wave": "clean"}), ("network", {"on": True}), ("power", {"on": False})
QUERIES = [*(str(number) for number in INTS), *(word for word in WORDS if len(word) < 200), "1e3", "٣", "+1", "door-1"]
REAL = [f"GET {path}\nhost: localhost:8080\n\n".encode() for path in PATHS]
REAL += [f"POST /api/bench/{what}\nsec-fetch-site: same-origin\n\n{json.dumps(wish)}".encode() for what, wish in WISHES]


def check(request: Request, answer: Answer) -> None:
    """The answer is a page's file, JSON, the one picture, or a refusal."""
    assert answer.status in HARMLESS or (request.cut and answer.status == 0), answer.status
    kind = answer.headers.get("content-type", "")
    if kind.startswith("application/json"):
        json.loads(answer.body or b"null", parse_constant=_none)
    elif answer.status == 200 and answer.body:
        assert answer.body in SERVED or (kind, answer.body) == ("image/jpeg", JPEG)
    elif answer.status == 206:
        assert any(answer.body in served for served in SERVED) or kind.startswith("multipart/byteranges")


def _none(word: str) -> None:
    raise AssertionError(f"{word} is no JSON, and no browser reads it")


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """A station with some records and one picture, and a bench whose unit does not start."""
    with office(folder) as at, asker() as ask:
        at.keep_records()
        frame = real()
        at.frames.put("door-1", seal.frame_name(frame), frame)
        before = at.tree()

        def play(data: bytes) -> None:
            request = Request.of(data)
            if unquote_to_bytes(request.target.partition(b"?")[0]) != b"/api/live":
                check(request, ask(at.page, request))
                assert at.tree() == before

        yield play


def bend(raw: bytes, pick: Pick) -> bytes:
    """Another request, or another query, or another name of a file."""
    how = pick(("request", "request", "query", "file"))
    if how == "query":
        name = pick(("limit", "before", "unit", "limits", ""))
        return f"GET /api/events?{name}={pick(QUERIES)}&{pick(('', 'limit=0', 'unit=x&unit=y'))}\n\n".encode()
    if how == "file":
        steps = [pick(("..", ".", "%2e%2e", "", "page", "app.js", "%00", "ca", "x" * 300, "~", "\\")) for _ in range(3)]
        return f"GET {pick(('/', '/api/frames/', '//'))}{'/'.join(steps)}{pick(('', '.jpg'))}\n\n".encode()
    return bend_request(raw, pick)


TARGET = Target("page", opened, tuple(REAL), bend, longest=1024)
