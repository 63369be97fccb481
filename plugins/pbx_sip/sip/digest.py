"""Proof of a shared secret: challenges, the answers to them, and their check.

Source: RFC 3261 section 22, RFC 8760 (SHA-256 and SHA-512-256 in SIP), RFC 7616 and RFC 2617 (Digest).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from plugins.pbx_sip.sip.errors import BadRequest, BadValue
from plugins.pbx_sip.sip.headers import Field
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.params import quote, split_list, unquote

ALGORITHMS = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
ASKED_FOR = ("SHA-256", "MD5")
"""What a server of ours proposes, the one it likes best first."""
NONCE_AGE_S = 300.0
_NONCES_MAX = 10_000
_NAME_MAX = 40
_STAMP = struct.Struct(">d8s")
_SIGNATURE_BYTES = 16
_ANSWERS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class DigestServer:
    """Asks for and checks the secret of whoever sends a request.

    A nonce carries its time and a signature, so that none is stored until it was used; how often is remembered, that no
    answer counts twice.
    """

    def __init__(
        self,
        realm: str,
        secret_of: Callable[[str], str | None],
        algorithms: tuple[str, ...] = ASKED_FOR,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """secret_of: the password of a user, None for strangers. algorithms: the one liked best first."""
        self._realm = realm
        self._secret_of = secret_of
        self._algorithms = algorithms
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._counts: OrderedDict[str, int] = OrderedDict()

    def authenticate(self, request: Request) -> str:
        """The user whose secret the sender knows.

        Raises: BadRequest with 401 and the challenges to send.
        """
        given = _find_credentials(request, self._realm)
        if given is None:
            raise self._refusal(request)
        algorithm = given.get("algorithm", "MD5").upper()
        secret = self._secret_of(given.get("username", ""))
        if algorithm not in self._algorithms or given.get("qop", "auth") != "auth":
            raise self._refusal(request)
        wanted = compute_response(given, request.method, secret or secrets.token_hex(8))
        is_right = hmac.compare_digest(wanted.encode(), given.get("response", "").lower().encode("utf-8", "replace"))
        if secret is None or not is_right:
            raise self._refusal(request)
        if not self._is_fresh(given):
            raise self._refusal(request, is_stale=True)
        return given["username"]

    def _refusal(self, request: Request, *, is_stale: bool = False) -> BadRequest:
        nonce = self._make_nonce(self._clock(), secrets.token_bytes(8))
        stale = ", stale=true" if is_stale else ""
        challenges = tuple(
            (
                "WWW-Authenticate",
                f'Digest realm={quote(self._realm)}, nonce="{nonce}", algorithm={algorithm}, qop="auth"{stale}',
            )
            for algorithm in self._algorithms
        )
        return BadRequest(401, "Unauthorized", request, challenges)

    def _make_nonce(self, now: float, salt: bytes) -> str:
        stamp = _STAMP.pack(now, salt)
        signature = hmac.digest(self._key, stamp, "sha256")[:_SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(stamp + signature).decode()

    def _is_fresh(self, given: Mapping[str, str]) -> bool:
        """Whether we made the nonce, not long ago, and it was not used as often before."""
        nonce = given["nonce"]
        try:
            made_at, salt = _STAMP.unpack_from(base64.urlsafe_b64decode(nonce.encode()))
            count = int(given["nc"], 16) if "qop" in given else 1
        except (binascii.Error, struct.error, ValueError):
            return False
        is_ours = hmac.compare_digest(self._make_nonce(made_at, salt).encode(), nonce.encode())
        if not is_ours or not 0 <= self._clock() - made_at <= NONCE_AGE_S or count <= self._counts.get(nonce, 0):
            return False
        self._counts[nonce] = count
        self._counts.move_to_end(nonce)
        while len(self._counts) > _NONCES_MAX:
            self._counts.popitem(last=False)
        return True


def find_unsupported(request: Request) -> str:
    """By what a request proves its secret that is not supported, such as "algorithm MD5-sess"; "" if nothing is."""
    for value in request.headers.all("Authorization"):
        try:
            given = _parse_digest(value)
        except BadValue:
            continue
        algorithm, qop = given.get("algorithm", "MD5"), given.get("qop", "auth")
        if given and algorithm.upper() not in ASKED_FOR:
            return f"algorithm {algorithm[:_NAME_MAX]}"
        if given and qop != "auth":
            return f"qop {qop[:_NAME_MAX]}"
    return ""


def answer_challenge(response: Response, request: Request, username: str, secret: str) -> Field:
    """The field that proves the secret to who answered a request with 401 or 407.

    Of several challenges the first is taken whose algorithm is known.

    Raises: BadValue when there is none.
    """
    asked_in, answered_in = _ANSWERS.get(response.status, _ANSWERS[401])
    for value in response.headers.all(asked_in):
        challenge = _parse_digest(value)
        algorithm = challenge.get("algorithm", "MD5").upper()
        qops = {qop.strip().lower() for qop in challenge.get("qop", "").split(",")} - {""}
        if "nonce" in challenge and algorithm in ALGORITHMS and (not qops or "auth" in qops):
            break
    else:
        raise BadValue("no challenge is one that can be answered")
    answer = {name: value for name, value in challenge.items() if name in {"realm", "nonce", "opaque", "algorithm"}}
    answer |= {"username": username, "uri": request.uri}
    if qops:
        answer |= {"qop": "auth", "nc": "00000001", "cnonce": secrets.token_hex(8)}
    answer["response"] = compute_response(answer, request.method, secret)
    bare = {"algorithm", "qop", "nc"}
    return answered_in, "Digest " + ", ".join(
        f"{name}={value if name in bare else quote(value)}" for name, value in answer.items()
    )


def compute_response(given: Mapping[str, str], method: str, secret: str) -> str:
    """The digest over what an answer says of itself, the method and the secret.

    Source: RFC 7616 section 3.4.1; RFC 2617 section 3.2.2.1 for answers without qop.
    """
    name = ALGORITHMS[given.get("algorithm", "MD5").upper()]

    def digest(*parts: str) -> str:
        data = ":".join(parts).encode("utf-8", "surrogateescape")
        return hashlib.new(name, data, usedforsecurity=name != "md5").hexdigest()

    who = digest(given.get("username", ""), given.get("realm", ""), secret)
    what = digest(method, given.get("uri", ""))
    nonce = given.get("nonce", "")
    if "qop" not in given:
        return digest(who, nonce, what)
    return digest(who, nonce, given.get("nc", ""), given.get("cnonce", ""), given["qop"], what)


def _find_credentials(request: Request, realm: str) -> Mapping[str, str] | None:
    """What the request says for a realm of ours; None where it says nothing that can be understood."""
    for value in request.headers.all("Authorization"):
        try:
            given = _parse_digest(value)
        except BadValue:
            continue
        if given.get("realm") == realm and {"username", "nonce", "uri", "response"} <= given.keys():
            return given
    return None


def _parse_digest(value: str) -> dict[str, str]:
    """The parameters of a challenge or of an answer; none where it is not of the scheme Digest.

    Raises: BadValue.
    """
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "digest":
        return {}
    params: dict[str, str] = {}
    for part in split_list(rest):
        name, _, text = part.partition("=")
        params.setdefault(name.strip().lower(), unquote(text.strip()))
    return params
