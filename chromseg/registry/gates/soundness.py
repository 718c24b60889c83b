"""Gates about the files: are they a model that loads without pickle and does its work within the budget?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from chromseg.registry.gates.gate import Gate, at_least, at_most, switched_off
from chromseg.registry.gates.measured import Measured
from chromseg.registry.gates.policy import Golden, Policy
from chromseg.registry.store.backend import MlflowException, mlflow
from chromseg.registry.versions.packaging import SIGNATURE

_PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".bin"}


def package_gates(root: Path) -> list[Gate]:
    """Look at an MLflow model's folder: nothing in it is unpickled on loading, and its signature is the contract's."""
    pickles = sorted(path.name for path in root.rglob("*") if path.suffix in _PICKLES)
    try:
        model = mlflow.models.Model.load(str(root))
        flavor = model.flavors["python_function"]
    except (MlflowException, KeyError, OSError) as error:
        return [Gate("loads without pickle", f"unreadable ({error})", "a Python model from code", False)]
    from_code = "model_code_path" in flavor and "python_model" not in flavor
    found = ", ".join(pickles) or ("code and safetensors" if from_code else "a pickled Python model")
    same = model.signature == SIGNATURE
    return [
        Gate("loads without pickle", found, "code and safetensors", from_code and not pickles),
        Gate("signature", "image → instances" if same else str(model.signature), "image → instances", same),
    ]


def prediction_gates(policy: Policy, measured: Measured | None) -> list[Gate]:
    """Judge what the trial of the model gave."""
    if measured is None:
        return [switched_off("golden set"), switched_off("budget")]
    answered = measured.problem or f"yes, tried out {measured.at[:19]}Z"
    gates = [Gate("runs without pickle", answered, "an answer as contracted", not measured.problem)]
    if policy.golden is None:
        gates.append(switched_off("golden set"))
    else:
        gates.append(_golden_gate(policy.golden, measured))
    if policy.budget is None:
        return [*gates, switched_off("budget")]
    return [
        *gates,
        at_most("golden metaphase, seconds", measured.seconds, policy.budget.max_seconds),
        at_most("memory, MiB", measured.memory_mib, policy.budget.max_memory_mib),
    ]


def _golden_gate(golden: Golden, measured: Measured) -> Gate:
    gate = at_least("golden set, share found", measured.recovered, golden.min_recovered)
    each = ", ".join(f"{name} {share}" for name, share in measured.pictures.items())
    return replace(gate, measured=f"{gate.measured} ({each})") if each else gate
