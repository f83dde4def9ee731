"""Other services through apprise, which speaks to a simulated ntfy here; and what is said where it is not installed."""

import sys

import pytest

from edge.alert.others import Apprise, AppriseSender
from edge.errors import ConfigError, LinkError
from edge.secret import Secret
from edge.sim.phones import Phones
from edge.sim.robots import TOPIC
from tests.alert.conftest import MESSAGE

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise imports it


def sender(address: str) -> AppriseSender:
    return AppriseSender(Apprise(Secret(address.encode())))


def test_without_the_package_the_unit_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError) as caught:
        sender("ntfy://hunter2")
    assert "doorunit[apprise]" in caught.value.remedy
    assert "hunter2" not in str(caught.value)


def test_an_address_that_apprise_does_not_know_is_refused_without_repeating_it():
    with pytest.raises(ConfigError) as caught:
        sender("nosuchthing://hunter2")
    assert "hunter2" not in str(caught.value)


def test_a_service_that_says_no_is_an_error_without_the_key(phones: Phones, caplog):
    with pytest.raises(LinkError) as caught:
        sender(f"ntfy://127.0.0.1:{phones.port}/hunter2").send(MESSAGE)
    assert "hunter2" not in str(caught.value) + caplog.text


def test_a_message_arrives_through_apprise(phones: Phones):
    sender(f"ntfy://127.0.0.1:{phones.port}/{TOPIC}").send(MESSAGE)
    (heard,) = phones.heard
    assert heard.taken.text == MESSAGE.text
