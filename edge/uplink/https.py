"""Sealed frames by HTTPS PUT with mutual TLS; the only file that knows requests. Used by the frames' own worker."""

import json

import requests

from edge.clock import Clock
from edge.errors import LinkError, RefusedError, ServerError, WireError
from edge.uplink.refusal import explain, silence
from edge.uplink.tunnel import Proxy, through

WORDS_MAX = 400  # characters of an answer that are repeated: a path may stand before its reason
CONNECT_S = 5
_UNFIT = (400, 409, 413, 415, 422)  # what is said of this one body; all else is said of the way, or of this unit
ANSWER_S = 20  # for 300 kB at 128 kbit/s, and a station that syncs before it answers


class HttpsFrames:
    """parts.FramePost: one connection, kept alive between frames. tls: CA, certificate and key as file paths."""

    def __init__(
        self,
        url: str,
        unit: str,
        tls: tuple[str, str, str],
        clock: Clock,
        within_s: tuple[float, float] = (CONNECT_S, ANSWER_S),
        proxy: Proxy | None = None,
    ) -> None:
        self._base = f"{url.rstrip('/')}/v1/units/{unit}/frames/"
        self._where = url.split("://", 1)[-1].rstrip("/")
        self._clock = clock
        self._within_s = within_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy or a .netrc of the machine's user is not this unit's
        self._session.verify, self._session.cert = tls[0], tls[1:]
        self._proxy = proxy
        if proxy is not None:
            self._session.proxies = {"https": proxy.url()}

    def put(self, name: str, sealed: bytes) -> None:
        """Return once the platform says it holds the frame. Raises LinkError, WireError (this one is unfit)."""
        try:
            answer = self._session.put(
                self._base + name,
                data=sealed,
                headers={"Content-Type": "application/octet-stream"},
                timeout=self._within_s,
                allow_redirects=False,
            )
        except requests.ReadTimeout as err:
            raise silence(self._where) from err
        except requests.RequestException as err:
            raise self._told(err) from _root(err)
        except OSError as err:  # what requests raises where it does not find the files
            raise _files_missing(self._where, err) from err
        if answer.status_code in (200, 201):
            return
        raise _kind(answer.status_code)(
            f"picture {name[:12]} at {self._where}",
            found=f"status {answer.status_code}: {' '.join(answer.text[:WORDS_MAX].split())}",
            wanted="201 or 200",
            remedy="It is kept and sent again later; the platform's log says more.",
        )

    def opened(self, name: str) -> tuple[int, int]:
        """Width and height of a picture that the platform has opened. Raises LinkError, WireError (it could not)."""
        status, text = self._get(name)
        try:
            told = json.loads(text) if status == 200 else {}
            if told.get("opened") is True:
                return int(told["width"]), int(told["height"])
        except (ValueError, KeyError, TypeError, AttributeError):
            status = 502  # somebody else answers in the platform's place
        raise _kind(status if status != 200 else 422)(
            f"picture {name[:12]} at {self._where}",
            found=f"status {status}: {' '.join(text[:WORDS_MAX].split())}",
            wanted="the platform's word that it could open it",
            remedy="The platform's log says more; the unit seals to the key it was enrolled with.",
        )

    def reach(self) -> None:
        """Return where the platform knows this unit and would take its pictures. Raises LinkError."""
        status, text = self._get("0" * 64)
        if status != 404:
            raise _kind(status if status >= 400 else 502)(
                self._where,
                found=f"status {status}: {' '.join(text[:WORDS_MAX].split())}",
                wanted="a platform that says it has no picture of that name",
                remedy="Check uplink.frames_url; the platform's log says more.",
            )

    def _get(self, name: str) -> tuple[int, str]:
        try:
            answer = self._session.get(self._base + name, timeout=self._within_s, allow_redirects=False)
        except requests.ReadTimeout as err:
            raise silence(self._where) from err
        except requests.RequestException as err:
            raise self._told(err) from _root(err)
        except OSError as err:  # as above
            raise _files_missing(self._where, err) from err
        return answer.status_code, answer.text

    def close(self) -> None:
        """Drop the connection; safe to repeat."""
        self._session.close()

    def _told(self, err: requests.RequestException) -> LinkError:
        if self._proxy is not None and isinstance(err, requests.exceptions.ProxyError | requests.ConnectTimeout):
            return through(self._proxy, _root(err))
        return explain(_root(err), self._where, self._clock.read())


class HttpsFile:
    """Puts a file to an address that a hub gave, by a connection of its own. ca_file None: what the machine trusts."""

    def __init__(
        self, ca_file: str | None, clock: Clock, within_s: tuple[float, float] = (CONNECT_S, ANSWER_S)
    ) -> None:
        self._verify: str | bool = ca_file or True
        self._clock = clock
        self._within_s = within_s

    def put(self, url: str, body: bytes) -> int:
        """The HTTP status. Raises LinkError; an address that is not https is none."""
        where = url.partition("?")[0][:200]  # what follows is a signature
        if not url.startswith("https://"):
            raise RefusedError(where, found="no https", wanted="https://", remedy="Ask the hub's keeper.")
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.put(
                    url, data=body, timeout=self._within_s, allow_redirects=False, verify=self._verify
                )  # without a content type: Huawei's store refuses one that was not signed
        except requests.ReadTimeout as err:
            raise silence(where) from err
        except requests.RequestException as err:
            raise explain(_root(err), where, self._clock.read()) from err
        except OSError as err:
            raise _files_missing(where, err) from err
        return answer.status_code


def _files_missing(where: str, err: OSError) -> RefusedError:
    return RefusedError(
        f"TLS files of {where}",
        found=err,
        wanted="a CA, this unit's certificate and its key",
        remedy="Enrol this unit again, or copy the folder back from where it was issued.",
    )


def _kind(status: int) -> type[LinkError | WireError]:
    if status in _UNFIT:
        return WireError
    return ServerError if status >= 500 else RefusedError


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
