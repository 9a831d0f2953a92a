"""The models of the catalogue as a table, in the order that the person wants. Knows no service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import IntEnum
from typing import Literal

from PySide6.QtCore import QObject, Qt

from app.catalogue_words import file, fit, form, kind, speed
from app.download_words import standing as download_standing
from app.downloads import UNFINISHED
from app.figures import file_size
from app.model_words import NONE, Standing, task
from app.models.rows import ICON_ROLE, NOTE_ROLE, OWN_ROLE, STANDING_ROLE, Index, Rows
from sidecar.types import CatalogueEntry, DownloadInfo

Order = Literal["best", "name", "size", "speed", "downloads"]
Action = Literal["get", "why", "access", "permit", "open", "follow"]
SHORT_NOTE_ROLE = OWN_ROLE  # the note where neither file nor speed has a column
MIDDLE_NOTE_ROLE = OWN_ROLE + 1  # the note where only the file has none
ICONS = {"get": "download", "why": "info", "access": "key-round", "permit": "eye", "open": "check", "follow": ""}


class Column(IntEnum):
    MODEL = 0
    FILE = 1
    FIT = 2
    SPEED = 3
    ACTION = 4


class Offers(Rows[CatalogueEntry]):
    """One row a model. `best` are the ids of those that are recommended for their tasks."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(Column, lambda entry: entry.id, parent)
        self._all: list[CatalogueEntry] = []
        self._best: frozenset[str] = frozenset()
        self._order: Order = "best"
        self._download: Callable[[str], DownloadInfo | None] = lambda _repository: None

    def follow(self, download: Callable[[str], DownloadInfo | None]) -> None:
        """Ask `download` for a repository's download when a row is painted."""
        self._download = download

    def set_entries(self, entries: Sequence[CatalogueEntry], best: Collection[str]) -> None:
        """Show these, in the order they have for `best`."""
        self._all, self._best = list(entries), frozenset(best)
        self._arrange()

    def set_order(self, order: Order) -> None:
        self._order = order
        self._arrange()

    def entry_of(self, repository: str) -> CatalogueEntry | None:
        """The model of a repository, if it is shown."""
        return self.at(self.row_of(repository))

    def is_best(self, repository: str) -> bool:
        """Whether it is the recommended one for its task."""
        return repository in self._best

    def touch(self, repository: str) -> None:
        """Its download got on."""
        row = self.row_of(repository)
        self._repaint(row, row)

    def action(self, entry: CatalogueEntry) -> Action:
        """What the row's button does."""
        found = self._download(entry.id)
        if found is not None and found.state in UNFINISHED:
            return "follow"
        if entry.installed:
            return "open"
        if entry.suitability.verdict == "too_large":
            return "why"
        if entry.gated:
            return "access"
        return "permit" if entry.formats == ["pickle"] or not entry.curated else "get"

    def _titles(self) -> Sequence[str]:
        return (self.tr("Model"), self.tr("File"), self.tr("This machine"), self.tr("Speed"), "")

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry, column = self._shown[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(entry, column)
        if role == NOTE_ROLE:
            return self._note(entry, column)
        if role == SHORT_NOTE_ROLE:
            return self._short_note(entry, column)
        if role == MIDDLE_NOTE_ROLE:
            return self._middle_note(entry, column)
        if role == STANDING_ROLE and column == Column.FIT:
            return self._standing(entry)
        if role == ICON_ROLE and column == Column.ACTION:
            return ICONS[self.action(entry)]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(entry, column)
        return self._tip(entry, column) if role == Qt.ItemDataRole.ToolTipRole else None

    def _text(self, entry: CatalogueEntry, column: Column) -> str:
        match column:
            case Column.MODEL:
                return entry.name
            case Column.FILE:
                return form(entry) or NONE
            case Column.FIT:
                return fit(entry.suitability).text
            case Column.SPEED:
                return speed(entry.suitability, entry.task)
            case Column.ACTION:
                return self._action_words(entry)

    def _note(self, entry: CatalogueEntry, column: Column) -> str:
        if column == Column.MODEL:
            return kind(entry)
        if column == Column.FILE:
            return file_size(entry.bytes) if entry.bytes else ""
        return self._standing(entry).note if column == Column.FIT else ""

    def _middle_note(self, entry: CatalogueEntry, column: Column) -> str:
        if column == Column.MODEL:
            return f"{task(entry.task)} · {file(entry)}"
        return self._note(entry, column)

    def _short_note(self, entry: CatalogueEntry, column: Column) -> str:
        if column != Column.MODEL:
            return self._note(entry, column)
        size = file_size(entry.bytes) if entry.bytes else task(entry.task)
        rate = speed(entry.suitability, entry.task)
        return size if rate == NONE else f"{size} · {rate}"

    def _standing(self, entry: CatalogueEntry) -> Standing:
        return fit(entry.suitability, best=self.is_best(entry.id))

    def _spoken(self, entry: CatalogueEntry, column: Column) -> str:
        """Screen readers read the first cell of a row: it says all that matters."""
        words = [self._text(entry, column), self._note(entry, column)]
        if column == Column.MODEL:
            standing = self._standing(entry)
            words += [file(entry), standing.text, standing.note, speed(entry.suitability, entry.task)]
        return ", ".join(word for word in words if word and word != NONE)

    def _tip(self, entry: CatalogueEntry, column: Column) -> str | None:
        if column == Column.MODEL:
            return entry.id
        return entry.suitability.reason if column in (Column.FIT, Column.SPEED) else None

    def _action_words(self, entry: CatalogueEntry) -> str:
        words = {
            "get": self.tr("Get"),
            "why": self.tr("Why"),
            "access": self.tr("Access"),
            "permit": self.tr("View"),
            "open": self.tr("Open"),
        }
        found = self._download(entry.id)
        if found is not None and found.state in UNFINISHED:
            return download_standing(found).text
        return words[self.action(entry)]

    def _arrange(self) -> None:
        self._show(sorted(self._all, key=self._order_key()))

    def _order_key(self) -> Callable[[CatalogueEntry], tuple[object, ...]]:
        """What is not known comes last."""
        keys: dict[Order, Callable[[CatalogueEntry], tuple[object, ...]]] = {
            "best": lambda entry: (not self.is_best(entry.id),),
            "name": lambda entry: (entry.name.casefold(), entry.id),
            "size": lambda entry: (entry.bytes is None, entry.bytes or 0),
            "speed": lambda entry: (-_speed(entry),),
            "downloads": lambda entry: (-(entry.downloads or 0),),
        }
        return keys[self._order]


def _speed(entry: CatalogueEntry) -> float:
    found = entry.suitability.tokens_per_second or entry.suitability.texts_per_second
    return found.expected if found else -1.0
