from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sip.digest import ALGORITHMS, NONCE_AGE_S, DigestServer, answer_challenge, compute_response
from plugins.pbx_sip.sip.errors import BadRequest, BadValue
from plugins.pbx_sip.sip.headers import Headers
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.responses import build_response

REGISTER = Request(method="REGISTER", uri="sip:hub.example.com", headers=Headers([("Call-ID", "1")]))


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def server(clock: Clock, *algorithms: str) -> DigestServer:
    return DigestServer("hub", {"00e0071": "s3:cret", "é\udce9": "ü"}.get, algorithms or ("SHA-256", "MD5"), clock)


def refuse(door: DigestServer, request: Request) -> Response:
    with pytest.raises(BadRequest) as refused:
        door.authenticate(request)
    return build_response(request, refused.value.status, headers=refused.value.headers)


def answered(response: Response, username: str = "00e0071", secret: str = "s3:cret") -> Request:
    return replace(REGISTER, headers=REGISTER.headers.added(answer_challenge(response, REGISTER, username, secret)))


@pytest.mark.parametrize(
    ("algorithm", "secret", "nonce", "cnonce", "realm", "wanted"),
    [
        (
            "MD5", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "testrealm@host.com",
            "6629fae49393a05397450978507c4ef1",
        ),
        (
            "SHA-256", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "http-auth@example.org",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
        (
            "MD5", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "http-auth@example.org",
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
    ],
)  # fmt: skip
def test_the_examples_of_the_rfcs_come_out(
    algorithm: str, secret: str, nonce: str, cnonce: str, realm: str, wanted: str
) -> None:
    said = {
        "username": "Mufasa", "realm": realm, "nonce": nonce, "cnonce": cnonce, "uri": "/dir/index.html",
        "nc": "00000001", "qop": "auth", "algorithm": algorithm,
    }  # fmt: skip
    assert compute_response(said, "GET", secret) == wanted


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_who_knows_the_secret_is_let_in_with_every_algorithm(algorithm: str) -> None:
    door = server(Clock(), algorithm)
    assert door.authenticate(answered(refuse(door, REGISTER))) == "00e0071"
    other = answered(refuse(door, REGISTER), "é\udce9", "ü")
    assert door.authenticate(other) == "é\udce9"


def test_the_algorithm_liked_best_is_offered_first_and_taken() -> None:
    door = server(Clock())
    challenge = refuse(door, REGISTER)
    assert ["SHA-256" in value for value in challenge.headers.all("WWW-Authenticate")] == [True, False]
    assert "algorithm=SHA-256" in (answered(challenge).headers.get("Authorization") or "")


def test_strangers_wrong_secrets_and_other_algorithms_are_refused() -> None:
    door = server(Clock(), "SHA-256")
    challenge = refuse(door, REGISTER)
    for request in (
        answered(challenge, "00e0072"),
        answered(challenge, secret="s3"),
        answered(refuse(server(Clock(), "MD5"), REGISTER)),
        replace(answered(challenge), method="INVITE"),
        replace(REGISTER, headers=Headers([("Authorization", "NoOneKnowsThisScheme opaque-data=here")])),
        replace(REGISTER, headers=Headers([("Authorization", 'Digest username="a')])),
        replace(REGISTER, headers=Headers([("Authorization", "Digest realm=hub")])),
    ):
        assert "stale" not in str(refuse(door, request).headers)


def test_an_answer_counts_once_and_a_higher_count_counts_again() -> None:
    door = server(Clock(), "MD5")
    first = answered(refuse(door, REGISTER))
    door.authenticate(first)
    assert "stale=true" in str(refuse(door, first).headers)
    field = first.headers.get("Authorization") or ""
    said = {name: value.strip('"') for name, _, value in (part.partition("=") for part in field[7:].split(", "))}
    said["nc"] = "0000000a"
    said["response"] = compute_response(said, "REGISTER", "s3:cret")
    again = "Digest " + ", ".join(f'{name}="{value}"' for name, value in said.items())
    door.authenticate(replace(REGISTER, headers=Headers([("Authorization", again)])))


def test_an_answer_to_an_old_or_foreign_nonce_is_stale() -> None:
    clock = Clock()
    door = server(clock)
    late = answered(refuse(door, REGISTER))
    foreign = answered(refuse(server(clock), REGISTER))
    assert "stale=true" in str(refuse(door, foreign).headers)
    clock.now += NONCE_AGE_S + 1
    assert "stale=true" in str(refuse(door, late).headers)


def test_an_answer_of_the_old_kind_without_qop_is_taken_once() -> None:
    door = server(Clock(), "MD5")
    challenge = refuse(door, REGISTER)
    old = challenge.headers.replaced(
        "WWW-Authenticate", (challenge.headers.get("WWW-Authenticate") or "").replace(', qop="auth"', "")
    )
    request = answered(replace(challenge, headers=old))
    assert "qop" not in (request.headers.get("Authorization") or "")
    door.authenticate(request)
    refuse(door, request)


def test_a_proxy_is_answered_in_its_own_field() -> None:
    asked = Response(
        status=407, headers=Headers([("Proxy-Authenticate", 'Digest realm="p", nonce="n", qop="auth-int,auth"')])
    )
    name, value = answer_challenge(asked, REGISTER, "u", "s")
    assert name == "Proxy-Authorization"
    assert "qop=auth," in value


@pytest.mark.parametrize(
    "challenge", ["Basic realm=x", 'Digest realm="x", nonce="n", algorithm=TIGER', 'Digest nonce="n", qop="auth-int"']
)
def test_a_challenge_that_cannot_be_answered_is_said_to_be_so(challenge: str) -> None:
    with pytest.raises(BadValue):
        answer_challenge(Response(status=401, headers=Headers([("WWW-Authenticate", challenge)])), REGISTER, "u", "s")


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(["username", "realm", "nonce", "uri", "response", "nc", "qop", "algorithm", "cnonce"]),
        st.sampled_from(["hub", "00e0071", "auth", "MD5", "é\udce9", "", "zz", "-1", "QUFB"]),
    ),
    st.text(max_size=20),
)
def test_whatever_is_claimed_nobody_gets_in_without_the_secret(said: dict[str, str], junk: str) -> None:
    door = server(Clock())
    for value in (f"Digest {junk}", "Digest " + ",".join(f'{key}="{text}"' for key, text in said.items())):
        refuse(door, replace(REGISTER, headers=Headers([("Authorization", value)])))
