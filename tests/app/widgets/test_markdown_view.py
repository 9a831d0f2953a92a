"""Answers on screen."""

import statistics
import time

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QTextDocument
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.code_block import CodeBlock
from app.widgets.markdown_view import MAX_BLOCKS, MarkdownView
from app.widgets.prose_block import ProseBlock
from app.widgets.table_block import TableBlock

LIMIT_S = 0.05  # the promise is 5 ms; the rest is room for a busy machine
PARAGRAPH = "word *emph* and `code` some more text here and there. " * 6


@pytest.fixture
def view(qtbot):
    """A view in a scroll area, as in the chat."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.resize(800, 600)
    inside = QWidget()
    column = QVBoxLayout(inside)
    made = MarkdownView()
    column.addWidget(made)
    column.addStretch()
    area.setWidget(inside)
    qtbot.addWidget(area)
    area.show()
    qtbot.waitUntil(lambda: made.width() > 100)
    yield made
    area.close()


def settle(qtbot, view) -> None:
    qtbot.waitUntil(view.is_settled, timeout=60_000)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # blocks that were replaced are gone now


def shown(view) -> list[str]:
    """The kinds of blocks in the order in which they stand."""
    kinds = {ProseBlock: "prose", CodeBlock: "code", TableBlock: "table"}
    found = [child for kind in kinds for child in view.findChildren(kind) if not child.isHidden()]
    found.sort(key=lambda block: block.mapTo(view, QPoint(0, 0)).y())
    return [kinds[type(block)] for block in found]


def texts(view) -> str:
    return "\n".join(block.toPlainText() for block in view.findChildren(ProseBlock))


def test_prose_code_and_tables_stand_in_their_order(qtbot, view):
    view.set_markdown("a\n\n```py\nx\n```\n\nb\n\n|c|\n|-|\n|d|\n\ne")
    settle(qtbot, view)
    qtbot.wait(20)
    assert shown(view) == ["prose", "code", "prose", "table", "prose"]


def test_streaming_shows_the_same_as_setting(qtbot, view):
    source = "# T\n\nHello **you**.\n\n```python\ndef f():\n    pass\n```\n\n1. a\n2. b\n\n|a|b|\n|-|-|\n|1|2|\n\nend 🔥 `x` more"
    for character in source:
        view.append(character)
        view._flush()
    settle(qtbot, view)
    other = MarkdownView()
    qtbot.addWidget(other)
    other.set_markdown(source)
    settle(qtbot, other)
    assert [block.toPlainText() for block in view.findChildren(ProseBlock)] == [
        block.toPlainText() for block in other.findChildren(ProseBlock)
    ]
    assert view.findChild(CodeBlock).code() == other.findChild(CodeBlock).code() == "def f():\n    pass"
    assert view.findChild(TableBlock).toPlainText() == other.findChild(TableBlock).toPlainText()
    assert view.markdown() == source


def test_streaming_keeps_the_widgets_that_are_there(qtbot, view):
    view.set_markdown("intro\n\n```py\nx = 1\n")
    settle(qtbot, view)
    before = view.findChild(CodeBlock)
    view.append("y = 2\n```\n\nafter")
    settle(qtbot, view)
    assert view.findChildren(CodeBlock) == [before]
    assert before.code() == "x = 1\ny = 2"


@pytest.mark.parametrize(
    ("base", "chunk"),
    [
        ("\n\n".join([PARAGRAPH] * 33) + "\n\n", "token "),
        ("\n".join(f"{n}. {PARAGRAPH}" for n in range(33)) + "\n34. ", "token "),
        ("```python\n" + "def f(x):  # comment\n    return x + 1\n" * 150, "x = f(1)\n"),
    ],
    ids=["paragraphs", "list", "code"],
)
def test_a_chunk_of_a_long_answer_is_cheap(qtbot, view, base, chunk):
    view.set_markdown(base)
    settle(qtbot, view)
    spent = []
    for _ in range(40):
        view.append(chunk)
        start = time.process_time()
        view._flush()
        spent.append(time.process_time() - start)
    assert statistics.median(spent) < LIMIT_S


def test_the_caret_shows_only_while_streaming(qtbot, view):
    view.set_markdown("Hello")
    settle(qtbot, view)
    qtbot.waitUntil(lambda: view.height() > 10)
    still = view.grab().toImage()
    view.set_streaming(True)
    assert view.grab().toImage() != still
    view.set_streaming(False)
    assert view.grab().toImage() == still


def test_the_caret_shows_before_the_first_word(qtbot, view):
    view.set_streaming(True)
    qtbot.wait(20)
    accent = theme.colour("accent").rgb()
    image = view.grab().toImage()
    assert any(image.pixel(x, y) == accent for x in range(image.width()) for y in range(image.height()))


def test_copied_text_is_what_was_written(qtbot, view):
    view.set_markdown("Use `a b` now.\n\nSecond.")
    settle(qtbot, view)
    block = view.findChild(ProseBlock)
    block.selectAll()
    block.copy()
    assert QGuiApplication.clipboard().text() == "Use a b now.\nSecond."


def test_a_click_on_a_link_only_tells_its_target(qtbot, view):
    view.set_markdown("[click me here please](https://a.example/b)")
    settle(qtbot, view)
    block = view.findChild(ProseBlock)
    qtbot.waitUntil(lambda: block.isVisible() and block.height() > 10)
    with qtbot.waitSignal(view.link_activated) as told:
        qtbot.mouseClick(block.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(20, 8))
    assert told.args == ["https://a.example/b"]


@pytest.mark.parametrize("address", ["https://a.example/x.png", "file:///etc/passwd", "x.css"])
def test_nothing_is_ever_loaded(qtbot, view, address):
    view.set_markdown("text")
    settle(qtbot, view)
    block = view.findChild(ProseBlock)
    loaded = block.document().resource(QTextDocument.ResourceType.ImageResource.value, QUrl(address))
    assert bytes(loaded).strip() == b""


def test_raw_html_is_shown_as_text(qtbot, view):
    view.set_markdown('<img src="https://a.example/x.png"> <b>x</b>')
    settle(qtbot, view)
    assert texts(view) == '<img src="https://a.example/x.png"> <b>x</b>'


def test_an_answer_of_nothing_but_fences_stays_small(qtbot, view):
    view.set_markdown("```\nx\n```\n" * (MAX_BLOCKS * 2))
    settle(qtbot, view)
    assert len(view.findChildren(CodeBlock)) <= MAX_BLOCKS
    assert texts(view).count("x") >= MAX_BLOCKS


def test_the_copy_button_copies_the_code_and_says_so(qtbot, view):
    view.set_markdown("```sh\nmake run\n```")
    settle(qtbot, view)
    block = view.findChild(CodeBlock)
    qtbot.mouseClick(block.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "make run"
    assert block.copy_button.text() == "Copied"


def test_a_theme_change_repaints_an_answer(qtbot, view):
    view.set_markdown("Hello")
    settle(qtbot, view)
    theme.set_mode("dark")
    try:
        block = view.findChildren(ProseBlock)[-1]
        cursor = block.textCursor()
        cursor.movePosition(cursor.MoveOperation.Right)
        assert cursor.charFormat().foreground().color() == theme.colour("text")
    finally:
        theme.set_mode("light")


def test_code_is_as_high_as_its_lines(qtbot, view):
    view.set_markdown("```\na\n```")
    settle(qtbot, view)
    one = view.findChild(CodeBlock).text_block.height()
    view.set_markdown("```\na\nb\nc\n```")
    settle(qtbot, view)
    qtbot.wait(20)
    three = next(block for block in view.findChildren(CodeBlock) if block.code() == "a\nb\nc").text_block.height()
    assert three > 2 * one
