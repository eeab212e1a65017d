"""Test examples as small pictures, from the packed inputs of the workspace."""

import base64
import hashlib
import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from ..comparison.revisions import Revision
from ..files.paths import ARRAYS, TEST

SIZE = 96  # pixels of the longer side
COLORS = 128


def thumbnails(revision: Revision, ids: Iterable[str]) -> dict[str, str]:
    """Return {id: data URI of a PNG} of the test examples of a revision whose picture is here.

    The workspace may hold other inputs than the revision did, so only a picture whose hash the revision recorded is
    shown. Without data/inputs/images.npy (a clone without the DVC cache) there are none.
    """
    try:
        images = np.load(ARRAYS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return {}
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
        return {}
    table = revision.table(TEST).set_index("id")
    table = table.loc[table.index.intersection(list(ids)), ["row", "input"]]
    found = {}
    for name, row, digest in table.itertuples():
        if row.isdecimal() and int(row) < len(images):
            image = np.ascontiguousarray(images[int(row)])
            if hashlib.sha256(image.tobytes()).hexdigest()[:16] == digest:
                found[name] = data_uri(image)
    return found


def data_uri(image: np.ndarray) -> str:
    """Return an image (height, width, 1 or 3 channels; uint8) at about SIZE as a data URI; tiny ones stay crisp."""
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    longest = max(picture.size)
    if longest > SIZE:
        picture.thumbnail((SIZE, SIZE))
    elif SIZE // longest > 1:
        factor = SIZE // longest
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    if picture.mode == "RGB":
        picture = picture.quantize(COLORS)  # a third of the bytes, and hard to tell apart at this size
    with io.BytesIO() as out:
        picture.save(out, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
