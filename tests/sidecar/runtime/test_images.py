"""Images in messages: what is taken, and that none is believed."""

from __future__ import annotations

import struct

import pytest

from sidecar.errors import InvalidRequest
from sidecar.runtime import images
from sidecar.types import ImagePart, ImageUrl, Message
from tests.helpers.images import GIF, WEBP, about, jpeg, png, png_of, url


def refusal(address: str) -> str:
    with pytest.raises(InvalidRequest) as caught:
        images.check([Message("user", [ImagePart(ImageUrl(address))])])
    return caught.value.message


def test_png_jpeg_and_gif_are_known_by_their_headers() -> None:
    found = images.check([about("these", png(30, 20), jpeg(41, 17), GIF)])
    assert [str(one) for one in found] == ["[PNG image, 30 × 20]", "[JPEG image, 41 × 17]", "[GIF image, 1 × 1]"]


@pytest.mark.parametrize("address", ["https://example.org/a.png", "http://localhost/a.png", "file:///etc/passwd"])
def test_nothing_is_fetched(address: str) -> None:
    assert "nothing is fetched" in refusal(address)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("a.png", "not a data URL"),
        ("data:text/plain;base64,aGk=", "not a data URL"),
        ("data:image/png;base64,!!!!", "not base64"),
        (url(b"%PDF-1.7"), "not a PNG, JPEG or GIF"),
        (url(WEBP), "WebP"),
        (url(png()[:18]), "cut short"),
        (url(png().replace(b"IHDR", b"CgBI", 1)), "not a sound PNG"),
        (url(jpeg(9, 9)[:8]), "cut short"),
        (url(b"\xff\xd8\xff\xe0\x00\x04\x00\x00rubbish"), "not a sound JPEG"),
        (url(png_of(8192, 8192, b"")), "at most 32 million"),
        (url(png_of(0, 5, b"")), "0 × 5"),
        (url(png_of(1, 1000, b"")), "200 times as long"),
        (url(b"GIF89a" + struct.pack("<HH", 65535, 65535)), "65535 × 65535"),
    ],
)
def test_what_is_no_sound_image_is_refused_with_a_word(address: str, why: str) -> None:
    message = refusal(address)
    assert "image 1: " in message
    assert why in message


def test_a_png_that_unfolds_to_more_than_it_says_is_refused() -> None:
    assert "unfolds to more" in refusal(url(png_of(10, 10, bytes(50 << 20))))


def test_bytes_that_fill_up_a_jpeg_are_passed_over() -> None:
    filled = jpeg(41, 17)
    filled = filled[:2] + b"\xff\xff\xff" + filled[2:]
    assert [str(one) for one in images.check([about("this", filled)])] == ["[JPEG image, 41 × 17]"]


def test_all_images_of_a_request_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS_TOGETHER", 100 << 10)
    images.check([about("these", png(300, 300))])
    with pytest.raises(InvalidRequest, match="together; send fewer"):
        images.check([about("these", png(300, 300), png(200, 200))])


def test_so_many_images_and_no_more() -> None:
    images.check([about("these", *[png(4, 4)] * images.MAX_IMAGES)])
    with pytest.raises(InvalidRequest, match="65 images"):
        images.check([about("these", *[png(4, 4)] * images.MAX_IMAGES), about("and", GIF)])


def test_the_history_tells_what_an_image_was() -> None:
    messages = [about("what is this", png(30, 20))]
    assert images.described(messages, images.check(messages)) == "user: what is this\n[PNG image, 30 × 20]"
