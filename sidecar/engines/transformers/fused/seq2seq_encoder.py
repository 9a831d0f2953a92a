"""The encoder of the Bart family in few operations, in place of the library's: with the layers of `encoder`, tokens of all
texts one after another. The library calls it like its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutput

from sidecar.engines.transformers.fused.encoder import Layer, Places, Text
from sidecar.engines.transformers.fused.modules import Words, used_up

PLACES: Places = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "attention_out": "self_attn.out_proj",
    "attention_norm": "self_attn_layer_norm",
    "feed_in": "fc1",
    "activation": "activation_fn",
    "feed_out": "fc2",
    "feed_norm": "final_layer_norm",
}


class Seq2SeqEncoder(nn.Module):  # type: ignore[misc]
    """Made of the library's, whose tables of words and positions it keeps."""

    def __init__(self, encoder: Any, *, norm_first: bool) -> None:
        super().__init__()
        self.words = Words(encoder)
        self.norm = getattr(encoder, "layer_norm", None)
        self.layers = nn.ModuleList(
            Layer(layer, PLACES, layer.self_attn.num_heads, norm_first=norm_first) for layer in used_up(encoder.layers)
        )

    def get_input_embeddings(self) -> nn.Module:
        """The table of words, for which Marian's model asks its encoder."""
        return self.words.tokens

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: Any) -> BaseModelOutput:
        """`input_ids`: shape (rows, tokens), padded at the end, where `attention_mask` has zeros."""
        rows, columns = input_ids.shape
        lengths = [columns] * rows if attention_mask is None else attention_mask.sum(dim=1).tolist()
        text = Text(lengths)
        x = self.words(text.packed(input_ids), text.packed(torch.arange(columns).repeat(rows, 1)))
        for layer in self.layers:
            x = layer(x, text)
        return BaseModelOutput(last_hidden_state=text.padded(x if self.norm is None else self.norm(x)))
