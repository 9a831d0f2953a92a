"""A list of texts in the Classify view."""

import asyncio
import csv
from time import thread_time

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.models.arrangement import Column, Only
from app.models.results_table import CUT_ROLE
from app.views.classify.input_card import LIST


def column(bench, which):
    table = bench.list.table
    return [table.index(row, which).data() for row in range(table.rowCount())]


async def test_pasted_lines_are_classified_at_once(echo):
    echo.view.input.set_mode(LIST)
    echo.view.input.many.setPlainText("first\nsecond\n\nthird")
    QTest.keyClick(echo.view.input.many, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    await echo.until(lambda: echo.list.runner.state == "finished")
    assert column(echo, Column.TEXT) == ["first", "second", "third"]
    assert echo.list.results.classified == 3


async def test_a_csv_file_shows_its_column_and_waits_for_the_button(echo):
    await echo.open("reviews.csv", "id,text,stars\n1,I love it,5\n2,I do not,1\n")
    assert column(echo, Column.TEXT) == ["I love it", "I do not"]
    assert echo.list.results.classified == 0
    echo.list.card.line.start.click()
    await echo.until(lambda: echo.list.results.classified == 2)


async def test_another_column_can_be_chosen(echo):
    await echo.open("reviews.csv", "text,author\nI love it,Ada\nI do not,Bob\n")
    echo.list.card.column_chosen.emit(1)
    await echo.until(lambda: echo.list.results.source.column == "author")
    assert column(echo, Column.TEXT) == ["Ada", "Bob"]


async def test_a_dropped_file_is_opened(echo):
    path = echo.paths.data_dir / "dropped.txt"
    path.write_text("one\ntwo\n")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    where, buttons, keys = QPointF(300, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where.toPoint(), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(echo.view, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(echo.view, QDropEvent(where, Qt.DropAction.CopyAction, data, buttons, keys))
    await echo.until(lambda: len(echo.list.results) == 2)


async def test_a_failed_row_says_why_while_the_others_are_done(echo):
    await echo.open("a.txt", "fine\nbroken [[error]]\nfine too\n")
    await echo.run()
    assert echo.list.results.classified == 2
    echo.list.card.view.selectRow(1)
    assert "Row 2" in echo.card.verdict.text()
    assert column(echo, Column.LABEL)[1].startswith("failed: ")


async def test_failed_rows_are_asked_again(echo):
    await echo.open("a.txt", "fine\nbroken [[error]]\n")
    await echo.run()
    echo.list.results.source.texts[1] = "whole"
    echo.list.card.line.retry.click()
    await echo.until(lambda: echo.list.results.classified == 2)


async def test_a_run_pauses_and_goes_on(echo):
    await echo.open("a.txt", "text\n" * 3000)
    echo.list.start()
    await echo.until(lambda: echo.list.results.classified > 0)
    echo.list.card.line.pause.click()
    await asyncio.sleep(0.5)  # the slice that was under way is answered
    done = echo.list.results.classified
    await asyncio.sleep(0.3)
    assert (echo.list.runner.state, echo.list.results.classified) == ("paused", done)
    echo.list.card.line.resume.click()
    await echo.until(lambda: echo.list.runner.state == "finished")
    assert echo.list.results.classified == 3000


async def test_a_cancelled_run_keeps_its_results_and_can_be_finished(echo):
    await echo.open("a.txt", "text\n" * 3000)
    echo.list.start()
    await echo.until(lambda: echo.list.results.classified > 0)
    echo.list.card.line.cancel.click()
    await echo.until(lambda: not echo.list.active)
    done = echo.list.results.classified
    assert 0 < done < 3000
    await echo.run()
    assert echo.list.results.classified == 3000


async def test_a_service_that_ends_is_waited_for(echo):
    await echo.open("a.txt", "text\n" * 6000)
    echo.list.start()
    await echo.until(lambda: echo.list.results.classified > 0)
    await echo.process.restart()
    await echo.until(lambda: echo.list.runner.state == "finished", 120)
    assert (echo.list.results.classified, echo.list.results.failures) == (6000, {})


async def test_another_model_offers_to_classify_again(echo):
    await echo.open("a.txt", "one\ntwo\n")
    await echo.run()
    await echo.use("other", labels=["yes", "no"])
    assert echo.list.card.line.start.text() == "Classify again"
    await echo.run()
    assert set(echo.list.results.labels) == {"yes", "no"}


async def test_rows_are_sorted_and_filtered(echo):
    await echo.open("a.txt", "pear\napple\nplum\n")
    await echo.run()
    echo.list.card.view.sort_by(Column.TEXT)
    await echo.until(lambda: column(echo, Column.TEXT) == ["apple", "pear", "plum"])
    echo.list.card.search.setText("P")
    echo.list.card.search.setText("pl")
    await echo.until(lambda: column(echo, Column.TEXT) == ["apple", "plum"])


async def test_only_unsure_rows_can_be_shown(echo):
    await echo.open("a.txt", "pear\napple\nplum\n")
    await echo.run()
    echo.card.slider.set_value(1.0)
    echo.list.card.label_chosen.emit(Only.NOT_SURE)
    await echo.until(lambda: set(column(echo, Column.LABEL)) == {"not sure"})
    assert echo.list.counts().not_sure == 3


async def test_results_survive_another_view(echo):
    await echo.open("a.txt", "one\ntwo\n")
    await echo.run()
    echo.window.show_view("settings")
    echo.window.show_view("classify")
    assert echo.list.results.classified == 2


async def test_a_closed_list_can_be_brought_back(echo):
    await echo.open("a.txt", "one\ntwo\n")
    await echo.run()
    undo = []
    echo.list.replaced.connect(undo.append)
    echo.list.card.line.close_list.click()
    assert len(echo.list.results) == 0
    undo[0]()
    assert echo.list.results.classified == 2


async def test_selected_rows_are_copied(echo):
    await echo.open("a.txt", "one\ntwo\nthree\n")
    await echo.run()
    echo.list.card.view.selectRow(1)
    QTest.keySequence(echo.list.card.view, "Ctrl+C")
    label = column(echo, Column.LABEL)[1]
    await echo.until(lambda: QGuiApplication.clipboard().text().startswith(f"two\t{label}\t"))


async def test_results_are_exported(echo):
    await echo.open("a.txt", "one\ntwo\n")
    await echo.run()
    path = echo.paths.data_dir / "out.csv"
    echo.view.exporter.write(path)
    await echo.until(lambda: not echo.view.exporter.running)
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == ["one", "two"]


async def test_a_file_that_cannot_be_read_is_reported_and_the_list_stays(echo):
    await echo.open("a.txt", "one\ntwo\n")
    errors = []
    echo.list.failed.connect(errors.append)
    echo.view.open_file(str(echo.paths.data_dir / "gone.txt"))
    await echo.until(lambda: errors)
    assert len(echo.list.results) == 2


async def test_ten_thousand_rows_fill_without_blocking_the_window(echo):
    longest = [0.0]

    async def watch():
        last = thread_time()
        while True:
            await asyncio.sleep(0)
            longest.append(thread_time() - last)
            last = thread_time()

    await echo.open("warm.txt", "one\n")
    await echo.run()  # the first table pays for fonts and style sheets
    watching = asyncio.create_task(watch())
    await echo.open("many.csv", "id,text\n" + "".join(f"{row},text number {row}\n" for row in range(10_000)))
    await echo.run()
    watching.cancel()
    assert echo.list.results.classified == 10_000
    assert max(longest) < 0.05  # of processor time in one turn


async def test_texts_that_the_model_cut_are_counted_marked_and_can_be_filtered(bench):
    await bench.until(lambda: bench.session.model("starter-sentiment"))
    bench.view.choose("starter-sentiment")
    await bench.open("texts.txt", "I love it\n" + "good " * 3000 + "\nawful\n")
    await bench.run()
    assert bench.list.results.cut == {1}
    assert "1 text was cut" in bench.list.card.line._figures.text()
    index = bench.list.table.index(1, Column.LABEL)
    assert index.data(CUT_ROLE)
    assert "longer than the model reads" in index.data(Qt.ItemDataRole.ToolTipRole)
    bench.list.card.labels.setCurrentIndex(bench.list.card.labels.findData(Only.CUT))
    bench.list.card.label_chosen.emit(Only.CUT)
    await bench.until(lambda: bench.list.table.rowCount() == 1)
