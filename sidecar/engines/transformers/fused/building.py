"""Takes a library model apart into a `Decoder`, layer by layer, so that no weight is in memory twice for long; or puts one
together from tensors that were kept of an earlier time.

Where weights are rounded, sample tokens go through every layer both exactly and rounded on the way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from sidecar.engines.transformers.fused.decoder import Decoder, Layer, Rotary, Sizes
from sidecar.engines.transformers.fused.int4 import Int4
from sidecar.engines.transformers.fused.linear import Float, Int8, Linear, Precision
from sidecar.engines.transformers.fused.past import Shape
from sidecar.engines.transformers.fused.trial import Agreement, Trial
from sidecar.engines.transformers.padded_batch import can_join

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
ROTARY_TYPES = ("default", "linear", "llama3", "yarn")  # those whose angles depend on nothing but the position
# Where the library's layers have what a `Layer` is made of; products that share their input become one.
PRODUCTS = {
    "attention_in": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attention_out": ("self_attn.o_proj",),
    "feed_in": ("mlp.gate_proj", "mlp.up_proj"),
    "feed_out": ("mlp.down_proj",),
}
NORMS = {
    "attention_norm": "input_layernorm",
    "feed_norm": "post_attention_layernorm",
    "query_norm": "self_attn.q_norm",
    "key_norm": "self_attn.k_norm",
}
KINDS: dict[str, Any] = {"weight": Float, "int8": Int8, "int4": Int4}
Tensors = dict[str, torch.Tensor]


def can_fuse(model: Any) -> bool:
    """Whether this is a decoder of the Llama family in its plain form, on the processor. Its weights may be of any type: they
    become float32 layer by layer."""
    config = model.config
    return bool(
        config.model_type in FAMILIES
        and model.device.type == "cpu"
        and config.hidden_act == "silu"
        and can_join(model)
        and getattr(model.model.rotary_emb, "rope_type", None) in ROTARY_TYPES
    )


def fuse(model: Any, precision: Precision, sample: list[int]) -> tuple[Decoder, Agreement | None]:
    """The decoder, and for rounded weights how well they do on `sample` tokens. The library's layers are used up."""
    sizes, rotary = _sizes(model.config), _rotary(model)
    with torch.inference_mode():
        embedding = _owned(model.model.embed_tokens.weight)
        tied = model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
        words, norm = embedding if tied else _owned(model.lm_head.weight), _owned(model.model.norm.weight)
        trial = Trial(embedding, rotary, sizes, sample, precision) if precision != "float32" else None
        layers = []
        for index, block in enumerate(list(model.model.layers)):
            exact = _layer(block)
            layers.append(_rounded_layer(exact, precision))
            if trial:
                trial.advance(exact, layers[-1])
            model.model.layers[index] = nn.Identity()
        head = _rounded(Float(words), "int8" if precision == "int4" else precision)  # words hang on small differences
        decoder = Decoder(sizes, embedding, layers, norm, head, rotary)
        agreement = trial.agreement(decoder, words) if trial else None
        _empty(model, embedding)
    return decoder, agreement


def taken_apart(decoder: Decoder) -> Tensors:
    """All tensors of a decoder by name, for `put_together`. Only before its products are packed."""
    found = {"embedding": decoder.embedding, "norm": decoder.norm} | _prefixed("head", decoder.head.tensors())
    for index, layer in enumerate(decoder.layers):
        for name in PRODUCTS:
            found |= _prefixed(f"{index}.{name}", getattr(layer, name).tensors())
        found |= {f"{index}.{name}": norm for name in NORMS if (norm := getattr(layer, name)) is not None}
    return found


def put_together(model: Any, tensors: Tensors) -> Decoder:
    """The decoder of a model without weights from what `taken_apart` gave. Raises KeyError or ValueError if they differ."""
    rotary = _rotary(model)
    layers = [_restored_layer(index, block, tensors) for index, block in enumerate(model.model.layers)]
    embedding = _checked(tensors["embedding"], model.model.embed_tokens.weight.shape)
    head = _checked(_restored("head", tensors), model.lm_head.weight.shape)
    _empty(model, embedding)
    return Decoder(_sizes(model.config), embedding, layers, tensors["norm"], head, rotary)


def _empty(model: Any, embedding: torch.Tensor) -> None:
    """Leave of the library's model only what says how to generate."""
    model.model.embed_tokens.weight = nn.Parameter(embedding, requires_grad=False)
    model.model.layers = nn.ModuleList(nn.Identity() for _ in model.model.layers)
    model.lm_head, model.model.norm = nn.Identity(), nn.Identity()


def _sizes(config: Any) -> Sizes:
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    shape = Shape(config.num_hidden_layers, config.num_key_value_heads or heads, size)
    return Sizes(heads, shape, config.rms_norm_eps)


def _layer(block: Any) -> Layer:
    products = {name: _joined(_parts(block, name)) for name in PRODUCTS}
    norms = {name: _owned(block.get_submodule(place).weight) for name, place in NORMS.items() if _has(block, place)}
    return Layer(**products, **norms)


def _joined(modules: list[Any]) -> Linear:
    """One product for those that share their input."""
    weight = torch.cat([module.weight.detach().float() for module in modules])
    if all(module.bias is None for module in modules):
        return Float(weight)
    biases = [weight.new_zeros(len(module.weight)) if module.bias is None else module.bias for module in modules]
    return Float(weight, torch.cat(biases).detach().float())


def _rounded_layer(exact: Layer, precision: Precision) -> Layer:
    return replace(exact, **{name: _rounded(getattr(exact, name), precision) for name in PRODUCTS})


def _rounded(exact: Linear, precision: Precision) -> Linear:
    if precision == "float32":
        return exact
    kind = Int4 if precision == "int4" else Int8
    return kind.rounded(**exact.tensors())


def _restored_layer(index: int, block: Any, tensors: Tensors) -> Layer:
    products = {}
    for name in PRODUCTS:
        parts = _parts(block, name)
        shape = torch.Size([sum(len(part.weight) for part in parts), parts[0].weight.shape[1]])
        products[name] = _checked(_restored(f"{index}.{name}", tensors), shape)
    norms = {name: tensors[f"{index}.{name}"] for name, place in NORMS.items() if _has(block, place)}
    return Layer(**products, **norms)


def _restored(name: str, tensors: Tensors) -> Linear:
    own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
    try:
        linear: Linear = next(kind for part, kind in KINDS.items() if part in own)(**own)
    except (StopIteration, TypeError) as error:
        raise ValueError(f"{name} is not whole: {', '.join(own)}") from error
    return linear


def _checked(part: Any, shape: torch.Size) -> Any:
    if part.shape != shape:
        raise ValueError(f"a tensor of shape {tuple(part.shape)} where {tuple(shape)} belongs")
    return part


def _parts(block: Any, name: str) -> list[Any]:
    return [block.get_submodule(place) for place in PRODUCTS[name]]


def _has(block: Any, place: str) -> bool:
    parent, _, name = place.rpartition(".")
    return hasattr(block.get_submodule(parent), name)


def _prefixed(prefix: str, tensors: Tensors) -> Tensors:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _owned(weight: torch.Tensor) -> torch.Tensor:
    """A copy in float32: the original is a view of the mapped file, which would stay in memory whole."""
    return weight.detach().to(torch.float32, copy=True)


def _rotary(model: Any) -> Rotary:
    """The library's angles. Made anew from the configuration: those of a model without weights have no numbers either."""
    library = type(model.model.rotary_emb)(config=model.config)
    return Rotary(lambda length: _table(library, length))


def _table(rotary_emb: Any, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of the first positions, as the library computes them."""
    with torch.inference_mode():
        cosines, sines = rotary_emb(torch.zeros(1), torch.arange(length)[None])
    return cosines[0].float(), sines[0].float()
