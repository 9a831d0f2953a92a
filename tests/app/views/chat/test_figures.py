from app.views.chat.figures import Figures, duration, estimated_tokens
from sidecar.types import Execution, GenerateChunk, Timings, Usage

LAST = GenerateChunk(
    done=True,
    finish_reason="stop",
    usage=Usage(300, 12, 312),
    timings=Timings(1.0, 200.0, 420.0, 210.0, 28.44),
    context_length=8192,
    execution=Execution("transformers", "cpu", "float32"),
)


def test_the_last_chunk_becomes_words():
    assert Figures.of(LAST).words() == ["28.4 tok/s", "first token 0.21 s", "312 of 8,192 tokens"]


def test_what_computed_is_named_with_its_precision_and_device():
    assert Figures.of(LAST).computed_by() == "transformers · float32 · cpu"


def test_unknown_figures_are_left_out():
    assert Figures.of(GenerateChunk(done=True)).words() == []


def test_figures_survive_the_store():
    figures = Figures.of(LAST)
    assert Figures.from_dict(figures.to_dict()) == figures


def test_figures_of_another_version_are_passed_over():
    assert Figures.from_dict({"engine": "x", "invented": 1}) == Figures(engine="x")


def test_durations_are_short():
    assert [duration(ms) for ms in (210, 12_345, 180_000)] == ["0.21 s", "12 s", "3 min"]


def test_a_longer_text_is_estimated_to_take_more_tokens():
    assert estimated_tokens("word " * 100) > estimated_tokens("word") > 0
