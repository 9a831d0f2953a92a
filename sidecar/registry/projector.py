"""What a multimodal projector is: the GGUF file beside a language model that lets it see images. Loads nothing.

llama.cpp believes the sizes that such a file states, and ends its process where weights have others. So those that it
computes with are held against each other before it opens the file.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from sidecar.errors import InvalidRequest
from sidecar.registry.gguf import GgufHeader, Tensor, read_header

ARCHITECTURE = "clip"
MAX_LAYERS = 1024
MAX_IMAGE_SIDE = 16_384
MAX_PATCH_SIDE = 1024
MAX_WIDTH = 1 << 16
PATCHES = "v.patch_embd.weight"
POSITIONS = "v.position_embd.weight"
# Kinds that cut every image into the same patches, so that there must be a position for each of them.
FIXED = ("mlp", "gemma3", "idefics3")
POOLED = ("gemma3", "idefics3")  # of these, those that then merge squares of patches
OWN_PATCHES = ("deepseekocr", "deepseekocr2")  # which state another patch than they use
FLOAT32_BYTES = 4
ACTIVATIONS = 8  # times the width of a layer's values that are held for each patch, measured


class Projector(Struct, frozen=True):
    """A sound projector. `stored_bytes`: its weights. `working_bytes`: what reading one image of its size takes."""

    file: Path
    kind: str
    stored_bytes: int
    working_bytes: int

    @property
    def held_bytes(self) -> int:
        return self.stored_bytes + self.working_bytes


def read_projector(file: Path) -> Projector | None:
    """Look at a projector; None for one that only hears. Raises InvalidRequest that says what is wrong with it, OSError."""
    header = read_header(file)
    try:
        return _projector(file, header)
    except _Unsound as fault:
        raise InvalidRequest(reason=f"{file} is not a multimodal projector that can be used: {fault}") from None


class _Unsound(Exception):
    """What is wrong with the file."""


def _projector(file: Path, header: GgufHeader) -> Projector | None:
    if header.architecture != ARCHITECTURE:
        raise _Unsound(f"it holds a {header.architecture or 'model without a name'}")
    if header.metadata.get("clip.has_vision_encoder") is not True:
        return None
    kind = header.text("clip.projector_type") or header.text("clip.vision.projector_type")
    width = _size(header, "embedding_length", 1, MAX_WIDTH)
    heads = _size(header, "attention.head_count", 1, MAX_WIDTH)
    if width % heads:
        raise _Unsound(f"its embedding_length of {width} cannot be shared by {heads} heads")
    _size(header, "block_count", 0, MAX_LAYERS)
    side = _size(header, "image_size", 0, MAX_IMAGE_SIDE)
    patch = _size(header, "patch_size", 1, MAX_PATCH_SIDE)
    tensors = {tensor.name: tensor for tensor in header.tensors}
    if kind not in OWN_PATCHES:
        _check_patches(tensors, patch, width)
    if kind in FIXED:
        _check_positions(header, kind, tensors, side // patch)
    _check_attention(tensors, width)
    inner = header.number("clip.vision.feed_forward_length") or 4 * width
    working = (side // patch) ** 2 * (inner + ACTIVATIONS * width) * FLOAT32_BYTES
    return Projector(file, kind, sum(tensor.size for tensor in header.tensors), working)


def _size(header: GgufHeader, name: str, least: int, most: int) -> int:
    size = header.number(f"clip.vision.{name}")
    if size is None or not least <= size <= most:
        raise _Unsound(f"its {name} is {'missing' if size is None else size}")
    return size


def _check_patches(tensors: dict[str, Tensor], patch: int, width: int) -> None:
    """The first step takes square patches of the stated side and makes vectors of the stated width."""
    first = tensors.get(PATCHES)
    if first is None or len(first.shape) != 4:  # some kinds flatten the patches first
        return
    if first.shape[:2] != (patch, patch) or first.shape[3] != width:
        raise _Unsound(f"{PATCHES} has the shape {first.shape}, which is not that of patches of {patch} pixels")


def _check_positions(header: GgufHeader, kind: str, tensors: dict[str, Tensor], across: int) -> None:
    """There is one vector for each patch, or one more for the whole image."""
    if across < 1:
        raise _Unsound("its image_size is smaller than a patch")
    positions = tensors.get(POSITIONS)
    if positions is None or len(positions.shape) != 2 or positions.shape[1] - across**2 not in (0, 1):
        raise _Unsound(f"{POSITIONS} does not have a place for each of {across} times {across} patches")
    merged = (header.number("clip.vision.projector.scale_factor") or 1) if kind in POOLED else 1
    if across % merged:
        raise _Unsound(f"its scale_factor of {merged} does not divide {across} patches")


def _check_attention(tensors: dict[str, Tensor], width: int) -> None:
    """Every layer attends over vectors of the stated width."""
    for name, tensor in tensors.items():
        attends = name.startswith("v.blk.") and name.endswith((".attn_q.weight", ".attn_k.weight", ".attn_v.weight"))
        if attends and tensor.shape != (width, width):
            raise _Unsound(f"{name} has the shape {tensor.shape} instead of {width} times {width}")
