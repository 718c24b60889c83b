"""Which kind of training a model asks for."""

from __future__ import annotations

from collections.abc import Callable

from chromseg.config import ClassifierConfig, DetectorConfig, KaryotypeConfig, ModelConfig, TrainConfig
from chromseg.training.task import TrainingTask


def _map_task() -> TrainingTask:
    from chromseg.training.map_task import MapTask

    return MapTask()


def _instance_task() -> TrainingTask:
    from chromseg.training.instance_task import InstanceTask  # torchvision costs a second

    return InstanceTask()


def _class_task() -> TrainingTask:
    from chromseg.training.class_task import ClassTask

    return ClassTask()


def _karyotype_task() -> TrainingTask:
    from chromseg.training.karyotype_task import KaryotypeTask

    return KaryotypeTask()


TASKS: dict[type, Callable[[], TrainingTask]] = {
    ModelConfig: _map_task,
    DetectorConfig: _instance_task,
    ClassifierConfig: _class_task,
    KaryotypeConfig: _karyotype_task,
}


def task_of(config: TrainConfig) -> TrainingTask:
    """The kind of training that trains the configuration's network."""
    return TASKS[type(config.model)]()
