"""The team's inputs as the template ships them: any PNG or JPEG becomes an array of one shape."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from digits.inputs import Augment, Images
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


def seeded(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


PICTURES = torch.rand(6, 3, 9, 7, generator=torch.Generator().manual_seed(1))


def test_augmentation_by_nothing_is_nothing() -> None:
    assert torch.allclose(Augment()(PICTURES, seeded()), PICTURES, atol=1e-6)


def test_mirrored_images() -> None:
    found = Augment(flip=True)(PICTURES, seeded())
    mirrored = [torch.allclose(one, picture.flip(2), atol=1e-6) for one, picture in zip(found, PICTURES, strict=True)]
    same = [torch.allclose(one, picture, atol=1e-6) for one, picture in zip(found, PICTURES, strict=True)]
    assert any(mirrored) and any(same) and all(a != b for a, b in zip(mirrored, same, strict=True))


AUGMENTED = {"shift": {"shift": 2}, "rotate": {"rotate": 30}, "scale": {"scale": 0.3}}


@pytest.mark.parametrize("settings", AUGMENTED.values(), ids=AUGMENTED.keys())
def test_augmentation_changes_each_image_a_little_and_by_its_place_alone(settings: dict[str, Any]) -> None:
    augment = Augment(**settings)
    found = augment(PICTURES, seeded())
    assert found.shape == PICTURES.shape and found.dtype == PICTURES.dtype
    assert PICTURES.min() <= found.min() and found.max() <= PICTURES.max()
    assert all(not torch.allclose(one, picture) for one, picture in zip(found, PICTURES, strict=True))
    assert torch.equal(augment(PICTURES, seeded()), found)
    assert not torch.equal(augment(PICTURES, seeded(1)), found)
    others = torch.cat([PICTURES[:1], torch.zeros_like(PICTURES[1:])])
    assert torch.equal(augment(others, seeded())[0], found[0])


def test_a_turn_keeps_the_shape_of_what_it_turns() -> None:
    """A disc stays a disc in an image that is no square; a shift is in pixels."""
    y, x = torch.meshgrid(torch.arange(32) - 15.5, torch.arange(64) - 31.5, indexing="ij")
    disc = (8 - (x**2 + y**2).sqrt()).clamp(0, 1)[None, None]
    turned = Augment(rotate=90)(disc.expand(20, -1, -1, -1), seeded())
    assert (turned - disc).abs().max() < 0.25
    moved = Augment(shift=3)(disc.expand(20, -1, -1, -1), seeded())
    for axis in (x, y):
        offset = (moved[:, 0] * axis).sum((1, 2)) / moved[:, 0].sum((1, 2))
        assert offset.abs().max() <= 3.01 and offset.std() > 0.8


def test_a_wrong_augmentation_is_refused() -> None:
    for settings in ({"shift": -1}, {"scale": 1}):
        with pytest.raises(ValueError, match="0 or more"):
            Augment(**settings)
