"""Importing from wherever one is in the window: the dialog, what is dropped, and a word when it has begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.model_drops import ModelDrops
from app.widgets.toast import Offer
from sidecar.types import FromUrlStarted, Importable

if TYPE_CHECKING:
    from app.importing.dialog import ImportDialog
    from app.main_window import MainWindow

PLACE = "models"  # the view that shows what is under way


class Imports(QObject):
    """Owns the dialog."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._dialog: ImportDialog | None = None
        self.drops = ModelDrops(window)
        self.drops.dropped.connect(self.open)
        self.drops.refused.connect(window.toast)

    @property
    def dialog(self) -> ImportDialog:
        """The dialog, open or not."""
        return self.build()

    def build(self) -> ImportDialog:
        """Make the dialog, if that was not done yet: before it is wanted, so that nobody waits for it."""
        if self._dialog is None:
            self._dialog = self._made()
        return self._dialog

    def open(self, paths: Sequence[str] = (), address: str = "") -> None:
        """Ask what of these is to be imported; without paths, what of that which other programs keep here."""
        self._window.palette_overlay.dismiss()
        self.dialog.open_for(paths, address)

    def _made(self) -> ImportDialog:
        from app.importing.dialog import ImportDialog

        dialog = ImportDialog(self._window.pages, self._window.session)
        dialog.begun.connect(self._on_begun)
        dialog.fetching.connect(self._on_fetching)
        return dialog

    def _on_begun(self, found: list[Importable]) -> None:
        words = self.tr("Importing {0} models").format(len(found))
        self._say(self.tr("Importing {0}").format(found[0].name) if len(found) == 1 else words, PLACE)

    def _on_fetching(self, started: FromUrlStarted) -> None:
        self._say(self.tr("It is on its way"), "downloads" if started.kind == "download" else PLACE)

    def _say(self, words: str, place: str) -> None:
        """Where it shows anyway, nothing needs to be said."""
        if not self._window.in_front(place):
            offer = Offer(self.tr("Show it"), "arrow-right", lambda: self._window.show_view(place))
            self._window.toast(words, offer=offer)
