import pytest

from app.views.chat.sampling_drawer import SamplingDrawer


@pytest.fixture
def drawer(qtbot):
    made = SamplingDrawer()
    qtbot.addWidget(made)
    made.set_values({}, {"temperature": 0.3, "top_p": None})
    return made


def test_what_is_not_set_shows_the_models_default(drawer):
    assert drawer.fields.rows["temperature"].field.value() == pytest.approx(0.3)
    assert drawer.fields.rows["top_p"].field.value() == 1
    assert drawer.fields.values() == {}


def test_an_edited_number_is_set_and_can_be_taken_back(drawer, qtbot):
    with qtbot.waitSignal(drawer.fields.changed) as changed:
        drawer.fields.rows["temperature"].field.setValue(1.2)
    assert changed.args == [{"temperature": 1.2}]
    drawer.fields.rows["temperature"].reset_button.click()
    assert drawer.fields.values() == {}
    assert drawer.fields.rows["temperature"].field.value() == pytest.approx(0.3)


def test_a_preset_sets_its_numbers(drawer):
    drawer.fields.presets.segments["creative"].click()
    assert drawer.fields.values() == {"temperature": 1.0, "top_p": 0.98, "min_p": 0.05}
    assert drawer.fields.rows["min_p"].field.value() == pytest.approx(0.05)


def test_stop_texts_are_lines(drawer):
    drawer.fields.stop_texts.setPlainText("END\n\n###")
    assert drawer.fields.values() == {"stop": ["END", "###"]}


def test_the_seed_is_random_until_it_is_set(drawer):
    assert drawer.fields.rows["seed"].field.text() == "random"
    drawer.fields.rows["seed"].field.setValue(7)
    assert drawer.fields.values() == {"seed": 7}


def test_everything_can_be_reset_at_once(drawer):
    drawer.fields.set_values({"top_k": 5, "stop": ["x"], "truncate": True}, {})
    drawer.fields.reset_button.click()
    assert drawer.fields.values() == {}
    assert drawer.fields.stop_texts.toPlainText() == ""
    assert not drawer.fields.truncate.isChecked()
