"""The small file that a station writes for one card's boot partition, and that the unit enrols by.

Our own file, beside those of the OS imager and never theirs, so that it is read alike on every Raspberry Pi OS.
"""

import tomllib
from pathlib import Path

import msgspec

from edge.config import LINE_MAX_BYTES
from edge.durable import write_durably
from edge.errors import ConfigError
from edge.identity import check_unit
from edge.secret import Secret
from edge.wire import from_rfc3339, rfc3339

NAME = "doorunit-enrol.toml"
SCHEMA = 1
FILE_MAX_BYTES = 16_384  # one is 1.2 kB; a longer one is something else
_REMEDY = "Copy the unit's own file there again, or have the station write another: `doorunit station reissue`."


class BootFile(msgspec.Struct, frozen=True, kw_only=True):
    """How one unit reaches its station for the first time. Without a token it waits until a person accepts it."""

    station: str  # https://host:port
    ca: str  # the station's CA certificate, PEM: the only one that is believed
    unit: str = ""
    token: Secret | None = None
    page_code: Secret | None = None  # opens the installer's page once; on the label, in the QR
    made_ns: int = 0  # UTC: the present is later than this
    expires: str = ""  # RFC 3339: of the token, by the station's clock


class _File(msgspec.Struct, forbid_unknown_fields=True):
    schema: int
    station: str
    ca: str
    unit: str = ""
    token: str = ""
    page_code: str = ""
    made: str = ""
    expires: str = ""


def read(path: Path) -> BootFile:
    """The file, checked. Raises ConfigError; it never repeats what was found, which may be half of a token."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_MAX_BYTES + 1)
    except OSError as err:
        raise _unfit(path, (err.strerror or str(err)).lower(), "a file this user can read") from err
    if len(raw) > FILE_MAX_BYTES or any(len(line) > LINE_MAX_BYTES for line in raw.splitlines()):
        raise _unfit(path, f"more than {FILE_MAX_BYTES} bytes, or a line over {LINE_MAX_BYTES}", "a station's file")
    try:
        tables = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as err:
        raise _unfit(path, "no TOML", "a file that a station wrote, whole") from err
    if tables.get("schema") != SCHEMA:
        raise _unfit(path, f"schema {tables.get('schema')!r:.20}", f"schema {SCHEMA}")
    try:
        told = msgspec.convert(tables, _File)
        made_ns = from_rfc3339(told.made) if told.made else 0
    except (msgspec.ValidationError, ValueError) as err:
        raise _unfit(path, str(err), "a file that a station wrote, whole") from err
    if not told.station.startswith("https://") or "-----BEGIN CERTIFICATE-----" not in told.ca:
        raise _unfit(path, "no https address or no CA certificate", "both, as the station wrote them")
    return BootFile(
        station=told.station,
        ca=told.ca,
        unit=check_unit(told.unit) if told.unit else "",
        token=Secret(told.token.encode()) if told.token else None,
        page_code=Secret(told.page_code.encode()) if told.page_code else None,
        made_ns=made_ns,
        expires=told.expires,
    )


def text(boot: BootFile) -> str:
    """The file's text; it holds the secrets."""
    told = {
        "station": boot.station,
        "unit": boot.unit,
        "token": boot.token.reveal().decode() if boot.token else "",
        "page_code": boot.page_code.reveal().decode() if boot.page_code else "",
        "made": rfc3339(boot.made_ns) if boot.made_ns else "",
        "expires": boot.expires,
    }
    lines = [
        f"# doorunit: enrols one unit. Copy this file, as {NAME}, to the card's boot partition.",
        "# The token works once; the unit erases it when it is enrolled. Keep this file as you keep a key.",
        f"schema = {SCHEMA}",
        *(f'{name} = "{value}"' for name, value in told.items() if value),
        f'ca = """\n{boot.ca.strip()}\n"""',
    ]
    return "\n".join(lines) + "\n"


def erase_token(path: Path) -> None:
    """Return once the file on the card is without its token. Raises PartError (read-only), ConfigError."""
    boot = read(path)
    if boot.token is not None:
        write_durably(path, text(msgspec.structs.replace(boot, token=None)).encode())


def _unfit(path: Path, found: str, wanted: str) -> ConfigError:
    return ConfigError(f"enrolment file {path}", found=found, wanted=wanted, remedy=_REMEDY)
