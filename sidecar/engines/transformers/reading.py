"""What classifiers and embedders share: tokenizing texts within the context, and saying what was cut."""

from __future__ import annotations

from sidecar.engines.base import Encoding
from sidecar.engines.transformers.loading import LoadedModel
from sidecar.engines.transformers.padding import Inputs, encode, longest
from sidecar.errors import ContextExceeded


def encode_texts(
    loaded: LoadedModel, texts: list[str], pairs: list[str] | None, *, limit: int | None, truncate: bool
) -> Encoding:
    """The inputs of a request. Raises ContextExceeded for a text longer than `limit` tokens, unless `truncate`."""
    rows, cut = encode(loaded.tokenizer, texts, pairs, limit=limit, truncate=truncate)
    if limit is not None and longest(rows) > limit:
        raise ContextExceeded(
            f"A text has {longest(rows)} tokens but the model reads at most {limit}."
            ' Shorten it, or send "truncate": true to cut its end.',
            prompt_tokens=longest(rows),
            context_tokens=limit,
        )
    warnings = [f"{cut} of {len(rows)} texts were longer than {limit} tokens and were cut."] if cut else []
    return Encoding(rows, [tokens(row) for row in rows], warnings)


def tokens(row: Inputs) -> int:
    return len(row["input_ids"])
