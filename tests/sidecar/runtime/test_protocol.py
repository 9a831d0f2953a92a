"""Frames however the pipe cuts them."""

from __future__ import annotations

import pytest

from sidecar.runtime.protocol import HEADER, MAX_FRAME_BYTES, Delta, Frames, ProtocolError, Stats, Step, Up, encode

SENT: list[Up] = [Step([Delta(1, "tea", 1)]), Stats(1, 0, 2, 3), Step([Delta(1, "é" * 1000, 2)])]


@pytest.mark.parametrize("size", [1, 3, 7, 1000, 1 << 20])
def test_frames_come_out_whole_and_in_order_however_they_are_cut(size: int) -> None:
    frames, stream = Frames(), b"".join(map(encode, SENT))
    came: list[Up] = []
    for at in range(0, len(stream), size):
        frames.add(stream[at : at + size])
        came += frames.take()
    assert came == SENT


@pytest.mark.parametrize("sent", [HEADER.pack(MAX_FRAME_BYTES + 1), HEADER.pack(3) + b"tea"])
def test_what_is_no_frame_is_refused(sent: bytes) -> None:
    frames = Frames()
    frames.add(sent)
    with pytest.raises(ProtocolError):
        list(frames.take())
