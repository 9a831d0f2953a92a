"""GGUF files with the weights of the tiny models, written once per test session, so that engines can be compared.

`gguf_model("llama-chat")` holds exactly the weights of `tiny("llama-chat")` in float32, so that greedy answers are the
same token for token. Names with a suffix are variants; see MAKERS.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.helpers.models import tiny

Arrays = dict[str, np.ndarray]
Rounding = gguf.GGMLQuantizationType
FILE_TYPES = {
    Rounding.F32: gguf.LlamaFileType.ALL_F32,
    Rounding.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
    Rounding.Q4_0: gguf.LlamaFileType.MOSTLY_Q4_0,
}
# What llama.cpp calls the parts of a layer, by their names in transformers.
LLAMA_PARTS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
BERT_PARTS = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
BERT_WHOLE = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.LayerNorm.weight": "token_embd_norm.weight",
    "embeddings.LayerNorm.bias": "token_embd_norm.bias",
}


@functools.cache
def gguf_model(name: str) -> Path:
    """The file of a tiny model; see MAKERS for the names."""
    folder = _session_folder() / name
    folder.mkdir()
    file = folder / f"{name}.gguf"
    MAKERS[name](file)
    return file


@functools.cache
def _session_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="inglenook-gguf-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# ---- decoders -------------------------------------------------------------------------------------------------------


def write_decoder(
    folder: Path,
    file: Path,
    *,
    rounding: Rounding = Rounding.F32,
    split: int = 0,
    pooling: gguf.PoolingType | None = None,
) -> None:
    """A Llama or Qwen2 folder of transformers as one file, or as shards of `split` tensors."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    writer = gguf.GGUFWriter(file, config["model_type"], split_max_tensors=split)
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer.add_name(folder.name)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base((config.get("rope_parameters") or {}).get("rope_theta", 10000.0))
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_vocab_size(config["vocab_size"])
    if pooling is not None:
        writer.add_pooling_type(pooling)
    writer.add_file_type(FILE_TYPES[rounding])
    _add_byte_level_tokenizer(writer, folder)
    for key, value in _decoder_arrays(folder, config, heads, kv_heads):
        _add(writer, key, value, rounding)
    _write(writer)


def _decoder_arrays(folder: Path, config: dict[str, Any], heads: int, kv_heads: int) -> Iterator[tuple[str, Any]]:
    arrays = _arrays(folder)
    yield "token_embd.weight", arrays["model.embed_tokens.weight"]
    yield "output_norm.weight", arrays["model.norm.weight"]
    if "lm_head.weight" in arrays:
        yield "output.weight", arrays["lm_head.weight"]
    for name, value in arrays.items():
        if not name.startswith("model.layers."):
            continue
        number, _, rest = name.removeprefix("model.layers.").partition(".")
        part, _, kind = rest.rpartition(".")
        if config["model_type"] == "llama" and part in ("self_attn.q_proj", "self_attn.k_proj"):
            value = _interleaved(value, heads if part == "self_attn.q_proj" else kv_heads)
        yield f"blk.{number}.{LLAMA_PARTS[part]}.{kind}", value


def _interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp rotates neighbouring pairs in Llama models, transformers the two halves of a head."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def _add_byte_level_tokenizer(writer: gguf.GGUFWriter, folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    ids = tokenizer["model"]["vocab"] | added
    tokens = sorted(ids, key=ids.__getitem__)
    kinds = [gguf.TokenType.CONTROL if token in added else gguf.TokenType.NORMAL for token in tokens]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges or ["Ġ w"])  # the format demands a list that is not empty
    names = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    writer.add_bos_token_id(ids[names["bos_token"]])
    writer.add_eos_token_id(ids[names["eos_token"]])
    writer.add_pad_token_id(ids[names["pad_token"]])
    writer.add_add_bos_token(False)
    generation = json.loads((folder / "generation_config.json").read_text("utf-8"))
    if isinstance(ends := generation.get("eos_token_id"), list):
        writer.add_eot_token_id(ends[1])
    template = folder / "chat_template.jinja"
    if template.is_file():
        writer.add_chat_template(template.read_text("utf-8"))


def write_adapter(file: Path, *, seed: int = 0, rank: int = 4) -> None:
    """A LoRA adapter for the output projections of `tiny("llama-chat")`, strong enough to change its answers."""
    numbers = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    for layer in range(2):
        _add(writer, f"blk.{layer}.attn_output.weight.lora_a", numbers.normal(size=(rank, 32)))
        _add(writer, f"blk.{layer}.attn_output.weight.lora_b", numbers.normal(size=(32, rank)))
    _write(writer)


# ---- projectors -----------------------------------------------------------------------------------------------------

PROJECTOR = {"image_size": 28, "patch_size": 14, "embedding_length": 16, "feed_forward_length": 32, "block_count": 2,
             "projection_dim": 32, "attention.head_count": 2}  # fmt: skip


def write_projector(file: Path, *, without: str = "", **sizes: int) -> None:
    """One of LLaVA's kind for `tiny("llama-chat")`: 4 tokens an image. `sizes` are told instead of the true ones; the tensor
    `without` is left out."""
    writer = gguf.GGUFWriter(file, "clip")
    writer.add_type("mmproj")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    for key, size in (PROJECTOR | sizes).items():
        writer.add_uint32(f"clip.vision.{key}", size)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5] * 3)
    writer.add_array("clip.vision.image_std", [0.5] * 3)
    numbers = np.random.default_rng(0)
    for name, shape in _projector_shapes():
        if name != without:
            _add(writer, name, 0.5 * numbers.normal(size=shape))
    _write(writer)


def _projector_shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "v.patch_embd.weight", (16, 3, 14, 14)
    yield "v.position_embd.weight", (4, 16)
    for layer in range(2):
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            yield f"v.blk.{layer}.{part}.weight", (16, 16)
        for part in ("ln1.weight", "ln1.bias", "ln2.weight", "ln2.bias"):
            yield f"v.blk.{layer}.{part}", (16,)
        yield f"v.blk.{layer}.ffn_up.weight", (32, 16)
        yield f"v.blk.{layer}.ffn_down.weight", (16, 32)
    for number, width in ((0, 16), (2, 32)):
        yield f"mm.{number}.weight", (32, width)
        yield f"mm.{number}.bias", (32,)


def write_seeing(file: Path) -> None:
    """A chat model in a folder of its own, with a projector beside it."""
    write_decoder(tiny("llama-chat"), file)
    write_projector(file.with_name("mmproj-f32.gguf"))


# ---- encoders -------------------------------------------------------------------------------------------------------


def write_encoder(folder: Path, file: Path, pooling: gguf.PoolingType) -> None:
    """A BERT folder as an embedding model, or with PoolingType.RANK and its classifier as a reranker."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    writer = gguf.GGUFWriter(file, "bert")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(pooling)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_word_pieces(writer, folder)
    if pooling is gguf.PoolingType.RANK:  # one [SEP] after the query and one after the document
        writer.add_add_eos_token(True)
        writer.add_add_sep_token(False)
    for key, value in _encoder_arrays(folder, rank=pooling is gguf.PoolingType.RANK):
        _add(writer, key, value)
    _write(writer)


def _encoder_arrays(folder: Path, *, rank: bool) -> Iterator[tuple[str, Any]]:
    for name, value in _arrays(folder).items():
        name = name.removeprefix("bert.")
        if name in BERT_WHOLE:
            yield BERT_WHOLE[name], value
        elif name.startswith("encoder.layer."):
            number, _, rest = name.removeprefix("encoder.layer.").partition(".")
            part, _, kind = rest.rpartition(".")
            yield f"blk.{number}.{BERT_PARTS[part]}.{kind}", value
        elif rank and name.startswith("pooler.dense."):
            yield name.replace("pooler.dense", "cls"), value
        elif rank and name.startswith("classifier."):
            yield name.replace("classifier", "cls.output"), value[:1]


def _add_word_pieces(writer: gguf.GGUFWriter, folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    ids = tokenizer["model"]["vocab"]
    tokens = sorted(ids, key=ids.__getitem__)
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("jina-v2-en")
    writer.add_token_list([_phantom(token, special) for token in tokens])
    writer.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_type_count(2)
    writer.add_bos_token_id(ids["[CLS]"])
    writer.add_eos_token_id(ids["[SEP]"])
    writer.add_sep_token_id(ids["[SEP]"])
    writer.add_unk_token_id(ids["[UNK]"])
    writer.add_pad_token_id(ids["[PAD]"])
    writer.add_mask_token_id(ids["[MASK]"])


def _phantom(token: str, special: set[str]) -> str:
    """Word pieces as llama.cpp wants them: words begin with a mark, their continuations do not."""
    if token in special:
        return token
    return token[2:] if token.startswith("##") else "▁" + token


# ---- writing --------------------------------------------------------------------------------------------------------


def _arrays(folder: Path) -> Arrays:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def _add(writer: gguf.GGUFWriter, name: str, value: np.ndarray, rounding: Rounding = Rounding.F32) -> None:
    value = np.ascontiguousarray(value, dtype=np.float32)
    if rounding is not Rounding.F32 and value.ndim > 1 and value.shape[-1] % 32 == 0:
        writer.add_tensor(name, gguf.quants.quantize(value, rounding), raw_dtype=rounding)
    else:
        writer.add_tensor(name, value)


def _write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


MAKERS: dict[str, Callable[[Path], None]] = {
    "llama-chat": lambda file: write_decoder(tiny("llama-chat"), file),
    "llama-tools": lambda file: write_decoder(tiny("llama-tools"), file),
    "llama-seeing": write_seeing,
    "llama-base": lambda file: write_decoder(tiny("llama-base"), file),
    "qwen2": lambda file: write_decoder(tiny("qwen2"), file),
    "qwen2-q8": lambda file: write_decoder(tiny("qwen2"), file, rounding=Rounding.Q8_0),
    "llama-q4": lambda file: write_decoder(tiny("llama-chat"), file, rounding=Rounding.Q4_0),
    "embed-mean": lambda file: write_encoder(tiny("embed-mean"), file, gguf.PoolingType.MEAN),
    "embed-last": lambda file: write_decoder(tiny("llama-base"), file, pooling=gguf.PoolingType.LAST),
    "rerank": lambda file: write_encoder(tiny("bert-single"), file, gguf.PoolingType.RANK),
}
