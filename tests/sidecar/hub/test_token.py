"""Where the token is kept: the keyring, the environment, or a file for its owner alone."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from sidecar.hub.token import TokenKeeper


class Memory(KeyringBackend):
    """A keyring that forgets with the test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def own_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = keyring.get_keyring()
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield
    keyring.set_keyring(before)


def test_a_keyring_is_used_where_there_is_one(tmp_path: Path) -> None:
    keyring.set_keyring(Memory())
    keeper = TokenKeeper(tmp_path / "token")
    assert keeper.set("hf_a") == "keyring"
    assert TokenKeeper(tmp_path / "token").find() == ("hf_a", "keyring")
    assert not (tmp_path / "token").exists()
    assert keeper.set("") == "nowhere"


def test_without_a_keyring_it_is_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    keyring.set_keyring(NoKeyring())
    assert TokenKeeper(tmp_path / "token").set(" hf_b\n") == "file"
    assert TokenKeeper(tmp_path / "token").find() == ("hf_b", "file")
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_the_environment_s_token_is_used_where_none_was_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.set_keyring(NoKeyring())
    monkeypatch.setenv("HF_TOKEN", "hf_c")
    assert TokenKeeper(tmp_path / "token").find() == ("hf_c", "environment")
