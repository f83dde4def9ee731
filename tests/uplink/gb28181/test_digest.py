"""Digest with and without qop, over MD5 and SHA-256: the standards' own examples, and what is not answered."""

import pytest

from edge.errors import WireError
from edge.secret import Secret
from edge.uplink.gb28181.digest import COUNT_MAX, Challenge, Proof, challenge

RFC7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["Basic realm=x"],
        ["Digest"],
        ['Digest realm="a"'],
        ['Digest realm="a", nonce="b", algorithm=SM3'],
        ['Digest realm="a", nonce="b", qop="auth-int"'],
        ['Digest realm="a", nonce="b\\"c"'],
        ["Digest realm=" + '"' * 999],
    ],
)
def test_a_challenge_that_cannot_be_answered_says_what_could(values: list[str]):
    with pytest.raises(WireError, match=r"SHA-256.*MD5"):
        challenge(values)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_comes_out_as_printed(algorithm: str, response: str):
    proof = Proof(challenge([RFC7616.format(algorithm)]), "Mufasa", Secret(b"Circle of Life"))
    said = proof.answer("GET", "/dir/index.html", CNONCE)
    assert f'response="{response}"' in said
    assert f"algorithm={algorithm}, qop=auth, nc=00000001" in said


def test_a_challenge_without_qop_is_answered_in_the_old_form():
    asked = challenge(['Digest realm="testrealm@host.com",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'])
    said = Proof(asked, "Mufasa", Secret(b"Circle Of Life")).answer("GET", "/dir/index.html", "unused")
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in said  # RFC 2069's example with RFC 2617's erratum
    assert "qop" not in said
    assert "nc=" not in said


def test_the_better_algorithm_is_taken_of_several_in_any_order():
    values = [
        'Digest realm="a", nonce="1", algorithm=MD5',
        'Digest realm="a", nonce="2", algorithm=SHA-256, stale=TRUE',
    ]
    for some in (values, values[::-1]):
        assert challenge(some) == Challenge("a", "2", "SHA-256", named=True, stale=True)


def test_the_count_goes_up_and_ends_before_its_case_could_matter():
    proof = Proof(Challenge("r", "n", qop="auth"), "u", Secret(b"p"))
    said = [proof.answer("REGISTER", "sip:a", "c") for _ in range(COUNT_MAX)]
    assert "nc=00000009" in said[-1]
    assert proof.spent
    assert len({one.partition("response=")[2][:40] for one in said}) == COUNT_MAX
