"""The table of installed models."""

import pytest
from PySide6.QtCore import Qt

from app.models.installed import Column, InstalledModels
from app.models.rows import NOTE_ROLE
from sidecar.types import JobInfo, ModelInfo


def a_model(name, **known):
    """A model of which only what matters here is told."""
    told = {
        "model_type": "text_generation", "model_path": "", "tokenizer_path": "", "device": "auto", "dtype": None,
        "max_length": None, "temperature": None, "top_p": None, "top_k": None, "is_loaded": False,
        "memory_usage_mb": None, "parameters_count": None, "version": "1", "engine": "transformers",
        "capabilities": ["chat"], "size_mb": 1.0,
    }  # fmt: skip
    return ModelInfo(id=name, name=name, **told | known)


@pytest.fixture
def table():
    made = InstalledModels()
    made.set_models(
        [
            a_model("org/Zebra-7B", size_mb=4000.0, parameters_count=7_200_000_000),
            a_model("aardvark", model_type="classification", is_loaded=True, memory_usage_mb=346.0, pinned=True),
            a_model("mole", size_mb=20.0, last_used_at=1.0),
        ],
        {},
    )
    return made


def shown(table):
    return [table.at(row).id for row in range(table.rowCount())]


def cell(table, row, column, role=Qt.ItemDataRole.DisplayRole):
    return table.index(row, column).data(role)


@pytest.mark.parametrize(
    ("column", "order"),
    [
        (Column.MODEL, ["aardvark", "mole", "org/Zebra-7B"]),
        (Column.STATE, ["aardvark", "mole", "org/Zebra-7B"]),
        (Column.SIZE, ["org/Zebra-7B", "mole", "aardvark"]),
        (Column.USED, ["mole", "aardvark", "org/Zebra-7B"]),
    ],
)
def test_each_column_brings_to_the_top_what_one_looks_for(table, column, order):
    table.sort(column)
    assert shown(table) == order


def test_words_are_looked_for_in_name_task_and_engine_and_a_task_limits_further(table):
    table.filter("transformers classif", "")
    assert shown(table) == ["aardvark"]
    table.filter("", "text_generation")
    assert shown(table) == ["mole", "org/Zebra-7B"]
    table.filter("aardvark", "text_generation")
    assert shown(table) == []


def test_a_row_says_what_the_model_is_and_what_it_holds(table):
    assert (cell(table, 2, Column.MODEL), cell(table, 2, Column.MODEL, NOTE_ROLE)) == ("Zebra-7B", "Chat · 7.2B")
    assert (cell(table, 0, Column.STATE), cell(table, 0, Column.STATE, NOTE_ROLE)) == ("in memory", "346 MB · pinned")


def test_a_running_job_is_the_models_state(table):
    table.set_models([a_model("mole")], {"mole": JobInfo("1", "prepare", "mole", "running", 0.42)})
    assert (cell(table, 0, Column.STATE), cell(table, 0, Column.STATE, NOTE_ROLE)) == ("preparing", "42 %")


def test_a_model_whose_files_cannot_be_read_is_called_unusable(table):
    table.set_models([a_model("broken", size_mb=0.0, capabilities=[])], {})
    assert cell(table, 0, Column.STATE) == "unusable"


def test_a_new_state_repaints_and_does_not_reset_so_that_the_chosen_row_stays(table, qtbot):
    with qtbot.assertNotEmitted(table.modelReset), qtbot.waitSignal(table.dataChanged):
        table.set_models([a_model("org/Zebra-7B"), a_model("aardvark"), a_model("mole", is_loaded=True)], {})
