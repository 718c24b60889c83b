"""One file per public format, each turning someone's annotated images into the data contract."""

from chromseg.importers.importing import FORMATS, Format, import_dataset
from chromseg.importers.problems import UnreadableSourceError
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, Options

__all__ = [
    "FORMATS",
    "Format",
    "ImportedImage",
    "ImportedInstance",
    "ImportedSet",
    "Options",
    "UnreadableSourceError",
    "import_dataset",
]
