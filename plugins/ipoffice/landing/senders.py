"""The servers that may push recordings: their logins, names, passwords and keys."""

import re
from dataclasses import dataclass

LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Sender:
    """One sending server; password and public_key are empty where it has none."""

    login: str
    name: str
    public_key: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Sender({self.login!r}, {self.name!r})"


def parse_senders(lines: str, passwords: str) -> tuple[Sender, ...]:
    """Senders from lines `login = name [| public key]` and lines `login = password`.

    Raises: ValueError naming the line, never a password.
    """
    known: dict[str, Sender] = {}
    secrets = _parse_passwords(passwords)
    for number, line in _lines(lines):
        login, equals, rest = (part.strip() for part in line.partition("="))
        name, _, key = (part.strip() for part in rest.partition("|"))
        if not equals or not LOGIN.fullmatch(login) or not name:
            raise ValueError(f"line {number}: write it as: login = name of the server")
        if key and not KEY.match(key):
            raise ValueError(f"line {number}: what follows the bar is no OpenSSH public key")
        if login in known:
            raise ValueError(f"line {number}: the login {login} stands there twice")
        known[login] = Sender(login, name, key, secrets.pop(login, ""))
    if secrets:
        raise ValueError(f"there is a password for {', '.join(sorted(secrets))}, but no such sending server")
    return tuple(known.values())


def _parse_passwords(text: str) -> dict[str, str]:
    found = {}
    for number, line in _lines(text):
        login, equals, password = line.partition("=")
        if not equals or not password.strip():
            raise ValueError(f"line {number} of the passwords: write it as: login = password")
        found[login.strip()] = password.strip()
    return found


def _lines(text: str) -> list[tuple[int, str]]:
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in lines if line and not line.startswith("#")]
