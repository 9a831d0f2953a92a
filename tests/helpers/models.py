"""Tiny models with random weights and real tokenizers, made on the fly, so that tests need no downloads.

`tiny("llama-chat")` returns the folder of a model, written once per test session. Outputs are nonsense but repeatable:
tests compare them with what the library itself computes. `echo_model` writes a folder for the echo engine.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.helpers.tokenizers import (
    CHAT_TEMPLATE,
    SPECIAL,
    STRICT_TEMPLATE,
    TOOL_CALL,
    TOOL_TEMPLATE,
    byte_level_tokenizer,
    sentence_pieces,
    word_piece_tokenizer,
)


@functools.cache
def tiny(name: str) -> Path:
    """The folder of a tiny model; see MAKERS for the names."""
    import torch

    folder = session_folder() / name
    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        MAKERS[name](folder)
    return folder


def echo_model(folder: Path, **knobs: Any) -> Path:
    """A model folder for the echo engine; the knobs are in its docstring."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "echo", **knobs}), "utf-8")
    return folder


def with_long_header(folder: Path) -> Path:
    """The folder, with weights that begin beyond the first megabyte of their file."""
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    save_file(load_file(file), file, metadata={"format": "pt", "note": "x" * (1 << 20)})
    return folder


def overwrite_weights(folder: Path) -> None:
    """In place, of the same size: the last two thousand numbers, float32, get the other sign."""
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1:-8192:-4] = bytes(byte ^ 0x80 for byte in content[-1:-8192:-4])
    file.write_bytes(content)


def with_random_weights(make: Callable[[], Any], seed: int) -> Any:
    """A library model, all of whose weights are drawn, norms and biases too, so that nothing stays unused."""
    import torch

    torch.manual_seed(seed)
    model = make().eval()
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


@functools.cache
def session_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="inglenook-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# ---- tokenizers -----------------------------------------------------------------------------------------------------


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Random weights of a spread at which tiny models write something else than one token for ever."""
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            parameter.data.normal_(0, _spread(name, model.config.is_encoder_decoder))
    if model.config.model_type == "marian":  # whose decoder begins with a vector of zeros, the padding's
        model.get_input_embeddings().weight.data[model.config.pad_token_id] = 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _spread(name: str, encoder_decoder: bool) -> float:
    """Encoder-decoders need a strong look at the encoder, else every text gets the same answer."""
    if "encoder_attn" in name or "EncDecAttention" in name:
        return 3.0
    return 0.15 if encoder_decoder and "shared" not in name else 0.3


def _decoder_sizes(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _llama_chat(folder: Path, template: str | None = CHAT_TEMPLATE) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = byte_level_tokenizer(template)
    _save(LlamaForCausalLM(LlamaConfig(**_decoder_sizes(tokenizer))), tokenizer, folder)


def _llama_strict(folder: Path) -> None:
    _llama_chat(folder, STRICT_TEMPLATE)


def _llama_tools(folder: Path) -> None:
    """Fond of beginning tool calls, which a template of this kind lets come after any text. With room for descriptions."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = byte_level_tokenizer(TOOL_TEMPLATE, special=[*SPECIAL, TOOL_CALL])
    model = LlamaForCausalLM(LlamaConfig(**_decoder_sizes(tokenizer) | {"max_position_embeddings": 1024}))
    _save(model, tokenizer, folder)
    model.lm_head.weight.data[tokenizer.convert_tokens_to_ids(TOOL_CALL)] *= 10
    model.save_pretrained(folder)


def _llama_base(folder: Path) -> None:
    _llama_chat(folder, None)


def _qwen2(folder: Path) -> None:
    """With a generation config that asks for sampling, a repetition penalty and two end tokens."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = byte_level_tokenizer()
    model = Qwen2ForCausalLM(Qwen2Config(**_decoder_sizes(tokenizer), use_sliding_window=False))
    model.generation_config.update(
        do_sample=True,
        temperature=0.6,
        top_p=0.8,
        top_k=20,
        repetition_penalty=1.3,
        eos_token_id=[tokenizer.eos_token_id, tokenizer.pad_token_id],
    )
    _save(model, tokenizer, folder)


def _llama_scaled(folder: Path) -> None:
    """Positions beyond those of training, as Llama 3 scales them; biases in attention and feed-forward; a head of its own."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = byte_level_tokenizer(None)
    rope = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    rope |= {"original_max_position_embeddings": 64}
    more = {"rope_parameters": rope, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False}
    _save(LlamaForCausalLM(LlamaConfig(**_decoder_sizes(tokenizer), **more)), tokenizer, folder)


def _mistral(folder: Path) -> None:
    from transformers import MistralConfig, MistralForCausalLM

    tokenizer = byte_level_tokenizer(None)
    config = MistralConfig(**_decoder_sizes(tokenizer), sliding_window=None, head_dim=16)
    _save(MistralForCausalLM(config), tokenizer, folder)


def _qwen3(folder: Path) -> None:
    """Queries and keys are normalised per head."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = byte_level_tokenizer(None)
    _save(Qwen3ForCausalLM(Qwen3Config(**_decoder_sizes(tokenizer), head_dim=16)), tokenizer, folder)


def _gpt2(folder: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = byte_level_tokenizer(None)
    sizes = {"n_positions": 128, "n_embd": 32, "n_layer": 2, "n_head": 4}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    _save(GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), **sizes, **ends)), tokenizer, folder)


def _mistral_sliding(folder: Path) -> None:
    """A sliding window shorter than the prompts: its cache forgets, so rows cannot join."""
    from transformers import MistralConfig, MistralForCausalLM

    tokenizer = byte_level_tokenizer()
    model = MistralForCausalLM(MistralConfig(**_decoder_sizes(tokenizer), sliding_window=8, head_dim=8))
    _save(model, tokenizer, folder)


def _mamba(folder: Path) -> None:
    """Recurrent state instead of keys and values."""
    from transformers import MambaConfig, MambaForCausalLM

    tokenizer = byte_level_tokenizer(None)
    sizes = {"hidden_size": 32, "state_size": 4, "num_hidden_layers": 2, "vocab_size": len(tokenizer)}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 2}
    _save(MambaForCausalLM(MambaConfig(**sizes, **ends)), tokenizer, folder)


def _xlnet(folder: Path) -> None:
    """Its past is a tuple, of which no row can be cut."""
    from transformers import XLNetConfig, XLNetLMHeadModel

    tokenizer = byte_level_tokenizer(None)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = XLNetConfig(vocab_size=len(tokenizer), d_model=32, n_layer=2, n_head=4, d_inner=64, **ends)
    _save(XLNetLMHeadModel(config), tokenizer, folder)


def _gpt_kin(kind: str, folder: Path, **more: Any) -> None:
    """A decoder-only model whose configuration names its sizes as GPT-2's does."""
    import transformers

    tokenizer = byte_level_tokenizer(None)
    sizes = {"n_positions": 256, "n_embd": 32, "n_layer": 2, "n_head": 4}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(tokenizer), **sizes | more, **ends)
    _save(getattr(transformers, f"{kind}ForCausalLM")(config), tokenizer, folder)


def _falcon(folder: Path, **more: Any) -> None:
    from transformers import FalconConfig, FalconForCausalLM

    tokenizer = byte_level_tokenizer(None)
    sizes = {name: _decoder_sizes(tokenizer)[name] for name in ("vocab_size", "hidden_size", "num_hidden_layers")}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = FalconConfig(**sizes, **ends, num_attention_heads=4, max_position_embeddings=256, **more)
    _save(FalconForCausalLM(config), tokenizer, folder)


# ---- encoder-decoders -----------------------------------------------------------------------------------------------


def _t5(folder: Path, tasks: dict[str, Any] | None = None, tied: bool = True) -> None:
    """The first generation, or, not `tied`, the second: its last layer has weights of its own."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

    pieces = sentence_pieces(folder / "spiece.model")
    vocabulary = [(piece, -float(index)) for index, piece in enumerate(pieces)]
    tokenizer = T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=64)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        task_specific_params=tasks,
        tie_word_embeddings=tied,
    )
    model = T5ForConditionalGeneration(config)
    model.generation_config.update(max_length=32)
    if not tied:
        model.lm_head = torch.nn.Linear(config.d_model, config.vocab_size, bias=False)
    _save(model, tokenizer, folder)


def _t5_second(folder: Path) -> None:
    _t5(folder, tied=False)


def _t5_tasks(folder: Path) -> None:
    task = {"prefix": "translate English to German: ", "max_length": 24}
    _t5(folder, {"translation_en_to_de": task, "summarization": {"prefix": "summarize: "}})


def _umt5(folder: Path) -> None:
    from transformers import T5Tokenizer, UMT5Config, UMT5ForConditionalGeneration

    pieces = sentence_pieces(folder / "spiece.model")
    vocabulary = [(piece, -float(index)) for index, piece in enumerate(pieces)]
    tokenizer = T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=64)
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    config = UMT5Config(vocab_size=len(tokenizer), **sizes, decoder_start_token_id=0)
    _save(UMT5ForConditionalGeneration(config), tokenizer, folder)


def _pegasus(folder: Path) -> None:
    from transformers import PegasusConfig, PegasusForConditionalGeneration, PegasusTokenizer

    special = ("<pad>", "</s>", "<unk>")
    pieces = [piece for piece in sentence_pieces(folder / "spiece.model") if piece not in special]
    vocabulary = [(piece, 0.0) for piece in special] + [(piece, -float(index)) for index, piece in enumerate(pieces)]
    names = {"mask_token_sent": None, "mask_token": None}
    tokenizer = PegasusTokenizer(vocab=vocabulary, offset=0, **names, model_max_length=64)
    ends = {"eos_token_id": tokenizer.eos_token_id, "forced_eos_token_id": tokenizer.eos_token_id}
    starts = {"pad_token_id": tokenizer.pad_token_id, "decoder_start_token_id": tokenizer.pad_token_id}
    config = PegasusConfig(**_bart_sizes(len(tokenizer)), **starts, **ends, scale_embedding=True)
    _save(PegasusForConditionalGeneration(config), tokenizer, folder)


def _bart_sizes(vocabulary: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "d_model": 32,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
        "max_position_embeddings": 64,
    }


def _bart(folder: Path) -> None:
    """Text to text, as for summaries."""
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = byte_level_tokenizer(None)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = BartConfig(
        **_bart_sizes(len(tokenizer)),
        **ends,
        pad_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
        scale_embedding=True,
    )
    _save(BartForConditionalGeneration(config), tokenizer, folder)


def _marian(folder: Path, targets: tuple[str, ...] = ()) -> None:
    """One direction, English to German; with `targets`, several that are named in front of the text."""
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    pieces = [piece for piece in sentence_pieces(folder / "source.spm") if piece not in ("<pad>", "</s>", "<unk>")]
    shutil.copy(folder / "source.spm", folder / "target.spm")
    names = ["</s>", "<unk>", *pieces, *(f">>{code}<<" for code in targets), "<pad>"]
    vocabulary = {name: index for index, name in enumerate(names)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    files = (str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json"))
    language = "mul" if targets else "de"
    tokenizer = MarianTokenizer(*files, source_lang="en", target_lang=language, model_max_length=64)
    padding = vocabulary["<pad>"]
    config = MarianConfig(
        **_bart_sizes(len(vocabulary)),
        pad_token_id=padding,
        eos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=padding,
    )
    model = MarianMTModel(config)
    model.generation_config.update(bad_words_ids=[[padding]], max_length=40, num_beams=4, forced_eos_token_id=0)
    _save(model, tokenizer, folder)


def _marian_multilingual(folder: Path) -> None:
    _marian(folder, ("fra", "deu"))


def _nllb(folder: Path, least: int = 0) -> None:
    """A byte-level tokenizer with language tokens in the way of NLLB: `eng_Latn text </s>`."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    pieces = sentence_pieces(folder / "pieces.model")
    known = ["<s>", "<pad>", "</s>", "<unk>", *(piece for piece in pieces if piece not in ("<pad>", "</s>", "<unk>"))]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(known))}
    codes = ["eng_Latn", "deu_Latn", "fra_Latn", "zho_Hans", "zho_Hant"]
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=[], extra_special_tokens=codes, src_lang="eng_Latn")
    config = M2M100Config(
        **_bart_sizes(len(tokenizer)), pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2
    )
    model = M2M100ForConditionalGeneration(config)
    model.generation_config.update(max_length=24, min_length=least)
    _save(model, tokenizer, folder)


def _nllb_least(folder: Path) -> None:
    """What it writes has at least fifteen tokens, the first and the last counted, as summarizers are set up."""
    _nllb(folder, 15)


def _m2m100(folder: Path) -> None:
    """Language tokens behind the vocabulary, as `__de__`; the tokenizer knows a hundred."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    pieces = sentence_pieces(folder / "pieces.model")
    known = ["<s>", "<pad>", "</s>", "<unk>", *(piece for piece in pieces if piece not in ("<pad>", "</s>", "<unk>"))]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(known))}
    (folder / "words.json").write_text(json.dumps(vocabulary), "utf-8")
    tokenizer = M2M100Tokenizer(str(folder / "words.json"), str(folder / "pieces.model"), src_lang="en")
    config = M2M100Config(
        **_bart_sizes(len(vocabulary) + 108), pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2
    )
    model = M2M100ForConditionalGeneration(config)
    model.generation_config.update(max_length=24)
    _save(model, tokenizer, folder)


def _mbart(folder: Path, tokenizer: Any) -> None:
    from transformers import MBartConfig, MBartForConditionalGeneration

    config = MBartConfig(
        **_bart_sizes(len(tokenizer)), pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2
    )
    model = MBartForConditionalGeneration(config)
    model.generation_config.update(max_length=24, forced_eos_token_id=2)
    _save(model, tokenizer, folder)


def _fairseq_vocabulary(folder: Path) -> list[tuple[str, float]]:
    pieces = [piece for piece in sentence_pieces(folder / "pieces.model") if piece not in ("<pad>", "</s>", "<unk>")]
    return [(piece, -float(index)) for index, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *pieces])]


def _mbart50(folder: Path) -> None:
    from transformers import MBart50Tokenizer

    _mbart(folder, MBart50Tokenizer(vocab=_fairseq_vocabulary(folder), src_lang="en_XX"))


def _mbart25(folder: Path) -> None:
    from transformers import MBartTokenizer

    _mbart(folder, MBartTokenizer(vocab=_fairseq_vocabulary(folder), src_lang="en_XX"))


# ---- encoders -------------------------------------------------------------------------------------------------------


def _bert_config(tokenizer: Any, **more: Any) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        **more,
    )


def _classifier(folder: Path, labels: list[str], problem: str | None = None) -> None:
    from transformers import BertForSequenceClassification

    tokenizer = word_piece_tokenizer()
    names = dict(enumerate(labels))
    ids = {label: index for index, label in names.items()}
    config = _bert_config(tokenizer, id2label=names, label2id=ids, problem_type=problem)
    _save(BertForSequenceClassification(config), tokenizer, folder)


def _bert_single(folder: Path) -> None:
    _classifier(folder, ["negative", "neutral", "positive"])


def _bert_multi(folder: Path) -> None:
    _classifier(folder, ["toxic", "rude", "spam", "fine"], "multi_label_classification")


def _bert_nli(folder: Path) -> None:
    _classifier(folder, ["CONTRADICTION", "NEUTRAL", "ENTAILMENT"])


def _distilbert(folder: Path) -> None:
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    tokenizer = word_piece_tokenizer()
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 48}
    _save(
        DistilBertForSequenceClassification(DistilBertConfig(vocab_size=len(tokenizer), **sizes, num_labels=3)),
        tokenizer,
        folder,
    )


def _roberta(folder: Path) -> None:
    """Positions are counted from behind the padding, and the head is another than BERT's."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    tokenizer = word_piece_tokenizer()
    sizes = _bert_config(tokenizer, num_labels=3, type_vocab_size=1, pad_token_id=1).to_dict()
    del sizes["model_type"]
    _save(RobertaForSequenceClassification(RobertaConfig(**sizes)), tokenizer, folder)


def _gpt2_classifier(folder: Path) -> None:
    """A decoder as a classifier: it looks at the last token, and its tokenizer has nothing to pad with."""
    from transformers import GPT2Config, GPT2ForSequenceClassification

    tokenizer = byte_level_tokenizer(None)
    tokenizer.pad_token = None
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=128, n_embd=32, n_layer=2, n_head=4, num_labels=2)
    _save(GPT2ForSequenceClassification(config), tokenizer, folder)


def _embedder(folder: Path, mode: str, *, normalize: bool, dense: int | None = None) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import BertModel

    tokenizer = word_piece_tokenizer()
    _save(BertModel(_bert_config(tokenizer), add_pooling_layer=False), tokenizer, folder)
    modules = [("Transformer", ""), ("Pooling", "1_Pooling")]
    modules += [("Dense", "2_Dense")] * (dense is not None) + [("Normalize", "3_Normalize")] * normalize
    rows = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (kind, path) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(rows), "utf-8")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 32, "do_lower_case": false}', "utf-8")
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 32, f"pooling_mode_{mode}": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), "utf-8")
    if dense is not None:
        (folder / "2_Dense").mkdir()
        about = {"in_features": 32, "out_features": dense, "activation_function": "torch.nn.modules.activation.Tanh"}
        (folder / "2_Dense" / "config.json").write_text(json.dumps(about), "utf-8")
        weights = {"linear.weight": torch.randn(dense, 32), "linear.bias": torch.randn(dense)}
        save_file(weights, folder / "2_Dense" / "model.safetensors")


def _embed_mean(folder: Path) -> None:
    _embedder(folder, "mean_tokens", normalize=True)


def _embed_cls(folder: Path) -> None:
    _embedder(folder, "cls_token", normalize=False)


def _embed_dense(folder: Path) -> None:
    _embedder(folder, "mean_tokens", normalize=False, dense=12)


def _embed_plain(folder: Path) -> None:
    """A model without a word on pooling."""
    from transformers import BertModel

    tokenizer = word_piece_tokenizer()
    _save(BertModel(_bert_config(tokenizer)), tokenizer, folder)


MAKERS: dict[str, Callable[[Path], None]] = {
    "llama-chat": _llama_chat,
    "llama-strict": _llama_strict,
    "llama-tools": _llama_tools,
    "llama-base": _llama_base,
    "llama-scaled": _llama_scaled,
    "mistral": _mistral,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "gpt2": _gpt2,
    "mistral-sliding": _mistral_sliding,
    "mamba": _mamba,
    "xlnet": _xlnet,
    "gpt-bigcode": partial(_gpt_kin, "GPTBigCode"),
    "gptj": partial(_gpt_kin, "GPTJ", rotary_dim=4),
    "codegen": partial(_gpt_kin, "CodeGen", n_embd=64, n_head=8, rotary_dim=4),
    "falcon": partial(_falcon, alibi=False),
    "falcon-alibi": partial(_falcon, alibi=True, multi_query=False, parallel_attn=False, bias=True),
    "falcon-new": partial(_falcon, new_decoder_architecture=True, num_kv_heads=2),
    "umt5": _umt5,
    "pegasus": _pegasus,
    "t5": _t5,
    "t5-tasks": _t5_tasks,
    "t5-second": _t5_second,
    "bart": _bart,
    "marian": _marian,
    "marian-multilingual": _marian_multilingual,
    "nllb": _nllb,
    "nllb-least": _nllb_least,
    "m2m100": _m2m100,
    "mbart50": _mbart50,
    "mbart25": _mbart25,
    "bert-single": _bert_single,
    "bert-multi": _bert_multi,
    "bert-nli": _bert_nli,
    "distilbert": _distilbert,
    "roberta": _roberta,
    "gpt2-classifier": _gpt2_classifier,
    "embed-mean": _embed_mean,
    "embed-cls": _embed_cls,
    "embed-dense": _embed_dense,
    "embed-plain": _embed_plain,
}
