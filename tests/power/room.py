"""Where images are laid out and tried: in memory, because there a sync costs nothing; its order is on the tape."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RAM = Path("/dev/shm")


@contextmanager
def room() -> Iterator[Path]:
    """A folder for a campaign, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="cuts-", dir=RAM if RAM.is_dir() else None) as folder:
        yield Path(folder)


def empty(folder: Path) -> Path:
    """This folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
