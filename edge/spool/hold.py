"""One program at a time on a state folder. The lock is the folder's own, and ends with the process."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from edge.errors import ConfigError


class Hold:
    """Held until closed. Raises ConfigError where another program holds it; a folder that is not there is not held."""

    def __init__(self, folder: Path) -> None:
        self._handle: int | None = None
        with suppress(FileNotFoundError):
            self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if self._handle is None:
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            self.close()
            raise ConfigError(
                f"state folder {folder}",
                found="a unit that runs on it",
                wanted="nobody else at work there",
                remedy="Stop it first: `sudo systemctl stop doorunit`.",
            ) from err

    def close(self) -> None:
        """Let go; safe to repeat."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
