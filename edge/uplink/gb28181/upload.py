"""One picture to where a platform wants it (GB/T 28181-2022, 9.14). Blocks; only a worker calls it.

The standard names no verb: PUT of the bare JPEG is what the platforms take that were looked at. Redirections are not
followed, for the address was checked and another was not.
"""

import http.client
import io
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge.errors import LinkError, RefusedError

if TYPE_CHECKING:
    from PIL.Image import Image

WITHIN_S = 10.0  # to connect, and for each answer


def put(url: str, image: "Image", quality: int, within_s: float = WITHIN_S) -> None:
    """Return once the other end says that it has it. Raises LinkError."""
    raw = io.BytesIO()
    image.save(raw, "JPEG", quality=quality)
    parts = urlsplit(url)
    host, where = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context()
            link: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=within_s, context=context
            )
        else:
            link = http.client.HTTPConnection(host, parts.port, timeout=within_s)
        try:
            link.request("PUT", path, raw.getvalue(), {"Content-Type": "image/jpeg"})
            status = link.getresponse().status
        finally:
            link.close()
    except (OSError, http.client.HTTPException, ValueError) as err:  # the last: a port that is none
        remedy = "The platform asks again; its keeper must see that the address is right."
        raise LinkError(
            where, found=err or type(err).__name__, wanted="a server that takes a picture", remedy=remedy
        ) from err
    if not 200 <= status < 300:
        remedy = "The platform's keeper must let this unit write there."
        raise RefusedError(where, found=f"status {status}", wanted="a picture to be taken by PUT", remedy=remedy)
