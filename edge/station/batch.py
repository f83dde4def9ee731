"""A folder for the workshop: one file per card, each in a folder of its unit's name, and the labels to print."""

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from edge.clock import Clock
from edge.durable import make_folder, trouble, write_durably
from edge.errors import ConfigError
from edge.onsite import bootfile
from edge.onsite.bootfile import BootFile
from edge.secret import Secret
from edge.station.desk import TOKEN_LIFE_NS
from edge.wire import rfc3339

LABELS = "labels.pdf"


def write(out: Path, tokens: Mapping[str, str], *, station: str, ca: str, clock: Clock, note: str = "") -> Path:
    """Write all of it, and return the labels' path. station: the enrolment's https address; ca: PEM.

    Secrets: readable by this user alone. Raises ConfigError (there are other cards in `out`), PartError.
    """
    from edge.station.labels import Label, sheet  # heavy, and for paper only

    check_empty(out)
    labels = []
    for unit, token in tokens.items():
        boot = boot_file(unit, token, station=station, ca=ca, clock=clock)
        _write(out / unit / bootfile.NAME, bootfile.text(boot).encode())
        code = boot.page_code.reveal().decode() if boot.page_code else ""
        labels.append(Label(unit, code, boot.expires[:10], note))
    _write(out / LABELS, sheet(labels))
    return out / LABELS


def boot_file(unit: str, token: str, *, station: str, ca: str, clock: Clock) -> BootFile:
    """What one card gets; with a page code of its own."""
    now_ns = clock.read().wall_ns
    page_code = base64.b32encode(secrets.token_bytes(5))  # 40 bits, for a page that is up for minutes
    return BootFile(
        station=station,
        ca=ca,
        unit=unit,
        token=Secret(token.encode()),
        page_code=Secret(page_code),
        made_ns=now_ns,
        expires=rfc3339(now_ns + TOKEN_LIFE_NS),
    )


def check_empty(out: Path) -> None:
    """Raise ConfigError where `out` holds something: cards of two batches must not be mixed up."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(
            f"folder {out}", found="files in it", wanted="a new or empty folder", remedy="Choose another with --out."
        )


def _write(path: Path, data: bytes) -> None:
    try:
        make_folder(path.parent, 0o700)
    except OSError as err:
        raise trouble(f"folder {path.parent}", err) from err
    write_durably(path, data)
