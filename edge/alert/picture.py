"""One picture for phones, made small in RAM. It was masked before it came here, and it is never written."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH_PX = 960  # enough to see who stands there on a phone
QUALITIES = (75, 55, 35)


def shrink(image: "Image", most_bytes: int) -> bytes:
    """A JPEG of at most so many bytes; the picture itself is left as it is. Blocks: for a worker."""
    width = min(WIDTH_PX, image.width)
    while True:
        small = image.resize((width, max(1, image.height * width // image.width)))
        for quality in QUALITIES:
            jpeg = io.BytesIO()
            small.save(jpeg, "JPEG", quality=quality)
            if jpeg.tell() <= most_bytes or width == 1:
                return jpeg.getvalue()
        width = max(1, width // 2)
