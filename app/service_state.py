"""What the window knows about the service: the state it is in, and how its last run ended. Words, no behaviour."""

from __future__ import annotations

import signal as signals
from dataclasses import dataclass
from typing import Literal

Kind = Literal["starting", "ready", "busy", "restarting", "stopped"]


@dataclass(frozen=True)
class ServiceState:
    """`owned` says whether this window started it. `retry_in_s` is the pause before the next start."""

    kind: Kind
    url: str = ""
    owned: bool = True
    attempt: int = 0
    why: str = ""
    details: str = ""
    retry_in_s: float = 0.0

    @property
    def usable(self) -> bool:
        return self.kind in ("ready", "busy")

    @property
    def address(self) -> str:
        """Host and port, without the scheme."""
        return self.url.partition("://")[2]


@dataclass(frozen=True)
class SidecarOutcome:
    """How a run of the service ended. `ran_for_s` in seconds; `stderr` is its last 8 KiB.

    Exactly one of the three is given: `exit_code`, `signal` (it was killed), `problem` (it could not be started, or it
    was not our process and only its absence is known).
    """

    ran_for_s: float
    exit_code: int | None = None
    signal: int | None = None
    problem: str = ""
    stderr: str = ""
    asked: bool = False

    @property
    def orderly(self) -> bool:
        """It stopped because somebody asked it to."""
        return self.asked or self.exit_code == 0

    @property
    def reason(self) -> str:
        """What happened, with the last thing the service said where it ended by itself in disorder."""
        last_words = self.stderr.splitlines()[-1].strip() if self.stderr and self.exit_code else ""
        return f"{self} {last_words}".strip()

    def __str__(self) -> str:
        """One sentence: what happened, after how long."""
        if self.problem:
            return self.problem
        if self.signal is not None:
            return f"The service was ended by {_signal_name(self.signal)} after {_duration(self.ran_for_s)}."
        if self.orderly:
            return f"The service stopped after {_duration(self.ran_for_s)}, as it was asked to."
        return f"The service ended with code {self.exit_code} after {_duration(self.ran_for_s)}."


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signals.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
