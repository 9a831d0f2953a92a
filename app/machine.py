"""What this machine is and can do, as the service tells it: one latest copy for the whole window.

A machine is measured in the first quiet moment of its service, of which no event tells: until then it is looked at
again from time to time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app import operations
from sidecar.types import SystemInfo

if TYPE_CHECKING:
    from app.session import Session

AGAIN_MS = 3000
ROUGH_AGAIN_MS = 60_000  # a machine that was busy is measured again after minutes
LOOKS = 20  # where it is not to be measured, that is known after a minute


class Machine(QObject):
    """Signals:
    changed(): it is known now, or was measured meanwhile.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.system: SystemInfo | None = None
        self._session = session
        self._looks_left = LOOKS
        self._again = QTimer(self)
        self._again.timeout.connect(self._look_again)
        session.heard_again.connect(self.refresh)

    @property
    def measured(self) -> bool:
        """Whether speeds can be predicted."""
        return self.system is not None and self.system.calibration is not None

    @property
    def rough(self) -> bool:
        """Whether other programs kept the processor busy when it was measured."""
        return self.system is not None and self.system.calibration is not None and self.system.calibration.rough

    def refresh(self) -> None:
        """Ask what it is now."""
        client = self._session.process.client
        if client is not None:
            operations.run(self, client.system(), on_success=self._take, on_failure=lambda _error: None)

    def measure(self, busy: Callable[[bool], object] | None = None) -> None:
        """Measure it now, which takes some seconds. It is refused while requests run."""
        operations.run(self, self._measured(), on_success=self._take, busy=busy)

    async def _measured(self) -> SystemInfo:
        client = self._session.client
        await client.calibrate()
        return await client.system()

    def _take(self, system: SystemInfo) -> None:
        before, self.system = self.system, system
        if self.rough:
            self._again.start(ROUGH_AGAIN_MS)
        elif self.measured:
            self._again.stop()
        elif self._looks_left and not self._again.isActive():
            self._again.start(AGAIN_MS)
        if before is None or before.calibration != system.calibration:
            self.changed.emit()

    def _look_again(self) -> None:
        if not self.measured:
            self._looks_left -= 1
            if not self._looks_left:
                self._again.stop()
        self.refresh()
