"""Where everything lives: the platform's own folders, or one folder for a portable installation.

Both processes ask this module, so that the window finds the discovery file the service wrote. It creates folders only
through `Paths.create`, and knows nothing of what is stored in them.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from msgspec import Struct

APP_NAME = "inglenook"
DATA_DIR_VARIABLE = "INGLENOOK_DATA_DIR"


class Paths(Struct, frozen=True):
    """The folders of one installation. Everything else is derived from them."""

    config_dir: Path
    data_dir: Path
    runtime_dir: Path
    log_dir: Path
    portable: bool = False

    @classmethod
    def of_platform(cls) -> Paths:
        """The platform's folders: XDG on Linux, Library on macOS, AppData on Windows."""
        dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
        return cls(
            config_dir=dirs.user_config_path,
            data_dir=dirs.user_data_path,
            runtime_dir=_private_runtime_dir(dirs),
            log_dir=dirs.user_log_path,
        )

    @classmethod
    def in_folder(cls, folder: Path) -> Paths:
        """Everything in one folder: a portable installation, or a test."""
        root = folder.expanduser().absolute()
        return cls(config_dir=root, data_dir=root, runtime_dir=root, log_dir=root / "logs", portable=True)

    @classmethod
    def resolve(cls, data_dir: Path | str | None = None) -> Paths:
        """`data_dir` if given, else the environment's INGLENOOK_DATA_DIR, else the platform's folders."""
        chosen = data_dir or os.environ.get(DATA_DIR_VARIABLE)
        return cls.in_folder(Path(chosen)) if chosen else cls.of_platform()

    @property
    def config_file(self) -> Path:
        return self.config_dir / "config.toml"

    @property
    def database(self) -> Path:
        return self.data_dir / "inglenook.db"

    @property
    def conversations(self) -> Path:
        return self.data_dir / "conversations.db"

    @property
    def calibration(self) -> Path:
        """The measured profile of this machine."""
        return self.data_dir / "calibration.json"

    @property
    def hub_token(self) -> Path:
        """The hub's token, where the machine has no keyring."""
        return self.config_dir / "hub-token"

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    @property
    def told_dir(self) -> Path:
        """What the hub told of models, for times without a network; all of it can be asked again."""
        return self.data_dir / "hub"

    @property
    def derived_dir(self) -> Path:
        """What was made of models, such as converted weights; all of it can be made again."""
        return self.data_dir / "derived"

    @property
    def move_journal(self) -> Path:
        """Where the models folder is moving to, while it does."""
        return self.data_dir / "models-move.json"

    @property
    def runtime_file(self) -> Path:
        """The discovery file: where the running service listens, and the owner's token."""
        return self.runtime_dir / "runtime.json"

    @property
    def lock_file(self) -> Path:
        return self.runtime_dir / "sidecar.lock"

    @property
    def window_lock_file(self) -> Path:
        return self.runtime_dir / "window.lock"

    @property
    def window_settings(self) -> Path:
        return self.config_dir / "window.toml"

    def create(self) -> None:
        """Make the folders; those that hold secrets are readable by their owner only. Raises OSError."""
        for folder in (self.config_dir, self.data_dir, self.log_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.runtime_dir.mkdir(parents=True, exist_ok=True, mode=0o700)

    def as_argument(self) -> list[str]:
        """The command-line words that make another process use the same folders."""
        return ["--data-dir", str(self.data_dir)] if self.portable else []


def _private_runtime_dir(dirs: platformdirs.PlatformDirs) -> Path:
    """The user's runtime folder; where the platform has none that is private and per user, the data folder's `run`."""
    if os.environ.get("XDG_RUNTIME_DIR"):
        return dirs.user_runtime_path
    return dirs.user_data_path / "run"


def resources_dir() -> Path:
    """The files that came with the application: starter models, icons, themes."""
    return Path(__file__).resolve().parent.parent / "resources"
