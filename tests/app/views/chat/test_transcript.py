"""Long conversations: what is built, what stays in place, what is followed."""

import pytest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.chat.transcript import Transcript

COUNT = 500
REAL, ESTIMATE = 100, 40


class Message(QWidget):
    """A message whose text has a height of its own."""

    def __init__(self, parent):
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.text = QWidget(self)
        self.text.setFixedHeight(REAL)
        column.addWidget(self.text)


@pytest.fixture
def transcript(qtbot):
    made = Transcript(lambda key, parent: Message(parent))
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    made.show_messages([(str(number), ESTIMATE) for number in range(COUNT)])
    qtbot.waitUntil(lambda: len(made.widgets()) >= 6)
    return made


def on_screen(transcript, key):
    widget = transcript.message_widget(key)
    return widget.mapTo(transcript, widget.rect().topLeft()).y() if widget else None


def scroll(transcript, by):
    bar = transcript.verticalScrollBar()
    bar.setValue(bar.value() + by)


def test_only_what_is_near_the_view_is_built(transcript, qtbot):
    qtbot.wait(50)
    assert 6 <= len(transcript.widgets()) <= 30


def test_it_opens_at_the_end(transcript, qtbot):
    qtbot.waitUntil(lambda: on_screen(transcript, str(COUNT - 1)) is not None)
    assert 0 < on_screen(transcript, str(COUNT - 1)) <= 500


def test_what_is_read_stays_in_place_while_estimates_become_real(transcript, qtbot):
    scroll(transcript, -1500)
    qtbot.wait(50)
    key = next(str(number) for number in range(COUNT) if (on_screen(transcript, str(number)) or -1) >= 0)
    before = on_screen(transcript, key)
    qtbot.wait(100)
    assert on_screen(transcript, key) == before


def test_growth_at_the_end_is_followed_only_from_the_end(transcript, qtbot):
    last = transcript.message_widget(str(COUNT - 1))
    last.text.setFixedHeight(400)
    bar = transcript.verticalScrollBar()
    qtbot.waitUntil(lambda: on_screen(transcript, str(COUNT - 1)) <= 600 - 400)
    scroll(transcript, -300)
    assert not transcript.following
    place = bar.value()
    last.text.setFixedHeight(700)
    qtbot.wait(60)
    assert bar.value() == place


def test_jumping_to_the_end_follows_again(transcript, qtbot):
    scroll(transcript, -5000)
    with qtbot.waitSignal(transcript.following_changed) as changed:
        transcript.jump_to_end()
    assert changed.args == [True]
    bar = transcript.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())


def test_widgets_far_from_the_view_are_given_up(transcript, qtbot):
    for _ in range(60):
        scroll(transcript, -600)
        qtbot.wait(1)
    assert len(transcript.widgets()) < 80
    assert transcript.message_widget(str(COUNT - 1)) is None


def test_messages_that_stay_keep_their_widgets(transcript, qtbot):
    kept = transcript.message_widget(str(COUNT - 1))
    transcript.update_messages([(str(number), ESTIMATE) for number in range(COUNT + 1)])
    assert transcript.message_widget(str(COUNT - 1)) is kept
