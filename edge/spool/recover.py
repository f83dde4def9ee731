"""Opens the spool after whatever happened: rows without a file are dropped, files without a row are adopted."""

import logging
from functools import partial

import msgspec

from edge.errors import PartError, WireError
from edge.parts import FrameRow, Snapshot, Store
from edge.spool.frames import FrameFiles

log = logging.getLogger(__name__)


def open_spool(store: Store, files: FrameFiles) -> Snapshot:
    """The store's snapshot, with the frames that are really there. May block. Raises PartError."""
    snapshot = store.open()
    names = files.names()
    rows = {row.name: row for row in snapshot.frames}
    missing = [name for name in rows if name not in names]
    adopted = [row for name in names - set(rows) if (row := _adopt(files, name))]
    adopted.sort(key=lambda row: (row.at.wall_ns, row.at.boot_ns))
    if missing or adopted:
        store.commit([*(partial(_drop, name) for name in missing), *(partial(_add, row) for row in adopted)])
        log.warning("spool: %d pictures without a file dropped, %d without a row adopted", len(missing), len(adopted))
    kept = tuple(row for name, row in rows.items() if name in names)
    return msgspec.structs.replace(snapshot, frames=(*kept, *adopted))


def _adopt(files: FrameFiles, name: str) -> FrameRow | None:
    from edge.spool.seal import read_header  # only after a cut between file and row; brings a heavy library

    try:
        sealed = files.read(name)
    except PartError as err:
        log.warning("spool: %s", err)  # it stays: another start may read it
        return None
    try:
        header = read_header(sealed)
    except WireError as err:
        log.warning("spool: picture %s: %s", name, err)
        files.remove([name])  # nobody could open it
        return None
    return FrameRow(name, header.epoch, header.event, header.at, len(sealed))


def _drop(name: str, store: Store) -> None:
    store.drop_frame(name)


def _add(row: FrameRow, store: Store) -> None:
    store.add_frame(row)
