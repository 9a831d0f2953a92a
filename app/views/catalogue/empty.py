"""What the Catalogue shows instead of a list: before the service runs, when nothing matches, when it has no answer."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication

from app.widgets.button import Button
from app.widgets.empty_state import EmptyState


def starting() -> EmptyState:
    """The service is on its way."""
    return EmptyState("compass", _tr("One moment"), _tr("The catalogue opens as soon as the service has started."))


def nothing_found(forget_filters: Callable[[], object]) -> EmptyState:
    """No model has all that was asked for."""
    words = _tr("No model has all of these words and filters. Try fewer words, or let the filters go.")
    page = EmptyState("search", _tr("Nothing found"), words)
    button = Button(_tr("Clear search and filters"), "secondary", "x")
    button.clicked.connect(lambda: forget_filters())
    page.add_action(button)
    return page


def refused(retry: Callable[[], object]) -> EmptyState:
    """The service could not answer; `set_words` says why."""
    page = EmptyState("triangle-alert", _tr("The catalogue could not be read"), _tr("One moment"))
    button = Button(_tr("Try again"), "secondary", "refresh-cw")
    button.clicked.connect(lambda: retry())
    page.add_action(button)
    return page


def _tr(text: str) -> str:
    return QCoreApplication.translate("Catalogue", text)
