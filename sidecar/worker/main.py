"""The worker's life: take the pipes, import the engine, say Hello, load one model, serve until the pipe ends.

Or, where the first frame asks for it, measure the machine once and end.

The main thread computes and writes, one more thread reads, and an engine that schedules itself writes from its own
threads. It knows frames and the scheduler, but no engine library.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import faulthandler
import logging
import os
import queue
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sidecar.engines import WITHOUT_TORCH, load_engine
from sidecar.engines.base import Engine, Model
from sidecar.engines.threads import give_way
from sidecar.errors import DiskFull, InglenookError, LoadFailed, PreparationFailed
from sidecar.registry.exported import MANIFEST
from sidecar.runtime.protocol import (
    PROTOCOL_VERSION,
    Calibrate,
    Convert,
    Converted,
    Hello,
    Load,
    Loaded,
    Prepare,
    Prepared,
    Progress,
    ProtocolError,
    Shutdown,
    Up,
    encode,
    read_down,
)
from sidecar.worker.isolation import give_up_the_network
from sidecar.worker.pacing import Pacing
from sidecar.worker.replies import failed
from sidecar.worker.scheduler import Scheduler
from sidecar.worker.serving import Inbox, Serving

EXIT_PROTOCOL_ERROR = 2
OOM_SCORE = "500"  # of 1000: when memory runs out the kernel ends a worker rather than the service


class Channel:
    """The two pipes to the parent, taken away from file descriptors 0 and 1 so that nothing else can touch them."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self.incoming = incoming
        self._outgoing = outgoing

    @classmethod
    def take_stdio(cls) -> Channel:
        """Duplicate 0 and 1 away, point 0 at the null device and 1 at stderr: stray prints land in the log."""
        incoming, outgoing = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        return cls(os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb", buffering=0))

    def send(self, frames: list[Up]) -> None:
        """Write frames at once. Raises OSError when the parent is gone."""
        data = memoryview(b"".join(map(encode, frames)))
        while data:
            data = data[self._outgoing.write(data) :]

    def read_into(self, inbox: Inbox) -> None:
        """Put every frame into `inbox`. The end of the pipe, or Shutdown, ends the process even amid a computation."""
        try:
            while (frame := read_down(self.incoming)) is not None and not isinstance(frame, Shutdown):
                inbox.put(frame)
        except ProtocolError as error:
            print(f"the parent sent what is not a frame: {error}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(EXIT_PROTOCOL_ERROR)
        os._exit(0)


def main(arguments: list[str]) -> int:
    """Run a worker: `--engine NAME`. Returns the exit status; mostly the process ends when the parent closes the pipe."""
    parser = argparse.ArgumentParser(prog="worker", description="Serves one model over standard input and output.")
    parser.add_argument("--engine", required=True)
    name = parser.parse_args(arguments).engine
    channel = Channel.take_stdio()
    _prepare_process()
    if name in WITHOUT_TORCH:
        sys.modules["torch"] = None  # type: ignore[assignment]  # tokenizers would import it: three seconds, 180 MB
    engine = load_engine(name)
    channel.send([Hello(PROTOCOL_VERSION, name, os.getpid())])
    # Only now: on Windows an import may hang while another thread blocks on a pipe.
    inbox: Inbox = queue.SimpleQueue()
    threading.Thread(target=channel.read_into, args=(inbox,), daemon=True).start()
    try:
        return _serve(engine, inbox, channel)
    except OSError as error:
        print(f"the parent is gone: {error}", file=sys.stderr)  # noqa: T201
        return 0


def _prepare_process() -> None:
    faulthandler.enable()  # a crash in native code leaves its traceback on stderr, which the parent keeps
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches us too; the parent decides when we end
    with contextlib.suppress(OSError):  # no such file outside Linux, and not writable in some containers
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, "ascii")


def _serve(engine: Engine, inbox: Inbox, channel: Channel) -> int:
    settings = inbox.get()
    if isinstance(settings, Prepare):
        _prepare(settings, channel)
        return 0
    if isinstance(settings, Convert):
        _convert(settings, channel)
        return 0
    if isinstance(settings, Calibrate):
        channel.send([_measured(engine, settings)])
        return 0
    if not isinstance(settings, Load):
        print(f"the first frame was {type(settings).__name__}, not Load", file=sys.stderr)  # noqa: T201
        return EXIT_PROTOCOL_ERROR
    model = _load(engine, settings, channel)
    if model is None:
        return 0
    if model.self_scheduling:
        give_way()  # and with it the threads that it starts, at the library's callbacks; those that compute run already
    send = Pacing(channel.send).send
    Serving(Scheduler(model, settings, send=send, rested=lambda: inbox.put(None)), inbox, send).run()
    return 0


def _measured(engine: Engine, frame: Calibrate) -> Up:
    try:
        return engine.measure(frame)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is the reason that is told
        return failed(0, error)


def _prepare(frame: Prepare, channel: Channel) -> None:
    """Convert a model, telling how far it is, and say how it went."""
    from sidecar.engines.ctranslate2.preparing import (
        prepare,  # with the libraries that convert, which others do not need
    )

    try:
        made = prepare(frame, lambda stage, done: channel.send([Progress(stage, done)]))
    except Exception as error:  # noqa: BLE001 - whatever a model's files make the libraries raise is the reason
        channel.send([failed(0, error, partial(_preparation_failed, frame))])
        return
    channel.send([Prepared(made)])


def _convert(frame: Convert, channel: Channel) -> None:
    """Make safetensors of what was pickled, with the network given up first, and say how it went."""
    from sidecar.engines.transformers.pickled import convert  # with torch, which others may not need

    try:
        give_up_the_network()
        convert(frame.model, Path(frame.folder), lambda stage, done: channel.send([Progress(stage, done)]))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file makes the library raise is the reason
        channel.send([failed(0, error, partial(_preparation_failed, frame))])
        return
    channel.send([Converted()])


def _preparation_failed(frame: Prepare | Convert, error: Exception) -> InglenookError:
    logging.getLogger(__name__).error("preparing failed", exc_info=error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return DiskFull(path=frame.folder)
    return PreparationFailed(model=frame.model, reason=str(error) or type(error).__name__)


def _load(engine: Engine, settings: Load, channel: Channel) -> Model | None:
    """Load the model and say how it went; None when it cannot be loaded."""
    began = time.monotonic()
    try:
        if (Path(settings.path) / MANIFEST).is_file():  # a program, of whoever wrote it
            give_up_the_network()
        model = engine.load(settings)
    except Exception as error:  # noqa: BLE001 - whatever a model's files make the engine raise is the reason
        channel.send([failed(0, error, partial(_load_failed, settings))])
        return None
    channel.send([Loaded(model.facts, 1000 * (time.monotonic() - began))])
    return model


def _load_failed(settings: Load, error: Exception) -> LoadFailed:
    logging.getLogger(__name__).error("loading failed", exc_info=error)
    return LoadFailed(model=settings.model, reason=str(error) or type(error).__name__)
