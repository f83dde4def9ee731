"""What commissioning leaves in the state folder: the marker, the report, the mask. `doorunit handover` removes them.

While the marker is missing the unit serves the installer's page, and only then.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from edge.config import Point, Polygon
from edge.durable import make_folder, sync_folder, trouble, write_durably

log = logging.getLogger(__name__)

MARKER = "commissioned"
REPORT = "installation.json"
MASK = "installation-mask.json"
PAGE = "installation-page.pem"  # the page's key and certificate
POLYGONS_MAX, CORNERS_MAX = 40, 200
EVERYTHING: Polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))

_mask = msgspec.json.Decoder(tuple[Polygon, ...])


def is_commissioned(state: Path) -> bool:
    """Whether an installer has signed this unit off."""
    return (state / MARKER).exists()


def mark(state: Path, when: str, report: bytes = b"") -> None:
    """Return once the report and then the marker are on the card; the page's key is gone. Raises PartError."""
    _folder(state)
    if report:
        write_durably(state / REPORT, report)
    write_durably(state / MARKER, f"{when}\n".encode(), 0o644)
    with suppress(OSError):  # its certificate is worth nothing without the page
        (state / PAGE).unlink(missing_ok=True)
        sync_folder(state)


def keep_mask(state: Path, polygons: Sequence[Polygon]) -> None:
    """Return once the mask that was drawn is on the card. Raises PartError."""
    _folder(state)
    write_durably(state / MASK, msgspec.json.encode(polygons))


def mask(state: Path, configured: tuple[Polygon, ...]) -> tuple[Polygon, ...]:
    """The mask that holds: the one drawn at this door, else camera.mask.

    Of one that cannot be read nobody knows what it was to hide: then all is hidden.
    """
    path = state / MASK
    try:
        return _mask.decode(path.read_bytes())
    except FileNotFoundError:
        return configured
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        log.warning("mask %s: found %s; the whole picture is masked until it is drawn anew", path, err)
        return (EVERYTHING,)


def read_polygons(wish: object) -> tuple[Polygon, ...]:
    """Polygons as the page sends them. Raises msgspec.ValidationError."""
    polygons = msgspec.convert(wish, tuple[Polygon, ...])
    if len(polygons) > POLYGONS_MAX or any(len(polygon) > CORNERS_MAX for polygon in polygons):
        raise msgspec.ValidationError(f"more than {POLYGONS_MAX} polygons, or one of more than {CORNERS_MAX} corners")
    return polygons


def whole_numbers(polygons: Sequence[Sequence[Point]]) -> list[list[list[float]]]:
    """The same, rounded as a report shows them."""
    return [[[round(x, 3), round(y, 3)] for x, y in polygon] for polygon in polygons]


def _folder(state: Path) -> None:
    try:
        make_folder(state)
    except OSError as err:
        raise trouble(f"folder {state}", err) from err
