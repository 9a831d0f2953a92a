"""The theme: switching, fonts, style sheet."""

import os
import re
import subprocess
import sys

import pytest
from PySide6.QtCore import Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QFontInfo, QFontMetricsF, QPalette, QRawFont
from PySide6.QtWidgets import QWidget

from app.icons import svg_source
from app.theme import SHEET_ICONS, build_palette, build_style_sheet, theme
from app.tokens import RESOURCES, THEMES, load_metrics, load_tokens


@pytest.fixture(autouse=True)
def _light_again():
    yield
    theme.set_mode("light")


@pytest.fixture
def complaints():
    """What Qt says while the test runs."""
    said: list[str] = []
    before = qInstallMessageHandler(
        lambda kind, _where, text: said.append(text) if kind != QtMsgType.QtDebugMsg else None
    )
    yield said
    qInstallMessageHandler(before)


def test_switching_says_so_once_and_changes_the_palette(qtbot, qapp):
    with qtbot.waitSignal(theme.changed):
        theme.set_mode("dark")
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == load_tokens("dark").background


def test_switching_to_the_same_mode_changes_nothing(qtbot):
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_mode("light")


def test_a_chosen_mode_is_told_to_the_platform(qapp):
    theme.set_mode("dark")
    assert qapp.styleHints().colorScheme() in (Qt.ColorScheme.Dark, Qt.ColorScheme.Unknown)
    assert theme.tokens.name == "dark"


def test_system_mode_follows_the_system(qapp):
    theme.set_mode("dark")
    theme.set_mode("system")
    expected = "dark" if qapp.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"
    assert theme.tokens.name == expected


@pytest.mark.parametrize("weight", ["normal", "medium", "strong"])
def test_every_weight_is_a_font_of_its_own(weight):
    raw = QRawFont.fromFont(theme.font("base", weight))
    assert raw.familyName() == "Inter"
    assert raw.weight() == load_metrics().weights[weight]


def test_code_is_set_in_a_fixed_width_font():
    font = theme.font("control", mono=True)
    metrics = QFontMetricsF(font)
    assert QFontInfo(font).family() == "JetBrains Mono"
    assert metrics.horizontalAdvance("i") == metrics.horizontalAdvance("W")


def test_tabular_figures_have_one_width():
    plain, tabular = QFontMetricsF(theme.font()), QFontMetricsF(theme.font(tabular=True))
    assert plain.horizontalAdvance("1") != plain.horizontalAdvance("0")
    assert tabular.horizontalAdvance("1") == tabular.horizontalAdvance("0")


def test_a_font_has_the_size_of_the_scale_in_pixels():
    assert QFontInfo(theme.font("welcome")).pixelSize() == 28


def test_the_fonts_stay_below_three_megabytes():
    fonts = list((RESOURCES / "fonts").glob("*.ttf"))
    assert fonts
    assert sum(font.stat().st_size for font in fonts) < 3_000_000


@pytest.mark.parametrize(
    "licence", ["fonts/LICENSE-Inter.txt", "fonts/LICENSE-JetBrainsMono.txt", "icons/LICENSE-Lucide.txt"]
)
def test_fonts_and_icons_come_with_their_licences(licence):
    assert (RESOURCES / licence).stat().st_size > 500


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_qt_understands_the_whole_style_sheet(qtbot, complaints, mode):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.setStyleSheet(
        build_style_sheet(load_tokens(mode), load_metrics(), lambda name, role: "/a folder/-x/(1)/i.svg")
    )
    widget.ensurePolished()
    assert [text for text in complaints if "style" in text.lower() or "property" in text.lower()] == []


def test_the_style_sheet_names_no_colour_of_its_own():
    sheet = (THEMES / "style.qss").read_text(encoding="utf-8")
    assert re.findall(r"#[0-9A-Fa-f]{3,8}\b", sheet) == []


def test_an_unknown_token_in_the_style_sheet_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "style.qss").write_text("QWidget { color: $txet; }", encoding="utf-8")
    monkeypatch.setattr("app.theme.THEMES", tmp_path)
    with pytest.raises(KeyError, match="txet"):
        build_style_sheet(load_tokens("light"), load_metrics(), lambda name, role: name)


def test_placeholders_can_be_read():
    assert build_palette(load_tokens("light")).color(QPalette.ColorRole.PlaceholderText).name().upper() == "#6E6860"


@pytest.mark.parametrize("name", SHEET_ICONS)
def test_the_icons_of_the_style_sheet_exist(name):
    assert "<svg" in svg_source(name)


@pytest.mark.parametrize("variant", ["inglenook", "tray-ready", "tray-busy", "tray-stopped"])
def test_the_application_icon_can_be_drawn(variant):
    image = theme.app_icon(variant).pixmap(64, 64).toImage()
    assert image.pixelColor(32, 6).alpha() == 255


def test_what_was_written_for_the_style_sheet_goes_with_the_process(tmp_path):
    program = (
        "import os; from app.application import qt_application; from app.theme import theme\n"
        "app = qt_application(); theme.install(app); print(len(os.listdir(theme._sheet_icons.name)))"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True, timeout=60)
    assert int(done.stdout) >= len(SHEET_ICONS)
    assert not [*tmp_path.iterdir()]
