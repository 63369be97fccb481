"""Registrations: a telephone system may show by them, under a secret, that it is there.

Source: RFC 3261 section 10.3.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plugins.pbx_sip.recorder.hooks import Presence, Sign
from plugins.pbx_sip.recorder.terms import Terms
from plugins.pbx_sip.sip.digest import DigestServer
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.headers import Field
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request

AORS_MAX = 1000
CONTACTS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Binding:
    """One Contact of an address of record. expires: by our clock, s."""

    expires: float
    call_id: str
    number: int
    host: str


class Registrar:
    """Who is registered, and proofs of secrets."""

    def __init__(self, terms: Terms, clock: Callable[[], float] = time.monotonic) -> None:
        self._terms = terms
        self._clock = clock
        self._digest = DigestServer(terms.realm, terms.secrets.get)
        self._bindings: dict[str, dict[str, _Binding]] = {}

    def authenticate(self, request: Request) -> str:
        """The user whose secret the sender knows. Raises: BadRequest with 401."""
        return self._digest.authenticate(request)

    def knows(self, host: str) -> bool:
        """Whether somebody registered from a host by a secret, and the registration lasts."""
        now = self._clock()
        live = (binding for contacts in self._bindings.values() for binding in contacts.values())
        return bool(self._terms.secrets) and any(each.host == host and each.expires > now for each in live)

    def register(self, request: Request, peer: Peer) -> tuple[tuple[Field, ...], Presence]:
        """Take a registration, its end, or a question about it.

        Returns: the fields of our 200, and what it tells of the peer.

        Raises: BadRequest with 401, 403, 423, 400, 500 or 503; BadValue.
        """
        user = self.authenticate(request) if self._terms.secrets else ""
        aor = request.to.uri
        if (user and aor.user != user) or (self._terms.serial_number and aor.user != self._terms.serial_number):
            raise BadRequest(403, "Forbidden", request)
        name = f"{aor.user}@{aor.host}"
        bindings = self._live(name)
        self._bind(request, bindings, peer.host)
        if bindings and name not in self._bindings and len(self._bindings) >= AORS_MAX:
            raise BadRequest(503, "Service Unavailable", request, (("Retry-After", str(self._terms.retry_after_s)),))
        if bindings:
            self._bindings[name] = bindings
        else:
            self._bindings.pop(name, None)
        now = self._clock()
        lasting = {spec: max(1, round(binding.expires - now)) for spec, binding in bindings.items()}
        presence = Presence(
            peer=peer,
            sign=Sign.REGISTERED if lasting else Sign.UNREGISTERED,
            agent=request.headers.get("User-Agent") or "",
            aor=name,
            user=user,
            expires_s=max(lasting.values(), default=0),
        )
        return tuple(("Contact", f"<{spec}>;expires={left_s}") for spec, left_s in lasting.items()), presence

    def _live(self, name: str) -> dict[str, _Binding]:
        now = self._clock()
        return {spec: each for spec, each in self._bindings.get(name, {}).items() if each.expires > now}

    def _bind(self, request: Request, bindings: dict[str, _Binding], host: str) -> None:
        for spec, expires_s in self._wishes(request, tuple(bindings)):
            known = bindings.get(spec)
            if known and known.call_id == request.call_id and request.cseq.number <= known.number:
                raise BadRequest(500, "CSeq Out Of Order", request)
            if not expires_s:
                bindings.pop(spec, None)
                continue
            if expires_s < self._terms.registration_min_s:
                least = (("Min-Expires", str(self._terms.registration_min_s)),)
                raise BadRequest(423, "Interval Too Brief", request, least)
            bindings[spec] = _Binding(
                expires=self._clock() + min(expires_s, self._terms.registration_max_s),
                call_id=request.call_id,
                number=request.cseq.number,
                host=host,
            )
        if len(bindings) > CONTACTS_MAX:
            raise BadRequest(403, "Too Many Contacts", request)

    def _wishes(self, request: Request, known: tuple[str, ...]) -> Iterator[tuple[str, int]]:
        """Each Contact that is named, and for how many seconds it is to last; 0 ends it."""
        asked_s = request.number("Expires")
        if "*" in request.headers.items("Contact"):
            if asked_s != 0 or len(request.headers.items("Contact")) > 1:
                raise BadRequest(400, "Bad Contact", request)
            yield from ((spec, 0) for spec in known)
            return
        usual_s = self._terms.registration_max_s if asked_s is None else asked_s
        for contact in request.addresses("Contact"):
            own = contact.param("expires") or ""
            yield contact.spec, int(own) if own.isascii() and own.isdecimal() and len(own) < 10 else usual_s
