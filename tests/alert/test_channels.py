"""Each channel against its service as the real one answers: what is taken, and every no by its cause."""

import json
from contextlib import closing

import pytest

from edge import config
from edge.alert.channel import Answer, Channel
from edge.alert.desk import channels
from edge.alert.web import WebSender
from edge.alert.words import Message
from edge.clock import SECOND, Quality
from edge.errors import DoorunitError, LimitError, LinkError, RefusedError, ServerError, UntimedError
from edge.sim import robots
from edge.sim.phones import Phones
from tests.alert.conftest import CHANNELS, JPEG, MESSAGE, Post, channel, stamp

KEYS = {"wecom": "key", "dingtalk": "token", "feishu": "token", "ntfy": "topic"}
LONG = Message("t", "门" * 30_000, False)


def refusal(sender, message: Message = MESSAGE) -> DoorunitError:
    """What is said against a message."""
    with pytest.raises(DoorunitError) as caught:
        sender.send(message)
    return caught.value


# What is refused


@pytest.mark.parametrize("name", CHANNELS)
def test_a_wrong_key_is_named_with_the_setting_to_copy_anew(post: Post, name: str):
    error = refusal(post(name, **{KEYS[name]: "hunter2"}))
    assert isinstance(error, RefusedError)
    assert f"{name}.{KEYS[name]}" in error.remedy
    assert "hunter2" not in str(error), "WeCom repeats the key that it was given"


@pytest.mark.parametrize("name", ["dingtalk", "feishu"])
def test_a_wrong_secret_is_named_and_not_blamed_on_the_clock(post: Post, name: str):
    error = refusal(post(name, secret="hunter2"))
    assert isinstance(error, RefusedError)
    assert f"{name}.secret" in error.remedy


@pytest.mark.parametrize("name", ["dingtalk", "feishu"])
def test_a_message_that_is_not_signed_where_it_must_be_is_refused(phones: Phones, post: Post, clock, name: str):
    tables = phones.settings(name)[name]
    del tables["secret"]
    (unsigned,) = channels(config.parse({name: tables}))
    with closing(WebSender(unsigned, clock)) as sender:
        assert isinstance(refusal(sender), LinkError)
    assert not phones.heard


@pytest.mark.parametrize("name", ["dingtalk", "feishu"])
@pytest.mark.parametrize(("off_s", "which"), [(-3700, "ahead"), (3700, "behind"), (86_400, "behind")])
def test_a_clock_outside_the_services_window_is_named_as_the_cause(phones, post: Post, clock, name, off_s, which):
    clock.quality = Quality.RESTORED
    phones.offset_s = off_s
    error = refusal(post(name))
    assert isinstance(error, UntimedError)
    assert f"clock is {abs(off_s)} s {which}" in error.found
    assert "restored" in error.found


@pytest.mark.parametrize("name", ["dingtalk", "feishu"])
@pytest.mark.parametrize("off_s", [-3500, 3500])
def test_a_clock_within_the_services_window_will_do(phones: Phones, post: Post, name: str, off_s: float):
    phones.offset_s = off_s
    post(name).send(MESSAGE)
    assert len(phones.heard) == 1


def test_a_robot_that_wants_a_keyword_is_told_to_be_switched_to_signing(phones: Phones, post: Post):
    phones.judges["dingtalk"] = robots.dingtalk(robots.TOKEN, robots.SECRET, keyword="猫")
    error = refusal(post("dingtalk"))
    assert isinstance(error, RefusedError)
    assert "signing" in error.remedy


def test_a_protected_topic_wants_its_token(phones: Phones, post: Post):
    phones.judges["ntfy"] = robots.ntfy(robots.TOPIC, robots.NTFY_TOKEN)
    error = refusal(post("ntfy"))
    assert isinstance(error, RefusedError)
    assert "ntfy.token" in error.remedy
    post("ntfy", token=robots.NTFY_TOKEN).send(MESSAGE)
    assert len(phones.heard) == 1


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        ("wecom", robots.wecom(robots.KEY, per_minute=1)),
        ("dingtalk", robots.dingtalk(robots.TOKEN, robots.SECRET, per_minute=1)),
        ("feishu", robots.feishu(robots.FEISHU_TOKEN, robots.FEISHU_SECRET, per_minute=1)),
        ("ntfy", robots.ntfy(robots.TOPIC, burst=1)),
    ],
)
def test_a_limit_that_others_have_spent_is_named_and_is_over_in_time(phones, post: Post, clock, name, judge):
    phones.judges[name] = judge
    sender = post(name)
    sender.send(MESSAGE)
    error = refusal(sender)
    assert isinstance(error, LimitError)
    clock.turn(61 * SECOND)
    sender.send(MESSAGE)
    assert len(phones.heard) == 2


ANSWERS = [
    ("wecom", {"errcode": -1, "errmsg": "system busy"}, ServerError),
    ("wecom", {"errcode": 45033, "errmsg": "api concurrent out of limit"}, LimitError),
    ("wecom", {"errcode": 40058, "errmsg": "invalid"}, RefusedError),
    ("wecom", {"errcode": "93000", "errmsg": "a code as text"}, RefusedError),
    ("wecom", {"errcode": True}, RefusedError),
    ("wecom", {"errcode": False}, RefusedError),
    ("wecom", {}, RefusedError),
    ("dingtalk", {"errcode": -1, "errmsg": "system busy"}, ServerError),
    ("dingtalk", {"errcode": 410100, "errmsg": "too fast"}, LimitError),
    ("dingtalk", {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "24ce"}, LimitError),
    ("dingtalk", {"errcode": 310000, "errmsg": "ip 1.2.3.4 not in whitelist"}, RefusedError),
    ("dingtalk", {"errcode": 310000, "errmsg": "invalid timestamp"}, UntimedError),
    ("dingtalk", {"errcode": 300005, "errmsg": "token is not exist"}, RefusedError),
    ("dingtalk", {"ok": True}, RefusedError),
    ("feishu", {"StatusCode": 0, "StatusMessage": "", "code": 9499, "msg": "too many request"}, LimitError),
    ("feishu", {"code": 9499, "msg": "Bad Request"}, RefusedError),
    ("feishu", {"code": 19024, "msg": "Key Words Not Found"}, RefusedError),
    ("feishu", {"StatusCode": 0, "code": 19007, "msg": "Bot Not Enabled"}, RefusedError),
    ("feishu", {"StatusCode": 0}, RefusedError),
    ("ntfy", {"hello": "another program's answer"}, LinkError),
    ("ntfy", {"id": ""}, LinkError),
]


@pytest.mark.parametrize(("name", "body", "kind"), ANSWERS)
def test_an_error_in_an_answer_of_status_200_is_an_error(phones: Phones, name: str, body: object, kind: type):
    with pytest.raises(LinkError) as caught:
        channel(phones, name).judge(Answer(200, json.dumps(body).encode()), stamp())
    assert type(caught.value) is kind


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, b"<html>", LinkError, "web page"),
        (200, b"", LinkError, "0 bytes"),
        (200, b"[" * 100_000, LinkError, "no answer"),
        (200, b"null", LinkError, "no answer"),
        (204, b"", LinkError, "status 204"),
        (302, b"{}", LinkError, "points elsewhere"),
        (403, b"<html>forbidden by your company", LinkError, "web page"),
        (429, b"", LimitError, "429"),
        (503, b'{"errcode":0,"code":0,"id":"x"}', ServerError, "503"),
    ],
)
def test_what_is_no_answer_of_the_service_is_never_taken_for_one(phones: Phones, name, status, body, kind, words):
    with pytest.raises(LinkError) as caught:
        channel(phones, name).judge(Answer(status, body), stamp())
    assert type(caught.value) is kind
    assert words in str(caught.value)


@pytest.mark.parametrize("name", CHANNELS)
def test_what_a_service_says_is_cleared_of_keys_cut_short_and_printable(phones: Phones, name: str):
    one = channel(phones, name, **{KEYS[name]: "hunter2"})
    said = str(one.refused("key hunter2\x1b[31m\n" + "x" * 5000, "Do this."))
    assert "hunter2" not in said
    assert said.isprintable()
    assert len(said) < 300


@pytest.mark.parametrize("name", CHANNELS)
def test_a_request_shows_no_key_in_its_repr(phones: Phones, name: str):
    one: Channel = channel(phones, name, **{KEYS[name]: "hunter2"})
    ask = one.text(MESSAGE, 1)
    assert "hunter2" in ask.url + ask.body.decode()
    assert "hunter2" not in repr(ask) + repr(one)


# What is taken


@pytest.mark.parametrize("name", CHANNELS)
def test_a_message_arrives_as_it_was_written(phones: Phones, post: Post, name: str):
    post(name).send(MESSAGE)
    (heard,) = phones.heard
    assert (heard.taken.channel, heard.taken.text) == (name, MESSAGE.text)
    assert phones.refusals == []


@pytest.mark.parametrize("name", CHANNELS)
def test_a_message_that_is_too_long_is_cut_to_what_the_service_takes(phones: Phones, post: Post, name: str):
    post(name).send(LONG)
    (heard,) = phones.heard
    assert heard.taken.text.endswith("门…")
    assert len(heard.taken.text) > 600


@pytest.mark.parametrize("name", ["wecom", "dingtalk", "feishu"])
def test_everybody_is_called_for_what_is_urgent_where_that_is_set(phones: Phones, clock, name: str):
    (one,) = channels(config.parse({"alert": {"mention_all": True}, **phones.settings(name)}))
    with closing(WebSender(one, clock)) as sender:
        for urgent in (True, False):
            sender.send(Message("t", "x", urgent))
    assert [heard.taken.everybody for heard in phones.heard] == [True, False]


def test_ntfy_rings_for_what_is_urgent_only(phones: Phones, post: Post):
    for urgent in (True, False):
        post("ntfy").send(Message("标题", "x", urgent))
    assert [(heard.taken.priority, heard.taken.title) for heard in phones.heard] == [(5, "标题"), (3, "标题")]


@pytest.mark.parametrize("name", ["wecom", "ntfy"])
def test_a_picture_arrives_byte_for_byte(phones: Phones, post: Post, name: str):
    post(name, picture=True).show(JPEG, "door-1 门 2026-05-30 04:26:40")
    (heard,) = phones.heard
    assert heard.taken.picture == JPEG
    assert heard.taken.text == ("door-1 门 2026-05-30 04:26:40" if name == "ntfy" else "")


@pytest.mark.parametrize("name", ["wecom", "ntfy"])
def test_no_channel_wants_pictures_unless_it_is_told_to(phones: Phones, name: str):
    assert not channel(phones, name).wants_pictures
    assert channel(phones, name, picture=True).wants_pictures
