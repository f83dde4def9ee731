"""One small file in the state folder that a lost spool does not take along. May block: workers only."""

from pathlib import Path

from edge.durable import make_folder, trouble, write_durably


class Paper:
    """Reads and writes it, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes:
        """What was last written, or b"" where nothing was. Raises PartError."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as err:
            raise trouble(f"file {self.path}", err) from err

    def write(self, data: bytes) -> None:
        """On the card when this returns. Raises PartError."""
        try:
            make_folder(self.path.parent, 0o700)
        except OSError as err:
            raise trouble(f"folder {self.path.parent}", err) from err
        write_durably(self.path, data)
