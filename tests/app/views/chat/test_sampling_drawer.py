import pytest

from app.views.chat.sampling_drawer import SamplingDrawer


@pytest.fixture
def drawer(qtbot):
    made = SamplingDrawer()
    qtbot.addWidget(made)
    made.set_values({}, {"temperature": 0.3, "top_p": None})
    return made


def test_what_is_not_set_shows_the_models_default(drawer):
    assert drawer.rows["temperature"].field.value() == pytest.approx(0.3)
    assert drawer.rows["top_p"].field.value() == 1
    assert drawer.values() == {}


def test_an_edited_number_is_set_and_can_be_taken_back(drawer, qtbot):
    with qtbot.waitSignal(drawer.changed) as changed:
        drawer.rows["temperature"].field.setValue(1.2)
    assert changed.args == [{"temperature": 1.2}]
    drawer.rows["temperature"].reset_button.click()
    assert drawer.values() == {}
    assert drawer.rows["temperature"].field.value() == pytest.approx(0.3)


def test_a_preset_sets_its_numbers(drawer):
    drawer.presets.segments["creative"].click()
    assert drawer.values() == {"temperature": 1.0, "top_p": 0.98, "min_p": 0.05}
    assert drawer.rows["min_p"].field.value() == pytest.approx(0.05)


def test_stop_texts_are_lines(drawer):
    drawer.stop_texts.setPlainText("END\n\n###")
    assert drawer.values() == {"stop": ["END", "###"]}


def test_the_seed_is_random_until_it_is_set(drawer):
    assert drawer.rows["seed"].field.text() == "random"
    drawer.rows["seed"].field.setValue(7)
    assert drawer.values() == {"seed": 7}


def test_everything_can_be_reset_at_once(drawer):
    drawer.set_values({"top_k": 5, "stop": ["x"], "truncate": True}, {})
    drawer.reset_button.click()
    assert drawer.values() == {}
    assert drawer.stop_texts.toPlainText() == ""
    assert not drawer.truncate.isChecked()
