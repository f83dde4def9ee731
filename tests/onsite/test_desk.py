"""The desk answers who may ask, tells who did, and lets nobody hold up the door or the next one."""

import json
import logging
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ConfigError, LinkError
from edge.onsite.ask import SCHEMA, ask
from edge.onsite.desk import MODE, QUESTION_MAX, Answer, Desk, groups, may_request


def echo(args: Any, answer: Answer) -> None:
    answer({"heard": dict(args)})


def never(_args: Any, _answer: Answer) -> None:
    """The deciding thread is busy with something else."""


def twice(_args: Any, answer: Answer) -> None:
    answer({"n": 1})
    answer({"n": 2})


def grumpy(_args: Any, _answer: Answer) -> None:
    raise ConfigError("snap", found="no term", wanted="a term", remedy="Wait.")


def at_once(act: Any, *args: object) -> None:
    """Stands in for Loop.call: here nobody decides anything else."""
    act(*args)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "unit.sock"


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    with closing(Desk(path, {"echo": echo, "never": never, "twice": twice}, at_once, answer_s=0.05)) as desk:
        desk.open()
        yield desk


def say(path: Path, raw: bytes) -> dict[str, Any]:
    """What a stranger writes, and what comes back."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(path))
        sock.sendall(raw)
        sock.shutdown(socket.SHUT_WR)
        return json.loads(sock.makefile().readline())


@pytest.mark.parametrize(
    "raw",
    [
        b"\n",
        b"status\n",
        b"[]\n",
        b"17\n",
        b"null\n",
        b'{"ask": "echo"',
        b"{}\n",
        b'{"ask": "dance"}\n',
        b'{"ask": ["echo"]}\n',
        b'{"ask": null}\n',
        b"\xff\xfe\n",
        b"[" * 4000 + b"\n",
        b" " * (QUESTION_MAX + 1) + b"\n",
    ],
)
def test_what_is_no_question_is_refused_with_what_can_be_asked_and_the_next_is_answered(desk, path, raw: bytes):
    told = say(path, raw)
    assert told["schema"] == SCHEMA
    assert told["error"]["wanted"] == "one of echo, never, twice"
    assert ask(path, "echo") == {"heard": {}}


def test_a_question_is_answered_with_its_arguments(desk, path: Path):
    assert ask(path, "echo", {"id": 17}) == {"heard": {"id": 17}}


def test_arguments_that_are_none_are_passed_over(desk, path: Path):
    assert say(path, b'{"ask": "echo", "args": [1, 2]}\n')["answer"] == {"heard": {}}


def test_of_two_answers_the_first_counts(desk, path: Path):
    assert ask(path, "twice") == {"n": 1}


def test_a_deciding_thread_that_is_silent_is_told_and_keeps_nobody_waiting(desk, path: Path):
    with pytest.raises(LinkError, match=r"the deciding thread silent for 0\.05 s"):
        ask(path, "never")
    assert ask(path, "echo") == {"heard": {}}


def test_an_unknown_question_is_an_error_of_who_asks(desk, path: Path):
    with pytest.raises(LinkError, match="a question that is not known here"):
        ask(path, "dance")


def test_who_goes_away_without_a_word_is_no_trouble(desk, path: Path):
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))
    assert ask(path, "echo") == {"heard": {}}


def test_only_owner_and_group_may_ask(desk, path: Path):
    assert stat.S_IMODE(path.stat().st_mode) == MODE == 0o660


def test_who_asked_is_written_down_once_with_what_the_kernel_and_they_say(desk, path: Path, caplog):
    caplog.set_level(logging.DEBUG, logger="edge.onsite.desk")
    raw = b'{"ask": "echo", "who": "wang\\n2026 ERROR all is lost"}\n'
    say(path, raw)
    say(path, raw)
    first, second = (record for record in caplog.records if "audit" in record.getMessage())
    assert (first.levelname, second.levelname) == ("INFO", "DEBUG")
    assert "echo asked by uid " in first.getMessage()
    assert "\n" not in first.getMessage()
    assert first.getMessage().endswith("claimed name: wang?2026 ERROR all is lost")


def test_where_no_socket_can_be_the_unit_goes_on_without_a_desk(tmp_path: Path, caplog):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    for place in (tmp_path / "file" / "unit.sock", tmp_path / ("long" * 40) / "unit.sock"):
        with closing(Desk(place, {}, at_once)) as desk:
            desk.open()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_a_socket_left_by_a_kill_is_taken_over(path: Path):
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with closing(Desk(path, {"echo": echo}, at_once)) as desk:
        desk.open()
        assert ask(path, "echo") == {"heard": {}}


def test_a_closed_desk_leaves_neither_thread_nor_socket_and_may_be_closed_again(path: Path):
    desk = Desk(path, {"echo": echo}, at_once)
    desk.open()
    desk.close()
    desk.close()
    assert not path.exists()
    assert "desk" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(LinkError, match="nobody answers"):
        ask(path, "echo")


# Requests


@pytest.fixture
def counter(path: Path) -> Iterator[Desk]:
    with closing(Desk(path, {"echo": echo, "grumpy": grumpy}, at_once, requests={"echo"})) as desk:
        desk.open()
        yield desk


def test_a_request_is_done_under_the_name_of_who_asks_and_what_the_kernel_says_of_them(counter, path: Path):
    told = say(path, b'{"ask": "echo", "who": "wang SHA256:abc", "args": {"person": "somebody else"}}\n')
    assert told["answer"]["heard"] == {"person": f"wang SHA256:abc (uid {os.geteuid()})"}


def test_who_gives_no_name_has_nothing_done(counter, path: Path):
    for raw in (b'{"ask": "echo"}\n', b'{"ask": "echo", "who": ""}\n'):
        assert "somebody without a name" in say(path, raw)["error"]["found"]


def test_only_root_the_units_own_user_and_its_group_may_request():
    assert may_request(0, set())
    assert may_request(os.geteuid(), set())
    assert not may_request(54_321, {54_321})


def test_the_kernel_tells_the_groups_of_who_asks():
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        assert groups(here) <= {*os.getgroups(), os.getegid()}
        assert groups(here) >= set(os.getgroups())


def test_what_the_unit_refuses_is_told_with_what_to_do(counter, path: Path):
    with pytest.raises(LinkError, match=r"found snap: no term; want a term\. Wait\."):
        ask(path, "grumpy")
