"""The attached pictures in the composer, side by side, each with a button that takes it away."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.pictures import Picture
from app.widgets.thumbnail import Thumbnail

MOST = 8
WITHIN = QSize(110, 72)


class PictureStrip(QWidget):
    """Hidden while there is none.

    Signals:
        changed: a picture came or went.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: list[Picture] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        self._row.addStretch(1)
        self.hide()

    def pictures(self) -> list[Picture]:
        """Those shown, in order."""
        return list(self._pictures)

    def add(self, picture: Picture) -> bool:
        """Show one more, once; False where there are MOST of them already."""
        known = picture.id in {one.id for one in self._pictures}
        if not known and len(self._pictures) >= MOST:
            return False
        if not known:
            self.set_pictures([*self._pictures, picture])
        return True

    def set_pictures(self, pictures: Sequence[Picture]) -> None:
        """Replace them all."""
        if list(pictures) == self._pictures:
            return
        self._pictures = list(pictures)
        for shown in self.findChildren(Thumbnail):
            self._row.removeWidget(shown)
            shown.hide()
            shown.deleteLater()
        for place, picture in enumerate(self._pictures):
            thumbnail = Thumbnail(picture.content, picture.name, WITHIN, removable=True)
            thumbnail.removed.connect(lambda gone=picture.id: self._remove(gone))
            self._row.insertWidget(place, thumbnail)
        self.setVisible(bool(self._pictures))
        self.changed.emit()

    def _remove(self, gone: str) -> None:
        self.set_pictures([kept for kept in self._pictures if kept.id != gone])
