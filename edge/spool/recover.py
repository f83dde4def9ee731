"""Opens the spool after whatever happened: rows without a file are named, files without a row are adopted."""

import logging
from functools import partial

import msgspec

from edge.errors import PartError, WireError
from edge.parts import FrameRow, Snapshot, Store
from edge.spool.frames import FrameFiles

log = logging.getLogger(__name__)


def open_spool(store: Store, files: FrameFiles) -> Snapshot:
    """The store's snapshot, with the frames that are really there, and those that are not. May block. Raises PartError.

    A row without a file stays until it is dropped in one commit with the Gap that counts it.
    """
    snapshot = store.open()
    names = files.names()
    rows = {row.name: row for row in snapshot.frames}
    gone = tuple(row for name, row in rows.items() if name not in names)
    adopted = [row for name in names - set(rows) if (row := _adopt(files, name))]
    adopted.sort(key=lambda row: (row.at.wall_ns, row.at.boot_ns))
    if adopted:
        store.commit([partial(_add, row) for row in adopted])
    if gone or adopted:
        log.warning("spool: %d pictures without a file, %d without a row adopted", len(gone), len(adopted))
    kept = tuple(row for name, row in rows.items() if name in names)
    return msgspec.structs.replace(snapshot, frames=(*kept, *adopted), gone=gone)


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


def _add(row: FrameRow, store: Store) -> None:
    store.add_frame(row)
