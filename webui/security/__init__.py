"""What stands between the network and every page: proxies, request ids, headers, body limits, origin, sessions."""

from webui.security.actors import actor_of, person_of
from webui.security.cookies import clear_session_cookie, session_token, set_session_cookie
from webui.security.next_path import safe_next
from webui.security.stack import BODY_LIMIT_BYTES, SecuritySettings, middleware

__all__ = [
    "BODY_LIMIT_BYTES",
    "SecuritySettings",
    "actor_of",
    "clear_session_cookie",
    "middleware",
    "person_of",
    "safe_next",
    "session_token",
    "set_session_cookie",
]
