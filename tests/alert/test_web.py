"""What may stand between a unit and a service: each is an error in time, named by its cause, without the key."""

import datetime
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.alert.web import WebSender
from edge.clock import Quality
from edge.errors import (
    ConfigError,
    DistrustError,
    DoorunitError,
    LinkError,
    ServerError,
    UnknownHostError,
    UntimedError,
)
from edge.sim.phones import Phones
from edge.station.ca import Authority
from tests.alert.conftest import CHANNELS, MESSAGE, Post, channel
from tests.whole.conftest import until

SECRET = "hunter2"
KEYS = {"wecom": "key", "dingtalk": "token", "feishu": "token", "ntfy": "topic"}


def refusal(sender: WebSender) -> DoorunitError:
    """What a message meets; neither it nor what it came from shows the key."""
    with pytest.raises(DoorunitError) as caught:
        sender.send(MESSAGE)
    error = caught.value
    shown: list[BaseException | None] = [error, error.__cause__]
    assert error.__suppress_context__ or error.__context__ is None
    assert SECRET not in "".join(f"{one} {one!r}" for one in shown)
    return error


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize(
    ("mood", "kind", "words"),
    [
        ("silent", ServerError, "does not answer"),
        ("drip", ServerError, "does not answer"),
        ("garbage", LinkError, "no answer"),
        ("portal", LinkError, "web page"),
        ("redirect", LinkError, "points elsewhere"),
        ("broken", ServerError, "502"),
        ("cut", LinkError, "the connection ended"),
    ],
)
def test_whatever_answers_in_the_services_place_is_named(phones: Phones, post: Post, name, mood, kind, words):
    phones.mood = mood
    error = refusal(post(name, within_s=0.2, **{KEYS[name]: SECRET}))
    assert type(error) is kind
    assert words in error.found


def test_after_any_of_that_the_same_sender_works_again(phones: Phones, post: Post):
    sender = post("wecom", within_s=0.2)
    for mood in ("cut", "silent", "portal", "garbage"):
        phones.mood = mood
        met = phones.misbehaved
        with pytest.raises(LinkError):
            sender.send(MESSAGE)
        until(lambda met=met: phones.misbehaved > met)  # the sender may give up before a busy machine has read it
    phones.mood = ""
    sender.send(MESSAGE)
    assert len(phones.heard) == 1


def test_a_port_on_which_nothing_listens_is_the_servers_fault(post: Post):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    error = refusal(post("ntfy", url=f"http://127.0.0.1:{port}", topic=SECRET))
    assert type(error) is ServerError
    assert "nothing listens" in error.found


@pytest.mark.parametrize(
    ("errno", "kind"), [(socket.EAI_NONAME, UnknownHostError), (socket.EAI_AGAIN, LinkError)], ids=["name", "network"]
)
def test_an_unknown_name_and_a_name_service_that_is_away_are_told_apart(post: Post, monkeypatch, errno, kind):
    def resolve(*_args: object, **_named: object) -> object:
        raise socket.gaierror(errno, "as told")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert type(refusal(post("wecom", url="https://robots.example/send", key=SECRET))) is kind


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.open(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def secure(clock, ca: Authority) -> Iterator[Phones]:
    certificate, key = ca.server_files()
    with closing(Phones(clock.now, lambda: clock.read().wall_ns, tls=(certificate, key))) as served:
        yield served


def test_a_self_hosted_server_is_believed_by_its_own_authority_alone(secure: Phones, clock, ca: Authority):
    one = channel(secure, "ntfy", url=secure.url("ntfy", "localhost"), topic=SECRET)
    with closing(WebSender(one, clock)) as stranger:
        error = refusal(stranger)
    assert type(error) is DistrustError
    good = channel(secure, "ntfy", url=secure.url("ntfy", "localhost"))
    with closing(WebSender(good, clock, ca_file=str(ca.ca_file))) as sender:
        sender.send(MESSAGE)
    assert len(secure.heard) == 1


def test_another_machines_certificate_is_not_believed(secure: Phones, clock, ca: Authority):
    one = channel(secure, "ntfy", url=f"https://127.0.0.2:{secure.port}", topic=SECRET)
    with closing(WebSender(one, clock, ca_file=str(ca.ca_file))) as sender:
        assert isinstance(refusal(sender), LinkError)


def test_a_certificate_that_cannot_be_judged_before_the_clock_is_set_is_told_so(clock, tmp_path: Path):
    clock.quality = Quality.RESTORED
    files = _expired(tmp_path)
    with closing(Phones(clock.now, lambda: clock.read().wall_ns, tls=files)) as served:
        one = channel(served, "ntfy", url=served.url("ntfy", "localhost"), topic=SECRET)
        with closing(WebSender(one, clock, ca_file=str(files[0]))) as sender:
            assert type(refusal(sender)) is UntimedError
            clock.quality = Quality.SYNCED
            assert type(refusal(sender)) is DistrustError


def test_plain_http_where_tls_is_meant_is_not_spoken_to(phones: Phones, post: Post):
    error = refusal(post("wecom", url=phones.url("wecom").replace("http://", "https://"), key=SECRET))
    assert type(error) is DistrustError
    assert phones.requests == 0


def test_a_ca_file_that_is_not_there_is_the_installers_to_mend(secure: Phones, clock):
    one = channel(secure, "ntfy", topic=SECRET)
    with closing(WebSender(one, clock, ca_file="/nowhere/ca.pem")) as sender:
        error = refusal(sender)
    assert isinstance(error, ConfigError)
    assert error.what == "ntfy.ca_file"


def test_no_key_is_in_any_line_of_the_log_at_its_most_talkative(phones: Phones, post: Post, caplog):
    caplog.set_level("DEBUG")
    for mood in ("", "cut", "portal"):
        phones.mood = mood
        for name in CHANNELS:
            with pytest.raises(LinkError):
                post(name, **{KEYS[name]: SECRET}).send(MESSAGE)
    assert SECRET not in caplog.text


def _expired(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate of localhost that has expired, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    then = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(then)
        .not_valid_after(then + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file
