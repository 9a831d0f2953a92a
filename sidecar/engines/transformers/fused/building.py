"""Takes a library model apart into a `Decoder`, layer by layer, so that no weight is in memory twice for long.

Where weights are rounded to 8 bits, sample tokens go through every layer both exactly and rounded on the way, and what
comes out at the end decides whether the rounding may be used.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from sidecar.engines.transformers.fused.decoder import Decoder, Layer, Rotary, Sizes, through
from sidecar.engines.transformers.fused.linear import Linear, Precision, linear
from sidecar.engines.transformers.fused.past import Shape
from sidecar.engines.transformers.padded_batch import can_join

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
ROTARY_TYPES = ("default", "linear", "llama3", "yarn")  # those whose angles depend on nothing but the position


@dataclass(frozen=True)
class Agreement:
    """How the rounded model's next-word probabilities compare with the exact ones, over all sample positions.

    `divergence`: mean Kullback-Leibler divergence in nats. `same_word`: share of positions with the same likeliest word,
    among those where the exact model prefers it by SURE nats; 1 where there is none.
    """

    divergence: float
    same_word: float

    @property
    def enough(self) -> bool:
        return self.divergence <= LARGEST_DIVERGENCE and self.same_word >= SMALLEST_SAME_WORD


LARGEST_DIVERGENCE = 0.05
SMALLEST_SAME_WORD = 0.98
SURE = 0.5


def can_fuse(model: Any) -> bool:
    """Whether this is a decoder of the Llama family in its plain form, in float32 on the processor."""
    config = model.config
    return (
        config.model_type in FAMILIES
        and model.device.type == "cpu"
        and model.dtype == torch.float32
        and config.hidden_act == "silu"
        and can_join(model)
        and getattr(model.model.rotary_emb, "rope_type", None) in ROTARY_TYPES
    )


def fuse(model: Any, precision: Precision, sample: list[int]) -> tuple[Decoder, Agreement | None]:
    """The decoder, and for rounded weights how well they do on `sample` tokens. The library's layers are used up."""
    sizes = _sizes(model.config)
    rotary = Rotary(lambda length: _table(model.model.rotary_emb, length))
    with torch.inference_mode():
        embedding = _owned(model.model.embed_tokens.weight)
        tied = model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
        model.model.embed_tokens.weight.data = embedding
        trial = _Trial(embedding, rotary, sizes, sample) if precision != "float32" else None
        layers = []
        for index, (block, layer) in enumerate(zip(list(model.model.layers), _layers(model, precision), strict=True)):
            layers.append(layer)
            if trial:
                trial.advance(_layer(block, "float32"), layer)
            model.model.layers[index] = nn.Identity()
        words = embedding if tied else _owned(model.lm_head.weight)
        decoder = Decoder(
            sizes, embedding, layers, _owned(model.model.norm.weight), linear(words, None, precision), rotary
        )
        agreement = trial.agreement(decoder, words) if trial else None
        model.lm_head, model.model.norm = nn.Identity(), nn.Identity()
    return decoder, agreement


class _Trial:
    """The sample's hidden states on their way through the exact and through the rounded layers."""

    def __init__(self, embedding: torch.Tensor, rotary: Rotary, sizes: Sizes, sample: list[int]) -> None:
        self._angles = rotary(torch.arange(len(sample)), len(sample) - 1)
        self._sizes = sizes
        self._exact = embedding[torch.tensor(sample)]
        self._rounded = self._exact.clone()

    def advance(self, exact: Layer, rounded: Layer) -> None:
        self._exact = through(exact, 0, self._exact, self._angles, self._sizes, _whole)
        self._rounded = through(rounded, 0, self._rounded, self._angles, self._sizes, _whole)

    def agreement(self, decoder: Decoder, words: torch.Tensor) -> Agreement:
        normed = functional.rms_norm(self._exact, self._exact.shape[-1:], decoder.norm, decoder.sizes.epsilon)
        exact = functional.linear(normed, words).log_softmax(-1)
        rounded = decoder.scores(self._rounded).log_softmax(-1)
        best = exact.topk(2, dim=-1)
        sure = best.values[:, 0] - best.values[:, 1] >= SURE
        same = rounded.argmax(-1) == best.indices[:, 0]
        divergence = functional.kl_div(rounded, exact, log_target=True, reduction="batchmean")
        return Agreement(float(divergence), float(same[sure].float().mean()) if sure.any() else 1.0)


def _whole(_: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Attention among the sample's tokens alone."""
    q, k, v = (part.transpose(0, 1)[None] for part in (q, k, v))
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)[0].transpose(0, 1)


def _sizes(config: Any) -> Sizes:
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    shape = Shape(config.num_hidden_layers, config.num_key_value_heads or heads, size)
    return Sizes(heads, shape, config.rms_norm_eps)


def _layers(model: Any, precision: Precision) -> Iterator[Layer]:
    """All layers in order. Rounding uses one core only, so several are rounded at once."""
    if precision == "float32":
        yield from (_layer(block, precision) for block in model.model.layers)
        return
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        yield from threads.map(partial(_rounded_layer, precision), list(model.model.layers))


def _rounded_layer(precision: Precision, block: Any) -> Layer:
    with torch.inference_mode():  # holds for one thread only
        return _layer(block, precision)


def _layer(block: Any, precision: Precision) -> Layer:
    attention, feed = block.self_attn, block.mlp
    return Layer(
        attention_norm=_owned(block.input_layernorm.weight),
        attention_in=_joined([attention.q_proj, attention.k_proj, attention.v_proj], precision),
        attention_out=_joined([attention.o_proj], precision),
        feed_norm=_owned(block.post_attention_layernorm.weight),
        feed_in=_joined([feed.gate_proj, feed.up_proj], precision),
        feed_out=_joined([feed.down_proj], precision),
        query_norm=_owned(attention.q_norm.weight) if hasattr(attention, "q_norm") else None,
        key_norm=_owned(attention.k_norm.weight) if hasattr(attention, "k_norm") else None,
    )


def _joined(modules: list[Any], precision: Precision) -> Linear:
    """One product for those that share their input."""
    weight = torch.cat([module.weight.detach() for module in modules])
    if all(module.bias is None for module in modules):
        return linear(weight, None, precision)
    biases = [weight.new_zeros(len(module.weight)) if module.bias is None else module.bias for module in modules]
    return linear(weight, torch.cat(biases).detach(), precision)


def _owned(weight: torch.Tensor) -> torch.Tensor:
    """A copy: the original is a view of the mapped file, which would stay in memory whole."""
    return weight.detach().clone()


def _table(rotary_emb: Any, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of the first positions, as the library computes them."""
    with torch.inference_mode():
        cosines, sines = rotary_emb(torch.zeros(1), torch.arange(length)[None])
    return cosines[0].float(), sines[0].float()
