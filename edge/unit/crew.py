"""Who works at one unit. Built by staff.py, introduced to one another by agent.py."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from edge.alert.gallery import Gallery
from edge.board.host import HostReading
from edge.clock import Clock
from edge.config import Config
from edge.health import Health
from edge.loop import Loop
from edge.parts import Eye, Link, Phones
from edge.spool.album import Album
from edge.spool.erase import Eraser
from edge.spool.journal import Journal
from edge.spool.shares import Shares
from edge.unit.annex import Annex
from edge.unit.doorkeeper import Doorkeeper
from edge.unit.guard import Guard
from edge.unit.photographer import Photographer
from edge.unit.recorder import Recorder
from edge.unit.renewal import Renewal
from edge.unit.textfile import Textfile
from edge.unit.trace import Trace
from edge.unit.updates import Updates
from edge.unit.vigil import Vigil
from edge.unit.warden import Warden
from edge.uplink.carrier import Carrier
from edge.uplink.courier import Courier

if TYPE_CHECKING:
    from edge.unit.centre import Centre


class Crew(msgspec.Struct, frozen=True):
    """Everyone the unit introduces to one another, each once."""

    config: Config
    unit: str
    clock: Clock
    loop: Loop
    health: Health
    journal: Journal
    shares: Shares
    album: Album
    link: Link
    courier: Courier
    annexes: tuple[Annex, ...]
    carrier: Carrier | None
    recorder: Recorder
    doorkeeper: Doorkeeper
    photographer: Photographer
    eye: Eye | None
    warden: Warden
    eraser: Eraser
    host: Callable[[], HostReading]
    verify: Callable[[bytes, bytes], bool]
    phones: Phones | None
    guard: Guard
    updates: Updates
    vigil: Vigil
    trace: Trace
    textfile: Textfile | None
    gallery: Gallery | None = None
    renewal: Renewal | None = None
    centre: "Centre | None" = None  # the city centre's video platform, where one is set
