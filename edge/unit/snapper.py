"""The pictures that a city centre asks for: the camera's last, masked like all, in clear to where that is allowed."""

import logging
from collections.abc import Callable
from functools import partial

from edge.errors import LinkError
from edge.loop import Worker
from edge.unit.photographer import Photographer
from edge.uplink.gb28181.upload import put

log = logging.getLogger(__name__)


class Snapper:
    """uplink.gb28181.snapshots.Take. Lives in the deciding thread; its worker encodes and sends, in RAM."""

    def __init__(self, photographer: Photographer, worker: Worker, quality: int) -> None:
        self._photographer = photographer
        self._worker = worker
        self._quality = quality

    def take(self, name: str, url: str, done: Callable[[bool], None]) -> None:
        """One picture; `done` follows with whether it arrived."""
        frame = self._photographer.last
        if frame is None:
            done(False)
            return

        def failed(err: Exception) -> None:
            log.warning("centre: picture %s: %s", name, err)
            done(False)
            if not isinstance(err, LinkError):
                raise err

        self._worker.do(partial(put, url, frame.image, self._quality), lambda _: done(True), failed)
