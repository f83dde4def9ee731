"""Who asks says who they are, and knows from nothing but the settings where the unit answers."""

import base64
import hashlib
import socket
import threading
from pathlib import Path

import pytest

from edge import config
from edge.errors import LinkError
from edge.onsite.ask import NAME, ask, claim, socket_path, who


def test_the_unit_answers_in_the_runtime_folder_and_a_simulated_one_in_its_own():
    assert socket_path(config.Config()) == Path("/run/doorunit") / NAME
    own = config.parse({"unit": {"state_dir": "/tmp/here"}})
    assert socket_path(own) == Path("/tmp/here") / NAME


def test_the_person_before_sudo_is_named_and_where_they_come_from():
    environ = {"SUDO_USER": "wang", "LOGNAME": "root", "USER": "root", "SSH_CONNECTION": "192.0.2.3 50000 192.0.2.9 22"}
    assert who(environ) == "wang from 192.0.2.3"
    assert who({"LOGNAME": "li"}) == "li"
    assert who({}) == ""


def test_the_key_they_came_in_with_is_named_by_its_fingerprint(tmp_path: Path):
    blob = b"a public key"
    listed = tmp_path / "auth"
    listed.write_text(f"publickey ssh-ed25519 {base64.b64encode(blob).decode()}\n", encoding="ascii")
    wanted = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    assert who({"USER": "pi", "SSH_USER_AUTH": str(listed)}) == f"pi SHA256:{wanted}"


@pytest.mark.parametrize("text", ["password\n", "publickey\n", "publickey ssh-ed25519 %%%\n", "\u95e8\n"])
def test_a_list_without_a_key_names_none(tmp_path: Path, text: str):
    listed = tmp_path / "auth"
    listed.write_text(text, encoding="utf-8")
    assert who({"USER": "pi", "SSH_USER_AUTH": str(listed)}) == "pi"
    assert who({"USER": "pi", "SSH_USER_AUTH": str(tmp_path / "gone")}) == "pi"


def test_what_is_claimed_is_one_short_line():
    assert claim("wang\r\n\x1b[31m") == "wang???[31m"
    assert len(claim("x" * 1000)) <= 128


@pytest.mark.parametrize("raw", [b"", b"\n", b"no json\n", b"[]\n", b'{"answer": 17}\n', b'{"error": {}}\n'])
def test_what_is_no_answer_is_an_error_that_says_what_to_do(tmp_path: Path, raw: bytes):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(raw)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(LinkError) as caught:
            ask(path, "status")
        thread.join(5)
    assert caught.value.remedy


def test_a_unit_that_hangs_is_told_from_one_that_does_not_run(tmp_path: Path):
    path = tmp_path / "s"
    with pytest.raises(LinkError, match="nobody answers"):
        ask(path, "status")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(LinkError, match="no answer in time"):
            ask(path, "status", deadline_s=0.05)
