"""Pictures for pages: which form an input takes, and where there is none."""

import base64
import hashlib
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from datapass.files.paths import ARRAYS
from datapass.messages.problems import Refusal
from datapass.review.pictures import pictures

ROOM = 1 << 24


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def packed(*shape: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Return inputs as `pack` leaves them in data/inputs/, and the table that names them."""
    arrays = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    ARRAYS.parent.mkdir(parents=True, exist_ok=True)
    np.save(ARRAYS, arrays)
    digests = [hashlib.sha256(array.tobytes()).hexdigest()[:16] for array in arrays]
    return arrays, pd.DataFrame({"row": [str(row) for row in range(len(arrays))], "input": digests})


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize(
    ("shape", "side", "form", "size"),
    [
        pytest.param((8, 8, 1), 96, "PNG", (96, 96), id="small, grown whole times"),
        pytest.param((60, 60, 3), 96, "PNG", (60, 60), id="small, no whole times fit"),
        pytest.param((8, 8, 1), 320, "PNG", (8, 8), id="small, grown by the page"),
        pytest.param((200, 300, 3), 96, "PNG", (96, 64), id="big, shrunk for a report"),
        pytest.param((600, 400, 1), 320, "JPEG", (213, 320), id="big, shrunk for the page"),
        pytest.param((200, 200, 3), 320, "JPEG", (200, 200), id="big for PNG, fits the page"),
    ],
)
def test_form(shape: tuple[int, ...], side: int, form: str, size: tuple[int, int]) -> None:
    (uri,) = pictures(packed(1, *shape)[1], side, ROOM)
    assert uri.startswith(f"data:image/{form.lower()};base64,")
    assert (opened(uri).format, opened(uri).size) == (form, size)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 32, 160])
def test_the_page_shows_small_inputs_exactly(side: int, channels: int) -> None:
    arrays, table = packed(1, side, side, channels)
    (uri,) = pictures(table, 320, ROOM)
    shown = opened(uri).convert("L" if channels == 1 else "RGB")
    assert (np.asarray(shown).reshape(arrays[0].shape) == arrays[0]).all()


@pytest.mark.parametrize("row", ["99", "-1", "", "x", "1.0", "\u00b2"])
def test_no_such_row(row: str) -> None:
    table = packed(2, 8, 8, 1)[1]
    table.loc[0, "row"] = row
    assert [bool(uri) for uri in pictures(table, 96, ROOM)] == [False, True]


def test_another_input_is_not_shown_and_strictly_refused() -> None:
    table = packed(3, 8, 8, 1)[1]
    table.loc[1, "input"] = "0" * 16
    assert [bool(uri) for uri in pictures(table, 96, ROOM)] == [True, False, True]
    with pytest.raises(Refusal, match="holds other inputs than data/examples/; `dvc repro`, or `dvc checkout`"):
        pictures(table, 96, ROOM, strict=True)


def test_no_file_and_inputs_that_are_no_pictures() -> None:
    table = packed(2, 8, 8, 1)[1]
    for array in (np.zeros((2, 8), np.float32), np.zeros((2, 8, 8, 2), np.uint8)):
        np.save(ARRAYS, array)
        assert pictures(table, 96, ROOM, strict=True) == ["", ""]
    ARRAYS.unlink()
    assert pictures(table, 96, ROOM, strict=True) == ["", ""]


def test_room_used_up() -> None:
    table = packed(4, 8, 8, 1)[1]
    first, second, *rest = pictures(table, 96, ROOM)
    assert pictures(table, 96, len(first)) == [first, "", "", ""]
    assert pictures(table, 96, len(first) + 1) == [first, second, "", ""], "the last may pass the limit"
    assert pictures(table, 96, 0) == [""] * 4 and all(rest)
