"""The gate about leakage: nobody is judged on what he learned from."""

from __future__ import annotations

import json
from pathlib import Path

from chromseg.annotations.seen import Seen, judged_on_seen
from chromseg.registry.gates.gate import Gate

_NAME, _LIMIT = "unseen test", "no test picture that it, or a model behind it, was trained on"


def unseen_gate(folder: Path) -> Gate:
    """Compare the test pictures that a model's card names with those that it and its parents know.

    Where the card, or that of a parent, does not say what was seen, the answer is "not known", which passes: so it is
    with models of older versions. No policy switches the gate off.

    Args:
        folder: With `model.json`.
    """
    block = json.loads((folder / "model.json").read_text(encoding="utf-8")).get("seen")
    seen = Seen.from_card(block, "its own card")
    known = judged_on_seen(seen.tested, seen)
    if known:
        return Gate(
            _NAME, f"{len(known)} of {len(seen.tested)} test pictures trained it or a model behind it", _LIMIT, False
        )
    if seen.unknown:
        return Gate(_NAME, f"not known: {', '.join(seen.unknown)} does not say which pictures were seen", _LIMIT, True)
    if not seen.tested:
        return Gate(_NAME, "its card names no test picture", _LIMIT, False)
    return Gate(_NAME, f"none of {len(seen.tested)} among the {len(seen.pictures)} seen", _LIMIT, True)
