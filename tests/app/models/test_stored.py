from PySide6.QtCore import Qt

from app.models.stored import Column, Entry, StoredEntries


def entry(key, size, moment, kept=""):
    return Entry(key, key, "Chat", size, size, "", moment, "some time ago", kept=kept)


def keys(entries):
    return [entries.at(row).key for row in range(entries.rowCount())]


def test_the_oldest_come_first_and_what_stays_comes_last():
    entries = StoredEntries()
    entries.set_entries(
        [entry("new", 1, 30), entry("builtin", 2, 0, kept="It stays."), entry("old", 3, 10)], "Last used"
    )
    assert keys(entries) == ["old", "new", "builtin"]
    entries.sort(Column.SIZE, Qt.SortOrder.AscendingOrder)
    assert keys(entries) == ["old", "builtin", "new"]
    assert entries.row_of("new") == 2
    assert entries.headerData(Column.WHEN, Qt.Orientation.Horizontal) == "Last used"
