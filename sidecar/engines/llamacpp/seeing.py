"""The projector with which a model sees images: how the library is set up for it. Reads no image.

What the library does with an image, from decoding to the last layer of the projector, happens between two of its
messages: nothing can be cancelled in that time, and other answers of the model wait.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import xllamacpp

from sidecar.engines.base import News, Working
from sidecar.registry.projector import Projector

# Kinds that make more tokens of larger images, up to thousands; the library's own bounds are lower for all others.
BY_SIZE = ("qwen2vl_merger", "qwen2.5vl_merger", "qwen3vl_merger", "glm4v", "kimik25", "youtuvl")
MOST_TOKENS = 4096
MOST_TOKENS_ON_CPU = 1024  # reading an image of 4096 takes minutes there
PULSE_S = 1.0
PATIENCE_S = 900.0  # for all images of a request; a library that is still silent then is taken to hang


def image_tokens(projector: Projector, context: int, *, on_cpu: bool) -> int | None:
    """The most tokens of one image, where that is for us to say. Two of them fit into the context."""
    if projector.kind not in BY_SIZE:
        return None
    return min(MOST_TOKENS_ON_CPU if on_cpu else MOST_TOKENS, context // 2)


def set_projector(params: xllamacpp.CommonParams, projector: Projector, context: int, *, on_cpu: bool) -> None:
    params.mmproj.path = str(projector.file)
    params.mmproj_use_gpu = not on_cpu
    params.image_max_tokens = image_tokens(projector, context, on_cpu=on_cpu) or params.image_max_tokens
    params.video_ffmpeg_bin_dir = os.devnull  # else what is no image would be handed to a program found on the path


def warnings(projector: Projector, context: int, *, on_cpu: bool) -> list[str]:
    most = image_tokens(projector, context, on_cpu=on_cpu)
    return [f"Images are read as at most {most} tokens each; larger ones are made smaller first."] if most else []


@contextmanager
def signs_of_life(request_id: int, tell: Callable[[News], None]) -> Iterator[Callable[[], None]]:
    """Tell once a second that work goes on, until what is yielded is called. A library that hangs is noticed later."""
    heard = threading.Event()

    def pulse() -> None:
        for _ in range(int(PATIENCE_S / PULSE_S)):
            if heard.wait(PULSE_S):
                return
            tell(Working(request_id))

    thread = threading.Thread(target=pulse, name="reading an image", daemon=True)
    thread.start()
    try:
        yield heard.set
    finally:
        heard.set()
        thread.join()
