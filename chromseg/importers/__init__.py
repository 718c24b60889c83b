"""One file per public format, each turning someone's annotated images into the data contract."""

from chromseg.importers.importing import FORMATS, SourceFormat, import_dataset
from chromseg.importers.problems import UnreadableSourceError
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, ImportOptions

__all__ = [
    "FORMATS",
    "ImportOptions",
    "ImportedImage",
    "ImportedInstance",
    "ImportedSet",
    "SourceFormat",
    "UnreadableSourceError",
    "import_dataset",
]
