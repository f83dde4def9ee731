"""Where the running unit answers people on the machine: over a Unix socket, one JSON line each way.

Questions change nothing. Requests do: they are for root, for the unit's own user and for the group doorunit, and only
for who says who they are; what is done goes into the audit under that name.

A thread of its own takes each question to the deciding thread and waits for the answer with a deadline. Who asks is
written to the log: what the kernel says of them, and who they say they are. Never more than one question at a time:
who dawdles is sent away after a second.
"""

import grp
import json
import logging
import os
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge.errors import DoorunitError
from edge.onsite.ask import SCHEMA, claim

log = logging.getLogger(__name__)

JSON = dict[str, Any]
Answer = Callable[[JSON], None]
Question = Callable[[Mapping[str, Any], Answer], None]  # in the deciding thread; answers at once or somewhat later

GROUP = "doorunit"
MODE = 0o660
QUESTION_MAX = 4096  # bytes
READ_S = 1.0
ANSWER_S = 2.0
_PEER = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
_PEER_GROUPS = 59  # SO_PEERGROUPS of <asm-generic/socket.h>, since Linux 4.13; Python has no name for it
_GROUPS_MAX_BYTES = 4096


class Desk:
    """Answers from `open` until `close`. `call` has the deciding thread call something; `questions` are by name.

    Those named in `requests` change something: their args carry the "person".
    """

    def __init__(
        self,
        path: Path,
        questions: Mapping[str, Question],
        call: Callable[..., None],
        answer_s: float = ANSWER_S,
        requests: Collection[str] = (),
    ) -> None:
        self._path = path
        self._questions = questions
        self._call = call
        self._answer_s = answer_s
        self._requests = requests
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._last: tuple[object, ...] = ()  # who asked for what; a repetition is no news

    def open(self) -> None:
        """Listen, where there is a place for it; a unit without a desk watches its door all the same."""
        listener = socket.socket(socket.AF_UNIX)
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            listener.bind(str(self._path))
            with suppress(OSError, LookupError):  # no such group, or not ours to give: the unit's own group stays
                shutil.chown(self._path, group=GROUP)
            self._path.chmod(MODE)
            listener.listen(8)
        except OSError as err:
            listener.close()
            log.warning("desk: nobody can ask this unit at %s: %s", self._path, err)
            return
        self._socket = listener
        self._thread = threading.Thread(target=self._run, args=(listener,), name="desk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more; safe to repeat."""
        listener, self._socket = self._socket, None
        if listener is None or self._thread is None:
            return
        with suppress(OSError):  # wakes the thread out of accept
            listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)
        listener.close()
        with suppress(OSError):  # a card or a folder that went meanwhile
            self._path.unlink(missing_ok=True)

    def _run(self, listener: socket.socket) -> None:
        while self._socket is not None:
            try:
                peer, _ = listener.accept()
            except OSError:  # closed
                return
            with peer, suppress(OSError):  # who went away wants no answer
                peer.settimeout(READ_S)
                self._serve(peer)

    def _serve(self, peer: socket.socket) -> None:
        pid, uid, _gid = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        try:
            wish = json.loads(_line(peer))
            asked, args, says = wish["ask"], wish.get("args", {}), claim(wish.get("who", ""))
            question = self._questions[asked]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            log.warning("desk: uid %d (pid %d) asks for something that is not answered here", uid, pid)
            _say(peer, {"error": _refusal("a question that is not known here", self._questions)})
            return
        self._note(asked, uid, pid, says)
        given = args if isinstance(args, dict) else {}
        if asked in self._requests:
            if not (may_request(uid, groups(peer)) and says):
                _say(peer, {"error": _DENIED})
                return
            given = {**given, "person": f"{says} (uid {uid})"}
        _say(peer, self._put(question, given))

    def _note(self, asked: str, uid: int, pid: int, says: str) -> None:
        key = (asked, uid, says)
        level = logging.DEBUG if key == self._last else logging.INFO
        self._last = key
        log.log(level, "audit: %s asked by uid %d (pid %d), claimed name: %s", asked, uid, pid, says or "none")

    def _put(self, question: Question, args: Mapping[str, Any]) -> JSON:
        """In the desk's thread: the deciding thread's answer, or why there is none."""
        done = threading.Event()
        told: JSON = {}

        def answer(body: JSON) -> None:
            if not done.is_set():
                told["answer"] = body
                done.set()

        def put() -> None:
            try:
                question(args, answer)
            except DoorunitError as err:
                if not done.is_set():
                    told["error"] = {"found": f"{err.what}: {err.found}", "wanted": err.wanted, "remedy": err.remedy}
                    done.set()

        self._call(put)
        if not done.wait(self._answer_s):
            return {"error": _refusal(f"the deciding thread silent for {self._answer_s:g} s", self._questions)}
        return told


def may_request(uid: int, members: Collection[int]) -> bool:
    """Whether who has this uid and these groups may have something done."""
    try:
        own = grp.getgrnam(GROUP).gr_gid
    except KeyError:  # no such group on this machine
        own = None
    return uid in (0, os.geteuid()) or own in members


def groups(peer: socket.socket) -> set[int]:
    """All groups of who is at the other end, by the kernel's word; none where it gives none."""
    try:
        raw = peer.getsockopt(socket.SOL_SOCKET, _PEER_GROUPS, _GROUPS_MAX_BYTES)
    except OSError:
        return set()
    return {gid for (gid,) in struct.iter_unpack("i", raw)}


def _line(peer: socket.socket) -> bytes:
    """Up to a line's end, at most QUESTION_MAX bytes. Raises OSError, ValueError."""
    got = b""
    while b"\n" not in got:
        more = peer.recv(QUESTION_MAX)
        got += more
        if not more or len(got) > QUESTION_MAX:
            raise ValueError("no whole line")
    return got


def _say(peer: socket.socket, body: JSON) -> None:
    peer.sendall(json.dumps({"schema": SCHEMA, **body}, ensure_ascii=False).encode() + b"\n")


_DENIED = {
    "found": "somebody without a name, or neither root nor of the group doorunit",
    "wanted": "a named person who may",
    "remedy": "Use sudo from your own login; the audit names who asked.",
}


def _refusal(found: str, questions: Mapping[str, Question]) -> JSON:
    return {
        "found": found,
        "wanted": "one of " + ", ".join(sorted(questions)),
        "remedy": f"This unit speaks version {SCHEMA}; use the doorunit command of its own version.",
    }
