"""A picture as JPEG, in RAM, within a budget of bytes."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

TRIES = 3  # each takes the darkroom some 50 ms of a Pi Zero's core for 720p
LEAST = 15  # a quality below which a face is blocks


def encode(image: "Image", quality: int, most_bytes: int | None = None) -> bytes:
    """JPEG of `quality`, or of a lower one where it would be larger than `most_bytes`; the last try stands anyway."""
    for _ in range(TRIES):
        made = io.BytesIO()
        image.save(made, "JPEG", quality=quality)
        jpeg = made.getvalue()
        if most_bytes is None or len(jpeg) <= most_bytes or quality <= LEAST:
            break
        quality = max(LEAST, int(quality * (most_bytes / len(jpeg)) ** 1.3))
    return jpeg
