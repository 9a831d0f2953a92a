"""The encoder of the BERT family in few operations, in place of the library's: BERT, RoBERTa and their kin, DistilBERT, MPNet.

Queries, keys and values are one product. Tokens of all texts stand one after another, so that padding costs attention only.
Whoever needs the first token of each text alone, as classifiers do, spares most of the last layer. The formulas are those
of the library's `modeling_bert` and its kin, to which the tests compare every vector.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from sidecar.engines.transformers.fused.modules import Norm, added, exact_on_processor, joined, used_up

Batch = dict[str, torch.Tensor]
Places = dict[str, str]

_BERT = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_in": "intermediate.dense",
    "activation": "intermediate.intermediate_act_fn",
    "feed_out": "output.dense",
    "feed_norm": "output.LayerNorm",
}
_MPNET = _BERT | {
    "query": "attention.attn.q",
    "key": "attention.attn.k",
    "value": "attention.attn.v",
    "attention_out": "attention.attn.o",
    "attention_norm": "attention.LayerNorm",
}
_DISTILBERT = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "attention_out": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "feed_in": "ffn.lin1",
    "activation": "ffn.activation",
    "feed_out": "ffn.lin2",
    "feed_norm": "output_layer_norm",
}
# What the parts of a layer are called, by family.
PLACES: dict[str, Places] = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "mpnet": _MPNET,
    "distilbert": _DISTILBERT,
}


def can_fuse(model: Any) -> bool:
    """Whether it is an encoder of the family, in float32 on the processor."""
    return (
        model.config.model_type in PLACES
        and not getattr(model.config, "is_decoder", False)
        and exact_on_processor(model)
    )


def fuse(model: Any) -> Encoder:
    """Replace the layers of a model for which `can_fuse` holds. Only what this returns can compute with them."""
    base = model.base_model
    with torch.no_grad():
        encoder = Encoder(base, model.config)
    setattr(base, _layers_of(base), encoder)
    return encoder


class Layer(nn.Module):  # type: ignore[misc]
    """Attention among the tokens of a text, feed-forward. Hidden states: shape (tokens, width). `norm_first`: whether the parts
    normalise before they compute or after."""

    def __init__(self, layer: Any, places: Places, heads: int, *, norm_first: bool = False) -> None:
        super().__init__()
        parts = {name: layer.get_submodule(place) for name, place in places.items()}
        self.heads = heads
        self._norm_first = norm_first
        self.attention_in = joined(parts["query"], parts["key"], parts["value"])
        self.attention_out = parts["attention_out"]
        self.attention_norm = Norm(parts["attention_norm"])
        self.feed_in = parts["feed_in"]
        self.activation = parts["activation"]
        self.feed_out = parts["feed_out"]
        self.feed_norm = Norm(parts["feed_norm"])

    def __call__(self, x: torch.Tensor, text: Text, *, first: bool = False) -> torch.Tensor:
        """`first`: only for the first token of each text, shape of the result (rows, width). In place of `forward`: the
        library's detours for hooks take as long as some of the products."""
        mixed = self.attention_in(self.attention_norm(x) if self._norm_first else x)
        seen = text.attend(mixed.view(len(x), 3, self.heads, -1), first=first)
        x = self.attention_out(seen).add_(text.firsts(x) if first else x)
        if not self._norm_first:
            x = self.attention_norm(x)
        return added(x, self.feed_norm, self._feed_forward, norm_first=self._norm_first)

    def _feed_forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.feed_out(self.activation(self.feed_in(x)))


class Encoder(nn.Module):  # type: ignore[misc]
    """Made of the library's: its tables of words and positions stay, its layers are used up. `batch`: the model's inputs, each
    of shape (rows, tokens), padded at the end; `lengths`: how many tokens each row has."""

    def __init__(self, base: Any, config: Any) -> None:
        super().__init__()
        library = getattr(base, _layers_of(base))
        self.embeddings = base.embeddings
        places, heads = PLACES[config.model_type], config.num_attention_heads
        self.layers = nn.ModuleList(Layer(layer, places, heads) for layer in used_up(library.layer))
        self._has_types = hasattr(base.embeddings, "token_type_embeddings")
        # MPNet's knows how much a token looks at another by the distance between them.
        self.library = library if hasattr(library, "compute_position_bias") else None

    def hidden(self, batch: Batch, lengths: list[int]) -> torch.Tensor:
        """Of every token, shape (rows, tokens, width), zeros where there is none."""
        x, text = self._through(batch, lengths, first=False)
        return text.padded(x)

    def first(self, batch: Batch, lengths: list[int]) -> torch.Tensor:
        """Of the first token of each row, shape (rows, width)."""
        return self._through(batch, lengths, first=True)[0]

    def _through(self, batch: Batch, lengths: list[int], *, first: bool) -> tuple[torch.Tensor, Text]:
        types = {"token_type_ids": batch["token_type_ids"]} if self._has_types and "token_type_ids" in batch else {}
        embedded = self.embeddings(input_ids=batch["input_ids"], **types)
        text = Text(lengths, None if self.library is None else self.library.compute_position_bias(embedded[:1]))
        x = text.packed(embedded)
        for layer in self.layers[:-1]:
            x = layer(x, text)
        return self.layers[-1](x, text, first=first), text


class Text:
    """Where the tokens of a batch stand: `lengths` says how many each row has. `bias`: to add to the scores of attention, shape
    (1, heads, tokens, tokens)."""

    def __init__(self, lengths: list[int], bias: torch.Tensor | None = None) -> None:
        self._rows, self._width = len(lengths), max(lengths)
        self._places, self._seen = None, bias
        counts = torch.tensor(lengths)
        self._firsts = counts.cumsum(0) - counts
        if min(lengths) < self._width:
            there = torch.arange(self._width) < counts[:, None]
            self._places = there.flatten().nonzero()[:, 0]
            self._seen = there[:, None, None] if bias is None else bias.masked_fill(~there[:, None, None], -torch.inf)

    def packed(self, hidden: torch.Tensor) -> torch.Tensor:
        """(rows, tokens, …) to (all tokens, …), without padding."""
        flat = hidden.flatten(0, 1)
        return flat if self._places is None else flat[self._places]

    def padded(self, x: torch.Tensor) -> torch.Tensor:
        """(all tokens, …) to (rows, tokens, …), with zeros."""
        if self._places is not None:
            x = x.new_zeros(self._rows * self._width, *x.shape[1:]).index_copy_(0, self._places, x)
        return x.unflatten(0, (self._rows, self._width))

    def firsts(self, x: torch.Tensor) -> torch.Tensor:
        """The first token of each row."""
        return x[self._firsts]

    def attend(self, mixed: torch.Tensor, *, first: bool) -> torch.Tensor:
        """`mixed`: queries, keys and values of all tokens, shape (tokens, 3, heads, size); the result has (tokens, width)."""
        q, k, v = self.padded(mixed).permute(2, 0, 3, 1, 4).unbind(0)
        if first:
            seen = None if self._seen is None else self._seen[:, :, :1]
            return scaled_dot_product_attention(q[:, :, :1], k, v, attn_mask=seen).flatten(1)
        looked = scaled_dot_product_attention(q, k, v, attn_mask=self._seen)
        return self.packed(looked.transpose(1, 2)).flatten(1)


def _layers_of(base: Any) -> str:
    """What the library calls the layers together."""
    return "encoder" if hasattr(base, "encoder") else "transformer"
