"""Whose call it is beyond its parties: user, agent, skill, queue, group, line, account code, as vendors name these.

Names are compared from their end, word by word, whatever a vendor puts before: X-Avaya-Agent-ID, AmznConnectAgentUserId
and agentId all name the agent.

Source: BroadWorks Call Recording Interface Guide (acd, groupID, userID), metadata of Metaswitch (recordedParty,
businessGroup) and Amazon Connect (agent user id, queue id), header fields of Avaya, Genesys, NICE and FreeSWITCH.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import islice

from hub.sdk import Owner, OwnerKind
from plugins.pbx_sip.siprec.addresses import SCHEMES, parse_number

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ENDINGS = ("id", "name", "number")
_NAME_CHARS_MAX = 200
_VALUE_CHARS_MAX = 100
_TEXTS_MAX, _VALUES_MAX = 1000, 20
_WORDS_MAX = 3
_ASPECTS = {
    "agents": ("agent", "agentuser", "agentlogin"),
    "skills": ("skill", "skillgroup", "skillset", "splitskill"),
    "queues": ("queue", "acd", "acduser", "callcenter", "contactqueue"),
    "groups": ("group", "businessgroup", "huntgroup", "workgroup", "department"),
    "users": ("user", "recordedparty", "station"),
    "routes": ("vdn", "dnis", "trunk", "trunkgroup", "ipgroup", "origcalled"),
    "account_codes": ("account", "accountcode"),
}
_BY_WORDS = {words: aspect for aspect, every in _ASPECTS.items() for words in every}
_NAMES_FIRST = frozenset({"skills", "queues", "groups"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """What is said of each, ids and names, the one that tells most first.

    users: whose call is recorded. routes: the lines or numbers by which it came.
    """

    agents: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    account_codes: tuple[str, ...] = ()

    def joined(self, later: "Belonging") -> "Belonging":
        """This, and what is said later or elsewhere behind it."""
        both = {each.name: (*getattr(self, each.name), *getattr(later, each.name)) for each in fields(self)}
        return Belonging(**{name: tuple(dict.fromkeys(values))[:_VALUES_MAX] for name, values in both.items()})

    @property
    def agent(self) -> str:
        """Who took the call; whoever is recorded in a call of a queue is its agent."""
        return next(iter(self.agents or (self.users if self.queues else ())), "")

    @property
    def skill(self) -> str:
        """What the call asked for: a skill, or else its queue."""
        return next(iter(self.skills or self.queues), "")

    @property
    def all_groups(self) -> tuple[str, ...]:
        """Every group that the call belongs to, queues among them."""
        return (*self.queues, *self.groups)

    @property
    def account_code(self) -> str:
        """Dialled for the call."""
        return next(iter(self.account_codes), "")

    @property
    def owner(self) -> Owner | None:
        """What the recording is made for: a user, else a group, an account code or a line."""
        kinds = (
            (OwnerKind.USER, self.users),
            (OwnerKind.GROUP, self.all_groups),
            (OwnerKind.ACCOUNT_CODE, self.account_codes),
            (OwnerKind.LINE, self.routes),
        )
        return next((Owner(kind=kind, id=values[0]) for kind, values in kinds if values), None)


def read_belonging(texts: Iterable[tuple[str, str]]) -> Belonging:
    """What (name, text) pairs say: elements of metadata by their last name, or header fields."""
    found: dict[str, list[tuple[bool, str]]] = {}
    for name, text in islice(texts, _TEXTS_MAX):
        words, ending = _split(name)
        aspect = _find_aspect(words)
        if aspect and (value := _read_value(text)):
            is_name = ending == "name"
            found.setdefault(aspect, []).append((is_name is not (aspect in _NAMES_FIRST), value))
    return Belonging(
        **{
            aspect: tuple(dict.fromkeys(value for _, value in sorted(values, key=lambda each: each[0])))[:_VALUES_MAX]
            for aspect, values in found.items()
        }
    )


def read_words(name: str) -> list[str]:
    """The words of a name, in small letters, however it puts them together."""
    return [word.lower() for word in _WORD.findall(name[-_NAME_CHARS_MAX:].partition("[")[0])]


def _split(name: str) -> tuple[list[str], str]:
    """The words of a name, in small letters, and what it ends in: id, name, number or ""."""
    words = read_words(name)
    ending = ""
    while words and words[-1] in _ENDINGS:
        ending = words.pop()
    fused = next((each for each in _ENDINGS if words and words[-1].removesuffix(each) in _BY_WORDS), "")
    if fused and words[-1] not in _BY_WORDS:
        words[-1] = words[-1].removesuffix(fused)
        ending = fused
    return words, ending


def _find_aspect(words: list[str]) -> str:
    if words[-2:] == ["user", "agent"]:
        return ""
    tails = ("".join(words[-count:]) for count in range(_WORDS_MAX, 0, -1))
    return next((_BY_WORDS[tail] for tail in tails if tail in _BY_WORDS), "")


def _read_value(text: str) -> str:
    """A number or user name out of an address; any other text as it is."""
    bare = text.strip()
    if bare.lower().startswith(SCHEMES) or "<" in bare or ("@" in bare and " " not in bare):
        bare = parse_number(bare)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in bare[:_VALUE_CHARS_MAX]).split())
