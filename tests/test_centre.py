"""Settings of the city centre's video platform: what could never work is refused by its name."""

import pytest

from edge import config
from edge.errors import ConfigError


@pytest.mark.parametrize("port", [-1, 0, 80, 1023, 65_536])
def test_a_port_that_a_platform_may_not_be_let_call_is_refused(port: int):
    with pytest.raises(ConfigError) as caught:
        config.parse({"gb28181": {"listen_port": port}})
    assert (caught.value.what, caught.value.found) == ("gb28181.listen_port", str(port))
    assert "1024 to 65535" in str(caught.value)


@pytest.mark.parametrize("port", [1024, 8441, 65_535])
def test_any_port_that_needs_no_root_is_taken_and_by_default_there_is_none(port: int):
    assert config.parse({"gb28181": {"listen_port": port}}).gb28181.listen_port == port
    assert config.Config().gb28181.listen_port is None


def test_what_the_port_wants_is_said_in_words_an_installer_reads():
    (listen_port,) = (one for one in config.settings() if one.name == "gb28181.listen_port")
    assert listen_port.wanted == "a port 1024 to 65535, or left out"
    assert "SocketBindAllow" in listen_port.help
