"""A station without broker and sockets: ledger, frames, two applications, and an authority whose keys stay the same."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from edge import wire
from edge.clock import SystemClock
from edge.onsite.keys import make_tls_key, public_of
from edge.sim.bench import Bench
from edge.sim.cutlink import CutLink
from edge.station.ca import Authority
from edge.station.desk import Desk
from edge.station.frames import FrameStore
from edge.station.hub import Hub
from edge.station.ledger import Ledger
from edge.station.office import Office as StationOffice
from edge.station.pageapi import page_app
from edge.station.unitapi import unit_app
from tests.fuzz.seals import PRIVATE_KEY, STRANGER, VERIFY_KEY
from tests.fuzz.wires import AT, REAL, UNIT

NOW_NS = AT.wall_ns + 60 * 10**9


class StillBench(Bench):
    """The demo's bench, whose unit does not start and whose links open no port."""

    async def network(self, on: bool) -> None:
        """Nothing to cut."""

    def _start(self) -> None:
        """It stays off."""


@dataclass
class Office:
    """What a station holds open."""

    folder: Path
    ledger: Ledger
    frames: FrameStore
    units: Starlette
    page: Starlette
    desk: Desk

    def tree(self) -> list[tuple[str, int]]:
        """All files, and how long they are; the ledger's own are its business."""
        found = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("ledger"))
        return sorted((str(path.relative_to(self.folder)), path.stat().st_size) for path in found)

    def forget_frames(self) -> None:
        """As if none had come."""
        for path in (self.folder / "frames").rglob("*"):
            if path.is_file():
                path.unlink()
        self.ledger.store.db.execute("DELETE FROM frame")

    def keep_records(self) -> None:
        """One of each kind; the opening is seq 7, as the frames of seals.py say."""
        with self.ledger.batch() as into:
            into.unit(UNIT, NOW_NS, online=True, state=b'{"door": "open"}', pulse=b'{"backlog": 3, "warnings": []}')
            for raw in [*REAL, REAL[0].replace(b'"seq":1', b'"seq":7').replace(b"e1/1", b"e1/7")]:
                into.record(UNIT, wire.decode(UNIT, raw), NOW_NS)


@contextmanager
def office(folder: Path) -> Iterator[Office]:
    """Units door-1 (its key is seals.UNIT) and door-2 (seals.STRANGER) are enrolled."""
    Authority.open(folder / "ca")
    (folder / "ca/seal.key").write_bytes(base64.b64encode(PRIVATE_KEY))
    ca, clock = Authority(folder / "ca", SystemClock()), SystemClock()
    tls = public_of(make_tls_key())
    ca.certify("door-1", tls, VERIFY_KEY)
    ca.certify("door-2", tls, bytes(STRANGER.verify_key))
    ledger = Ledger(folder)
    frames = FrameStore(folder / "frames", ledger, ca, clock, lambda _: None)
    desk = Desk(folder / "enrol", ca, clock)
    bench = StillBench(UNIT, folder / "bench", CutLink(1), CutLink(1))
    try:
        yield Office(
            folder,
            ledger,
            frames,
            unit_app(frames, desk),
            page_app(ledger, frames, Hub(), clock, bench, StationOffice(ledger, open_=True)),
            desk,
        )
    finally:
        ledger.close()
