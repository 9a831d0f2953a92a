"""The column of messages above a view: failures that nobody took, and trouble with the service."""

from __future__ import annotations

import json
import traceback

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.service_state import ServiceState
from app.session import Session
from app.widgets.banner import Banner
from app.widgets.button import Button
from sidecar.errors import InglenookError

MOST = 3  # older messages give way: a fault that repeats must not push the view away


class Banners(QWidget):
    """Empty most of the time, and then without height."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._failures: list[Banner] = []
        self._service: Banner | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 12, 24, 0)
        self._column.setSpacing(8)
        self.hide()
        session.state_changed.connect(self._show_service)

    def shown(self) -> list[Banner]:
        """The messages that stand there now."""
        return [banner for banner in self.findChildren(Banner) if not banner.isHidden()]

    def error(self, error: BaseException) -> None:
        """Show a failure, unless the same one is shown already."""
        title, text, details = described(error)
        if any(banner.accessibleName() == title for banner in self._failures if not banner.isHidden()):
            return
        banner = Banner("bad", title, text, details)
        self._failures.append(banner)
        self._add(banner)
        banner.closed.connect(lambda: self._remove(banner))
        for old in self._failures[:-MOST]:
            self._remove(old)

    def warn(self, title: str, text: str = "") -> None:
        """Say something that is no failure but must not be missed."""
        banner = Banner("warning", title, text)
        self._add(banner)
        banner.closed.connect(lambda: self._remove(banner))

    def _show_service(self, state: ServiceState) -> None:
        if self._service is not None:
            self._remove(self._service)
            self._service = None
        if state.kind not in ("restarting", "stopped"):
            return
        self._service = self._service_banner(state)
        self._add(self._service)

    def _service_banner(self, state: ServiceState) -> Banner:
        if state.kind == "stopped":
            banner = Banner("warning", self.tr("The service is stopped"), state.why, state.details, closable=False)
            start = Button(self.tr("Start"), "primary", "play", compact=True)
        else:
            title = self.tr("The service ended and is being started again")
            banner = Banner("warning", title, state.why, state.details, closable=False)
            start = Button(self.tr("Start now"), "secondary", "refresh-cw", compact=True)
        start.clicked.connect(self._session.process.start)
        banner.add_action(start)
        return banner

    def _add(self, banner: Banner) -> None:
        self._column.addWidget(banner)
        self.show()

    def _remove(self, banner: Banner) -> None:
        if banner in self._failures:
            self._failures.remove(banner)
        self._column.removeWidget(banner)
        banner.hide()
        banner.deleteLater()
        self.setVisible(self._column.count() > 0)


def described(error: BaseException) -> tuple[str, str, str]:
    """Title, text and details of a failure: plain words for what can happen, the trace for what should not."""
    if isinstance(error, InglenookError):
        facts = {key: value for key, value in error.details.items() if value not in ("", None)}
        details = "\n".join([f"code: {error.code}", *(f"{key}: {_plain(value)}" for key, value in facts.items())])
        return error.message, "", details
    trace = "".join(traceback.format_exception(error))
    return "Something unexpected went wrong in the window", str(error) or type(error).__name__, trace


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
