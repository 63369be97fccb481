"""The trail: every act leaves a line, and the lines prove one another."""

from hub.audit.action import Action
from hub.audit.actor import SYSTEM, Actor
from hub.audit.chain import Head
from hub.audit.erasure import drop_expired, erase_private
from hub.audit.listing import AuditEntry, AuditFilter, list_entries
from hub.audit.sealing import daily_heads, head, seal
from hub.audit.trail import append
from hub.audit.verification import Problem, Verdict, verify

__all__ = [
    "SYSTEM",
    "Action",
    "Actor",
    "AuditEntry",
    "AuditFilter",
    "Head",
    "Problem",
    "Verdict",
    "append",
    "daily_heads",
    "drop_expired",
    "erase_private",
    "head",
    "list_entries",
    "seal",
    "verify",
]
