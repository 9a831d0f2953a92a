"""Whether the service may use the network, and how much of it: the two settings that downloads depend on.

The service owns them; this is the window's latest copy, and the way to change them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app import operations
from sidecar.types import SettingInfo

if TYPE_CHECKING:
    from app.session import Session

OFFLINE, LIMIT = "offline", "download_limit_kb_s"


class NetworkSettings(QObject):
    """Signals:
    changed(): one of them has another value, or is known for the first time.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.offline = False
        self.limit_kb_s = 0
        session.heard_again.connect(self._look)
        session.settings_changed.connect(self._look)

    def set_offline(self, offline: bool) -> None:
        """Make no connection to other machines, or make them again."""
        self._change({OFFLINE: offline})

    def set_limit(self, kilobytes: int) -> None:
        """Kilobytes a second for all downloads together; 0 does not limit."""
        self._change({LIMIT: kilobytes})

    def _look(self) -> None:
        client = self._session.process.client
        if client is not None:
            operations.run(self, client.settings(), on_success=self._take, on_failure=lambda _error: None)

    def _change(self, values: dict[str, Any]) -> None:
        operations.run(self, self._changed(values), on_success=self._take, on_finished=self.changed.emit)

    async def _changed(self, values: dict[str, Any]) -> list[SettingInfo]:
        return await self._session.client.change_settings(
            values
        )  # here, so that a service that is gone becomes a banner

    def _take(self, settings: list[SettingInfo]) -> None:
        values = {setting.key: setting.value for setting in settings}
        now = (bool(values[OFFLINE]), int(values[LIMIT]))
        if now != (self.offline, self.limit_kb_s):
            self.offline, self.limit_kb_s = now
            self.changed.emit()
