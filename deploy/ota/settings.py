"""The few settings that the updater reads from the unit's own file; edge/config.py declares them, with their help."""

import re
import ssl
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.ota.manifest import Refusal

CONFIG = Path("/etc/doorunit/doorunit.toml")
CONFIG_MAX = 65_536
_CHANNEL = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class Settings:
    """Where the unit's platform is, and which releases it follows."""

    enabled: bool = True
    channel: str = "stable"
    host: str = "localhost"
    port: int = 8883
    tls: bool = True
    url: str = "https://localhost:8443"
    state: Path = Path("/var/lib/doorunit")

    def context(self) -> ssl.SSLContext:
        """Mutual TLS, as the unit itself speaks it. Raises OSError, ssl.SSLError where there is no identity."""
        folder = next((one for one in self._identities() if (one / "identity.json").exists()), self.state / "identity")
        made = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.load_cert_chain(str(folder / "unit.crt"), str(folder / "unit.key"))
        return made

    def _identities(self) -> list[Path]:
        """A cut while an identity was exchanged leaves the new one under another name."""
        return [self.state / name for name in ("identity", "identity.part", "identity.old")]


def read(path: Path = CONFIG) -> Settings:
    """What the file says; the defaults where it says nothing or cannot be read. Raises Refusal: it says nonsense."""
    try:
        tables = tomllib.loads(path.read_bytes()[:CONFIG_MAX].decode())
    except (OSError, ValueError, RecursionError):
        return Settings()
    update, uplink, unit = (_table(tables, name) for name in ("update", "uplink", "unit"))
    made = Settings(
        enabled=update.get("enabled", True),
        channel=update.get("channel", Settings.channel),
        host=uplink.get("host", Settings.host),
        port=uplink.get("port", Settings.port),
        tls=uplink.get("tls", True),
        url=uplink.get("frames_url", Settings.url),
        state=Path(unit.get("state_dir", Settings.state)),
    )
    if not (isinstance(made.enabled, bool) and isinstance(made.host, str) and made.port in range(1, 65_536)):
        raise Refusal("update.enabled, uplink.host or uplink.port", "another type", "as `doorunit config explain` says")
    if not (isinstance(made.channel, str) and _CHANNEL.fullmatch(made.channel)):
        raise Refusal("update.channel", repr(made.channel), "a short plain name, such as stable")
    if not (isinstance(made.url, str) and urlsplit(made.url).scheme == "https" and urlsplit(made.url).hostname):
        raise Refusal("uplink.frames_url", repr(made.url), "https://host:port")
    return made


def _table(tables: dict[str, Any], name: str) -> dict[str, Any]:
    found = tables.get(name, {})
    return found if isinstance(found, dict) else {}
