"""Sealed frames as files: file first, row second, so that no row ever names a missing file.

Only sealed bytes come here. A file without a row (power was cut between the two) is adopted when the spool opens.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from edge.durable import PART, make_folder, trouble, write_durably
from edge.spool.ballast import room, share

_TRIAL = "trial"  # one that a cut leaves behind is no sealed frame, and goes when the spool is next opened
_TRIAL_BYTES = 65_536


class FrameFiles:
    """One folder of sealed frames, each named by the sha256 of its bytes. May block: workers only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, sealed: bytes) -> None:
        """On the card when this returns. Raises PartError; FullError while there is room for records alone."""
        try:
            make_folder(self.folder, 0o700)
            if room(self.folder) < share(self.folder) + len(sealed):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - as the card itself says it
        except OSError as err:
            raise trouble(f"folder {self.folder}", err) from err
        write_durably(self.folder / name, sealed)

    def trial(self) -> None:
        """Return where a file of a picture's size can be put on the card. Raises PartError."""
        self.write(_TRIAL, bytes(_TRIAL_BYTES))
        self.remove([_TRIAL])

    def read(self, name: str) -> bytes:
        """The sealed bytes. Raises PartError."""
        try:
            return (self.folder / name).read_bytes()
        except OSError as err:
            raise trouble(f"picture {self.folder / name}", err) from err

    def remove(self, names: Iterable[str]) -> None:
        """Delete; a file that is already gone is no error. Raises PartError."""
        for name in names:
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as err:
                raise trouble(f"picture {self.folder / name}", err) from err

    def names(self) -> set[str]:
        """All frames on the card; what a cut left unfinished is deleted. Raises PartError."""
        try:
            found = {path.name for path in self.folder.iterdir() if path.is_file()}
        except FileNotFoundError:
            return set()
        except OSError as err:
            raise trouble(f"folder {self.folder}", err) from err
        unfinished = {name for name in found if name.endswith(PART)}
        self.remove(unfinished)
        return found - unfinished
