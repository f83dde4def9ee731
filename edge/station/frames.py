"""Sealed frames at the station: checked on arrival, kept sealed, opened only to be looked at."""

import threading
from collections.abc import Callable
from pathlib import Path

from edge.clock import Clock
from edge.durable import make_folder, trouble, write_durably
from edge.errors import ConfigError, WireError
from edge.identity import UNIT_ID
from edge.spool.seal import SIGNATURE_BYTES, Header, frame_name, open_sealed, signed_by, verify
from edge.station.ca import Authority
from edge.station.ledger import Ledger, Picture


class FrameStore:
    """Any thread. `on_new` is called with each frame that was not here before."""

    def __init__(
        self, folder: Path, ledger: Ledger, ca: Authority, clock: Clock, on_new: Callable[[Picture], None]
    ) -> None:
        self._folder = folder
        self._ledger = ledger
        self._ca = ca
        self._clock = clock
        self._on_new = on_new
        self._lock = threading.Lock()  # two writers of one name must not meet

    def put(self, unit: str, name: str, sealed: bytes) -> bool:
        """Keep a frame that `unit` sent under `name`; False where it is here already.

        On the disk, file and row, when this returns. Raises WireError for a frame that is not what it says, PartError.
        """
        if not UNIT_ID.fullmatch(unit) or frame_name(sealed) != name:
            raise WireError(
                f"frame {name[:12]} of {unit}",
                found="bytes with another sha256",
                wanted="the sealed bytes that the name is made from",
                remedy="It was cut or changed on its way; send it again.",
            )
        header = _by_any(sealed, self._ca.known.verify_keys(unit))
        if header.unit != unit:
            raise WireError(
                f"frame {name[:12]} of {unit}",
                found=f"a frame of unit {header.unit}",
                wanted="a frame of its own",
                remedy="A unit may only speak for itself.",
            )
        picture = Picture(name, unit, header.epoch, header.event, header.at)
        with self._lock:
            if self._ledger.frame(name) is not None:
                return False
            try:
                make_folder(self._folder / unit, 0o700)
            except OSError as err:
                raise trouble(f"folder {self._folder / unit}", err) from err
            write_durably(self._folder / unit / name, sealed)
            with self._ledger.batch() as into:
                into.frame(picture, self._clock.read().wall_ns)
        self._on_new(picture)
        return True

    def open(self, name: str) -> bytes:
        """The picture (JPEG), in RAM. Raises ConfigError (no such frame), WireError (it cannot be opened)."""
        picture = self._ledger.frame(name)
        if picture is None:
            raise ConfigError(
                f"picture {name[:12]}",
                found="none of that name",
                wanted="a frame that has arrived",
                remedy="Load the page anew.",
            )
        try:
            sealed = (self._folder / picture.unit / name).read_bytes()
        except OSError as err:
            raise trouble(f"picture {name[:12]}", err) from err
        keys = self._ca.known.verify_keys(picture.unit, ever=True)  # it was believed when it came
        signer = next((key for key in keys if _signed(sealed, key)), keys[0])
        return open_sealed(sealed, self._ca.private_key(), signer)[1]

    def size(self, unit: str, name: str) -> tuple[int, int]:
        """Width and height of `unit`'s picture, opened and decoded. Raises ConfigError (no such frame), WireError."""
        from edge.camera.view import size_of  # Pillow: for the installer's test alone

        picture = self._ledger.frame(name)
        if picture is None or picture.unit != unit:
            raise ConfigError(
                f"picture {name[:12]} of {unit}",
                found="none of that name",
                wanted="a frame that has arrived",
                remedy="Send it first.",
            )
        return size_of(self.open(name))


def _by_any(sealed: bytes, keys: list[bytes]) -> Header:
    """The header, by whichever key signed it: what a unit sealed before it was enrolled anew still comes."""
    signer = keys[0] if len(keys) == 1 else next((key for key in keys if _signed(sealed, key)), keys[0])
    return verify(sealed, signer)


def _signed(sealed: bytes, key: bytes) -> bool:
    return signed_by(key, sealed[-SIGNATURE_BYTES:], sealed[:-SIGNATURE_BYTES])
