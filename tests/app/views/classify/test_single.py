"""One text in the Classify view."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.views.classify.input_card import LIST, ONE
from app.widgets.probability_row import ProbabilityRow
from tests.app.views.classify.conftest import Bench


def bars(card):
    """Names and percentages of the bars shown, from top to bottom."""
    rows = sorted((row for row in card.findChildren(ProbabilityRow) if row.isVisible()), key=lambda row: row.y())
    return [row.accessibleName() for row in rows]


async def test_ctrl_enter_classifies_the_text(echo):
    echo.view.input.one.setPlainText("I like it")
    QTest.keyClick(echo.view.input.one, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    await echo.until(lambda: echo.view.single.answer is not None)
    probabilities = echo.view.single.answer.classifications
    assert [name.split(":")[0] for name in bars(echo.card)] == list(probabilities)


async def test_the_threshold_decides_anew_without_asking_again(echo):
    await echo.ask("I like it")
    answer = echo.view.single.answer
    best = next(iter(answer.classifications))
    echo.card.slider.set_value(0.0)
    assert echo.card.verdict.text() == best.capitalize()
    echo.card.slider.set_value(1.0)
    assert echo.card.verdict.text() == "Not sure"
    assert echo.view.single.answer is answer


async def test_the_threshold_is_remembered_for_each_model(echo):
    echo.card.slider.set_value(0.8)
    await echo.use("other")
    assert echo.card.threshold() == 0.5
    echo.view.choose("echo")
    assert echo.card.threshold() == 0.8


async def test_a_multi_label_model_shows_every_label_above_the_threshold(bench):
    await bench.use("multi", multi_label=True, labels=["joy", "fear", "love", "anger"])
    await bench.ask("so many feelings")
    bench.card.slider.set_value(0.0)
    assert set(bench.card.verdict.text().lower().split(", ")) == {"joy", "fear", "love", "anger"}


async def test_an_error_says_what_happened_and_can_be_tried_again(echo):
    await echo.ask("this fails [[error]]")
    assert echo.card.verdict.text() == "Could not classify"
    echo.view.input.one.setPlainText("this does not")
    echo.card.retry_wanted.emit()
    await echo.until(lambda: echo.view.single.answer is not None)


async def test_a_crash_of_the_worker_is_told_and_the_next_text_works(echo):
    await echo.ask("now [[crash]]")
    assert echo.view.single.failure is not None
    await echo.ask("and again")
    assert echo.view.single.answer is not None


async def test_another_model_does_not_show_the_answer_of_the_one_before(echo):
    await echo.ask("I like it")
    await echo.use("other")
    assert bars(echo.card) == []
    assert echo.view.single.answer is None


async def test_stopping_waits_no_longer(bench):
    await bench.use("slow", delay_ms=3000)
    bench.view.input.one.setPlainText("one two three")
    bench.view.submit()
    assert bench.view.input.button.text() == "Stop"
    bench.view.input.button.click()
    assert (bench.view.single.busy, bench.view.input.button.text()) == ("", "Classify")


async def test_a_text_sent_while_the_service_starts_is_answered_when_it_is_there(paths, until):
    bench = Bench(paths, until)
    bench.window.show_view("classify")
    bench.view.input.one.setPlainText("I could not wait")
    bench.view.submit()
    assert bench.card.verdict.text() == "Waiting for the service…"
    await bench.start()
    await bench.until(lambda: bench.view.single.answer is not None, 120)
    assert bench.view.model.id == "starter-sentiment"
    await bench.close()


async def test_the_starter_model_tells_praise_from_blame(bench):
    for text, label in (("I love it, it is wonderful!", "Positive"), ("It is terrible and I hate it.", "Negative")):
        bench.view.input.one.setPlainText(text)
        bench.view.submit()
        await bench.until(lambda: bench.view.single.answer is not None and not bench.view.single.busy, 120)
        assert bench.card.verdict.text() == label


async def test_words_and_texts_are_counted(echo):
    echo.view.input.one.setPlainText("three little words")
    assert echo.view.input.count_text() == "3 words"
    echo.view.input.set_mode(LIST)
    echo.view.input.many.setPlainText("one\n\ntwo")
    assert echo.view.input.count_text() == "2 texts"


async def test_nothing_written_leaves_the_button_off(echo):
    echo.view.input.one.setPlainText("  ")
    assert not echo.view.input.button.isEnabled()


async def test_only_classifiers_can_be_chosen(echo):
    offered = {model.id for model in echo.view.classifiers()}
    assert "echo" in offered
    assert "starter-chat" not in offered


async def test_what_was_written_survives_the_window(echo):
    echo.view.input.one.setPlainText("not finished yet")
    echo.window.remember()
    assert echo.window.preferences.table.drafts["classify"] == "not finished yet"


async def test_the_palette_leads_to_a_list(echo):
    command = next(command for command in echo.view.commands() if command.id == "classify-list")
    command.run()
    assert echo.view.input.mode() == LIST
    echo.view.input.set_mode(ONE)
