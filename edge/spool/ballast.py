"""Room of the spool's own: a file that gives way to records once somebody else has filled the card. Workers only."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

NAME = "ballast"
MOST_BYTES = 4 * 1024 * 1024  # 10,000 records


def share(folder: Path) -> int:
    """Bytes of this card that are for records alone: a sixteenth, 4 MiB at most. Raises OSError."""
    return min(MOST_BYTES, shutil.disk_usage(folder).total // 16)


def room(folder: Path) -> int:
    """Free bytes on the card that holds `folder`. Raises OSError."""
    return shutil.disk_usage(folder).free


class Ballast:
    """One file in `folder`, held while there is twice the room for it. A cut may take it away; it is no loss."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._held = False

    def hold(self) -> None:
        """Take the room, where it is there and not taken yet; a card that refuses keeps it."""
        if self._held:
            return
        with suppress(OSError):
            self._held = self._path.exists() and self._path.stat().st_size > 0  # empty: the card refused last time
            size_bytes = share(self._path.parent)
            if self._held or room(self._path.parent) < 2 * size_bytes:
                return
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size_bytes)  # a hole would be no room
            self._held = True

    def spend(self) -> bool:
        """Give it away; True if there was any."""
        self._held = False
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
