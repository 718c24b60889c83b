"""One request from the bytes of an image to the bytes of an answer: admit, prepare, infer, finish."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from chromseg.errors import InputRefusedError
from chromseg.images.headers import declared_pixels
from chromseg.images.pictures import Picture
from chromseg.inference.asked import Asked
from chromseg.inference.karyotyping import Karyotyper
from chromseg.inference.prepared import Prepared
from chromseg.memory import give_back_freed_memory
from chromseg.serving.admission import Bodies, Places
from chromseg.serving.batching import Lanes
from chromseg.serving.checks import ServerCheck
from chromseg.serving.choice import Choice
from chromseg.serving.documents import Document, parse_document
from chromseg.serving.ending import apart, outcome
from chromseg.serving.metrics import Metrics
from chromseg.serving.models import Loaded, Models, ModelSource
from chromseg.serving.names import names_of
from chromseg.serving.naming import Naming
from chromseg.serving.pool import SplicePool
from chromseg.serving.problems import ProblemError
from chromseg.serving.render import Wanted
from chromseg.serving.settings import ServeSettings
from chromseg.serving.straightening import Straight, Straightening
from chromseg.serving.turns import Turns
from chromseg.serving.work import Answer, Exporting, Finishing, Task

T = TypeVar("T")
OnStep = Callable[[str], None]
_LARGE = 2_000_000  # pixels; what a larger picture took is given back soon: one of 2 megapixels takes 1.5 GB
_AGAIN = 1.0  # seconds before more is given back: whoever comes next waits for every page that is taken anew
_LONG = 500_000  # characters of instances; 46 chromosomes have some ten thousand
_FILES, _BODIES = 2, 8  # of the largest size: as many pixels are in work at a time, as many bytes of bodies are held
_IDLE = 60.0  # seconds without work after which everything is


@dataclass(frozen=True)
class Segmented:
    """An answer, the model that made it, and milliseconds by step."""

    answer: Answer
    loaded: Loaded
    times: dict[str, float]

    def body(self, request_id: str) -> bytes:
        """The bytes of the answer, with what only the server knows of it."""
        body = self.answer.rendered.body
        if not self.answer.rendered.open_ended:
            return body
        return body[:-1] + b"," + json.dumps({"timings_ms": self.times, "request_id": request_id}).encode()[1:]


class Engine:
    """Everything of one server process but HTTP.

    Args:
        settings: Of the server.
        source: Where the model comes from.
        others: Where those of `settings.also` come from.

    Attributes:
        models: The first, which answers who chooses none.
        choice: All of them.
    """

    def __init__(self, settings: ServeSettings, source: ModelSource, others: Sequence[ModelSource] = ()) -> None:
        self.settings = settings
        self.corrections = None if settings.corrections is None else Path(settings.corrections)
        self.metrics = Metrics(lambda: self.in_work)
        served = zip(names_of(settings), (source, *others), strict=True)
        self.choice = Choice({name: self._models(place, each) for place, (name, each) in enumerate(served)})
        _, self.models = self.choice.of("")
        self.bodies = Bodies(_BODIES * settings.max_body)
        self.places = Places(settings.queue, settings.timeout, self.metrics.turn_away)
        self.admitted = self.places.take
        self.ready = False
        self._lanes = Lanes(settings.max_batch, on_batch=self.metrics.batches.observe)
        self._pool = SplicePool(settings.splicers, on_loss=self.metrics.lost.inc)
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="prepare")
        self._naming = Naming(
            settings,
            on_change=lambda namer: self.metrics.saw_model(namer.karyotyper.identity, 1 + len(others)),
            on_trouble=self.metrics.troubles.inc,
        )
        self._names = ThreadPoolExecutor(1, thread_name_prefix="naming")  # a registry that hangs holds no other
        self._turns = Turns(_FILES * settings.max_pixels, 2 * settings.max_batch)
        self._served = 0
        self._large = asyncio.Event()  # such a picture has gone through the network
        self._tidying: asyncio.Task[None] | None = None

    def _models(self, place: int, source: ModelSource) -> Models:
        """One of those that are served, by its place among them."""
        return Models(
            source,
            self.settings.poll,
            on_change=lambda loaded: self.metrics.saw_model(loaded.predictor.identity, place),
            on_trouble=self.metrics.troubles.inc,
        )

    @property
    def in_work(self) -> int:
        """Requests in work and waiting."""
        return len(self.places)

    @property
    def takes_requests(self) -> bool:
        """Whether requests should be sent here."""
        return self.ready and self.models.retired is None and self.in_work < self.settings.queue

    async def start(self) -> None:
        """Warm the pool, and begin to watch the alias; then the server is ready."""
        await self._pool.warm()
        self.choice.watch()
        self._tidying = asyncio.create_task(self._tidy())
        self.ready = True

    async def stop(self) -> None:
        """Finish what was begun."""
        self.ready = False
        if self._tidying is not None:
            self._tidying.cancel()
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """End all threads and processes."""
        self.choice.close()
        self._names.shutdown(cancel_futures=True)
        self._naming.close()
        self._lanes.close()
        self._pool.close()
        self._threads.shutdown()

    async def segment(
        self,
        content: bytes,
        asked: Asked,
        wanted: Wanted,
        client: str = "",
        name: str = "",
        model: str = "",
        on_step: OnStep = lambda step: None,
    ) -> Segmented:
        """Find the chromosomes of an image by the model of a name; called while `admitted`.

        `on_step` learns what begins: "decode", "network" (the time before it included), "partition".

        Raises:
            ProblemError: There is no such model.
            RetiredError: The model was taken out of use.
            InputRefusedError: The image must not be predicted on.
        """
        start = time.perf_counter()
        _, models = self.choice.of(model)
        loaded = models.in_use()
        wanted = replace(wanted, file_name=name if self.settings.keep_names else "")
        try:
            work = partial(self._answer, loaded, content, asked, wanted, on_step)
            answer = await self._in_turn(client, content, work)
        except InputRefusedError as error:
            self._saw_refusal(error)
            raise
        times = {**answer.times, "total": round(1000 * (time.perf_counter() - start), 2)}
        self.places.usual += 0.1 * (times["total"] / 1000 - self.places.usual)
        self.metrics.saw_answer(answer, times.items(), drifts=models is self.models)
        return Segmented(answer, loaded, times)

    async def parsed(self, text: str, field: str) -> Document:
        """Instances that a client sends; called while `admitted`.

        Long ones are read in another process, because no thread answers anybody while one reads JSON.

        Raises:
            DataError: It is no JSON or no instances.
        """
        work = partial(parse_document, text, field)
        return await (self._in_pool(work) if len(text) > _LONG else asyncio.to_thread(work))

    async def export(self, task: Exporting, client: str = "") -> Answer:
        """Render a client's own instances; called while `admitted`."""
        return await self._in_turn(client, task.content, partial(self._in_pool, task))

    async def karyogram(
        self, task: Straightening, finish: Callable[[Karyotyper, Straight], Answer], client: str = ""
    ) -> Answer:
        """Pull a client's own instances straight, and have `finish` name and place them; called while `admitted`.

        Raises:
            ProblemError: This server has no model that names chromosomes.
            RetiredError: It was taken out of use.
        """
        karyotyper = await apart(outcome(self._names.submit(self._naming.loaded)))

        async def work() -> Answer:
            straight = await self._in_pool(task)
            return await self._in_thread(partial(finish, karyotyper, straight))

        return await self._in_turn(client, task.content, work)

    async def _in_turn(self, client: str, content: bytes, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do work on a file when it is the client's turn, which ends no sooner than the work."""
        pixels = await asyncio.to_thread(declared_pixels, content)

        async def turn() -> Answer:
            async with self._turns.of(client, pixels or self.settings.max_pixels):
                return await work()

        return await apart(turn())

    async def _answer(self, loaded: Loaded, content: bytes, asked: Asked, wanted: Wanted, on_step: OnStep) -> Answer:
        """Decode and judge, run the network, splice and render."""
        on_step("decode")
        prepared, pages = await self._prepared(loaded, content, asked)
        on_step("network")
        inferred = await outcome(self._lanes.submit(loaded.predictor, prepared.scaled))
        self._served += 1
        if prepared.view.absorbance.size + prepared.scaled.size > _LARGE:
            self._large.set()
        waited = {"queue": inferred.queue_ms, "network": inferred.network_ms}
        prepared = replace(prepared, times={**prepared.times, **waited})
        wanted = replace(wanted, pages=pages, lineage_id=loaded.lineage_id, options=asked.options | wanted.options)
        on_step("partition")
        return await self._in_pool(Finishing(prepared, inferred.remainder, wanted))

    async def _tidy(self) -> None:
        """Give memory back after large pictures, and when nothing was done for a while; no answer waits for that."""
        given_back = before = 0
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._large.wait(), _IDLE)
            idle = not self.in_work and given_back != self._served == before
            if self._large.is_set() or idle:
                given_back = self._served if idle else given_back
                self._large.clear()
                await self._in_thread(give_back_freed_memory)
            before = self._served
            await asyncio.sleep(_AGAIN)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await outcome(self._threads.submit(work))

    async def _in_pool(self, task: Task[T]) -> T:
        try:
            return await self._pool.run(task)
        except BrokenProcessPool as error:
            raise ProblemError(
                "failed",
                "every process that worked on this image died",
                expected="an answer",
                remedy="send a smaller picture, or give the server more memory",
            ) from error

    async def _prepared(self, loaded: Loaded, content: bytes, asked: Asked) -> tuple[Prepared, int]:
        """Decode and judge an image; also how many pages its file has."""
        picture, decoded = await self._in_thread(partial(self._decode, content, asked))
        prepare = partial(loaded.predictor.prepare, picture, asked, max_pixels=self.settings.max_pixels)
        prepared = await self._in_thread(prepare)
        return replace(prepared, times={"decode": decoded, **prepared.times}), len(picture.pages)

    def _decode(self, content: bytes, asked: Asked) -> tuple[Picture, float]:
        """An image, and how many milliseconds it took."""
        start, most = time.perf_counter(), self.settings.max_pixels
        try:
            picture = asked.decode(content, max_pixels=most, max_total=most)
        except InputRefusedError as error:
            raise ServerCheck().unreadable(error) from error
        return picture, round(1000 * (time.perf_counter() - start), 2)

    def _saw_refusal(self, error: InputRefusedError) -> None:
        rules = [failure.rule for failure in getattr(error, "failures", ())] or ["usable"]
        for rule in rules:
            self.metrics.refused.labels(rule).inc()
