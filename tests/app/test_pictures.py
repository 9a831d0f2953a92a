"""Pictures as they are kept and sent: small enough, upright, in a format that models take."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter

from app.pictures import LONGEST, PictureRefused, is_picture, picture_of, read_picture


def drawn(width, height, image_format=QImage.Format.Format_RGB32):
    image = QImage(width, height, image_format)
    image.fill(QColor("teal"))
    return image


def noise(width, height):
    image = drawn(width, height)
    painter = QPainter(image)
    for x in range(0, width, 3):
        for y in range(0, height, 3):
            painter.fillRect(x, y, 2, 2, QColor((x * 37) % 256, (y * 91) % 256, (x * y) % 256))
    painter.end()
    return image


def test_a_large_picture_is_made_smaller_and_keeps_its_shape(tmp_path):
    path = tmp_path / "wide.png"
    drawn(3 * LONGEST, LONGEST).save(str(path))
    picture = read_picture(path)
    assert (picture.width, picture.height) == (LONGEST, LONGEST // 3)


def test_what_lets_through_or_is_drawn_stays_exact_and_photographs_become_jpeg():
    clear = QImage(40, 40, QImage.Format.Format_ARGB32)
    clear.fill(Qt.GlobalColor.transparent)
    assert picture_of(clear, "clear").kind == "png"
    assert picture_of(drawn(900, 600), "flat").kind == "png"
    assert picture_of(noise(900, 600), "photo").kind == "jpeg"


@pytest.mark.parametrize("suffix", ["webp", "bmp", "png", "jpg"])
def test_files_of_other_kinds_are_sent_as_png_or_jpeg(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    drawn(30, 20).save(str(path))
    assert is_picture(path)
    assert read_picture(path).data_url.startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))


def test_the_content_decides_not_the_name(tmp_path):
    path = tmp_path / "a.jpg"
    drawn(30, 20).save(str(path), "PNG")
    assert read_picture(path).width == 30


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path):
    with pytest.raises(PictureRefused, match=r"gone\.png cannot be shown"):
        read_picture(tmp_path / "gone.png")
