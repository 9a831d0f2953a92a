"""The user's token for the hub: in the keyring, else from the environment, else in a file that only the user may read.

It is never logged, never told by the API, and given to `connection` alone.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Literal

from sidecar.errors import EnvironmentFault

VARIABLE = "HF_TOKEN"
SERVICE, NAME = "inglenook", "hub-token"
Kept = Literal["keyring", "environment", "file", "nowhere"]


class TokenKeeper:
    """Owns the token. `file` is used where the machine has no keyring. Methods may block: call them in a thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: tuple[str, Kept] | None = None

    def get(self) -> str:
        """The token; empty when there is none."""
        return self.find()[0]

    def find(self) -> tuple[str, Kept]:
        """The token and where it is kept. What was stored here goes before the environment."""
        if self._known is None:
            self._known = self._look()
        return self._known

    def set(self, token: str) -> Kept:
        """Keep another token; an empty one forgets it. Returns where it is kept now. Raises EnvironmentFault."""
        self._forget()
        token = token.strip()
        if token and not _into_keyring(token):
            self._write(token)
        return self.find()[1]

    def _look(self) -> tuple[str, Kept]:
        if token := _from_keyring():
            return token, "keyring"
        with contextlib.suppress(OSError):
            if token := self._file.read_text("utf-8").strip():
                return token, "file"
        token = os.environ.get(VARIABLE, "").strip()
        return (token, "environment") if token else ("", "nowhere")

    def _forget(self) -> None:
        self._known = None
        _out_of_keyring()
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise EnvironmentFault(f"{self._file} could not be deleted: {error}.", path=str(self._file)) from error

    def _write(self, token: str) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(token)
        except OSError as error:
            raise EnvironmentFault(f"{self._file} could not be written: {error}.", path=str(self._file)) from error


def _from_keyring() -> str:
    import keyring  # it asks the desktop for its services: only when a token is wanted
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, NAME) or ""
    except KeyringError:
        return ""


def _into_keyring(token: str) -> bool:
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, NAME, token)
    except KeyringError:  # there is none, or the user did not unlock it
        return False
    return True


def _out_of_keyring() -> None:
    import keyring
    from keyring.errors import KeyringError

    with contextlib.suppress(KeyringError):
        if keyring.get_password(SERVICE, NAME) is not None:
            keyring.delete_password(SERVICE, NAME)
