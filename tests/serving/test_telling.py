"""What the server tells: metrics, log, model, card, rules, OpenAPI."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from overlooking import MISSED, overlooking_predictor
from prometheus_client.parser import text_string_to_metric_families
from serving_app import MemorySource, client, png

from chromseg.inference.load import predictor_from_folder
from chromseg.serving.cards import card_html, card_markdown
from chromseg.serving.drift import FEWEST, RECENT, REFERENCE, Drift
from chromseg.serving.logs import NoFlood
from chromseg.serving.models import Loaded
from chromseg.serving.openapi import EXAMPLE
from chromseg.serving.schemas import ModelAnswer, Segmentation, SettingsAnswer
from chromseg.validation import ImageLimits
from chromseg.validation.rules import image_rules


def samples(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_metrics() -> None:
    with client() as server:
        for _ in range(2):
            server.post("/v1/segment", content=png())
        server.post("/v1/segment", content=png(np.zeros((64, 64), np.uint8)))
        server.get("/livez", headers={"host": "evil.example"})
        answer = server.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    told = samples(answer.text)
    assert told["chromseg_requests_total{route=/v1/segment,status=200}"] == 2
    assert told["chromseg_requests_total{route=/v1/segment,status=422}"] == 1
    assert told["chromseg_request_seconds_count{route=/v1/segment}"] == 3
    assert told["chromseg_instances_total"] == 8
    assert told["chromseg_instances_per_image_count"] == 2
    assert told["chromseg_refused_inputs_total{rule=not-blank}"] == 1
    assert told["chromseg_turned_away_total{reason=forbidden}"] == 1
    assert told["chromseg_batch_size_count"] == 2
    assert told["chromseg_queue"] == 0
    assert told["chromseg_step_seconds_count{step=network}"] == 2
    assert told["chromseg_drift{fact=count}"] == 0
    assert any(key.startswith("chromseg_model_info{name=drawn,version=1,") for key in told)


def test_pieces_that_nobody_has_are_counted() -> None:
    with client(MemorySource(overlooking_predictor())) as server:
        server.post("/v1/segment", content=png())
        told = samples(server.get("/metrics").text)
    assert told["chromseg_unclaimed_pieces_total"] == len(MISSED)
    assert told["chromseg_instances_total"] == 8 / 2 - len(MISSED)


def test_drift_is_told_in_standard_deviations() -> None:
    rng, drift = np.random.default_rng(0), Drift()
    for value in rng.normal(46, 2, FEWEST - 1):
        drift.see(value)
    assert drift.value == 0
    for value in rng.normal(46, 2, REFERENCE):
        drift.see(value)
    assert abs(drift.value) < 0.5
    for value in rng.normal(40, 2, RECENT):
        drift.see(value)
    assert -4 < drift.value < -2


def test_the_log_has_hashes_and_no_names(caplog: pytest.LogCaptureFixture) -> None:
    with client() as server, caplog.at_level(logging.INFO, "chromseg.serving"):
        server.post("/v1/segment", files={"image": ("patient 12.png", png())})
    (line,) = [record.facts for record in caplog.records if record.getMessage() == "segmented"]  # type: ignore[attr-defined]
    assert (line["instances"], line["version"], len(line["image_sha256"])) == (4, "1", 64)
    assert "patient" not in json.dumps(line)


def test_the_log_is_json_lines() -> None:
    code = (
        "from chromseg.serving.logs import start_logging, tell\n"
        "start_logging(); tell('segmented', count=3, name=None)\n"
        "import logging, warnings; logging.getLogger('uvicorn.error').warning('odd')\n"
        "logging.getLogger('alembic').info('unasked'); logging.getLogger('alembic').error('strange')\n"
        "import mlflow; logging.getLogger('mlflow').warning('old'); warnings.warn('soon')\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second, *others = map(json.loads, answer.stderr.splitlines())
    assert (first["event"], first["count"], "name" in first) == ("segmented", 3, False)
    assert (second["event"], second["level"], second["logger"]) == ("odd", "warning", "uvicorn.error")
    told = {(one["logger"], one["level"]) for one in others}
    assert {("alembic", "error"), ("mlflow", "warning"), ("py.warnings", "warning")} <= told
    assert ("alembic", "info") not in told


def test_the_log_cannot_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("chromseg.serving.logs.time.monotonic", lambda: now)
    limit = NoFlood()

    def written(event: str, count: int) -> list[logging.LogRecord]:
        records = [logging.LogRecord("asyncio", logging.ERROR, "", 0, event, (), None) for _ in range(count)]
        return [record for record in records if limit.filter(record)]

    assert len(written("too many open files", 250)) == 100
    assert len(written("something else", 3)) == 3
    assert len(written("segmented", 1000)) == 1000
    now += 61
    (first,) = written("too many open files", 1)
    assert first.facts == {"left_out": 150}  # type: ignore[attr-defined]


def test_the_server_tells_of_itself() -> None:
    with client() as server:
        assert SettingsAnswer.model_validate(server.get("/v1/settings").json()).expected_count == 46
        assert ModelAnswer.model_validate(server.get("/v1/model").json()).name == "drawn"
        rules = server.get("/v1/rules").json()
        assert [rule["name"] for rule in rules] == [rule.name for rule in image_rules(ImageLimits())]
        page = server.get("/v1/model/card")
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
        assert server.get("/v1/model/card", params={"format": "markdown"}).text.startswith("# Model drawn")
        assert server.get("/readyz").json() == {"ready": True, "model": "drawn", "version": "1"}


def test_a_registered_card_is_shown(make_model: Callable[..., Path]) -> None:
    folder = make_model()
    (folder / "MODEL_CARD.md").write_text("# Card <b>\n", encoding="utf-8")
    loaded = Loaded(predictor_from_folder(folder), None, folder)
    assert card_markdown(loaded, "x") == "# Card <b>\n"
    assert "# Card &lt;b&gt;" in card_html(loaded, "x")
    (folder / "MODEL_CARD.html").write_text("<p>card</p>", encoding="utf-8")
    assert card_html(loaded, "x") == "<p>card</p>"


def test_openapi_names_bodies_answers_and_errors() -> None:
    with client() as server:
        described = server.get("/openapi.json").json()
    segment = described["paths"]["/v1/segment"]["post"]
    assert {"image/png", "image/tiff", "multipart/form-data"} <= segment["requestBody"]["content"].keys()
    assert {"200", "400", "401", "413", "422", "429", "503", "504"} <= segment["responses"].keys()
    good = segment["responses"]["200"]["content"]
    assert {"application/json", "application/zip", "image/png", "image/tiff"} <= good.keys()
    assert good["application/json"]["example"]["annotations"]
    assert "/invocations" in described["paths"]
    assert "HTTPValidationError" not in described["components"]["schemas"]
    operations = {
        (path, method): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names)) and {"segment", "export", "model", "invocations", "health"} <= set(names)
    assert described["components"]["securitySchemes"].keys() == {"bearer", "key"}
    assert described["security"] == [{"bearer": []}, {"key": []}, {}]
    assert operations["/livez", "get"]["security"] == [] and "security" not in operations["/v1/segment", "post"]


def test_the_example_is_an_answer() -> None:
    assert Segmentation.model_validate(EXAMPLE)
