"""Texts to token lists, within what a model reads. Shared by engines; the tokenizers are those of the transformers library."""

from __future__ import annotations

from typing import Any

from sidecar.engines.base import Encoding
from sidecar.errors import ContextExceeded, InvalidRequest
from sidecar.runtime.cut_texts import cut_warnings

Inputs = dict[str, list[int]]  # what a tokenizer makes of one text: input_ids, attention_mask, token_type_ids


def encode_texts(
    tokenizer: Any, texts: list[str], pairs: list[str] | None, *, limit: int | None, truncate: bool
) -> Encoding:
    """The inputs of a request. Raises ContextExceeded for a text longer than `limit` tokens, unless `truncate`; InvalidRequest
    for one without any, which a tokenizer that adds none makes of an empty text."""
    rows, cut = encode(tokenizer, texts, pairs, limit=limit, truncate=truncate)
    counts = lengths(rows)
    if 0 in counts:
        raise InvalidRequest(reason=f"text {1 + counts.index(0)} is empty: the model's tokenizer makes no token of it")
    if limit is not None and (longest := max(counts, default=0)) > limit:
        raise ContextExceeded(
            f"A text has {longest} tokens but the model reads at most {limit}."
            ' Shorten it, or send "truncate": true to cut its end.',
            prompt_tokens=longest,
            context_tokens=limit,
        )
    return Encoding(rows, counts, cut_warnings(len(cut), limit), cut)


def encode(
    tokenizer: Any, texts: Any, pairs: Any = None, *, limit: int | None, truncate: bool
) -> tuple[list[Inputs], list[int]]:
    """Tokenize texts, or text pairs; the inputs and which were cut. With `truncate`, at most `limit` tokens each."""
    whole = _call(tokenizer, texts, pairs, {})
    too_long = [index for index, row in enumerate(whole) if limit is not None and len(row["input_ids"]) > limit]
    if not truncate or not too_long:
        return whole, []
    cut = {"truncation": "only_first" if pairs else True, "max_length": limit}
    for index in too_long:
        whole[index] = _call(tokenizer, [texts[index]], [pairs[index]] if pairs else None, cut)[0]
    return whole, too_long


def lengths(rows: list[Inputs]) -> list[int]:
    """In tokens."""
    return [len(row["input_ids"]) for row in rows]


def padding_id(tokenizer: Any) -> int:
    """The token to pad with; where a tokenizer has none, any will do, since padding is masked."""
    candidates = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    return int(next(token for token in candidates if token is not None))


def _call(tokenizer: Any, texts: list[str], pairs: list[str] | None, options: dict[str, Any]) -> list[Inputs]:
    columns = tokenizer(texts, pairs, verbose=False, **options)
    return [{name: columns[name][row] for name in columns} for row in range(len(texts))]
