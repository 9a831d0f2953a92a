"""What is said of texts of which a model read only the beginning. Pure: engines say it, and the service of what it remembers."""

from __future__ import annotations


def cut_warnings(count: int, limit: int | None) -> list[str]:
    """Of so many texts that had more than `limit` tokens; nothing where there are none."""
    if not count:
        return []
    texts = "1 text was" if count == 1 else f"{count} texts were"
    return [f"{texts} longer than {limit} tokens: only the beginning was read."]
