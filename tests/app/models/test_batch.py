"""Running a list: slices, failures, pauses. The classifier here is a function that the test controls."""

import asyncio

import pytest

from app import operations
from app.models.batch import BatchRunner
from app.models.result_list import ResultList, TextList
from sidecar.errors import InferenceFailed, InvalidRequest, LoadFailed, QueueFull, ServiceUnreachable
from sidecar.types import Classification, ClassifyBatchResponse, Execution


class Classifier:
    """Answers "good", after the errors it was given; texts with "bad" in them always fail."""

    def __init__(self, errors=(), failure=InvalidRequest):
        self.asked = []
        self.errors = list(errors)
        self.failure = failure

    async def __call__(self, texts):
        self.asked.append(texts)
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        if any("bad" in text for text in texts):
            raise self.failure(reason="it is bad")
        return ClassifyBatchResponse(
            [Classification({"good": 1.0}) for _ in texts], 1.0, Execution("echo", "cpu", "none")
        )


def results_of(*texts):
    return ResultList(TextList("list", list(texts), range(1, len(texts) + 1)))


async def test_every_row_is_asked_once():
    results, classifier = results_of(*(f"text {row}" for row in range(1000))), Classifier()
    runner = BatchRunner(results, classifier)
    await runner.run()
    assert (runner.state, results.classified) == ("finished", 1000)
    assert [text for texts in classifier.asked for text in texts] == results.source.texts


async def test_slices_grow_while_answers_are_quick():
    classifier = Classifier()
    await BatchRunner(results_of(*["text"] * 1000), classifier).run()
    sizes = [len(texts) for texts in classifier.asked]
    assert sizes[:4] == [32, 64, 128, 256]
    assert max(sizes) == 256


async def test_one_bad_text_fails_alone_and_says_why():
    results = results_of(*["fine"] * 20, "bad one", *["fine"] * 20)
    runner = BatchRunner(results, Classifier())
    await runner.run()
    assert (runner.state, results.classified, list(results.failures)) == ("finished", 40, [20])
    assert "it is bad" in results.failures[20]


async def test_failed_rows_can_be_asked_again():
    results, classifier = results_of("fine", "bad"), Classifier()
    await BatchRunner(results, classifier).run()
    results.source.texts[1] = "better"
    results.retry_failures()
    await BatchRunner(results, classifier).run()
    assert (results.classified, results.failures, classifier.asked[-1]) == (2, {}, ["better"])


@pytest.mark.parametrize(
    "error", [QueueFull(waiting=9, model="m", retry_after=0.01), ServiceUnreachable(url="", reason="it restarts")]
)
async def test_what_passes_by_itself_is_waited_for(error):
    results = results_of("fine")
    runner = BatchRunner(results, Classifier([error]))
    states = []
    runner.state_changed.connect(states.append)
    await runner.run()
    assert states == ["running", "waiting", "running", "finished"]
    assert results.classified == 1


async def test_a_model_that_cannot_be_loaded_stops_the_run_with_every_row_still_waiting():
    results = results_of(*["fine"] * 5)
    runner = BatchRunner(results, Classifier([LoadFailed(model="m", reason="no file")]))
    await runner.run()
    assert (runner.state, results.counts(0.5).waiting) == ("stopped", 5)
    assert "no file" in runner.error.message


async def test_a_model_that_fails_on_text_after_text_stops_the_run():
    results = results_of(*["bad"] * 50)
    runner = BatchRunner(results, Classifier(failure=InferenceFailed))
    await runner.run()
    assert (runner.state, len(results.failures)) == ("stopped", 3)


async def test_bad_texts_in_a_row_are_not_the_models_fault():
    results = results_of(*["bad"] * 10)
    runner = BatchRunner(results, Classifier())
    await runner.run()
    assert (runner.state, len(results.failures)) == ("finished", 10)


async def test_a_pause_asks_nothing_until_resumed(until):
    results, classifier = results_of(*["text"] * 5000), Classifier()
    runner = BatchRunner(results, classifier)
    runner.progressed.connect(lambda *_: runner.pause() if len(classifier.asked) == 2 else None)
    running = asyncio.create_task(runner.run())
    await until(lambda: runner.state == "paused")
    await asyncio.sleep(0.05)
    assert len(classifier.asked) == 2
    runner.resume()
    await running
    assert results.classified == 5000


async def test_cancelling_keeps_what_is_finished(until):
    results, classifier = results_of(*["text"] * 5000), Classifier()
    runner = BatchRunner(results, classifier)
    operation = operations.run(runner, runner.run())
    await until(lambda: results.classified > 0)
    operation.cancel()
    await until(lambda: runner.state == "idle")
    assert 0 < results.classified < 5000
    await runner.run()
    assert (runner.state, results.classified) == ("finished", 5000)


class ShortSighted(Classifier):
    """Reads the beginning of a text with "long" in it, and says of which texts that is true, as the service does."""

    async def __call__(self, texts):
        response = await super().__call__(texts)
        for text, result in zip(texts, response.results, strict=True):
            result.truncated = "long" in text
        return response


async def test_the_rows_that_were_cut_are_known_one_by_one_and_asked_once():
    results, classifier = results_of(*["fine"] * 20, "a long one", *["fine"] * 20, "another long one"), ShortSighted()
    await BatchRunner(results, classifier).run()
    assert (results.classified, results.cut) == (42, {20, 41})
    assert results.counts(0.5).cut == 2
    assert sum(map(len, classifier.asked)) == 42
