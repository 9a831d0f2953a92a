"""Turns hand-written phrase grammars into training texts, for the training scripts of both starter models.

Notation: `{a|b|}` picks one alternative (possibly none), `<name>` picks from a word list, `<n>` is a small number;
they nest. This module must not know what the texts are about, nor import torch.
"""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CHOICE = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"<([a-z_]+)>")
SPACES = re.compile(r"\s+")
NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip

Words = Mapping[str, Sequence[str]]


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def texts_in(value: object) -> list[str]:
    """Every string inside nested tables and lists."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in texts_in(part)]


def normal(text: str) -> str:
    """A text without case, punctuation and spacing: two texts with the same normal form count as the same."""
    return " ".join(re.findall(r"[^\W_]+", text.lower().replace("'", "")))


def expand(phrase: str, words: Words, rng: random.Random) -> str:
    """One random reading of a phrase. Raises KeyError for an unknown word list."""
    phrase = CHOICE.sub(lambda found: rng.choice(found[1].split("|")), phrase)
    if CHOICE.search(phrase):
        return expand(phrase, words, rng)
    if NAME.search(phrase):
        return expand(NAME.sub(lambda found: word(found[1], words, rng), phrase), words, rng)
    return SPACES.sub(" ", phrase).strip()


def word(name: str, words: Words, rng: random.Random) -> str:
    return str(rng.randint(2, 99)) if name == "n" else rng.choice(words[name])


def breadth(phrase: str, words: Words) -> float:
    """Roughly how many readings a phrase has; nesting is ignored."""
    total = 1.0
    for found in CHOICE.finditer(phrase):
        total *= found[1].count("|") + 1
    for found in NAME.finditer(phrase):
        total *= len(words.get(found[1], "12345"))
    return total


def with_synonyms(text: str, synonyms: Words, rate: float, rng: random.Random) -> str:
    """Replaces each known word, or pair of words, by a synonym with the given probability."""
    for name, others in synonyms.items():
        if name in text and rng.random() < rate:
            text = re.sub(rf"\b{re.escape(name)}\b", rng.choice(others), text)
    return text


def with_typos(text: str, count: int, rng: random.Random) -> str:
    """Misspells up to `count` words of four letters or more."""
    parts = text.split(" ")
    for _ in range(count):
        place = rng.randrange(len(parts))
        if len(parts[place]) >= 4 and parts[place].isalpha():
            parts[place] = misspelt(parts[place], rng)
    return " ".join(parts)


def misspelt(name: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(name) - 1)
    letter = name[at]
    return rng.choice(
        [
            name[:at] + name[at + 1] + letter + name[at + 2 :],  # two letters swapped
            name[:at] + name[at + 1 :],  # one missing
            name[:at] + letter + name[at:],  # one doubled
            name[:at] + rng.choice(NEIGHBOURS.get(letter, letter)) + name[at + 1 :],  # the key beside it
        ]
    )


class Unseen:
    """Says whether a text may be trained on: nothing that one of these files contains."""

    def __init__(self, *files: Path) -> None:
        self._held_out = {normal(text) for file in files for text in texts_in(read(file))}

    def __call__(self, text: str) -> bool:
        return normal(text) not in self._held_out
