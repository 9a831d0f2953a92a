"""How far an import or export is. The thread that works writes it; the event loop reads it, and may end the work."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidecar.hub.stopping import Stop


@dataclass
class Progress:
    """`total` and `done` in bytes of the step that `stage` names. `stop` ends the work with Stopped at its next piece."""

    stage: str = "looking at the files"
    total: int = 0
    done: int = 0
    stop: Stop = field(default_factory=Stop)

    def begin(self, stage: str, total: int) -> None:
        self.stage, self.total, self.done = stage, total, 0

    def moved(self, count: int) -> None:
        """Some bytes more. Raises Stopped."""
        self.done += count
        self.stop.check()

    def reached(self, place: int) -> None:
        """So many bytes in all."""
        self.done = place

    @property
    def share(self) -> float:
        return min(self.done / self.total, 1.0) if self.total else 0.0
