"""Token lists of different lengths as one tensor per model input."""

from __future__ import annotations

from typing import Any

import torch

Inputs = dict[str, list[int]]  # what a tokenizer makes of one text: input_ids, attention_mask, token_type_ids


def padding_id(tokenizer: Any) -> int:
    """The token to pad with; where a tokenizer has none, any will do, since padding is masked."""
    candidates = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    return int(next(token for token in candidates if token is not None))


def stack(rows: list[Inputs], pad_id: int, device: torch.device) -> dict[str, torch.Tensor]:
    """Right-padded tensors, shape (rows, longest)."""
    width = max(len(row["input_ids"]) for row in rows)
    fill = {"input_ids": pad_id}
    return {
        name: torch.tensor([row[name] + [fill.get(name, 0)] * (width - len(row[name])) for row in rows], device=device)
        for name in rows[0]
    }


def encode(
    tokenizer: Any, texts: Any, pairs: Any = None, *, limit: int | None, truncate: bool
) -> tuple[list[Inputs], int]:
    """Tokenize texts, or text pairs; the inputs and how many were cut. With `truncate`, at most `limit` tokens each."""
    whole = _call(tokenizer, texts, pairs, {})
    too_long = [index for index, row in enumerate(whole) if limit is not None and len(row["input_ids"]) > limit]
    if not truncate or not too_long:
        return whole, 0
    cut = {"truncation": "only_first" if pairs else True, "max_length": limit}
    for index in too_long:
        whole[index] = _call(tokenizer, [texts[index]], [pairs[index]] if pairs else None, cut)[0]
    return whole, len(too_long)


def longest(rows: list[Inputs]) -> int:
    return max((len(row["input_ids"]) for row in rows), default=0)


def _call(tokenizer: Any, texts: list[str], pairs: list[str] | None, options: dict[str, Any]) -> list[Inputs]:
    columns = tokenizer(texts, pairs, verbose=False, **options)
    return [{name: columns[name][row] for name in columns} for row in range(len(texts))]
