"""One GA/T 1400 library over HTTP with Digest; knows requests. Used by one worker; any thread closes it."""

import logging
import threading
from collections.abc import Callable

import requests
from requests.auth import HTTPDigestAuth

from edge.alert import viid
from edge.alert.web import explained
from edge.clock import Clock
from edge.errors import DoorunitError, RefusedError
from edge.phonebook import Viid

log = logging.getLogger(__name__)

CONNECT_S = 5
ANSWER_S = 20
ANSWER_MAX_BYTES = 64_000
BYE_S = 2


class Library:
    """Registers before the first thing it sends, and again where the library has forgotten this unit."""

    def __init__(self, settings: Viid, utc_offset_min: int, clock: Clock, answer_s: float = ANSWER_S) -> None:
        self._url = settings.url.rstrip("/")
        self._where = self._url.split("://", 1)[-1]
        self._device = settings.device_id or ""
        self._event_sort = settings.event_sort
        self._utc_offset_min = utc_offset_min
        self._clock = clock
        self._answer_s = answer_s
        self._registered = False
        self._closed = threading.Event()
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy or a .netrc of the machine's user is not this unit's
        password = settings.password.reveal().decode() if settings.password is not None else ""
        self._session.auth = HTTPDigestAuth(settings.user or self._device, password)
        self._session.headers["User-Identify"] = self._device
        logging.getLogger("urllib3").setLevel(logging.WARNING)

    def keep_alive(self) -> None:
        """Say that this unit is there. Raises DoorunitError."""
        self._known(lambda: self._post("/System/Keepalive", viid.keepalive(self._device)))

    def upload(self, picture: viid.Picture) -> None:
        """Return once the library says that it holds the picture. Raises DoorunitError."""
        body = viid.images(self._device, picture, utc_offset_min=self._utc_offset_min, event_sort=self._event_sort)
        self._known(lambda: self._post("/Images", body))

    def close(self) -> None:
        """Say good-bye, if anybody listens, and drop the connection; safe to repeat."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._registered:
            self._answer_s = BYE_S
            try:
                self._post("/System/UnRegister", viid.unregister(self._device))
            except DoorunitError as err:
                log.debug("good-bye: %s", err)
        self._session.close()

    def _known(self, act: Callable[[], None]) -> None:
        fresh = not self._registered
        if fresh:
            self._register()
        try:
            act()
        except RefusedError:
            self._registered = False
            if fresh:
                raise
            self._register()  # it may have been started anew since
            act()

    def _register(self) -> None:
        self._post("/System/Register", viid.register(self._device))
        self._registered = True

    def _post(self, path: str, body: bytes) -> None:
        try:
            with self._session.post(
                f"{self._url}{viid.ROOT}{path}",
                data=body,
                headers={"Content-Type": viid.TYPE},
                timeout=(min(CONNECT_S, self._answer_s), self._answer_s),
                allow_redirects=False,
                stream=True,
            ) as answer:
                text = b""
                for piece in answer.iter_content(8192):
                    text += piece
                    if len(text) > ANSWER_MAX_BYTES:
                        break
        except requests.RequestException as err:
            raise explained(err, self._where, self._clock.read()) from None
        viid.judge(answer.status_code, text, self._where, path.rpartition("/")[2])
