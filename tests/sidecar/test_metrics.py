from __future__ import annotations

from sidecar.metrics import Metrics


def test_two_services_in_one_process_do_not_share_figures() -> None:
    first, second = Metrics(), Metrics()
    first.loads.labels("m").inc()
    assert b'inglenook_model_loads_total{model="m"} 1.0' in first.exposition()
    assert b'model="m"' not in second.exposition()


def test_a_model_that_left_has_no_memory_figure_any_more() -> None:
    metrics = Metrics()
    metrics.set_memory({"a": 10, "b": 20})
    metrics.set_memory({"b": 30})
    text = metrics.exposition()
    assert b'inglenook_model_memory_bytes{model="b"} 30.0' in text
    assert b'model="a"' not in text
