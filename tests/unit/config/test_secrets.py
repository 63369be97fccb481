"""Sealed secrets open for their hub and their place only, and survive a change of the master key."""

import base64
import os
import stat
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.config import SecretError, keyring, load_config
from hub.config.secrets import SecretBox


def _box(*keys: bytes) -> SecretBox:
    named = keyring.by_id(keys or (keyring.new_key(),))
    return SecretBox(named, next(iter(named)))


@given(st.text(), st.text())
def test_what_is_sealed_opens_in_its_place(plain, context):
    box = _box()
    assert box.unseal(box.seal(plain, context), context) == plain


@given(st.text(), st.text(), st.text())
def test_a_secret_does_not_open_in_another_place(plain, context, other):
    box = _box()
    sealed = box.seal(plain, context)
    if other != context:
        with pytest.raises(SecretError):
            box.unseal(sealed, other)


@given(st.data())
def test_a_changed_secret_does_not_open(data):
    box = _box()
    sealed = box.seal("hunter2", "instance:1:password")
    at = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.sampled_from("ABCDabcd0189-_=.é"))
    changed = sealed[:at] + letter + sealed[at + 1 :]
    if changed != sealed:
        with pytest.raises(SecretError):
            box.unseal(changed, "instance:1:password")


@given(st.text(max_size=300))
def test_any_other_text_is_refused_as_a_secret(text):
    with pytest.raises(SecretError):
        _box().unseal(text, "x")


def test_the_same_secret_never_looks_the_same():
    box = _box()
    assert len({box.seal("x", "y") for _ in range(50)}) == 50


def test_neither_the_secret_nor_a_key_shows_in_what_is_stored():
    key = keyring.new_key()
    sealed = _box(key).seal("plain-text", "x")
    assert "plain" not in sealed
    assert keyring.encode_key(key) not in sealed


def test_a_missing_master_key_is_named():
    sealed = _box().seal("x", "y")
    with pytest.raises(SecretError, match=sealed.split(".")[1]) as caught:
        _box().unseal(sealed, "y")
    assert "backup of secrets.key" in caught.value.hint


def test_the_key_file_is_made_once_and_for_the_hub_alone(tmp_path):
    config = load_config({}, tmp_path)
    sealed = SecretBox.open(config).seal("x", "y")
    assert stat.S_IMODE(config.secrets_key_file.stat().st_mode) == 0o600
    assert SecretBox.open(config).unseal(sealed, "y") == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.key"]


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    config = load_config({}, tmp_path)
    start = threading.Barrier(8)
    boxes: list[SecretBox] = []

    def open_box() -> None:
        start.wait()
        boxes.append(SecretBox.open(config))

    threads = [threading.Thread(target=open_box) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(boxes) == 8
    assert len({box.current for box in boxes}) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_key_file_open_to_others_is_refused_with_the_command_to_run(tmp_path, mode):
    config = load_config({}, tmp_path)
    SecretBox.open(config)
    config.secrets_key_file.chmod(mode)
    with pytest.raises(SecretError, match=f"{mode:04o}") as caught:
        SecretBox.open(config)
    assert caught.value.hint == f"Run: chmod 600 {config.secrets_key_file}"


@pytest.mark.parametrize("content", [b"", b"# only words\n", b"AAAA\n", b"\xff\xfe\n", b"not base64 !\n"])
def test_a_key_file_without_a_key_is_refused_and_left_as_it_is(tmp_path, content):
    config = load_config({}, tmp_path)
    config.secrets_key_file.write_bytes(content)
    config.secrets_key_file.chmod(0o600)
    with pytest.raises(SecretError, match=r"secrets\.key"):
        SecretBox.open(config)
    assert config.secrets_key_file.read_bytes() == content


def test_the_master_key_may_come_from_the_environment(tmp_path):
    key = base64.urlsafe_b64encode(os.urandom(32)).decode()
    config = load_config({"RECORDING_HUB_SECRET_KEY": key}, tmp_path)
    box = SecretBox.open(config)
    assert box.unseal(box.seal("x", "y"), "y") == "x"
    assert not config.secrets_key_file.exists()
    with pytest.raises(SecretError, match="RECORDING_HUB_SECRET_KEY"):
        box.rotate()


def test_a_wrong_key_in_the_environment_is_not_repeated(tmp_path):
    config = load_config({"RECORDING_HUB_SECRET_KEY": "hunter2"}, tmp_path)
    with pytest.raises(SecretError) as caught:
        SecretBox.open(config)
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key(tmp_path):
    config = load_config({}, tmp_path)
    old = SecretBox.open(config)
    sealed = old.seal("x", "y")
    new = old.rotate()
    assert new.current != old.current
    assert new.key_names == (new.current, old.current)
    assert new.unseal(sealed, "y") == "x"
    assert not new.is_current(sealed)
    assert SecretBox.open(config).current == new.current
    assert stat.S_IMODE(config.secrets_key_file.stat().st_mode) == 0o600


def test_a_resealed_secret_outlives_the_old_key(tmp_path):
    config = load_config({}, tmp_path)
    old = SecretBox.open(config)
    sealed, left_behind = old.seal("x", "y"), old.seal("z", "y")
    new = old.rotate()
    moved = new.reseal(sealed, "y")
    assert new.is_current(moved)
    assert new.reseal(moved, "y") == moved
    alone = new.forget_old()
    assert alone.unseal(moved, "y") == "x"
    with pytest.raises(SecretError):
        SecretBox.open(config).unseal(left_behind, "y")


def test_a_changed_secret_is_not_resealed(tmp_path):
    old = SecretBox.open(load_config({}, tmp_path))
    sealed = old.seal("x", "y")
    with pytest.raises(SecretError):
        old.rotate().reseal(sealed[:-6] + "AAAAAA", "y")


def test_a_box_needs_the_key_it_is_to_seal_with():
    with pytest.raises(SecretError):
        SecretBox({}, "gone")


def test_a_running_process_seals_under_the_key_that_another_one_rotated_to(tmp_path):
    config = load_config({}, tmp_path)
    running = SecretBox.open(config)
    old = running.seal("before", "place")
    rotated = SecretBox.open(config).rotate()
    resealed = rotated.reseal(old, "place")
    rotated.forget_old()
    assert running.unseal(resealed, "place") == "before"
    assert SecretBox.open(config).unseal(running.seal("after", "place"), "place") == "after"
