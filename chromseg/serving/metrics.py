"""Counters for Prometheus. Each of several workers writes files of its own; the one that is asked adds them up."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from chromseg.inference.result import ModelIdentity
from chromseg.serving.drift import Drift
from chromseg.serving.work import Answer

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library looks for it when it is imported

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_COUNTS = (0, 1, 5, 10, 20, 30, 40, 44, 45, 46, 47, 48, 52, 60, 100)


class Metrics:
    """The metrics of one server process, and drift since the present model came into use.

    Args:
        queue: Asked for the number of requests in work and waiting.
    """

    def __init__(self, queue: Callable[[], int] = lambda: 0) -> None:
        self.registry = registry = CollectorRegistry()
        self._queue = queue
        self.requests = Counter(
            "chromseg_requests", "Requests by route and status.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "chromseg_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.steps = Histogram(
            "chromseg_step_seconds", "Time of each step.", ["step"], buckets=_SECONDS, registry=registry
        )
        self.queue = Gauge(
            "chromseg_queue", "Requests in work and waiting.", registry=registry, multiprocess_mode="livesum"
        )
        self.batches = Histogram(
            "chromseg_batch_size", "Pictures a batch.", buckets=(1, 2, 4, 8, 16, 32), registry=registry
        )
        self.instances = Counter("chromseg_instances", "Chromosomes found.", registry=registry)
        self.review = Counter("chromseg_instances_for_review", "Of them flagged for review.", registry=registry)
        self.unclaimed = Counter(
            "chromseg_unclaimed_pieces", "Pieces that may be chromosomes and belong to none.", registry=registry
        )
        self.per_image = Histogram(
            "chromseg_instances_per_image", "Chromosomes a picture.", buckets=_COUNTS, registry=registry
        )
        self.refused = Counter("chromseg_refused_inputs", "Pictures refused, by rule.", ["rule"], registry=registry)
        self.warned = Counter("chromseg_warnings", "Warnings on input or result, by rule.", ["rule"], registry=registry)
        self.turned_away = Counter("chromseg_turned_away", "Requests not worked on.", ["reason"], registry=registry)
        self.model = Gauge(
            "chromseg_model_info",
            "1 for each model in use.",
            ["name", "version", "weights_sha256"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.changes = Counter("chromseg_model_changes", "Models that came into use.", registry=registry)
        self.troubles = Counter("chromseg_model_troubles", "Looks at the registry that failed.", registry=registry)
        self.jobs = Counter("chromseg_jobs", "Jobs posted, and what became of them.", ["state"], registry=registry)
        self.job_bytes = Gauge(
            "chromseg_job_bytes",
            "Of pictures and results of jobs that are kept.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.lost = Counter("chromseg_splicers_lost", "Processes of stage 2 that died.", registry=registry)
        self.drift = Gauge(
            "chromseg_drift",
            "Standard deviations by which the last 100 pictures differ from the first 200 of this model.",
            ["fact"],
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self.reviews = Counter(
            "chromseg_reviews", "Results that a person judged: accepted, or corrected.", ["outcome"], registry=registry
        )
        self.intensity, self.count = Drift(), Drift()
        self._in_use: dict[int, tuple[str, str, str]] = {}

    def saw_model(self, identity: ModelIdentity, place: int = 0) -> None:
        """A model came into use, at a place among those that are served; pictures of the first are compared."""
        if place in self._in_use:
            self.model.labels(*self._in_use[place]).set(0)
            self.changes.inc()
        self._in_use[place] = (identity.name, str(identity.version), str(identity.weights_sha256))
        for labels in self._in_use.values():
            self.model.labels(*labels).set(1)
        if place == 0:
            self.intensity, self.count = Drift(), Drift()

    def turn_away(self, reason: str) -> None:
        """A request was not worked on."""
        self.turned_away.labels(reason).inc()

    def saw_answer(self, answer: Answer, times: Iterable[tuple[str, float]], *, drifts: bool = True) -> None:
        """A picture was segmented, by the model whose pictures are compared (`drifts`) or another."""
        self.instances.inc(answer.count)
        self.review.inc(answer.review)
        self.unclaimed.inc(answer.unclaimed)
        self.per_image.observe(answer.count)
        for rule in answer.warnings:
            self.warned.labels(rule).inc()
        for step, milliseconds in times:
            self.steps.labels(step).observe(milliseconds / 1000)
        if not drifts:
            return
        self.count.see(answer.count)
        self.drift.labels("count").set(self.count.value)
        if answer.intensity is not None:
            self.intensity.see(answer.intensity)
            self.drift.labels("intensity").set(self.intensity.value)

    def text(self) -> bytes:
        """All of it, in Prometheus' format, with the share of reviewed results that were corrected."""
        self.queue.set(self._queue())
        registry = self.registry
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + _corrected_share(registry)


def _corrected_share(registry: CollectorRegistry) -> bytes:
    """Of all workers together, which a gauge cannot add up."""
    counts = {
        sample.labels["outcome"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "chromseg_reviews_total"
    }
    total = sum(counts.values())
    if not total:
        return b""
    share = counts.get("corrected", 0.0) / total
    lines = [
        "# HELP chromseg_corrected_share Share of reviewed results that were corrected.",
        "# TYPE chromseg_corrected_share gauge",
        f"chromseg_corrected_share {share}",
    ]
    return ("\n".join(lines) + "\n").encode()
