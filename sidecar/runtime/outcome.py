"""How a worker process ended, in words. It knows nothing of pipes or models."""

from __future__ import annotations

import signal

from msgspec import Struct

WINDOWS_FAULTS = {
    0xC0000005: "access violation",
    0xC0000017: "no more memory",
    0xC00000FD: "stack overflow",
    0xC0000409: "stack buffer overrun",
    0xC000013A: "interrupted",
}


class WorkerOutcome(Struct, frozen=True):
    """`returncode` as the system reports it (negative: a signal's number); `stderr`: the last it printed."""

    returncode: int
    stderr: str = ""

    @property
    def successful(self) -> bool:
        return self.returncode == 0

    @property
    def signal_name(self) -> str | None:
        if self.returncode >= 0:
            return None
        try:
            return signal.Signals(-self.returncode).name
        except ValueError:
            return f"signal {-self.returncode}"

    def __str__(self) -> str:
        if self.signal_name == "SIGKILL":
            return "killed, perhaps because memory ran out"
        if self.signal_name:
            return f"killed by {self.signal_name}"
        if self.returncode in WINDOWS_FAULTS:
            return WINDOWS_FAULTS[self.returncode]
        return f"exit code {self.returncode}"

    @property
    def stderr_sentence(self) -> str:
        """The end of stderr as it is added to a message; empty when nothing was printed."""
        return f"It printed last: {self.stderr.strip()}" if self.stderr.strip() else ""
