"""The Catalogue view in the real window, with one real service and one hub for a module's tests."""

import pytest

from sidecar.paths import Paths
from tests.helpers import profile
from tests.helpers.hub import hub_server, model_files
from tests.helpers.service import running_service
from tests.helpers.stock import blob_of_size, stock
from tests.helpers.window_bench import WindowBench

CARD = b"# Owl\n\n<img src='http://x.example/a.png'>It [hoots](http://x.example/)."
CHAT = {"pipeline_tag": "text-generation", "tags": ["gguf", "license:mit"]}
READS = {"pipeline_tag": "text-classification", "tags": ["safetensors"]}
QUANTISATIONS = {"Q3_K_S": 3.3e9, "Q3_K_M": 3.7e9, "Q4_K_M": 4.9e9, "Q8_0": 8.1e9, "F16": 400e9}


@pytest.fixture(scope="module")
def hub():
    with hub_server() as server:
        stock(server)
        ggufs = {f"owl-7B-{name}.gguf": blob_of_size(name, int(size)) for name, size in QUANTISATIONS.items()}
        server.add("org/owl-7B-GGUF", {**ggufs, "README.md": CARD}, info=CHAT)
        server.add("org/owl-small", model_files(seed=5), info=READS)
        server.add("org/owl-gated", model_files(seed=3), gated="auto", info=READS)
        pickled = model_files(seed=4)
        pickled["pytorch_model.bin"] = pickled.pop("model.safetensors")
        server.add("org/owl-pickle", pickled, info=READS | {"tags": ["pytorch"]})
        server.tokens["hf_good"] = "somebody"
        yield server


@pytest.fixture(scope="module")
def served(hub, tmp_path_factory):
    """The folders of a service whose machine has a known speed."""
    folder = tmp_path_factory.mktemp("served")
    profile.keep(Paths.in_folder(folder).calibration, profile.made_up())
    with running_service(folder, hub_endpoint=hub.url, network_timeout_s=1) as service:
        yield service.paths


@pytest.fixture
async def bench(served, until):
    made = WindowBench(served, until, "catalogue")
    await made.start()
    await until(lambda: made.view.offers.rowCount() > 0)
    yield made
    await made.close()


@pytest.fixture
def opened(bench, until):
    """Find a model and open its page."""

    async def open_(repository):
        bench.view.use_model(repository)
        await until(lambda: bench.view.detail is not None and bench.view.detail.entry.id == repository)
        return bench.view.page

    return open_
