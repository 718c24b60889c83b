"""The errors that a user can meet.

    ChromsegError
    ├── ConfigError         params.yaml: a key unknown, missing or of the wrong kind
    ├── DataError           a dataset, annotation or import source that cannot be used
    │   └── MaskError       masks or maps of the wrong shape or kind
    ├── InputRefusedError        an image that must not be predicted on, with the reasons
    ├── ModelError          weights or a model folder that cannot be used
    ├── TrainingError       training that must not go on (a loss that is not finite, say)
    ├── RegistryError       the store, a version or an alias
    │   ├── LineageError    a model without the lineage that registration demands
    │   ├── RetiredError    a version that was taken out of use for good
    │   └── StoreError      a store that cannot be looked at
    ├── OutputError         a result that cannot be written
    └── MissingExtraError   a library that no part of the installation needed so far

Each says what was got, what was expected and what to do; the command line prints just that and exits 1.
"""

from __future__ import annotations


class ChromsegError(Exception):
    """Base of all errors meant for a user.

    Args:
        got: What was found, with the file or key it was found in.
        expected: What would have been right.
        remedy: What the user can do about it.
    """

    def __init__(self, got: str, *, expected: str, remedy: str) -> None:
        self.got, self.expected, self.remedy = got, expected, remedy
        super().__init__(f"{got}; expected {expected}; {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a process pool, whose results are pickled."""
        return _rebuild, (type(self), self.got, self.expected, self.remedy)


def _rebuild(kind: type[ChromsegError], got: str, expected: str, remedy: str) -> ChromsegError:
    return kind(got, expected=expected, remedy=remedy)


class ConfigError(ChromsegError):
    """A key of params.yaml is unknown, missing or of the wrong kind."""


class DataError(ChromsegError):
    """A dataset, an annotation or an import source cannot be used."""


class MaskError(DataError):
    """Masks or maps have the wrong shape or kind."""


class InputRefusedError(ChromsegError):
    """An image must not be predicted on; the message names each rule it broke."""


class ModelError(ChromsegError):
    """Weights or a model folder cannot be used."""


class TrainingError(ChromsegError):
    """Training must not go on."""


class RegistryError(ChromsegError):
    """The store, a registered model, a version or an alias cannot be used."""


class LineageError(RegistryError):
    """A model lacks the lineage that registration demands."""


class RetiredError(RegistryError):
    """A version was taken out of use for good: withdrawn consent, or a fault."""


class StoreError(RegistryError):
    """The store cannot be looked at: it is not there, does not answer, or may not be read."""


class OutputError(ChromsegError):
    """A result cannot be written."""


class MissingExtraError(ChromsegError):
    """A library is not installed; the message names the extra that has it."""
