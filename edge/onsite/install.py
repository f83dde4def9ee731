"""Opens the installer's page where this unit is not commissioned and its boot file holds a page code."""

import logging
import socket
from contextlib import suppress
from pathlib import Path

from edge.clock import Clock
from edge.config import Config
from edge.durable import make_folder, trouble, write_durably
from edge.errors import ConfigError, DoorunitError
from edge.onsite import bootfile, commission
from edge.onsite.bootfile import BootFile
from edge.onsite.gate import Gate
from edge.onsite.site import Site
from edge.onsite.visit import Visit

log = logging.getLogger(__name__)


def begin(config: Config, clock: Clock) -> Site | None:
    """The page, served; None where there is to be none. It never keeps the unit from running."""
    state = Path(config.unit.state_dir)
    if commission.is_commissioned(state):
        return None
    try:
        boot = _boot(Path(config.unit.enrol_file))
        if boot is None:
            return None
        if boot.page_code is None:
            log.warning(
                "not commissioned, and no installer's page: %s holds no page code. `doorunit station reissue` writes "
                "the file anew.",
                config.unit.enrol_file,
            )
            return None
        gate = Gate(boot.unit, boot.page_code)
        site = Site(Visit(config, boot.unit, clock), gate, clock, _pem(state, boot.unit), config.install.port)
    except DoorunitError as err:
        log.warning("%s", err)
        return None
    log.info("installer's page: https://%s:%d/ certificate SHA-256 %s", _address(), site.port, site.fingerprint)
    return site


def _boot(path: Path) -> BootFile | None:
    try:
        return bootfile.read(path) if path.exists() else None
    except ConfigError:  # the enrolment says it
        return None


def _pem(state: Path, unit: str) -> Path:
    """The page's key and certificate, the same until sign-off, so that the phone has to trust it once."""
    from edge.onsite import keys  # heavy, and needed on one day of a unit's life

    path = state / commission.PAGE
    if not path.exists():
        try:
            make_folder(state)
        except OSError as err:
            raise trouble(f"folder {state}", err) from err
        write_durably(path, keys.make_page_certificate(unit or "doorunit"))
    return path


def _address() -> str:
    """This unit's own address, for whoever reads the log."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))  # TEST-NET-1: nothing is sent
        return str(sock.getsockname()[0])
    return socket.gethostname()
