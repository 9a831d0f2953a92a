"""The decoder of the Bart family in few operations, in place of the library's: Marian, Bart, MBart, M2M100 and NLLB, Pegasus.

Queries, keys and values are one product, and so are keys and values of what was read. The library calls it like its own
decoder, for a whole text or with beams; `step` is for a batch of rows that each write one token. The formulas are those of
the library's `modeling_bart` and its copies, to which the tests compare every token.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from sidecar.engines.transformers.fused.modules import Norm, Words, added, exact_on_processor, joined, used_up
from sidecar.engines.transformers.fused.past import Attend, BatchPast, Look, Shape
from sidecar.engines.transformers.fused.seq2seq_encoder import Seq2SeqEncoder

Seen = Callable[..., torch.Tensor]

# Whether a layer's parts normalise before they compute (and the decoder once more at its end) or after.
NORM_FIRST = {"marian": False, "bart": False, "mbart": True, "m2m_100": True, "pegasus": True}


def can_fuse(model: Any) -> bool:
    """Whether it writes with a decoder of the family what its encoder read, in float32 on the processor."""
    return (
        model.config.model_type in NORM_FIRST
        and model.config.is_encoder_decoder
        and model.can_generate()
        and exact_on_processor(model)
    )


def fuse(model: Any) -> None:
    """Replace encoder and decoder of a model for which `can_fuse` holds. The library's layers are used up."""
    norm_first = NORM_FIRST[model.config.model_type]
    with torch.no_grad():
        model.model.encoder = Seq2SeqEncoder(model.model.encoder, norm_first=norm_first)
        model.model.decoder = Seq2SeqDecoder(model.model.decoder, norm_first=norm_first)


class Layer(nn.Module):  # type: ignore[misc]
    """Attention among what was written, attention to what was read, feed-forward. Hidden states: shape (tokens, width)."""

    def __init__(self, layer: Any, norm_first: bool) -> None:
        super().__init__()
        written, read = layer.self_attn, layer.encoder_attn
        self.heads: int = written.num_heads
        self.size: int = written.head_dim
        self._norm_first = norm_first
        self.attention_in = joined(written.q_proj, written.k_proj, written.v_proj)
        self.attention_out = written.out_proj
        self.attention_norm = Norm(layer.self_attn_layer_norm)
        self.source_in = joined(read.k_proj, read.v_proj)
        self.cross_in = read.q_proj
        self.cross_out = read.out_proj
        self.cross_norm = Norm(layer.encoder_attn_layer_norm)
        self.feed_in = layer.fc1
        self.feed_out = layer.fc2
        self.feed_norm = Norm(layer.final_layer_norm)
        self.activation = layer.activation_fn

    def __call__(self, x: torch.Tensor, attend: Seen, look: Seen) -> torch.Tensor:
        """`attend` gets q, k and v, `look` the queries for what was read; each of shape (tokens, heads, size), as is what they
        give. In place of `forward`: the library's detours for hooks take as long as some of the products."""
        x = self._added(x, self.attention_norm, partial(self._attention, attend))
        x = self._added(x, self.cross_norm, partial(self._cross_attention, look))
        return self._added(x, self.feed_norm, self._feed_forward)

    def source(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of what was read, each of shape (rows, heads, columns, size), from (rows, columns, width)."""
        keys, values = self.source_in(hidden).unflatten(-1, (2, self.heads, self.size)).unbind(2)
        return keys.transpose(1, 2), values.transpose(1, 2)

    def _added(self, x: torch.Tensor, norm: Norm, part: Seen) -> torch.Tensor:
        return added(x, norm, part, norm_first=self._norm_first)

    def _attention(self, attend: Seen, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.attention_in(x).view(len(x), 3, self.heads, self.size).unbind(1)
        return self.attention_out(attend(q, k, v).reshape(len(x), -1))

    def _cross_attention(self, look: Seen, x: torch.Tensor) -> torch.Tensor:
        return self.cross_out(look(self.cross_in(x).view(len(x), self.heads, self.size)).reshape(len(x), -1))

    def _feed_forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.feed_out(self.activation(self.feed_in(x)))


class Seq2SeqDecoder(nn.Module):  # type: ignore[misc]
    """Made of the library's decoder, whose tables of words and positions it keeps."""

    def __init__(self, decoder: Any, *, norm_first: bool) -> None:
        super().__init__()
        self.words = Words(decoder)
        self.norm = getattr(decoder, "layer_norm", None)
        self.layers = nn.ModuleList(Layer(layer, norm_first) for layer in used_up(decoder.layers))

    @property
    def shape(self) -> Shape:
        return Shape(len(self.layers), self.layers[0].heads, self.layers[0].size)

    def sources(self, hidden: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Of each layer: keys and values of what was read, whose hidden states have shape (rows, columns, width)."""
        return [layer.source(hidden) for layer in self.layers]

    def step(self, tokens: list[int], written: BatchPast, read: BatchPast) -> torch.Tensor:
        """Compute one token of each row, shape of the hidden states (rows, width). `written` grows by one column."""
        positions = torch.tensor(written.lengths)
        x = self._through(torch.tensor(tokens), positions, written.attending(), read.looking())
        written.advance()
        return x

    def forward(
        self,
        input_ids: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        encoder_attention_mask: torch.Tensor | None = None,
        past_key_values: Any = None,
        **_: Any,
    ) -> Any:
        """What the library's decoder gives. `input_ids`: shape (rows, tokens), which follow those in `past_key_values`."""
        rows, tokens = input_ids.shape
        past = EncoderDecoderCache(DynamicCache(), DynamicCache()) if past_key_values is None else past_key_values
        before: int = past.get_seq_length()
        allowed, not_padding = _causal(before, tokens, attention_mask), _columns(encoder_attention_mask)

        def by_row(x: torch.Tensor) -> torch.Tensor:
            return x.view(rows, tokens, *x.shape[1:]).transpose(1, 2)

        def attend(index: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            keys, values = past.self_attention_cache.update(by_row(k), by_row(v), index)
            return scaled_dot_product_attention(by_row(q), keys, values, attn_mask=allowed).transpose(1, 2)

        def look(index: int, q: torch.Tensor) -> torch.Tensor:
            keys, values = self._source(index, encoder_hidden_states, past)
            return scaled_dot_product_attention(by_row(q), keys, values, attn_mask=not_padding).transpose(1, 2)

        positions = torch.arange(before, before + tokens).repeat(rows)
        x = self._through(input_ids.reshape(-1), positions, attend, look)
        return BaseModelOutputWithPastAndCrossAttentions(
            last_hidden_state=x.view(rows, tokens, -1), past_key_values=past
        )

    def _through(self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend, look: Look) -> torch.Tensor:
        """`tokens` and `positions` have shape (tokens,), the hidden states (tokens, width)."""
        x = self.words(tokens, positions)
        for index, layer in enumerate(self.layers):
            x = layer(x, partial(attend, index), partial(look, index))
        return x if self.norm is None else self.norm(x)

    def _source(self, index: int, hidden: torch.Tensor, past: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of what was read, which the library's cache keeps from the first call on."""
        if not past.is_updated.get(index):
            past.cross_attention_cache.update(*self.layers[index].source(hidden), index)
            past.is_updated[index] = True
        kept = past.cross_attention_cache.layers[index]
        return kept.keys, kept.values


def _causal(before: int, tokens: int, mask: torch.Tensor | None) -> torch.Tensor | None:
    """Which columns each new token sees, None where it is all of them. `mask`: ones where a row has a token, None everywhere."""
    padded = _columns(mask)
    if tokens == 1:
        return padded
    columns = before + tokens
    seen = torch.arange(columns) <= torch.arange(before, columns)[:, None]
    return seen if padded is None else seen & padded


def _columns(mask: torch.Tensor | None) -> torch.Tensor | None:
    """A mask of shape (rows, columns) for attention; None where nothing is padded."""
    return None if mask is None or bool(mask.all()) else mask[:, None, None].bool()
