"""The input rules as the server holds them: the suite is read once, its expectations are judged in well under 5 ms.

The rules are those that `validation` makes its Great Expectations suite of; only the engine differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chromseg.errors import InputRefusedError
from chromseg.images.pictures import Page
from chromseg.serving.problems import RefusedError
from chromseg.validation import ImageLimits, Report, Rule, image_facts, unreadable_facts
from chromseg.validation.light import evaluate_light
from chromseg.validation.rules import image_rules


@dataclass(frozen=True)
class ServerCheck:
    """Judges one page; the rules are made when the server starts."""

    rules: tuple[Rule, ...] = field(default_factory=lambda: image_rules(ImageLimits()))

    def __call__(self, page: Page, name: str = "the image") -> Report:
        """Measure and judge a page.

        Raises:
            RefusedError: A critical rule is broken; the error has each one.
        """
        facts = image_facts(page.grey, page.rgb, page.bit_depth)
        report = self.judge({"file": name} | facts)
        try:
            report.raise_refused()
        except InputRefusedError as error:
            raise RefusedError(error, report.critical) from error
        return report

    def judge(self, facts: dict[str, Any]) -> Report:
        """The verdict on facts that were measured already."""
        return evaluate_light(str(facts["file"]), self.rules, [facts])

    def unreadable(self, error: InputRefusedError, name: str = "the image") -> RefusedError:
        """The refusal of a file that could not be decoded, in the form of the rule it broke."""
        return RefusedError(error, self.judge(unreadable_facts(name, error.got)).critical)
