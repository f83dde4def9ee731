"""Releases that units may fetch: packages with their signed manifests, in one folder for each channel.

The station signs nothing and needs no key: each unit verifies for itself, so a station that somebody else holds can
withhold a release, and cannot make one.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from edge.durable import make_folder, trouble, write_durably
from edge.errors import ConfigError

CHANNEL = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,119}\.(deb|json)")
MANIFEST_MAX = 65_536


class Releases:
    """One station's. Any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, channel: str, name: str) -> Path | None:
        """What units get under that name; None where there is no such release."""
        if not CHANNEL.fullmatch(channel) or not FILE.fullmatch(name):
            return None
        path = self._folder / channel / name
        return path if path.is_file() else None

    def add(self, package: Path, channel: str) -> dict[str, Any]:
        """Offer a package; its signed manifest lies beside it. Raises ConfigError, PartError."""
        if not CHANNEL.fullmatch(channel):
            raise _refused(f"channel {channel!r}", "a short plain name, such as stable", "Choose another name.")
        beside = package.with_suffix(".json")
        try:
            data, raw = package.read_bytes(), beside.read_bytes()[: MANIFEST_MAX + 1]
            told = json.loads(json.loads(raw)["signed"])
            fits = (told["file"], told["size"], told["sha256"]) == (
                package.name,
                len(data),
                hashlib.sha256(data).hexdigest(),
            )
            offer = f"{told['arch']}-py{told['python']}.json"
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as err:
            raise _refused(f"{package} and {beside.name}", "a package and its signed manifest", _SIGN) from err
        if not fits or not FILE.fullmatch(offer) or not FILE.fullmatch(package.name) or len(raw) > MANIFEST_MAX:
            raise _refused(f"{package.name} and a manifest of something else", "a manifest of this package", _SIGN)
        try:
            make_folder(self._folder / channel)
            write_durably(self._folder / channel / package.name, data, 0o644)
            write_durably(self._folder / channel / offer, raw, 0o644)  # last: what is offered can be fetched
        except OSError as err:
            raise trouble(f"folder {self._folder / channel}", err) from err
        return {"channel": channel, "version": told["version"], "offer": offer, "size": len(data)}


_SIGN = "Sign it: python -m deploy.ota.sign release PACKAGE --key KEY"


def _refused(found: str, wanted: str, remedy: str) -> ConfigError:
    return ConfigError("doorunit station release", found=found, wanted=wanted, remedy=remedy)
