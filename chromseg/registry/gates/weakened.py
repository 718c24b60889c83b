"""In what a policy demands less than the one that comes with ChromSeg-Ops; the audit log keeps it with each promotion.

A laboratory may have good reasons to ask less. Nobody may ask less unseen.
"""

from __future__ import annotations

from collections.abc import Iterator

from chromseg.registry.gates.policy import Policy, Slices, Threshold


def weaker(policy: Policy, default: Policy, model: str, alias: str) -> Iterator[str]:
    """Every gate that is switched off and every limit that is looser, in words.

    Args:
        policy: In force.
        default: What it is measured against.
        model: Registered model that is promoted.
        alias: What it is to become; scores are asked of a champion alone.
    """
    yield from _of_trial(policy, default)
    if alias == "champion":
        yield from _of_thresholds(policy, default, model)
        yield from _of_champion(policy, default)
        yield from _of_slices("slices", policy.slices, default.slices)
        yield from _of_slices("stains", policy.stains, default.stains)
    if default.validation and not policy.validation:
        yield "data validation off"
    missing = [name for name in default.model_card if name not in policy.model_card]
    if missing:
        yield f"model card without {', '.join(missing)}" if policy.model_card else "model card off"


def _of_trial(policy: Policy, default: Policy) -> Iterator[str]:
    own, usual = policy.golden, default.golden
    if usual is not None:
        yield from _less("golden set", None if own is None else own.min_recovered, usual.min_recovered)
    if default.budget is not None and policy.budget is None:
        yield "budget off"
    elif default.budget is not None and policy.budget is not None:
        yield from _more("budget max_seconds", policy.budget.max_seconds, default.budget.max_seconds)
        yield from _more("budget max_memory_mib", policy.budget.max_memory_mib, default.budget.max_memory_mib)


def _of_thresholds(policy: Policy, default: Policy, model: str) -> Iterator[str]:
    usual, own = default.thresholds_of(model), policy.thresholds_of(model)
    if usual and not own:
        yield "thresholds off"
        return
    for limit in usual:
        same = [each for each in own if each.metric == limit.metric]
        if limit.min is not None:
            yield from _less(limit.metric, _strictest(same, "min"), limit.min)
        if limit.max is not None:
            yield from _more(limit.metric, _strictest(same, "max"), limit.max)


def _of_champion(policy: Policy, default: Policy) -> Iterator[str]:
    own, usual = policy.champion, default.champion
    if usual is None:
        return
    if own is None:
        yield "champion off"
        return
    missing = [metric for metric in usual.metrics if metric not in own.metrics]
    if missing:
        yield f"champion without {', '.join(missing)}"
    yield from _more("champion sd", own.sd, usual.sd)


def _of_slices(block: str, own: Slices | None, usual: Slices | None) -> Iterator[str]:
    if usual is None:
        return
    if own is None:
        yield f"{block} off"
        return
    missing = [by for by in usual.by if by not in own.by]
    if missing:
        yield f"{block} without {', '.join(missing)}"
    if own.metric != usual.metric:
        yield f"{block} by {own.metric} in place of {usual.metric}"
    yield from _more(f"{block} tolerance", own.tolerance, usual.tolerance)
    yield from _more(f"{block} min_images", own.min_images, usual.min_images)


def _strictest(limits: list[Threshold], side: str) -> float | None:
    values = [value for each in limits if (value := getattr(each, side)) is not None]
    return None if not values else max(values) if side == "min" else min(values)


def _less(name: str, own: float | None, usual: float) -> Iterator[str]:
    if own is None:
        yield f"{name} off"
    elif own < usual:
        yield f"{name} ≥ {own:g} in place of {usual:g}"


def _more(name: str, own: float | None, usual: float) -> Iterator[str]:
    if own is None:
        yield f"{name} off"
    elif own > usual:
        yield f"{name} ≤ {own:g} in place of {usual:g}"
