"""One call of `runs sweep`: whatever DVC would run, in an order that the pipeline allows, recorded as it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Literal

from chromseg.errors import DataError
from chromseg.project import Pipeline
from chromseg.sweep.hands import Hands
from chromseg.sweep.inputs import Inputs, changed, inputs_of
from chromseg.sweep.plan import Step, order_of, steps_of
from chromseg.sweep.record import record, stale

Status = Literal["done", "skipped", "failed", "left out"]
"""Skipped: DVC knows it as it is. Left out: a step that must come before it failed."""


@dataclass(frozen=True)
class StepOutcome:
    """What became of a step.

    Attributes:
        step: Its name.
        status: See `Status`.
        reason: In one line, where it is failed or left out.
    """

    step: str
    status: Status
    reason: str = ""


@dataclass
class Sweep:
    """All steps of a pipeline on their way.

    Attributes:
        pipeline: Which one, with its absolute top folder.
        hands: Who runs them.
        logs: Folder for what each step prints.
        tell: Hears of each outcome as it comes.
    """

    pipeline: Pipeline
    hands: Hands
    logs: Path
    tell: Callable[[StepOutcome], None]
    _outcomes: dict[str, StepOutcome] = field(default_factory=dict)
    _begun: dict[str, Inputs] = field(default_factory=dict)

    def run(self) -> list[StepOutcome]:
        """Do it; an outcome for every step. A step that fails ends only those that wait for it.

        Raises:
            ConfigError: As of `steps_of`.
            DataError: DVC cannot say what is done.
        """
        steps = steps_of(self.pipeline)
        before = order_of(steps)
        order = TopologicalSorter(before)
        order.prepare()
        while (due := self._due(order)) or self._begun:
            for name in due:
                self._begun[name] = inputs_of(steps[name])
                self.hands.give(steps[name], self.logs / f"{name}.log")
            step, reason = self.hands.take()
            reason = reason or self._recorded(step)
            del self._begun[step.name]
            self._note(step.name, "failed" if reason else "done", reason)
            if not reason:
                order.done(step.name)
        for name in before.keys() - self._outcomes.keys():
            awaited = sorted(before[name] - {each for each in self._outcomes if self._ended_well(each)})
            self._note(name, "left out", f"it waits for {', '.join(awaited)}")
        return [self._outcomes[name] for name in steps]

    def _due(self, order: TopologicalSorter[str]) -> list[str]:
        """Steps that nothing keeps from running; what DVC knows as it is, is done."""
        due: list[str] = []
        while ready := order.get_ready():
            old = stale(self.pipeline, ready)
            for name in ready:
                if name in old:
                    due.append(name)
                    continue
                self._note(name, "skipped")
                order.done(name)
        return due

    def _recorded(self, step: Step) -> str:
        """Have DVC record a step that ran; "", or why it does not."""
        now = steps_of(self.pipeline).get(step.name, step)
        if different := changed(self._begun[step.name], inputs_of(now)):
            more = f" and {len(different) - 1} more" if different[1:] else ""
            return f"{different[0]}{more} changed while it ran, so that its result is not recorded; run the sweep again"
        try:
            record(self.pipeline, step.name)
        except DataError as error:
            return str(error)
        return ""

    def _ended_well(self, name: str) -> bool:
        return self._outcomes[name].status in ("done", "skipped")

    def _note(self, name: str, status: Status, reason: str = "") -> None:
        self._outcomes[name] = StepOutcome(name, status, reason)
        self.tell(self._outcomes[name])
