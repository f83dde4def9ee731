"""A camera that is never on without its lamp: the resident can see when it looks."""

from typing import TYPE_CHECKING, Protocol

from edge.parts import Camera

if TYPE_CHECKING:
    from PIL.Image import Image


class Lamp(Protocol):
    """The lamp by the lens."""

    def open(self) -> None:
        """Take the pin, lamp off. Raises PartError."""
        ...

    def on(self) -> None:
        """Light it. Raises PartError."""
        ...

    def close(self) -> None:
        """Put it out and let the pin go; safe to repeat."""
        ...


class LitCamera:
    """parts.Camera: lamp first, then the sensor; sensor off first, then the lamp. No lamp, no picture."""

    def __init__(self, camera: Camera, lamp: Lamp) -> None:
        self._camera = camera
        self._lamp = lamp

    def open(self) -> None:
        """Light the lamp and start the sensor. Raises PartError."""
        self._lamp.close()  # of an opening that broke off half-way
        self._lamp.open()
        self._lamp.on()
        self._camera.open()

    def capture(self) -> "Image":
        """One picture. Raises PartError."""
        return self._camera.capture()

    def close(self) -> None:
        """Stop the sensor, then put the lamp out; safe to repeat."""
        self._camera.close()
        self._lamp.close()
