"""What a prediction needs to know of a model, from its folder or from published metadata alone. Pure.

Made from what loading taught where the model was loaded once, and until then from what the engine is known to choose.
"""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

from sidecar.registry.shape import Shape
from sidecar.types import ModelType

Way = Literal["fused", "seq2seq", "encoder", "library", "native"]

# What `engines.transformers.fused` takes: models as a whole, those that read and write, those that only read; and from how many
# parameters on torch's models are rounded. A test holds them to be the same. Only what is fused as a whole can have 4 bits.
FUSED_FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
SEQ2SEQ_FAMILIES = ("marian", "bart", "mbart", "m2m_100", "pegasus")
ENCODER_FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet", "distilbert")
ROUNDED_FROM = 10_000_000
# The kernels keep rounded weights in memory in pieces of so many inputs, the last one padded; measured. Most products have as
# many inputs as the model is wide, the others several times as many.
PIECE_INPUTS = 512
AS_WIDE_AS_MODEL = 0.7
BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "int8": 1.0, "int8_float32": 1.0, "int4": 0.625}
HALF_TYPES = {"bf16": "bfloat16", "f16": "float16"}  # in files, and as torch calls them
# Bytes of a weight in a GGUF file, scales included: those of 5 bits are computed like those of 4.
LARGEST_LIKE_4_BITS = 0.72


class Description(Struct, frozen=True):
    """One model as it would be held and computed.

    `way`: `fused`, `encoder` and `library` are torch's, with few large or many small operations, `seq2seq` the one where it
    writes and the other where it reads; `native` is an engine in one piece.
    `parameters`: all of them, `table` those of the table of words, which is only looked up unless `tied`. `weight_bytes`:
    all weights as stored where `precision` is none of BYTES, such as a mixed one of a GGUF file; else it follows from the
    parameters and may be 0. `cache_bytes_per_token`: keys and values of one token, all layers. `reserved_bytes`: for keys
    and values, by an engine that takes the room for them when it loads.
    """

    engine: str
    task: ModelType
    way: Way
    precision: str
    parameters: int
    layers: int
    file_bytes: int
    width: int = 0
    table: int = 0
    tied: bool = True
    encoder_layers: int = 0
    cache_bytes_per_token: int = 0
    weight_bytes: int = 0
    reserved_bytes: int = 0

    @property
    def writes(self) -> bool:
        """Token by token; else it reads texts once."""
        return self.task in ("text_generation", "translation")

    @property
    def body(self) -> int:
        """Parameters of the layers: every token goes through them."""
        tables = 2 if self.writes and not self.tied else 1
        return max(0, self.parameters - tables * self.table)

    @property
    def head(self) -> int:
        """Parameters that make scores from a hidden state."""
        return self.table if self.writes else 0

    @property
    def weight_size(self) -> float:
        """Bytes of one weight where it is multiplied."""
        if self.precision in BYTES:
            return BYTES[self.precision]
        return self.weight_bytes / self.parameters if self.parameters else 0.0

    @property
    def kernel(self) -> str:
        """The precision whose measured rate tells how quickly its weights are multiplied."""
        if self.engine == "llamacpp":
            return "q4_0" if self.weight_size <= LARGEST_LIKE_4_BITS else "q8_0"
        return "int8" if self.precision.startswith("int8") else self.precision

    @property
    def head_kernel(self) -> str:
        """The same of what makes the scores, which stays in 8 bits beside layers in 4."""
        return "int8" if self.way == "fused" and self.precision == "int4" else self.kernel

    @property
    def head_weight_size(self) -> float:
        return BYTES["int8"] if self.way == "fused" and self.precision == "int4" else self.weight_size

    @property
    def held_bytes(self) -> int:
        """Of all weights in memory. Rounded ones take more than they say, and keep the exact table of words beside them."""
        if self.precision not in BYTES:
            return self.weight_bytes
        if self.rounded:
            body = self._packed_size(AS_WIDE_AS_MODEL) if self.precision == "int8" else self.weight_size
            return int(self.body * body + self.head * self._packed_size(1.0) + self.table * BYTES["float32"])
        return int(self.parameters * self.weight_size)

    @property
    def rounded(self) -> bool:
        """Whether torch rounds it when it is loaded."""
        return self.engine == "transformers" and self.precision in ("int8", "int4")

    def _packed_size(self, as_wide: float) -> float:
        """Bytes of a weight in 8 bits as the kernels keep it; `as_wide`: the share with as many inputs as the model is wide."""
        padded = math.ceil(self.width / PIECE_INPUTS) * PIECE_INPUTS / self.width if self.width else 1.0
        return BYTES["int8"] * (1 + as_wide * (padded - 1))


def describe(
    *,
    engine: str,
    task: ModelType,
    shape: Shape,
    parameters: int,
    file_bytes: int,
    cache_bytes_per_token: int = 0,
    weight_bytes: int = 0,
    reserved_bytes: int = 0,
    stored: str = "none",
    precision: str | None = None,
    quantization: str | None = None,
    can_round: bool = True,
    half: bool = False,
    exported: bool = False,
) -> Description:
    """`half`: the files hold bfloat16 and the processor multiplies it, so that what is not rounded stays so. `precision`: what a
    load taught, None before the first; `stored`: what most weights in the files have. `quantization`: what the user asked for.
    `exported`: a program of `torch.export`, which runs in the type it was exported with whatever the user asks for."""
    table = shape.vocabulary * shape.width
    can_fuse = engine == "transformers" and task == "text_generation" and shape.family in FUSED_FAMILIES
    half = half and quantization not in ("int8", "int4")
    if engine == "transformers" and not exported:
        asked = quantization if can_fuse or quantization != "int4" else None
        plain = "bfloat16" if half else "float32"
        chosen = _torch_precision(asked, precision, parameters, plain, rounds=can_round and (can_fuse or not half))
    else:
        as_it_is = HALF_TYPES.get(stored, "float32")
        usual = {"transformers": as_it_is, "llamacpp": stored, "ctranslate2": "int8_float32"}
        chosen = precision or usual.get(engine, "none")
    fused = can_fuse and chosen != "bfloat16"
    return Description(
        engine=engine,
        task=task,
        way="fused" if fused else _way(engine, task, shape, half=half),
        precision=chosen,
        parameters=parameters,
        layers=shape.layers,
        file_bytes=file_bytes,
        width=shape.width,
        table=min(table, parameters),
        tied=shape.tied,
        encoder_layers=shape.encoder_layers,
        cache_bytes_per_token=cache_bytes_per_token,
        weight_bytes=weight_bytes,
        reserved_bytes=reserved_bytes,
    )


def _way(engine: str, task: ModelType, shape: Shape, *, half: bool) -> Way:
    """Of what is not fused as a whole."""
    if engine != "transformers":
        return "native"
    if task in ("text_generation", "translation"):
        return "seq2seq" if shape.family in SEQ2SEQ_FAMILIES and not half else "library"
    return "encoder" if shape.family in ENCODER_FAMILIES and not half else "library"


def _torch_precision(
    quantization: str | None, learned: str | None, parameters: int, plain: str, *, rounds: bool
) -> str:
    """What the user decided, else what the last load's trial did, else what it probably will."""
    if quantization in ("int8", "int4", "none"):
        return plain if quantization == "none" else quantization
    return learned or ("int8" if rounds and parameters >= ROUNDED_FROM else plain)
