"""Sealed frames by HTTPS PUT with mutual TLS; the only file that knows requests. Used by the frames' own worker."""

import requests

from edge.clock import Clock
from edge.errors import RefusedError, ServerError
from edge.uplink.refusal import explain

CONNECT_S = 5
ANSWER_S = 20  # for 300 kB at 128 kbit/s, and a station that syncs before it answers


class HttpsFrames:
    """parts.FramePost: one connection, kept alive between frames. tls: CA, certificate and key as file paths."""

    def __init__(self, url: str, unit: str, tls: tuple[str, str, str], clock: Clock) -> None:
        self._base = f"{url.rstrip('/')}/v1/units/{unit}/frames/"
        self._where = url.split("://", 1)[-1].rstrip("/")
        self._clock = clock
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy or a .netrc of the machine's user is not this unit's
        self._session.verify, self._session.cert = tls[0], tls[1:]

    def put(self, name: str, sealed: bytes) -> None:
        """Return once the platform says it holds the frame. Raises LinkError, RefusedError."""
        try:
            answer = self._session.put(
                self._base + name,
                data=sealed,
                headers={"Content-Type": "application/octet-stream"},
                timeout=(CONNECT_S, ANSWER_S),
                allow_redirects=False,
            )
        except requests.RequestException as err:
            raise explain(_root(err), self._where, self._clock.read()) from err
        if answer.status_code in (200, 201):
            return
        kind = ServerError if answer.status_code >= 500 else RefusedError
        raise kind(
            f"picture {name[:12]} at {self._where}",
            found=f"status {answer.status_code}: {answer.text[:200]}",
            wanted="201 or 200",
            remedy="It is kept and sent again later; the platform's log says more.",
        )

    def close(self) -> None:
        """Drop the connection; safe to repeat."""
        self._session.close()


def _root(err: BaseException) -> BaseException:
    """The socket's or TLS's own error inside requests' and urllib3's wrapping."""
    seen: set[int] = set()
    while id(err) not in seen:
        seen.add(id(err))
        reason = getattr(err, "reason", None)
        inner = reason if isinstance(reason, BaseException) else err.__cause__ or err.__context__
        if inner is None:
            inner = next((arg for arg in err.args if isinstance(arg, BaseException)), None)
        if inner is None:
            break
        err = inner
    return err
