"""The discovery file `runtime.json`: where the running service listens, and the owner's token.

The service writes it, the client reads it. It is readable by its owner only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from sidecar import decoding
from sidecar.errors import ServiceUnreachable
from sidecar.types import Discovery


def read(file: Path) -> Discovery:
    """What the running service wrote. Raises ServiceUnreachable when there is no file, or its process has ended."""
    try:
        found = decoding.from_json(file.read_bytes(), Discovery)
    except FileNotFoundError as error:
        raise ServiceUnreachable(
            "No Inglenook service is running. Start it with 'inglenook serve' or open the window.",
            url="",
            reason="no file",
        ) from error
    except (OSError, msgspec.MsgspecError) as error:
        raise ServiceUnreachable(url=str(file), reason=f"the discovery file cannot be read: {error}") from error
    if not process_exists(found.pid):
        raise ServiceUnreachable(url=found.url, reason=f"its process {found.pid} has ended")
    return found


def write(file: Path, discovery: Discovery) -> None:
    """Put the file in place in one step, mode 0600. Raises OSError."""
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(msgspec.json.encode(discovery))
    draft.replace(file)


def remove(file: Path) -> None:
    """The service has ended. Raises OSError."""
    file.unlink(missing_ok=True)


def process_exists(pid: int) -> bool:
    """Whether a process of that number runs, ours or another user's."""
    if sys.platform == "win32":
        import psutil  # os.kill ends a process there instead of asking about it

        return bool(psutil.pid_exists(pid))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
