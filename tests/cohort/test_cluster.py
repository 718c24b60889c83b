"""`predict --ray` on a cluster of several nodes, each a process: whatever dies, every picture has exactly one outcome.

The model is a threshold (`benchmarks.stub_cohort`): it is Ray that is tried, and how Ray is used. Pictures and tables
lie in an S3 that answers every third request with 503.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow.parquet
import pytest
from busy_s3 import busy_s3

from benchmarks.small_cluster import SmallCluster, kill, small_cluster
from benchmarks.stub_cohort import CHROMOSOMES, Begun, draw_pictures, read_notes
from chromseg.cohort import storage
from chromseg.cohort.ledger import STRIKES

ROOT = Path(__file__).parents[2]
PATIENCE = 900  # seconds: a busy machine

pytestmark = pytest.mark.slow


class Driver:
    """`benchmarks.stub_cohort` in a process of its own."""

    def __init__(self, cluster: SmallCluster, pictures: str, out: str, notes: Path, more: Sequence[str]) -> None:
        self.notes, self.told = notes, notes.with_name(f"told-{time.monotonic_ns()}")
        options = ["--out", out, "--ray", cluster.address, "--notes", str(notes), "--pause", "0.3", *more]
        with self.told.open("wb") as told, self.told.with_suffix(".err").open("wb") as errors:
            command = [sys.executable, "-m", "benchmarks.stub_cohort", pictures, *options]
            self.process = subprocess.Popen(command, stdout=told, stderr=errors, cwd=ROOT)

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait for something that happens while it works."""
        last = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, f"it ended too early: {self.errors}"
            assert time.monotonic() < last, "it hangs"
            time.sleep(0.05)

    def begun(self) -> list[Begun]:
        return read_notes(self.notes)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def outcomes(self) -> dict[str, tuple[str, str]]:
        """Status and rule of every picture, once it has ended well; no picture is told of twice."""
        assert (self.process.wait(PATIENCE), self.errors) == (0, "")
        told = [json.loads(line) for line in self.told.read_text().splitlines()]
        twice = [picture for picture, times in Counter(each["picture"] for each in told).items() if times > 1]
        assert not twice
        return {each["picture"]: (each["status"], each["rule"]) for each in told}

    @property
    def errors(self) -> str:
        return self.told.with_suffix(".err").read_text()[-3000:]


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with busy_s3() as place:
        yield place


@pytest.fixture(scope="module")
def cluster(store: str) -> Iterator[SmallCluster]:
    with small_cluster(2) as made:  # its nodes have the keys of the store
        yield made


@pytest.fixture
def start(cluster: SmallCluster, store: str, tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    """Draw pictures once, as files or in an archive, and start drivers on them."""
    started: list[Driver] = []

    def begin(names: list[str], *more: str, archive: str = "") -> Driver:
        place = f"{store}/{tmp_path.name}"
        if not started:
            drawn = tmp_path / "drawn"
            draw_pictures(drawn, names)
            for path in [packed(drawn, archive)] if archive else drawn.iterdir():
                storage.write(f"{place}/pictures/{path.name}", path.read_bytes())
        started.append(Driver(cluster, f"{place}/pictures", f"{place}/out", tmp_path / "notes", more))
        return started[-1]

    yield begin
    for each in started:
        each.kill()


@pytest.fixture
def out(store: str, tmp_path: Path) -> str:
    return f"{store}/{tmp_path.name}/out"


def packed(drawn: Path, name: str) -> Path:
    path = drawn.with_name(f"{name}.tar")
    with tarfile.open(path, "w") as tar:
        for picture in sorted(drawn.iterdir()):
            tar.add(picture, picture.name)
    return path


def rows(out: str, table: str) -> list[dict[str, object]]:
    parts = (pyarrow.BufferReader(storage.read(each.uri)) for each in storage.files_below(f"{out}/{table}"))
    return [row for part in parts for row in pyarrow.parquet.read_table(part).to_pylist()]


def check_tables(out: str, names: list[str]) -> None:
    """Each picture stands there once, and each of its chromosomes."""
    assert sorted(row["key"] for row in rows(out, "pictures")) == sorted(names)
    found = Counter((row["key"], row["id"]) for row in rows(out, "chromosomes"))
    assert found == {(name, number): 1 for name in names for number in range(1, CHROMOSOMES + 1)}


def test_a_worker_dies_and_a_picture_that_kills_its_workers_is_set_aside(
    start: Callable[..., Driver], out: str
) -> None:
    good = [f"p{number:02}" for number in range(16)]
    driver = start([*good, "z-deadly"])
    driver.until(lambda: len(driver.begun()) > 3)
    hit = driver.begun()[-1]
    assert kill(hit.process)
    assert driver.outcomes() == dict.fromkeys(good, ("done", "")) | {"z-deadly": ("failed", "set-aside")}
    begun = Counter(each.picture for each in driver.begun())
    assert begun["z-deadly"] == STRIKES and begun[hit.picture] > 1
    check_tables(out, good)
    (failure,) = json.loads(storage.read(f"{out}/failures.json"))
    assert failure["file"].endswith("/z-deadly.png") and f"{STRIKES} workers died" in failure["got"]


def test_what_a_dead_worker_wrote_is_done_though_the_ledger_died_too(
    start: Callable[..., Driver], cluster: SmallCluster, tmp_path: Path
) -> None:
    names = [f"p{number}" for number in range(8)]  # one block, which is begun again
    driver = start(names, "--format", "folders", "--out", str(tmp_path / "out"), "--workers", "1")
    driver.until(lambda: len(driver.begun()) > 2)
    (ledger,) = cluster.workers("Ledger")
    assert kill(ledger) and kill(driver.begun()[-1].process)
    assert driver.outcomes() == dict.fromkeys(names, ("done", ""))


def test_a_model_that_kills_its_workers_at_load_ends_the_run_in_one_line(start: Callable[..., Driver]) -> None:
    driver = start(["p"], "--deadly-model")
    assert driver.process.wait(PATIENCE) == 1
    assert driver.told.read_text() == "" and driver.errors.count("\n") == 1
    assert f"{STRIKES} workers died while they loaded the model" in driver.errors
    assert [each.picture for each in driver.begun()] == ["model"] * STRIKES


def test_a_driver_is_killed_and_started_again(start: Callable[..., Driver], out: str) -> None:
    """The pictures lie in one archive, which several workers share."""
    names = [f"p{number:02}" for number in range(32)]
    driver = start(names, "--part", "8", archive="night")
    driver.until(lambda: bool(storage.files_below(f"{out}/pictures")))
    driver.kill()
    before = driver.begun()
    assert len({each.process for each in before}) > 1
    again = start(names, "--part", "8")
    outcomes = again.outcomes()
    kept = {Path(key).name for key, (status, _) in outcomes.items() if status == "skipped"}
    assert sorted(outcomes) == [f"night/{name}" for name in names]
    assert {status for status, _ in outcomes.values()} == {"done", "skipped"}
    assert kept.isdisjoint(each.picture for each in again.begun()[len(before) :]), "nothing is done twice"
    check_tables(out, list(outcomes))


def test_a_node_is_lost_and_the_ledger_with_its_process(
    start: Callable[..., Driver], cluster: SmallCluster, out: str
) -> None:
    names = [f"p{number:02}" for number in range(96)]  # enough for the slower node to have some
    driver = start(names)
    driver.until(lambda: len({each.node for each in driver.begun()}) == 2)
    cluster.lose(next(iter(cluster.nodes)))
    (ledger,) = cluster.workers("Ledger")
    assert kill(ledger)
    assert driver.outcomes() == dict.fromkeys(names, ("done", ""))
    check_tables(out, names)
