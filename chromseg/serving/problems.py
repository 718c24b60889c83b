"""The errors that a client sees: one kind, one status, always got, expected, remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chromseg.errors import ChromsegError, DataError, InputRefusedError, RetiredError
from chromseg.validation import Failure

STATUS = {
    "bad-request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not-found": 404,
    "corrections-off": 404,
    "wrong-method": 405,
    "slow-upload": 408,
    "conflict": 409,
    "too-large": 413,
    "unsupported": 415,
    "refused": 422,
    "rate-limited": 429,
    "left": 499,  # as nginx writes it into its log; no client receives it
    "failed": 500,
    "busy": 503,
    "not-ready": 503,
    "timeout": 504,
}


class ProblemError(ChromsegError):
    """An answer that is no result.

    Args:
        kind: A key of `STATUS`.
        got: What was found.
        expected: What would have been right.
        remedy: What the client can do.
        failures: The input rules that were broken.
        headers: To be sent along, such as Retry-After.
    """

    def __init__(
        self,
        kind: str,
        got: str,
        *,
        expected: str,
        remedy: str,
        failures: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(got, expected=expected, remedy=remedy)
        self.kind, self.failures, self.headers = kind, tuple(failures), dict(headers or {})

    @property
    def status(self) -> int:
        """HTTP status."""
        return STATUS[self.kind]

    def to_json(self, request_id: str) -> dict[str, Any]:
        """The body of the answer."""
        error: dict[str, Any] = {"kind": self.kind, "got": self.got, "expected": self.expected, "remedy": self.remedy}
        if self.kind == "refused":
            error["failures"] = list(self.failures)
        return {"error": error | {"request_id": request_id}}


class RefusedError(InputRefusedError):
    """An image that broke input rules, with each of them."""

    def __init__(self, error: InputRefusedError, failures: Sequence[Failure]) -> None:
        super().__init__(error.got, expected=error.expected, remedy=error.remedy)
        self.failures = tuple(failures)


def problem_of(error: ChromsegError) -> ProblemError:
    """One of our errors as the client sees it."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, InputRefusedError):
        failures = [asdict(failure) for failure in getattr(error, "failures", ())]
        return ProblemError(
            "refused",
            error.got,
            expected=error.expected,
            remedy=error.remedy,
            failures=failures or [_as_failure(error)],
        )
    if isinstance(error, RetiredError):
        return ProblemError("not-ready", error.got, expected=error.expected, remedy=error.remedy)
    kind = "bad-request" if isinstance(error, DataError) else "failed"
    return ProblemError(kind, error.got, expected=error.expected, remedy=error.remedy)


def unexpected() -> ProblemError:
    """The answer after a bug; the log has the rest."""
    return ProblemError(
        "failed",
        "an internal error",
        expected="an answer",
        remedy="try again; if it comes back, give the request id to whoever runs this server",
    )


def _as_failure(error: InputRefusedError) -> dict[str, Any]:
    """A refusal that no measured rule stands for, in the form of one."""
    return {
        "rule": "usable",
        "file": "",
        "item": "",
        "column": "",
        "value": None,
        "expected": error.expected,
        "severity": "critical",
        "meaning": error.got,
        "remedy": error.remedy,
    }
