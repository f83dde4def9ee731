"""The registration's table, and a session that lives by it: digest, refusals, redirection, refresh, going away."""

import pytest

from edge.clock import SECOND
from edge.sim.centre import Habits
from edge.uplink.gb28181.clockwork import TimeSaid
from edge.uplink.gb28181.registration import IGNORED, TABLE, Registration, Signal, State
from tests.uplink.gb28181.conftest import DEVICE, Desk

HOUR_S = 3600


def registers(desk: Desk) -> int:
    return sum(one.method == "REGISTER" for one in desk.centre.asked)


def test_a_signal_that_makes_no_sense_raises_and_leaves_the_state_untouched():
    registration = Registration()
    with pytest.raises(KeyError):
        registration.move(Signal.TAKEN)
    assert registration.state is State.OFF


def test_every_state_knows_what_a_broken_connection_and_a_stop_mean():
    for state in State:
        for signal in (Signal.BROKEN, Signal.STOP):
            assert ((state, signal) in TABLE) != ((state, signal) in IGNORED)


def test_every_state_leads_back_to_off_by_a_stop():
    for state in State:
        registration = Registration()
        registration.state = state
        registration.move(Signal.STOP)
        assert registration.state in (State.OFF, State.LEAVING)


@pytest.mark.parametrize("qop", ["auth", ""])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_it_registers_by_digest_of_every_kind(qop: str, algorithm: str):
    desk = Desk(Habits(qop=qop, algorithm=algorithm)).start()
    assert desk.centre.registered
    assert (registers(desk), desk.centre.faults) == (2, [])


def test_a_platform_without_a_password_takes_it_at_once():
    desk = Desk(Habits(password="")).start()
    assert (desk.centre.registered, registers(desk)) == (True, 1)


def test_a_wrong_password_is_told_and_tried_no_sooner_than_after_a_minute():
    desk = Desk(Habits(password="another")).start()
    assert not desk.centre.registered
    assert desk.health.active("centre.refused")
    desk.live(58)
    assert registers(desk) == 2
    desk.centre.habits.password = "12345678"
    desk.live(200)
    assert desk.centre.registered
    assert not desk.health.active("centre.refused")


def test_a_platform_that_wants_a_password_that_nobody_set_is_told_so():
    desk = Desk(password=None).start()
    (warning,) = desk.health.shown(desk.clock.now())
    assert "gb28181.password" in warning.wanted


def test_challenges_that_call_themselves_a_formality_do_not_go_on_for_ever():
    desk = Desk(Habits(stale=True, mood="asking")).start()
    assert registers(desk) == 4
    assert desk.health.active("centre.refused")


def test_too_brief_a_time_is_raised_to_what_the_platform_wants():
    desk = Desk(Habits(min_expires=7200)).start()
    assert desk.centre.registered
    assert [one["Expires"] for one in desk.centre.asked if one.method == "REGISTER"][-1] == "7200"


def test_a_platform_that_finds_every_time_too_brief_is_asked_again_later():
    desk = Desk(Habits(min_expires=10**9)).start()
    assert not desk.centre.registered
    assert registers(desk) < 5


def test_a_redirection_is_refused_unless_the_settings_allow_it():
    desk = Desk(Habits(redirect="<sip:x@203.0.113.5:5070>")).start()
    assert desk.wires.opened == [("192.0.2.1", 5060)]
    assert desk.health.active("centre.refused")


def test_a_redirection_that_is_allowed_is_followed_and_ends_with_the_registration_there():
    desk = Desk(Habits(redirect="<sip:x@203.0.113.5:5070>"), allow_redirect=True)
    desk.centre.habits.redirects = 1
    desk.start()
    assert desk.wires.opened == [("192.0.2.1", 5060), ("203.0.113.5", 5070)]
    assert desk.centre.registered
    desk.wires.sever()
    desk.live(5)
    assert desk.wires.opened[-1] == ("192.0.2.1", 5060)  # whoever redirected is asked again


def test_a_redirection_in_circles_ends():
    desk = Desk(Habits(redirect="<sip:x@203.0.113.5>"), allow_redirect=True).start()
    assert len(desk.wires.opened) == 4
    assert desk.health.active("centre.refused")


@pytest.mark.parametrize("contact", ["", "<tel:1>", "<sip:@>"])
def test_a_redirection_to_nowhere_is_a_refusal(contact: str):
    desk = Desk(Habits(redirect=contact or " "), allow_redirect=True).start()
    assert len(desk.wires.opened) == 1


def test_it_is_refreshed_before_it_ends_and_nothing_else_begins_anew():
    desk = Desk().start()
    ends: list[int] = []
    desk.device.session.on_lost = lambda: ends.append(1)
    desk.live(24 * HOUR_S)
    assert 28 <= desk.centre.registrations <= 50
    assert (ends, desk.centre.faults, len(desk.wires.opened)) == ([], [], 1)


def test_a_refresh_with_a_digest_counts_and_asks_for_a_fresh_challenge_before_ten():
    desk = Desk(Habits(refresh=False, catalog=False)).start()
    desk.live(24 * HOUR_S)
    counts = [one["Authorization"].partition("nc=")[2][:8] for one in desk.centre.asked if one["Authorization"]]
    assert max(counts) == "00000009"
    assert (desk.centre.faults, desk.health.active("centre.refused")) == ([], False)


def test_a_shorter_time_than_asked_for_is_kept_to():
    desk = Desk(Habits(expires=600)).start()
    desk.live(HOUR_S)
    assert desk.centre.registrations >= 7


def test_three_keepalives_without_an_answer_have_it_register_anew():
    desk = Desk().start()
    desk.live(30)
    desk.centre.habits.mood = "silent"
    desk.live(190)
    assert not desk.device.session.there
    assert desk.health.active("centre.away")
    desk.centre.habits.mood = ""
    desk.live(130)
    assert desk.device.session.there
    assert not desk.health.active("centre.away")


def test_a_platform_that_has_forgotten_it_is_registered_at_again():
    desk = Desk().start()
    desk.live(70)
    desk.centre.registered = False
    desk.live(70)
    assert desk.centre.registered


def test_a_platform_that_forgets_at_once_is_not_hammered():
    desk = Desk(Habits(mood="forgetful")).start()
    desk.live(HOUR_S)
    assert 60 < registers(desk) < 400


def test_without_a_network_it_tries_again_and_again_and_comes_back():
    desk = Desk()
    desk.wires.reachable = False
    desk.start()
    desk.live(HOUR_S)
    tries = len(desk.wires.opened)
    assert 60 < tries < 400
    assert desk.health.active("centre.away")
    desk.wires.reachable = True
    desk.live(61)
    assert desk.centre.registered


def test_a_connection_that_ends_is_opened_again():
    desk = Desk().start()
    desk.live(100)
    desk.wires.sever()
    desk.live(5)
    assert desk.device.session.there
    assert len(desk.wires.opened) == 2


def test_over_udp_it_registers_through_loss():
    lost = iter([True, False, True, True, False, False, True] + [False] * 1000)
    desk = Desk(udp=True)
    desk.wires.lose = lambda _: next(lost)
    desk.start()
    desk.live(20)
    assert desk.centre.registered
    assert desk.centre.faults == []


def test_a_stop_unregisters_and_shuts_the_connection():
    desk = Desk().start()
    over: list[int] = []
    desk.device.stop(lambda: over.append(1))
    desk.live(0.1)
    assert (over, desk.centre.registered, desk.wires._life) == ([1], False, None)
    assert [one["Expires"] for one in desk.centre.asked if one.method == "REGISTER"][-1] == "0"


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_stop_does_not_wait_for_a_platform_that_says_nothing(seconds: float):
    desk = Desk().start() if seconds else Desk()
    if not seconds:
        desk.device.start()
    desk.centre.habits.mood = "silent"
    over: list[int] = []
    desk.device.stop(lambda: over.append(1))
    desk.live(2.1)
    assert over == [1]
    desk.live(100)
    assert (over, desk.loop.faults) == ([1], 0)


def test_the_platforms_time_is_told_with_what_is_known_of_it():
    desk = Desk(Habits(date="2026-11-18T19:06:41.000"))
    times: list[TimeSaid] = []
    desk.device.session.on_time = times.append
    desk.start()
    assert times == [TimeSaid(desk.clock.now() - SECOND, 1_795_000_001 * SECOND, 2)]


def test_the_user_is_the_device_unless_another_is_set():
    for more, name in (({}, DEVICE), ({"user": "unit-7"}, "unit-7")):
        desk = Desk(**more).start()
        assert any(f'username="{name}"' in one["Authorization"] for one in desk.centre.asked)
        assert desk.centre.registered


def test_the_2022_edition_says_its_version():
    desk = Desk(version="2022").start()
    assert {one["X-GB-ver"] for one in desk.centre.asked} == {"3.0"}
    assert desk.centre.faults == []
