"""The real window as a process of its own, drawn into memory. It ends with the test that started it, by its pid."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil

from sidecar.paths import Paths
from sidecar.types import Discovery

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0


def start_window(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """`python -m app` on `folder`, not waited for."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("INGLENOOK_")}
    environment |= {
        "QT_QPA_PLATFORM": "offscreen",
        "INGLENOOK_PORT": "0",
        "INGLENOOK_SPARE_WORKER": "false",
        "INGLENOOK_CALIBRATE": "false",
    }
    command = [sys.executable, "-m", "app", "--data-dir", str(folder), *words]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)


@contextlib.contextmanager
def window(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A window for the block."""
    process = start_window(folder, *words)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until `condition` holds. Raises TimeoutError; the limit only guards against hanging."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.01)


def service_in(folder: Path) -> Discovery | None:
    """The service whose discovery file lies in `folder`, if its process lives."""
    try:
        found = msgspec.json.decode(Paths.in_folder(folder).runtime_file.read_bytes(), type=Discovery)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return found if alive(found.pid) else None


def wait_for_service(folder: Path, *, other_than: int = 0) -> Discovery:
    """The service in `folder`, once there is one (with another pid than `other_than`)."""

    def there() -> bool:
        found = service_in(folder)
        return found is not None and found.pid != other_than

    wait_until(there)
    found = service_in(folder)
    assert found is not None
    return found


def alive(pid: int) -> bool:
    """Whether a process of that number runs; one that has ended and was not collected does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]
