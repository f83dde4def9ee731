"""Settings of the updater, which reads them by itself (deploy/ota/settings.py): it works where edge does not."""

from typing import Annotated

from edge.declare import Section
from edge.declare import setting as _is


class Update(Section, frozen=True):
    """Other versions of this program, signed, from the station at uplink.frames_url."""

    enabled: Annotated[
        bool, _is("Whether the station is asked for releases; `doorunit-update install` works all the same.")
    ] = True
    channel: Annotated[
        str, _is("Which of the station's releases this unit follows.", pattern="^[a-z0-9][a-z0-9-]{0,31}$")
    ] = "stable"
