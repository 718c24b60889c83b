"""Candidate and champion on the same test cases, or what to do to get them there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chromseg.errors import DataError
from chromseg.registry.log.chain import Chain
from chromseg.registry.versions.measurement import dataset_of, enter, measure
from chromseg.registry.versions.proven import measured
from chromseg.registry.versions.version import Version


@dataclass(frozen=True)
class Contest:
    """Two versions with the scores by which they are compared.

    Attributes:
        candidate: With its scores.
        champion: With its own, on the same test cases where those could be had.
        test_md5: Of the cases.
        hint: How to get the champion's scores on the candidate's cases, where they are not to be had; else "".
    """

    candidate: Version
    champion: Version
    test_md5: str
    hint: str = ""


def tested(version: Version) -> str:
    """Which test cases a version is judged on: in a cross-validation those of one fold."""
    fold = _fold(version)
    return version.lineage.test_md5 + ("" if fold == "None" else f", fold {fold}")


def contest(chain: Chain, candidate: Version, champion: Version, by: str | None = None) -> Contest:
    """Bring both onto the same cases: by what the log has, or by measuring the champion on the candidate's, if at hand.

    Args:
        chain: The log.
        candidate: As registered.
        champion: As registered.
        by: Under whose name a measurement is entered into the log; None enters none.
    """
    own = candidate.lineage.test_md5
    if tested(candidate) == tested(champion) or _fold(candidate) != "None":
        return Contest(candidate, champion, own)
    scores = measured(chain, champion.name, champion.number, own)
    if scores:
        return Contest(candidate, _on(champion, own, scores), own)
    theirs = champion.lineage.test_md5
    scores = measured(chain, candidate.name, candidate.number, theirs)
    if scores and _fold(champion) == "None":
        return Contest(_on(candidate, theirs, scores), champion, theirs)
    return _measured_now(candidate, champion, by)


def _measured_now(candidate: Version, champion: Version, by: str | None) -> Contest:
    test = candidate.lineage.test_md5
    name = dataset_of(test)
    if name is None:
        return Contest(candidate, champion, test, _command(champion, *candidate.lineage.data_md5))
    try:
        facts = measure(champion, name)
    except DataError as error:
        return Contest(candidate, champion, test, f"which cannot be judged on these: {error}")
    if by is not None:
        enter(champion, facts, by)
    return Contest(candidate, _on(champion, test, facts["metrics"]), test)


def _command(champion: Version, *names: str) -> str:
    name = names[0] if len(names) == 1 else "NAME"
    which = "" if len(names) == 1 else f" (NAME: the one of {', '.join(names)} that tests)"
    call = f"chromseg-ops models evaluate {champion.name}@champion --data {name}"
    return f"measure it on these where they are: `{call}`{which}"


def _on(version: Version, test_md5: str, scores: dict[str, float | None]) -> Version:
    """The version as one that was judged on these cases alone."""
    lineage = replace(version.lineage, test_md5=test_md5)
    return replace(version, lineage=lineage, metrics=scores, config=version.config | {"fold": "None"})


def _fold(version: Version) -> str:
    return version.config.get("fold", "None")
