"""Put a file on the card so that a power cut leaves the old one or the new one whole, never a part.

Only identity.py, spool/, onsite/ (enrolment) and station/ write this way; everything else may be lost.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

from edge.errors import FullError, PartError

# What a file is called until it is whole. A cut can leave one behind; it may be removed or written over.
PART = ".part"

_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Return once `data` is on the card under `path`, with exactly `mode`; whoever reads sees old or new, whole.

    Temp name, write, fsync, rename, fsync the folder. Two writers of one path must not run at once. Blocks.
    Raises FullError (no room), PartError (read-only, missing folder, input/output error); what is there is still whole.
    """
    part = path.with_name(path.name + PART)
    try:
        _write(part, data, mode)
        part.replace(path)
        sync_folder(path.parent)
    except OSError as err:
        with suppress(OSError):  # the first refusal is the one to tell
            part.unlink()
        raise trouble(f"file {path}", err) from err


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Return once `folder` is there and its name is on the card; where it is missing it is made. Raises OSError.

    Without that a cut may take a new folder away with all that was synced in it. `mode` is not for its parents.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Return once the names in `folder` are on the card. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def trouble(what: str, err: OSError) -> PartError:
    """The card's own refusal, as the error that the technician reads: FullError or PartError."""
    if err.errno in _FULL:
        return FullError(
            what,
            found="no room left on the card",
            wanted="some free space",
            remedy="`df -h` shows what is full; lower spool.frames_mb or clear the data partition.",
        )
    return PartError(
        what,
        found=(err.strerror or str(err)).lower(),
        wanted="a folder that can be written",
        remedy="`mount` shows whether it is read-only, `dmesg` whether the card is failing.",
    )


def _write(part: Path, data: bytes, mode: int) -> None:
    # O_NOFOLLOW: a link planted under the temp name must not send a key elsewhere.
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb", buffering=0) as file:
        os.fchmod(handle, mode)  # neither the umask nor a leftover's mode decides who may read it
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        os.fsync(handle)
