"""The ways to have a model as a list: grouped by what they gain, the smallest first. Knows no service."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from app.catalogue_words import FORMATS, fit, speed
from app.figures import file_size
from app.model_words import NONE, Standing
from app.models.rows import NOTE_ROLE, OWN_ROLE, STANDING_ROLE, Index
from sidecar.types import ModelType, Variant

HEADING_ROLE = OWN_ROLE  # of a row that only explains those below it
SIZE_ROLE = OWN_ROLE + 1
_NONE = QModelIndex()


class Variants(QAbstractListModel):
    """Rows are explanations, which cannot be chosen, and variants, which can."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[str | Variant] = []
        self._task: ModelType = "text_generation"

    def set_variants(self, variants: Sequence[Variant], task: ModelType) -> None:
        """Show these."""
        self.beginResetModel()
        self._rows, self._task = grouped(variants), task
        self.endResetModel()

    def variant_at(self, row: int) -> Variant | None:
        """The variant of a row; None for an explanation."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return None if isinstance(found, str) else found

    def row_of(self, name: str) -> int:
        """Where a variant stands, -1 where it does not."""
        return next((row for row, it in enumerate(self._rows) if isinstance(it, Variant) and it.name == name), -1)

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if isinstance(self._rows[index.row()], str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._rows[index.row()]
        if isinstance(row, str):
            return row if role in (Qt.ItemDataRole.DisplayRole, HEADING_ROLE) else None
        return self._of_variant(row, role)

    def _of_variant(self, variant: Variant, role: int) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return FORMATS.get(variant.name, variant.name)
        if role == SIZE_ROLE:
            return file_size(variant.bytes)
        if role == NOTE_ROLE:
            return self._note(variant)
        if role == STANDING_ROLE:
            return fit(variant.suitability)
        if role == Qt.ItemDataRole.ToolTipRole:
            return variant.suitability.reason
        if role == Qt.ItemDataRole.AccessibleTextRole:
            standing = fit(variant.suitability)
            words = (variant.name, file_size(variant.bytes), standing.text, self._note(variant), variant.explanation)
            return ", ".join(filter(None, words))
        return None

    def _note(self, variant: Variant) -> str:
        standing: Standing = fit(variant.suitability)
        rate = speed(variant.suitability, self._task)
        recommended = self.tr("recommended") if variant.recommended else ""
        return " · ".join(filter(None, (recommended, "" if rate == NONE else rate, standing.note)))


def grouped(variants: Sequence[Variant]) -> list[str | Variant]:
    """Explanations, each before the variants that it is true of; all from small to large."""
    groups: dict[str, list[Variant]] = {}
    for variant in sorted(variants, key=lambda one: one.bytes):
        groups.setdefault(variant.explanation, []).append(variant)
    rows: list[str | Variant] = []
    for explanation, found in groups.items():
        rows += [explanation, *found]
    return rows
