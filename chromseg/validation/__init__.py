"""Rules over facts: of annotated datasets, of images before prediction, of results.

Importing this is cheap: Great Expectations is loaded by the functions that need it (`validate_datasets`,
`validate_inputs`), through `engine.py` alone.
"""

from chromseg.validation.datasets import validate_dataset, validate_datasets
from chromseg.validation.facts import image_facts
from chromseg.validation.inputs import InputCheck, check_facts, check_input, unreadable_facts, validate_inputs
from chromseg.validation.limits import DatasetLimits, ImageLimits, ResultLimits, ValidateConfig
from chromseg.validation.report import Check, Failure, Report
from chromseg.validation.results import check_result, result_facts
from chromseg.validation.rules import Rule

__all__ = [
    "Check",
    "DatasetLimits",
    "Failure",
    "ImageLimits",
    "InputCheck",
    "Report",
    "ResultLimits",
    "Rule",
    "ValidateConfig",
    "check_facts",
    "check_input",
    "check_result",
    "image_facts",
    "result_facts",
    "unreadable_facts",
    "validate_dataset",
    "validate_datasets",
    "validate_inputs",
]
