"""The small controls."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.banner import Banner
from app.widgets.button import Button
from app.widgets.composer import MAX_LINES, Composer
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_state import EmptyState
from app.widgets.focus_ring import FocusRing, RingFrame
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.link_dialog import LinkDialog
from app.widgets.nav_button import NavButton
from app.widgets.number_field import NumberField
from app.widgets.pill import Pill
from app.widgets.probability_row import ProbabilityRow, percent_text
from app.widgets.search_field import SearchField
from app.widgets.segmented import Segment, SegmentedControl
from app.widgets.spinner import Spinner, StateDot
from app.widgets.table import Table
from app.widgets.threshold_slider import ThresholdSlider


@pytest.fixture
def show(qtbot):
    def shown(widget):
        qtbot.addWidget(widget)
        widget.show()
        return widget

    return shown


def test_enter_sends_and_shift_enter_breaks_the_line(qtbot, show):
    composer = show(Composer("Ask"))
    qtbot.keyClicks(composer, "one")
    qtbot.keyClick(composer, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer, "two")
    with qtbot.waitSignal(composer.submitted):
        qtbot.keyClick(composer, Qt.Key.Key_Return)
    assert composer.toPlainText() == "one\ntwo"


def test_the_composer_grows_with_its_text_up_to_a_limit(show):
    composer = show(Composer("Ask"))
    one = composer.height()
    composer.setPlainText("a\nb\nc")
    three = composer.height()
    composer.setPlainText("line\n" * 100)
    limit = composer.height()
    composer.clear()
    assert one < three < limit
    assert limit <= MAX_LINES * composer.fontMetrics().lineSpacing() + 20
    assert composer.height() == one


def test_files_dropped_on_the_composer_are_told_not_pasted(qtbot, show, tmp_path):
    composer = show(Composer("Ask"))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.txt"))])
    with qtbot.waitSignal(composer.files_dropped) as dropped:
        composer.insertFromMimeData(data)
    assert dropped.args == [[str(tmp_path / "a.txt")]]
    assert composer.toPlainText() == ""


def test_html_is_pasted_as_plain_text(show):
    composer = show(Composer("Ask"))
    data = QMimeData()
    data.setHtml("<b>x</b>")
    data.setText("x")
    composer.insertFromMimeData(data)
    assert composer.toPlainText() == "x"


def test_a_label_never_reads_html(show):
    assert show(Label("<b>x</b>")).textFormat() == Qt.TextFormat.PlainText


def test_a_long_text_is_elided_and_whole_in_the_tool_tip(show):
    label = show(ElidedLabel("a very long text that cannot fit"))
    label.resize(80, 20)
    assert label.shown_text().endswith("…")
    assert label.toolTip() == label.text() == "a very long text that cannot fit"
    label.resize(600, 20)
    assert label.toolTip() == ""


def test_an_icon_button_has_a_name_to_be_read_aloud(show):
    button = show(IconButton("copy", "Copy answer"))
    assert button.accessibleName() == button.toolTip() == "Copy answer"
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter])
@pytest.mark.parametrize(
    "make", [lambda: Button("Go"), lambda: IconButton("x", "Close"), lambda: NavButton("server", "Server")]
)
def test_space_and_enter_press_a_button(qtbot, show, make, key):
    button = show(make())
    with qtbot.waitSignal(button.clicked):
        qtbot.keyClick(button, key)


def test_pressing_a_navigation_button_does_not_mark_it(show):
    button = show(NavButton("server", "Server"))
    button.click()
    assert not button.isChecked()


def test_a_count_is_read_aloud_too(show):
    button = show(NavButton("download", "Downloads"))
    button.set_count(2)
    assert button.accessibleDescription() != ""
    button.set_count(0)
    assert button.accessibleDescription() == ""


def test_a_pill_is_as_wide_as_its_words(show):
    pill = show(Pill("ok", "ok"))
    narrow = pill.sizeHint().width()
    pill.set_state("prompt longer than context", "bad")
    assert pill.sizeHint().width() > narrow
    assert pill.accessibleName() == "prompt longer than context"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 %"), (0.004, "< 1 %"), (0.943, "94 %"), (0.996, "> 99 %"), (1.0, "100 %")]
)
def test_a_probability_is_never_rounded_to_certainty(value, text):
    assert percent_text(value) == text


def test_a_probability_row_is_read_aloud(show):
    assert show(ProbabilityRow("positive", 0.94, leading=True)).accessibleName() == "positive: 94 %"


def test_arrow_keys_move_between_tabs(qtbot, show):
    tabs = show(SegmentedControl(["curl", "Python", "JavaScript"], "Language"))
    first = tabs.findChildren(Segment)[0]
    tabs.activateWindow()
    qtbot.waitUntil(tabs.isActiveWindow)
    first.setFocus()
    with qtbot.waitSignal(tabs.changed) as changed:
        qtbot.keyClick(first, Qt.Key.Key_Right)
    assert changed.args == [1]
    assert tabs.current() == 1


def test_moving_the_threshold_tells_its_value(qtbot, show):
    slider = show(ThresholdSlider("Threshold", 0.6))
    with qtbot.waitSignal(slider.changed) as changed:
        qtbot.keyClick(slider.focusProxy(), Qt.Key.Key_Right)
    assert changed.args == [0.61]


def test_escape_clears_a_search_field(qtbot, show):
    field = show(SearchField("Search"))
    qtbot.keyClicks(field, "abc")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == ""


def test_details_of_a_banner_are_one_click_away(qtbot, show):
    banner = show(Banner("bad", "It failed", "Because.", "Traceback"))
    toggle = next(button for button in banner.findChildren(QPushButton) if "details" in button.text())
    assert not banner._details.isVisible()
    qtbot.mouseClick(toggle, Qt.MouseButton.LeftButton)
    assert banner._details.isVisible()
    assert banner._details.toPlainText() == "Traceback"


def test_closing_a_banner_says_so(qtbot, show):
    banner = show(Banner("info", "Note"))
    with qtbot.waitSignal(banner.closed):
        qtbot.mouseClick(banner.findChild(IconButton), Qt.MouseButton.LeftButton)
    assert banner.isHidden()


def test_a_spinner_rests_while_hidden(show):
    spinner = show(Spinner("Loading"))
    assert spinner._timer.isActive()
    spinner.hide()
    assert not spinner._timer.isActive()


def test_only_a_busy_dot_moves(show):
    dot = show(StateDot("ok"))
    assert not dot._timer.isActive()
    dot.set_state("busy")
    assert dot._timer.isActive()


def test_an_empty_state_shows_its_action(qtbot, show):
    state = show(EmptyState("boxes", "No models", "Get one."))
    button = Button("Get a model", "primary")
    state.add_action(button)
    qtbot.waitUntil(button.isVisible)


def test_the_link_dialog_shows_the_whole_target_and_copies_it(qtbot, show):
    target = "https://a.example/" + "x" * 200
    dialog = show(LinkDialog(target))
    labels = "".join(label.text().replace("\n", "") for label in dialog.findChildren(Label))
    assert target in labels
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == target


def test_enter_does_not_open_a_link_by_accident(qtbot, show, monkeypatch):
    opened = []
    monkeypatch.setattr("app.widgets.link_dialog.QDesktopServices.openUrl", opened.append)
    dialog = show(LinkDialog("https://a.example"))
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert opened == []


def test_a_number_field_stays_within_its_bounds(show):
    field = show(NumberField("Top k", 0, 100))
    field.setValue(1000)
    assert field.value() == 100
    assert field.text() == "100"


def test_a_table_selects_whole_rows_and_has_a_name(show):
    table = show(Table("Results"))
    assert table.accessibleName() == "Results"
    assert table.selectionBehavior() == Table.SelectionBehavior.SelectRows


def test_the_ring_surrounds_a_button_reached_by_keyboard_but_no_text_field(qtbot, qapp, show):
    ring = FocusRing(qapp)
    window = QWidget()
    column = QVBoxLayout(window)
    button, field = QPushButton("a"), QLineEdit()
    column.addWidget(button)
    column.addWidget(field)
    show(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    button.setFocus(Qt.FocusReason.TabFocusReason)
    assert window.findChild(RingFrame).geometry().contains(button.geometry())
    field.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: window.findChild(RingFrame) is None)
    qapp.focusChanged.disconnect(ring._follow)


def test_the_ring_is_whole_where_the_parent_of_a_button_is_no_larger_than_the_button(qtbot, show):
    window, tight = QWidget(), QWidget()
    outer, inner = QVBoxLayout(window), QVBoxLayout(tight)
    inner.setContentsMargins(0, 0, 0, 0)
    button = QPushButton("a")
    inner.addWidget(button)
    outer.addWidget(tight)
    show(window)
    ring = RingFrame(button)
    assert ring.parentWidget() is window
    outer.setContentsMargins(40, 40, 40, 40)
    qtbot.waitUntil(lambda: tight.x() == 40)
    around = button.mapTo(window, button.rect().topLeft())
    assert ring.geometry().topLeft() == around - QPoint(3, 3)


@pytest.mark.parametrize(
    "make", [lambda: Button("Go"), lambda: IconButton("x", "Close"), lambda: NavButton("cpu", "X")]
)
def test_every_button_can_be_reached_by_keyboard_and_has_a_name(show, make):
    button: QAbstractButton = show(make())
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert button.accessibleName() or button.text()


def test_widgets_change_colour_with_the_theme(qtbot, show):
    pill = show(Pill("ok", "ok"))
    light = pill.grab().toImage()
    theme.set_mode("dark")
    dark = pill.grab().toImage()
    theme.set_mode("light")
    assert light != dark
