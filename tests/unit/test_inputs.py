"""The team's inputs as the template ships them: any PNG or JPEG becomes an array of one shape."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from digits.inputs import Images
from PIL import Image

GREY = Images(height=8, width=6, channels=1)


def picture(path: Path, mode: str, size: tuple[int, int] = (6, 8), color: Any = 200) -> None:
    Image.new(mode, size, color).save(path)


MODES = {
    "grey": ("L", 200, 200),
    "black and white": ("1", 1, 255),
    "colour": ("RGB", (255, 0, 0), 76),
    "palette": ("P", 0, 0),
    "16 bit": ("I;16", 200 * 257, 200),
    "transparent": ("RGBA", (255, 255, 255, 0), 0),
    "grey with alpha": ("LA", (200, 255), 200),
}


@pytest.mark.parametrize(("mode", "color", "grey"), MODES.values(), ids=MODES.keys())
def test_any_png_becomes_grey(tmp_path: Path, mode: str, color: Any, grey: int) -> None:
    picture(tmp_path / "x.png", mode, color=color)
    found = GREY.read(tmp_path / "x.png")
    assert found.shape == (8, 6, 1)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) == {grey}


def test_any_shape_is_scaled_and_padded(tmp_path: Path) -> None:
    picture(tmp_path / "wide.jpg", "RGB", (60, 20), (255, 255, 255))
    found = Images(8, 6, channels=3, fill=7).read(tmp_path / "wide.jpg")
    assert found.shape == (8, 6, 3)
    assert set(np.unique(found[3:5])) == {255}
    assert set(np.unique(found[[0, 1, 6, 7]])) == {7}


def test_exif_orientation_is_obeyed(tmp_path: Path) -> None:
    image = Image.new("L", (6, 8))
    image.putpixel((0, 0), 255)
    exif = image.getexif()
    exif[0x0112] = 3  # turned by 180 degrees
    image.save(tmp_path / "x.png", exif=exif)
    assert GREY.read(tmp_path / "x.png")[-1, -1, 0] == 255


def test_a_batch_is_prepared_for_the_network() -> None:
    arrays = torch.full((2, 8, 6, 1), 255, dtype=torch.uint8)
    found = GREY.prepare(arrays)
    assert found.shape == (2, 1, 8, 6)
    assert found.dtype == torch.float32
    assert (found == 1).all()


def test_what_a_file_is_is_said(tmp_path: Path) -> None:
    picture(tmp_path / "x.png", "RGB", (60, 20), (255, 0, 0))
    assert (str(GREY), GREY.describe(tmp_path / "x.png")) == ("6x8 grey", "60x20 colour")


WRONG: dict[str, dict[str, Any]] = {
    "a size that is no number": {"height": "big"},
    "no height": {"height": 0},
    "four channels": {"channels": 4},
    "over white": {"fill": 300},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_wrong_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Images(**({"height": 8, "width": 6, "channels": 1} | wrong))
