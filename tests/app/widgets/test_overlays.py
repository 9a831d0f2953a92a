"""What opens above the window: command palette, model picker, toast, drawer."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMainWindow, QWidget

from app.widgets.command_palette import Command, CommandPalette
from app.widgets.drawer import WIDTH, Drawer
from app.widgets.model_picker import ModelItem, ModelPicker
from app.widgets.toast import Toast

MODELS = [
    ModelItem("a", "Alpha", "int8", "classification", loaded=True),
    ModelItem("b", "Beta", "Q4", "text_generation"),
]


@pytest.fixture
def window(qtbot):
    made = QMainWindow()
    inside = QWidget()
    QHBoxLayout(inside)
    made.setCentralWidget(inside)
    made.resize(900, 600)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    return made


def placed(window, widget):
    window.centralWidget().layout().addWidget(widget)
    widget.show()
    return widget


def test_a_command_is_found_by_letters_and_run_after_the_palette_closed(qtbot, window):
    palette = CommandPalette(window)
    ran = []
    palette.set_commands(
        [Command("x", "Quit", lambda: None), Command("n", "New chat", lambda: ran.append(palette.isHidden()))]
    )
    palette.open()
    qtbot.keyClicks(palette.list.field, "nch")
    qtbot.keyClick(palette.list.field, Qt.Key.Key_Return)
    assert ran == [True]


def test_escape_closes_the_palette_and_the_focus_returns(qtbot, window):
    field = placed(window, QLineEdit())
    field.setFocus()
    palette = CommandPalette(window)
    palette.set_commands([Command("x", "Quit", lambda: None)])
    palette.open()
    assert not field.hasFocus()
    qtbot.keyClick(palette.list.field, Qt.Key.Key_Escape)
    assert palette.isHidden()
    assert field.hasFocus()


def test_a_click_beside_the_panel_closes_it(qtbot, window):
    palette = CommandPalette(window)
    palette.open()
    qtbot.mouseClick(palette, Qt.MouseButton.LeftButton, pos=QPoint(4, 4))
    assert palette.isHidden()


def test_tab_stays_inside_the_open_panel(qtbot, window):
    field = placed(window, QLineEdit())
    palette = CommandPalette(window)
    palette.set_commands([Command("x", "Quit", lambda: None)])
    palette.open()
    qtbot.keyClick(palette.list.field, Qt.Key.Key_Tab)
    assert not field.hasFocus()
    assert palette.isAncestorOf(window.focusWidget())


def test_the_panel_stays_inside_a_window_that_shrinks(window):
    palette = CommandPalette(window)
    palette.set_commands([Command(str(number), f"Command {number}", lambda: None) for number in range(30)])
    palette.open()
    window.resize(640, 300)
    assert palette.rect().contains(palette.panel.geometry())


def test_picking_a_model_shows_and_tells_it(qtbot, window):
    picker = placed(window, ModelPicker())
    picker.set_items(MODELS)
    picker.open_popup()
    popup = picker._popup
    qtbot.keyClicks(popup.list.field, "bet")
    with qtbot.waitSignal(picker.picked) as picked:
        qtbot.keyClick(popup.list.field, Qt.Key.Key_Return)
    assert picked.args == ["b"]
    assert picker.current() == MODELS[1]
    assert picker.accessibleName() == "Model: Beta"
    assert popup.isHidden()


def test_a_model_that_went_away_is_no_longer_current(window):
    picker = placed(window, ModelPicker())
    picker.set_items(MODELS)
    picker.set_current("b")
    picker.set_items(MODELS[:1])
    assert picker.current() is None


def test_space_opens_the_list_of_models(qtbot, window):
    picker = placed(window, ModelPicker())
    picker.set_items(MODELS)
    qtbot.keyClick(picker, Qt.Key.Key_Space)
    assert picker._popup.isVisible()


def test_few_models_are_seen_whole_below_the_field(qtbot, window):
    picker = placed(window, ModelPicker("About these models…"))
    picker.set_items(MODELS)
    picker.open_popup()
    rows = picker._popup.list
    qtbot.waitUntil(lambda: picker._popup.panel.height() == rows.wanted_height())
    assert rows.view.verticalScrollBar().maximum() == 0
    assert rows.view.y() == rows.field.geometry().bottom() + 2  # the hairline between, and no gap


def test_undo_is_called_once_and_the_toast_goes(qtbot, window):
    toast = Toast(window)
    undone = []
    toast.show_message("Deleted", lambda: undone.append(1))
    toast.undo_button.click()
    toast.undo_button.click()
    assert undone == [1]
    assert toast.isHidden()


def test_a_toast_without_undo_has_no_undo_button(window):
    toast = Toast(window)
    toast.show_message("Deleted", lambda: None)
    toast.show_message("Saved")
    assert not toast.undo_button.isVisible()
    assert toast.text() == "Saved"


def test_a_toast_is_as_wide_as_its_words_need_but_never_wider_than_its_window(window):
    toast = Toast(window)
    toast.show_message("Deleted", lambda: None)
    toast.hide()
    toast.show_message("Written to /home/somebody/reviews of last week.csv")
    assert toast.width() >= toast.sizeHint().width()
    toast.show_message("Written to " + "/a rather long name" * 40)
    assert toast.width() <= window.width()


def test_undoing_by_mouse_leaves_the_focus_where_it_was(qtbot, window):
    field = placed(window, QLineEdit())
    field.setFocus()
    toast = Toast(window)
    toast.show_message("Deleted", lambda: None)
    qtbot.mouseClick(toast.undo_button, Qt.MouseButton.LeftButton)
    assert field.hasFocus()


def test_a_toast_stays_inside_its_window(window):
    toast = Toast(window)
    toast.show_message("Deleted", lambda: None)
    window.resize(500, 320)
    assert window.rect().contains(toast.geometry())


def test_a_drawer_slides_open_and_shut(qtbot, window):
    drawer = placed(window, Drawer("Sampling"))
    drawer.hide()
    drawer.set_open(True)
    qtbot.waitUntil(lambda: drawer.width() == WIDTH)
    with qtbot.waitSignal(drawer.toggled) as toggled:
        qtbot.keyClick(drawer, Qt.Key.Key_Escape)
    assert toggled.args == [False]
    qtbot.waitUntil(drawer.isHidden)
