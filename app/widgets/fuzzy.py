"""How well a few typed letters match a text: in order, not necessarily together. Pure; knows no widget."""

START_OF_WORD = 8
CONSECUTIVE = 5
GAP = 1


def score(query: str, text: str) -> int | None:
    """Higher is better; None when the letters of `query` (spaces ignored) do not occur in `text` in this order.

    Letters at starts of words and letters in a row count more; skipped letters count a little less, but not the words
    before the first that matches: who types the name of a view means "Go to" it.
    """
    wanted = query.casefold().replace(" ", "")
    within = text.casefold()
    total, position = 0, -1
    for letter in wanted:
        found = _next(letter, within, position + 1)
        if found is None:
            return None
        total += _worth(within, found, position)
        position = found
    return total


def _next(letter: str, text: str, start: int) -> int | None:
    """The next place of `letter`, preferring the start of a word unless it follows directly."""
    first = text.find(letter, start)
    if first == -1:
        return None
    if first == start:
        return first
    for index in range(first, len(text)):
        if text[index] == letter and _starts_word(text, index):
            return index
    return first


def _worth(text: str, index: int, previous: int) -> int:
    if previous >= 0 and index == previous + 1:
        return CONSECUTIVE
    starts = _starts_word(text, index)
    skipped = 0 if starts and previous < 0 else min(4, index - previous - 1)
    return (START_OF_WORD if starts else 1) - GAP * skipped


def _starts_word(text: str, index: int) -> bool:
    return index == 0 or not text[index - 1].isalnum()
