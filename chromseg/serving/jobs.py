"""Jobs: pictures that are segmented while nobody waits, and what came of them, kept for a while in memory alone.

A job lives in the worker that took it; its id names the worker, so that every other one can ask there. It is one task:
to cancel that ends the work, and when it ends nothing of the job is left.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

from starlette.responses import JSONResponse, Response

from chromseg.errors import ChromsegError
from chromseg.serving import relay
from chromseg.serving.admission import Bodies, busy, retry_after
from chromseg.serving.answers import answer_response
from chromseg.serving.engine import Engine, Segmented
from chromseg.serving.logs import LOGGER, tell
from chromseg.serving.problems import ProblemError, problem_of, unexpected
from chromseg.serving.relay import Reply
from chromseg.serving.segmenting import Order, results_of, tell_segmented
from chromseg.serving.turns import Turns
from chromseg.serving.uploads import Sent

Verb: TypeAlias = Literal["state", "result", "cancel"]

_AT_ONCE = 2  # pictures of all jobs in work: one is decoded or spliced while the network has the other
_BODIES = 8  # of the largest size: as many bytes of pictures and results are kept
_ASKED = 32  # questions to other workers at a time, each with a descriptor here and there
_FETCHED = 4  # results of other workers at a time, each copied here and there
_PAUSE = 0.2  # seconds between two looks for a place among the requests
_ID = re.compile(r"([0-9a-f]{8})-[\w-]{32}", re.ASCII)


@dataclass(eq=False)
class Job:
    """Pictures, and what has come of them.

    Attributes:
        id: A secret: the worker's name, and what nobody can guess.
        client: Who posted it, and alone may ask for it.
        request_id: Of the request that did.
        order: What is to be done.
        pictures: None in the place of each that is done.
        hold: To be called with the change of the bytes that are kept.
        limit: When its time is up.
        done: Pictures.
        step: That began last; None before the first and after the last.
        answer: In the end.
    """

    id: str
    client: str
    request_id: str
    order: Order
    pictures: list[Sent | None]
    hold: Callable[[int], None]
    limit: asyncio.Timeout
    done: int = 0
    step: str | None = None
    answer: Reply | ProblemError | None = None
    since: float = field(default_factory=time.perf_counter)

    @property
    def state(self) -> str:
        """What has become of it: "waiting", "working", "done" or "failed"."""
        if self.answer is not None:
            return "failed" if isinstance(self.answer, ProblemError) else "done"
        return "working" if self.step or self.done else "waiting"

    def begin(self, step: str) -> None:
        """One of its pictures is at this step."""
        self.step = step

    def told(self) -> dict[str, Any]:
        """What its client may know."""
        left = (self.limit.when() or 0.0) - asyncio.get_running_loop().time()
        expires = datetime.now(UTC) + timedelta(seconds=left)
        error = self.answer.to_json(self.request_id)["error"] if isinstance(self.answer, ProblemError) else None
        return {
            "id": self.id,
            "state": self.state,
            "pictures": len(self.pictures),
            "done": self.done,
            "step": self.step,
            "expires": expires.isoformat(timespec="seconds"),
            "error": error,
        }


class Jobs:
    """The jobs of one worker, and the way to those of the others.

    Args:
        engine: Of this worker.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._settings, self._metrics = engine, engine.settings, engine.metrics
        self._name = secrets.token_hex(4)
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[Job, asyncio.Task[None]] = {}
        self._bodies = Bodies(_BODIES * engine.settings.max_body)
        self._turns = Turns(_AT_ONCE, _AT_ONCE)
        self._asking = asyncio.Semaphore(_ASKED), asyncio.Semaphore(_FETCHED)

    @property
    def held(self) -> int:
        """Bytes of pictures and results."""
        return self._bodies.held

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Work, and answer other workers, as long as the block lasts; then every job ends."""
        shared = self._settings.shared
        others = nullcontext() if shared is None else relay.answering(Path(shared) / self._name, self.answer)
        async with others:
            try:
                yield
            finally:
                for task in self._tasks.values():
                    task.cancel()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def check(self, client: str) -> None:
        """Refuse a job, best before its body is read, if too many are kept.

        Raises:
            ProblemError: They are.
        """
        own = sum(job.client == client for job in self._jobs.values())
        if own >= max(1, self._settings.jobs // 2):
            raise ProblemError(
                "rate-limited",
                f"{own} jobs of this client",
                expected="fewer",
                remedy="fetch the results, and DELETE what you have; or raise --jobs",
                headers=retry_after(self._engine.places.usual),
            )
        if len(self._jobs) >= self._settings.jobs:
            raise busy(f"{len(self._jobs)} jobs", self._engine.places.usual)

    def add(self, client: str, request_id: str, pictures: Sequence[Sent], order: Order) -> Reply:
        """Take a job, whose work begins when it is its turn.

        Raises:
            ProblemError: Too many are kept, or too many bytes of them.
        """
        self.check(client)
        with ExitStack() as held:
            hold = held.enter_context(self._bodies.of(client, whole=False))
            hold(sum(len(one.content) for one in pictures))
            name = f"{self._name}-{secrets.token_urlsafe(24)}"
            limit = asyncio.timeout(self._settings.keep_jobs)
            job = Job(name, client, request_id, order, list(pictures), hold, limit)
            kept = held.pop_all()
        self._jobs[name] = job
        self._tasks[job] = asyncio.create_task(self._live(job, kept))
        self._count("posted")
        return _as_reply(JSONResponse(job.told(), 202, {"location": f"/v1/jobs/{name}"}))

    async def ask(self, what: Verb, id: str, client: str) -> Reply:
        """What this worker or the one that has the job answers.

        Raises:
            ProblemError: As of `answer`, or that worker does not answer.
        """
        known, shared = _ID.fullmatch(id), self._settings.shared
        if known is not None and known[1] != self._name and shared is not None:
            try:
                async with asyncio.timeout(self._settings.timeout), self._asking[what == "result"]:
                    return await relay.ask(Path(shared) / known[1], what=what, id=id, client=client)
            except relay.GONE as error:
                raise _unknown() from error
            except OSError as error:  # its queue is full, no descriptor is free, or the time is up
                raise busy("a worker that does not answer", self._engine.places.usual) from error
        return self.answer(what, id, client)

    def answer(self, what: Verb, id: str, client: str) -> Reply:
        """The state of a job of this worker, or its result; "cancel" ends it and forgets it.

        Raises:
            ProblemError: There is no such job of this client, its result is one, or there is none yet.
        """
        job = self._jobs.get(id)
        if job is None or job.client != client or job.limit.expired():  # whose end can wait for a thread
            raise _unknown()
        if job.answer is None:
            job.limit.reschedule(asyncio.get_running_loop().time() + self._settings.keep_jobs)
        if what == "cancel":
            del self._jobs[id]
            self._tasks[job].cancel()
            return Reply(204)
        if what == "state":
            later = self._soon(job) if job.answer is None else {}
            return _as_reply(JSONResponse(job.told(), headers=later))
        if job.answer is None:
            raise ProblemError(
                "conflict",
                f"a job that is {job.state}",
                expected="one that is done or failed",
                remedy="ask for its state, and for the result when there is one",
                headers=self._soon(job),
            )
        if isinstance(job.answer, ProblemError):
            raise job.answer.with_traceback(None)  # which would grow with each question
        return job.answer

    def _soon(self, job: Job) -> dict[str, str]:
        """The header that says when to ask again."""
        return retry_after(self._engine.places.usual * (len(job.pictures) - job.done), most=5.0)

    async def _live(self, job: Job, kept: ExitStack) -> None:
        """Do the work, and keep its result, until it is cancelled or its time is up."""
        last = "cancelled"
        try:
            async with job.limit:
                job.answer = await self._worked(job, kept)
                self._count(job.state)
                self._tell(job, job.state)
                job.limit.reschedule(asyncio.get_running_loop().time() + self._settings.keep_jobs)
                await asyncio.Event().wait()
        except TimeoutError:
            last = "expired"
        finally:
            kept.close()
            self._jobs.pop(job.id, None)
            del self._tasks[job]
            if job.answer is None:
                self._tell(job, last)
            if job.answer is None or last == "expired":
                self._count(last)
            self._metrics.job_bytes.set(self.held)

    async def _worked(self, job: Job, kept: ExitStack) -> Reply | ProblemError:
        """What /v1/segment would have answered."""
        try:
            async with asyncio.TaskGroup() as group:
                work = [group.create_task(self._made(job, number)) for number in range(len(job.pictures))]
        except Exception:  # whatever it is, the client must hear of it
            logging.getLogger(LOGGER).exception("bug", extra={"facts": {"request_id": job.request_id}})
            job.pictures = [None] * len(job.pictures)
            kept.close()  # for nothing is
            return unexpected()
        finally:
            job.step = None
        made = [task.result() for task in work]
        if len(made) == 1:
            return made[0]
        bodies = [one.body if isinstance(one, Reply) else one for one in made]
        return _as_reply(Response(results_of(bodies, job.request_id), media_type="application/json"))

    async def _made(self, job: Job, number: int) -> Reply | ProblemError:
        """What came of one picture, which takes its place among the bytes that are kept."""
        picture = job.pictures[number]
        assert picture is not None
        made: Reply | ProblemError
        try:
            done = await self._segmented(job, picture)
            tell_segmented(done, job.request_id, job.client, picture.name if self._settings.keep_names else "")
            made = _as_reply(answer_response(done.answer, job.request_id, done))
        except ChromsegError as error:
            made = problem_of(error)
            made.__cause__ = made.__context__ = made.__traceback__ = None  # whose frames hold the picture
        job.hold(-len(picture.content))
        if isinstance(made, Reply):
            try:
                job.hold(len(made.body))
            except ProblemError:
                job.hold(-len(made.body))
                made = _no_room(len(made.body))
        job.pictures[number], job.done = None, job.done + 1
        return made

    async def _segmented(self, job: Job, picture: Sent) -> Segmented:
        """Segment a picture when it is its turn among those of all jobs, and when there is a place among the requests.

        Raises:
            ChromsegError: As of `Engine.segment`, or the time is up that a request may take.
        """
        engine, order, client = self._engine, job.order, job.client
        while True:
            async with self._turns.of(client, 1):
                if engine.places.has_one(client):
                    async with engine.admitted(client):
                        return await engine.segment(
                            picture.content, order.asked, order.wanted, client, picture.name, order.model, job.begin
                        )
            await asyncio.sleep(_PAUSE)  # without the turn, which others can use

    def _count(self, state: str) -> None:
        self._metrics.jobs.labels(state).inc()
        self._metrics.job_bytes.set(self.held)

    def _tell(self, job: Job, state: str) -> None:
        tell(
            "job",
            request_id=job.request_id,
            client=job.client,
            state=state,
            pictures=len(job.pictures),
            done=job.done,
            kind=job.answer.kind if isinstance(job.answer, ProblemError) else None,
            ms=round(1000 * (time.perf_counter() - job.since), 2),
        )


def _as_reply(response: Response) -> Reply:
    return Reply(response.status_code, dict(response.headers), bytes(response.body))


def _unknown() -> ProblemError:
    return ProblemError(
        "not-found",
        "a job that is not here",
        expected="one of this client, as long as it is kept, and the worker and the server that took it go on",
        remedy="post it again",
    )


def _no_room(size: int) -> ProblemError:
    return ProblemError(
        "too-large",
        f"a result of {size / 2**20:.1f} MiB, for which there is no room among those that are kept",
        expected="room",
        remedy="fetch and DELETE the jobs that are done, and post this one again with fewer pictures",
    )
