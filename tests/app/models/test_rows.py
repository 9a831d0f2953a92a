"""The rows that the models of tables have in common."""

from app.models.stored import Entry, StoredEntries


def entry(key):
    return Entry(key, key, "Chat", 1, 1, "", 0.0, "never")


def test_a_row_is_found_by_its_key_and_there_is_none_beyond_the_last(qtmodeltester):
    entries = StoredEntries()
    entries.set_entries([entry("a"), entry("b")], "Last used")
    qtmodeltester.check(entries)
    assert [entries.key_at(row) for row in (-1, 0, 1, 2)] == ["", "a", "b", ""]
    assert [entries.row_of(key) for key in ("a", "b", "c")] == [0, 1, -1]
    assert entries.at(2) is None
