"""`make screenshots`: take every view, light and dark, empty, busy, filled and in trouble, into build/screenshots/."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

import qasync

FOLDER = Path("build/screenshots")


def main() -> int:
    """Take the pictures and say how many."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.application import qt_application
    from tests.screenshots import scenes, stage

    FOLDER.mkdir(parents=True, exist_ok=True)
    app = qt_application()
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    data = Path(tempfile.mkdtemp(prefix="inglenook-pictures-"))
    try:
        with loop:
            taken = loop.run_until_complete(stage.perform(app, data, FOLDER, scenes.play))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    print(f"{len(taken)} pictures in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
