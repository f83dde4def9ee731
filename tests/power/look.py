"""Looks at a unit's card and at its platform, touching neither."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

from edge.records import unpack
from tests.power.street import Street
from tests.power.verdict import Card, Outcome


def card(folder: Path) -> Card:
    """What lies there; a copy is opened, so that the spool stays as it was left."""
    frames = folder / "frames"
    files = {path.name for path in frames.iterdir()} if frames.is_dir() else set()
    others = {path.name for path in folder.iterdir()} - {"frames", "filler"}
    found = Card(files=files, others=others)
    with tempfile.TemporaryDirectory(dir=folder.parent) as copy:
        for end in ("", "-wal"):
            if (folder / f"spool.db{end}").exists():
                shutil.copy(folder / f"spool.db{end}", copy)
        if (Path(copy) / "spool.db").exists():
            _read(Path(copy) / "spool.db", found)
    return found


def outcome(street: Street) -> Outcome:
    """Of a scene that came to its end; the unit is let go."""
    street.leave()
    platform = street.town.platform
    return Outcome(
        truth=street.truth,
        held=list(platform.held.values()),
        frames=platform.frames,
        door=platform.state.get("door"),
        wrong=[*platform.wrong, *street.hub.platform.wrong],
        faults=street.faults,
        card=card(street.folder),
        hub=list(street.hub.platform.held.values()),
        done=[reply["id"] for reply in platform.replies if reply["done"]],
    )


def _read(path: Path, found: Card) -> None:
    db = sqlite3.connect(path)
    try:
        records = [unpack(body) for (body,) in db.execute("SELECT body FROM record")]
        found.records = {(record.epoch, record.seq) for record in records}
        found.rows = {name for (name,) in db.execute("SELECT name FROM frame")}
    except (sqlite3.Error, ValueError):
        found.records = set()  # a damaged spool promises nothing
    finally:
        db.close()
