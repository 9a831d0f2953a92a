"""The figures of `GET /metrics`, in a registry of their own so that two services in one process do not share them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """Counters are raised where things happen; gauges are set just before they are read, by `ModelManager.observe`."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "inglenook_requests", "Inference requests.", ["model", "kind", "outcome"], registry=registry
        )
        self.latency = Histogram(
            "inglenook_request_seconds", "From request to full answer.", ["model", "kind"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.first_token = Histogram(
            "inglenook_first_token_seconds", "From request to first token.", ["model"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.tokens = Counter(
            "inglenook_tokens", "Tokens read and written, and those computed as padding of texts read together and thrown away.",
            ["model", "direction"], registry=registry,
        )  # fmt: skip
        self.errors = Counter(
            "inglenook_errors", "Failed requests by error code.", ["model", "code"], registry=registry
        )
        self.loads = Counter("inglenook_model_loads", "Models loaded.", ["model"], registry=registry)
        self.load_seconds = Histogram(
            "inglenook_model_load_seconds", "From start of the load to loaded.", ["model"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.evictions = Counter(
            "inglenook_model_evictions", "Models unloaded to make room.", ["model"], registry=registry
        )
        self.crashes = Counter("inglenook_worker_crashes", "Workers that ended unasked.", ["model"], registry=registry)
        self.embedding_cache = Counter(
            "inglenook_embedding_cache", "Texts to embed, by whether the cache had them.", ["model", "outcome"],
            registry=registry,
        )  # fmt: skip
        self.queue_depth = Gauge("inglenook_queue_depth", "Requests that wait.", registry=registry)
        self.active = Gauge("inglenook_active_requests", "Requests in progress.", registry=registry)
        self.memory = Gauge("inglenook_model_memory_bytes", "Memory of a loaded model.", ["model"], registry=registry)

    def set_memory(self, bytes_by_model: dict[str, int]) -> None:
        """Exactly the models that are loaded have a figure."""
        self.memory.clear()
        for model, count in bytes_by_model.items():
            self.memory.labels(model).set(count)

    def exposition(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)
