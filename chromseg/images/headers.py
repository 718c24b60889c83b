"""What an image file says of its size before a pixel of it is decoded."""

from __future__ import annotations

import io
import warnings

from PIL import Image

from chromseg.images.pictures import FORMATS
from chromseg.images.tiff import check_directories, is_tiff


def declared_pixels(content: bytes) -> int | None:
    """Pixels of the only page of a file; None for a file of several pages, and for one that Pillow cannot open."""
    try:
        if is_tiff(content):
            check_directories(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                several = getattr(picture, "is_animated", False)
                return None if several else picture.width * picture.height
    except Exception:  # Pillow's readers raise many kinds on damaged files, which are refused when they are read
        return None
