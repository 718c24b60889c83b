"""The only module that knows Great Expectations: rules and a table in, a report out.

Every release up to 1.x changed its interface, so the rest of the project sees only `evaluate`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from chromseg.validation.report import Failure, Report, check, failure, without_shadowed
from chromseg.validation.rules import Rule

if TYPE_CHECKING:
    from pandas import DataFrame

_WHERE = ["file", "item"]


def evaluate(name: str, rules: Sequence[Rule], rows: Sequence[Mapping[str, Any]]) -> Report:
    """Validate rows of facts as a table with a Great Expectations suite.

    Args:
        name: What suite and report are called.
        rules: Rules; those of columns that no row has are left out.
        rows: Facts, each with `file` and perhaps `item`. Without rows nothing is checked.

    Returns:
        The report, equal to that of `light.evaluate_light`.
    """
    _great_expectations()
    from pandas import DataFrame  # which Great Expectations brings

    table = DataFrame([{"item": "", **row} for row in rows])
    used = [rule for rule in rules if rule.column in table.columns]
    if table.empty or not used:
        return Report(name, len(rows), (), ())
    results = _validate(name, used, table)
    checks, failures = [], []
    for rule, result in zip(used, results, strict=True):
        broken = _broken(rule, result)
        failures += broken
        n_missing = 0 if rule.absent else int(result["missing_count"])
        checks.append(check(rule, int(result["element_count"]) - n_missing, len(broken)))
    return Report(name, len(rows), tuple(checks), without_shadowed(failures))


@cache
def _great_expectations() -> tuple[Any, Any]:
    """The module and a context that writes nothing, sends nothing and shows no progress bars."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its import of sre_constants
        import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = {"globally": False}
    return gx, context


def _validate(name: str, rules: Sequence[Rule], table: DataFrame) -> list[dict[str, Any]]:
    """The result of each rule, in order."""
    gx, context = _great_expectations()
    suite = gx.ExpectationSuite(name, expectations=[_expectation(gx.expectations, rule) for rule in rules])
    source = context.data_sources.add_or_update_pandas("facts")
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})
    wanted = {"result_format": "COMPLETE", "unexpected_index_column_names": _WHERE}
    outcome = batch.validate(suite, result_format=wanted)
    by_rule = {result.expectation_config.meta["rule"]: result for result in outcome.results}
    for name, result in by_rule.items():
        if "element_count" not in result.result:  # it could not be evaluated: our rule or our facts are wrong
            raise RuntimeError(f"rule {name}: {result.exception_info}")
    return [by_rule[rule.name].result for rule in rules]


def _expectation(kinds: Any, rule: Rule) -> Any:
    common: dict[str, Any] = {
        "column": rule.column,
        "severity": rule.severity,
        "description": rule.meaning,
        "meta": {"rule": rule.name},
    }
    if rule.absent:
        return kinds.ExpectColumnValuesToBeNull(**common)
    if rule.unique:
        return kinds.ExpectColumnValuesToBeUnique(**common)
    if rule.allowed is not None:
        return kinds.ExpectColumnValuesToBeInSet(value_set=list(rule.allowed), **common)
    return kinds.ExpectColumnValuesToBeBetween(min_value=rule.minimum, max_value=rule.maximum, **common)


def _broken(rule: Rule, result: Mapping[str, Any]) -> list[Failure]:
    places = result.get("unexpected_index_list") or []
    return [failure(rule, place["file"], place["item"], place[rule.column]) for place in places]
