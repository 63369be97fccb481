import asyncssh
from pydantic import SecretStr

from hub.testing import ListLog
from plugins.ipoffice.landing import doorkeeper as module
from plugins.ipoffice.landing.doorkeeper import Doorkeeper
from plugins.ipoffice.landing.senders import SendingServer

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key().decode().strip()


def keeper() -> Doorkeeper:
    senders = (
        SendingServer(name="Vienna", login="wien", password=SecretStr("geheim-123")),
        SendingServer(name="Graz", login="graz", public_key=PUBLIC),
    )
    return Doorkeeper({sender.login: sender for sender in senders}, ListLog())


def test_only_the_right_password_of_the_right_server_opens() -> None:
    assert keeper().knows_password("wien", "geheim-123")
    for login, password in (("wien", ""), ("wien", "geheim-124"), ("graz", ""), ("graz", "geheim-123"), ("nobody", "")):
        assert not keeper().knows_password(login, password)


def test_only_the_key_of_the_server_opens() -> None:
    assert keeper().knows_key("graz", KEY.convert_to_public())
    assert not keeper().knows_key("wien", KEY.convert_to_public())
    assert not keeper().knows_key("graz", asyncssh.generate_private_key("ssh-ed25519").convert_to_public())


def test_who_guesses_too_often_is_kept_out_and_others_are_not() -> None:
    door = keeper()
    for _ in range(module.FAILURES_OF_ONE_ADDRESS):
        assert door.lets_in("10.0.0.9")
        door.failed("10.0.0.9", "wien")
    assert not door.lets_in("10.0.0.9")
    assert door.lets_in("10.0.0.1")


def test_connections_are_few_for_one_address_and_in_all() -> None:
    door = keeper()
    for number in range(module.CONNECTIONS_OF_ONE_ADDRESS):
        door.connections[number] = "10.0.0.9"
    assert not door.lets_in("10.0.0.9")
    assert door.lets_in("10.0.0.1")
    for number in range(module.CONNECTIONS_MAX):
        door.connections[number] = f"10.1.0.{number}"
    assert not door.lets_in("10.0.0.1")


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    door = keeper()
    for number in range(module.ADDRESSES_MAX + 100):
        door.failed(f"10.{number >> 8}.{number & 255}.1", "x")
    assert len(door._failures) == module.ADDRESSES_MAX
