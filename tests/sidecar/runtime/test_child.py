from __future__ import annotations

import pytest

from sidecar.runtime.child import worker_environment


@pytest.mark.parametrize(
    "name",
    ["HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN", "OPENAI_API_KEY", "AWS_SECRET", "TOKEN", "PGPASSWORD_PASSWORD",
     "http_proxy", "HTTPS_PROXY", "all_proxy", "NO_PROXY"],
)  # fmt: skip
def test_secrets_and_proxies_stay_behind(name: str) -> None:
    assert name not in worker_environment({name: "x"}, "echo")


@pytest.mark.parametrize("name", ["PATH", "HOME", "KEYBOARD", "TOKENIZER_DIR", "OMP_NUM_THREADS"])
def test_what_is_no_secret_is_passed_on(name: str) -> None:
    assert worker_environment({name: "x"}, "echo")[name] == "x"


def test_the_hub_is_offline_whatever_was_set() -> None:
    environment = worker_environment({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}, "echo")
    assert (environment["HF_HUB_OFFLINE"], environment["TRANSFORMERS_OFFLINE"]) == ("1", "1")
    assert environment["TOKENIZERS_PARALLELISM"] == "false"


@pytest.mark.parametrize(
    ("engine", "given", "told"),
    [
        ("llamacpp", {}, ("ACTIVE", "300000")),
        ("transformers", {}, (None, "20000")),
        ("transformers", {"OMP_WAIT_POLICY": "ACTIVE"}, ("ACTIVE", None)),
        ("llamacpp", {"GOMP_SPINCOUNT": "7"}, (None, "7")),
    ],
)
def test_waiting_threads_look_for_as_long_as_suits_the_engine_unless_the_user_wants_otherwise(
    engine: str, given: dict[str, str], told: tuple[str | None, str | None]
) -> None:
    environment = worker_environment(given, engine)
    assert (environment.get("OMP_WAIT_POLICY"), environment.get("GOMP_SPINCOUNT")) == told


def test_a_worker_keeps_the_memory_of_its_products_unless_the_user_wants_otherwise() -> None:
    kept, given = worker_environment({}, "echo"), {"MALLOC_TRIM_THRESHOLD_": "1000"}
    assert int(kept["MALLOC_TRIM_THRESHOLD_"]) > int(kept["MALLOC_MMAP_THRESHOLD_"]) > 1 << 20
    assert worker_environment(given, "echo")["MALLOC_TRIM_THRESHOLD_"] == "1000"
