"""Settings of the phone services: keys show nowhere, and go only over TLS."""

import pytest

from edge import config
from edge.secret import Secret
from tests.test_config import SETTINGS, of, refusal, table


@pytest.mark.parametrize("name", ["wecom.url", "dingtalk.url", "feishu.url", "ntfy.url"])
@pytest.mark.parametrize(
    "url",
    [
        "http://qyapi.weixin.qq.com/send",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "qyapi.weixin.qq.com/send",
        "https://x/send?key=hunter2",
        "https://x/send#hunter2",
        "https://me:hunter2@x/",
        "https://[::1/",
        "https://x:port/",
        "https://x:0/",
        "https://x/ hunter2",
        "https://",
    ],
)
def test_a_key_goes_only_over_tls_and_is_never_repeated_from_an_address(name: str, url: str):
    error = refusal(table(name, url))
    assert error.what == name
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "url", ["https://x", "https://x:8443/a/b", "http://127.0.0.1:80", "http://[::1]:1/", "http://localhost/"]
)
def test_an_address_over_tls_or_on_this_machine_is_taken(url: str):
    assert config.parse(table("ntfy.url", url)).ntfy.url == url


SECRETS = sorted(name for name, s in SETTINGS.items() if s.secret)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_shows_in_no_text_that_is_made_of_the_settings(name: str):
    secret = "installer:hunter2" if name == "uplink.proxy_login" else "hunter2"
    loaded = config.parse(table(name, secret))
    assert of(loaded, name) == Secret(secret.encode())
    assert "hunter2" not in repr(loaded) + str(loaded) + repr(config.plain(loaded))


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", ["", "hunter2 ", "hunter2\n", "门hunter2", 7, True, ["hunter2"], "hunter2" * 300])
def test_a_secret_that_is_none_is_refused_without_repeating_it(name: str, value: object):
    error = refusal(table(name, value))
    assert (error.what, error.found) == (name, "a secret that does not fit")
    assert "hunter2" not in str(error)
    assert "hunter2" not in repr(error.__cause__)


def test_a_key_where_its_section_should_be_is_not_repeated():
    assert "hunter2" not in str(refusal({"wecom": "hunter2"}))
