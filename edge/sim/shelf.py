"""The platform's shelf for sealed pictures, behind the same simulated network as its broker."""

from collections.abc import Callable

from edge.errors import LinkError


class Shelf:
    """parts.FramePost. `trouble()` is raised instead of taking a picture, where it returns something."""

    def __init__(self, trouble: Callable[[], LinkError | None]) -> None:
        self.took: dict[str, bytes] = {}
        self.tried = 0
        self.fault: Exception | None = None  # a fault of its own
        self._trouble = trouble

    def put(self, name: str, sealed: bytes) -> None:
        """Return once the picture is held. Raises LinkError, or whatever `fault` is."""
        self.tried += 1
        trouble = self.fault or self._trouble()
        if trouble is not None:
            raise trouble
        self.took[name] = sealed

    def close(self) -> None:
        """Nothing to drop."""
