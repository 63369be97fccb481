"""Registrations: a telephone system may show by them, under a secret, that it is there.

Source: RFC 3261 section 10.3.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from plugins.pbx_sip.recorder.hooks import Presence, Sign
from plugins.pbx_sip.recorder.registrations import Registration
from plugins.pbx_sip.recorder.terms import Terms
from plugins.pbx_sip.sip.digest import DigestServer
from plugins.pbx_sip.sip.errors import BadRequest, BadValue
from plugins.pbx_sip.sip.headers import Field
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request

AORS_MAX = 1000
PROOFS_MAX = 1000
PROOF_LASTS_S = 3600.0
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

    def __init__(
        self, terms: Terms, on_proof: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """on_proof: told of each host that gives the proof of a secret."""
        self._terms = terms
        self._on_proof = on_proof
        self._clock = clock
        self._digest = DigestServer(terms.realm, terms.secrets.get)
        self._bindings: dict[str, dict[str, _Binding]] = {}
        self._proofs: OrderedDict[str, float] = OrderedDict()

    def authenticate(self, request: Request, peer: Peer) -> str:
        """The user whose secret the sender knows. Raises: BadRequest with 401."""
        user = self._digest.authenticate(request)
        self._proofs[peer.host] = self._clock()
        self._proofs.move_to_end(peer.host)
        if len(self._proofs) > PROOFS_MAX:
            self._proofs.popitem(last=False)
        self._on_proof(peer.host)
        return user

    def has_proof(self, host: str) -> bool:
        """Whether somebody at a host has given the proof of a secret lately."""
        return self._clock() - self._proofs.get(host, -PROOF_LASTS_S) < PROOF_LASTS_S

    def knows(self, host: str) -> bool:
        """Whether somebody registered from a host by a secret, and the registration lasts."""
        now = self._clock()
        live = (binding for contacts in self._bindings.values() for binding in contacts.values())
        return bool(self._terms.secrets) and any(each.host == host and each.expires > now for each in live)

    def tell(self) -> list[Registration]:
        """All registrations that last."""
        offset_s = time.time() - self._clock()
        return [
            Registration(
                aor=name,
                contact=spec,
                until_s=each.expires + offset_s,
                call_id=each.call_id,
                number=each.number,
                host=each.host,
            )
            for name in self._bindings
            for spec, each in self._live(name).items()
        ]

    def recall(self, registrations: Iterable[Registration]) -> Iterator[Presence]:
        """Take up registrations of before a restart that last and may be.

        Yields: what each tells of its peer.
        """
        now, now_s = self._clock(), time.time()
        for each in registrations:
            user = each.aor.rpartition("@")[0]
            left_s = min(each.until_s - now_s, self._terms.registration_max_s)
            if left_s <= 0 or not self._may_register(user):
                continue
            binding = _Binding(expires=now + left_s, call_id=each.call_id, number=each.number, host=each.host)
            self._bindings.setdefault(each.aor, {})[each.contact] = binding
            peer = Peer("", each.host, 0)
            yield Presence(peer=peer, sign=Sign.REMEMBERED, aor=each.aor, expires_s=round(left_s))

    def register(self, request: Request, peer: Peer) -> tuple[tuple[Field, ...], Presence]:
        """Take a registration, its end, or a question about it.

        Returns: the fields of our 200, and what it tells of the peer.

        Raises: BadRequest with 401, 403, 423, 400, 500 or 503; BadValue.
        """
        user = self.authenticate(request, peer) if self._terms.secrets else ""
        aor = request.to.uri
        if aor.scheme not in {"sip", "sips"}:  # RFC 3261 section 10.2
            raise BadRequest(400, "Bad Address Of Record", request)
        if (user and aor.user != user) or not self._may_register(aor.user):
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

    def _may_register(self, user: str) -> bool:
        return self._terms.serial_number in {"", user} and (not self._terms.secrets or user in self._terms.secrets)

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
        asked_s = _read_expires(request)
        if "*" in request.headers.items("Contact"):
            if asked_s != 0 or len(request.headers.items("Contact")) > 1:
                raise BadRequest(400, "Bad Contact", request)
            yield from ((spec, 0) for spec in known)
            return
        usual_s = self._terms.registration_max_s if asked_s is None else asked_s
        for contact in request.addresses("Contact"):
            own = contact.param("expires") or ""
            yield contact.spec, int(own) if own.isascii() and own.isdecimal() and len(own) < 10 else usual_s


def _read_expires(request: Request) -> int | None:
    """What Expires asks for; None where that cannot be read. Source: RFC 3261 section 20.19 with 10.3 and 10.2.1.1."""
    try:
        return request.number("Expires")
    except BadValue:
        return None
