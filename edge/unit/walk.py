"""The walk test's look at the contact, outside the term: what it does is told to the installer and to nobody else."""

from collections.abc import Callable

from edge import config
from edge.door.contact import Rest, Settler
from edge.errors import PartError
from edge.loop import Loop, Timer
from edge.parts import Contact


class Walk:
    """Lives in the deciding thread; holds the contact between `begin` and `stop`."""

    def __init__(self, contact: Contact, settings: config.Door, loop: Loop) -> None:
        self._contact = contact
        self._settings = settings
        self._loop = loop
        self._settler = Settler(settings)
        self._told: Callable[[Rest | PartError], None] | None = None
        self._sampling: Timer | None = None

    @property
    def glitches(self) -> int:
        """Unrest that was no movement."""
        return self._settler.glitches

    def begin(self, told: Callable[[Rest | PartError], None]) -> None:
        """Take the contact; `told` hears how it rests first, then each change, or why it cannot be read."""
        self.stop()
        self._settler = Settler(self._settings)
        self._told = told
        try:
            self._contact.open(lambda boot_ns: self._loop.call(self._edge, boot_ns))
        except PartError as err:
            self._told = None
            told(err)
            return
        self._sample()

    def stop(self) -> None:
        """Let the contact go, where it was taken; safe to repeat."""
        if self._sampling is not None:
            self._sampling.cancel()
            self._sampling = None
        if self._told is not None:
            self._told = None
            self._contact.close()

    def _edge(self, boot_ns: int) -> None:
        if self._told is not None:
            self._settler.edge(boot_ns)
            self._later()

    def _later(self) -> None:
        if self._sampling is not None:
            self._sampling.cancel()
        now = self._loop.now()
        self._sampling = self._loop.at(now + self._settler.wait_ns(now), self._sample)

    def _sample(self) -> None:
        self._sampling = None
        told = self._told
        if told is None:
            return
        try:
            rest = self._settler.sample(self._loop.now(), self._contact.closed())
        except PartError as err:
            self.stop()
            told(err)
            return
        self._later()
        if rest is not None:
            told(rest)
