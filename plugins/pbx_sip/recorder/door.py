"""Who may come in, and whether there is room for one more call."""

from collections.abc import Callable

from plugins.pbx_sip.recorder.advice import Shortage
from plugins.pbx_sip.recorder.hooks import Refusal
from plugins.pbx_sip.recorder.registrar import Registrar
from plugins.pbx_sip.recorder.standing import StandingCalls
from plugins.pbx_sip.recorder.terms import Terms
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request


class Door:
    """Refuses strangers and, while it is draining, every new call. may_accept: asks the owner for another reason."""

    def __init__(
        self,
        terms: Terms,
        calls: StandingCalls,
        registrar: Registrar,
        may_accept: Callable[[], Refusal | None],
    ) -> None:
        self.is_draining = False
        self._terms = terms
        self._calls = calls
        self._registrar = registrar
        self._may_accept = may_accept

    def admit(self, request: Request, peer: Peer) -> None:
        """Let in who is known by address, certificate, a call of its own, a registration or a secret.

        Raises: BadRequest with 401 or 403.
        """
        if request.method == "REGISTER" and self._terms.secrets:
            return  # the registrar asks for the secret
        call = self._calls.find_for(request) if request.to.tag else None
        is_its_own = call is not None and call.client == peer.host
        if is_its_own or self._is_allowed(peer):
            return
        if not self._terms.secrets:
            raise BadRequest(403, "Forbidden", request)
        self._registrar.authenticate(request, peer)

    def knows(self, peer: Peer) -> bool:
        """Whether a peer is one that may begin calls, or has shown so lately."""
        return self._is_allowed(peer) or self._registrar.has_proof(peer.host)

    def check_room(self, request: Request, peer: Peer) -> None:
        """See that a new call can be taken. Raises: BadRequest with 503 or what the owner says."""
        if self.is_draining:
            raise self.refuse(request, Shortage.DRAINING)
        refusal = self._may_accept()
        if refusal is not None:
            raise _refuse(request, refusal)
        terms = self._terms
        if len(self._calls) >= terms.calls_max or self._calls.count(peer.host) >= terms.calls_per_host_max:
            raise self.refuse(request, Shortage.CALLS)

    def refuse(self, request: Request, reason: str) -> BadRequest:
        """The refusal of a call that there is no room for just now."""
        return _refuse(request, Refusal(reason=reason, retry_after_s=self._terms.retry_after_s))

    def _is_allowed(self, peer: Peer) -> bool:
        return self._terms.allowed.knows(peer) or self._registrar.knows(peer.host)


def _refuse(request: Request, refusal: Refusal) -> BadRequest:
    retry = (("Retry-After", str(refusal.retry_after_s)),) if refusal.retry_after_s else ()
    return BadRequest(refusal.status, refusal.reason, request, retry)
