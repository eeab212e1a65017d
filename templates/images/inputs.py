"""How a file becomes an array, and how arrays become what the network takes; named by `inputs: _target_` in conf/data/.

`read` runs once for each file, in the stage `pack`, in several threads: its array must depend on that one file, these
settings and this package alone. A class with `open(folder)` reads arrays in shards where they lie, see docs/own-data.md.
`prepare` runs on every batch, and then, on training batches alone, the augmentation that conf/data/augment/ names. Which one,
and how much, is a change of the data; its code is the model's.
"""

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

if TYPE_CHECKING:  # `pack` needs no torch, which takes a second to import
    import torch

MOST = 89_478_485  # pixels of a file, above which Pillow warns of a small file made to fill the memory
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `upright` refuses it, in words
NAMED = ["AVIF", "BMP", "GIF", "JPEG2000", "TIFF", "WEBP"]  # not read, but called by name


class Images:
    """PNG and JPEG files as arrays of one size; of an animation its first picture, of 16 bits the upper 8.

    CMYK becomes colour by its inks alone, without its profile.

    Args:
        height, width: pixels; an image is scaled to fit and padded.
        channels: 1 for grey, 3 for colour.
        fill: grey level of the padding and behind transparency, 0 to 255.
    """

    def __init__(self, height: int, width: int, channels: int, fill: int = 0) -> None:
        wanted = {"height": height, "width": width}
        wrong = [name for name, value in wanted.items() if not isinstance(value, int) or value < 1]
        if wrong or channels not in (1, 3) or fill not in range(256):
            raise ValueError("height and width are pixels, channels is 1 or 3, and fill is 0 to 255")
        self.height, self.width, self.channels, self.fill = height, width, channels, fill
        self.shape = (height, width, channels)

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {'grey' if self.channels == 1 else 'colour'}"

    def describe(self, file: Path) -> str:
        """Return what a file is as it lies there, in the words of `str`."""
        with Image.open(file) as image:
            return f"{image.width}x{image.height} {'grey' if image.mode[0] in '1LI' else 'colour'}"

    def read(self, file: Path) -> np.ndarray:
        """Return an image as uint8 (height, width, channels), turned upright.

        Raises:
            ValueError: saying what is wrong with the file, and what to do.
        """
        image = upright(file)
        if image.mode.startswith("I"):  # 16 bit grey
            image = Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
        if "A" in image.getbands() or "transparency" in image.info:
            image = image.convert("RGBA")
            behind = Image.new("RGBA", image.size, (self.fill,) * 3 + (255,))
            image = Image.alpha_composite(behind, image)
        image = image.convert("L" if self.channels == 1 else "RGB")
        if image.size != (self.width, self.height):
            share = min(self.width / image.width, self.height / image.height)
            width, height = (max(1, round(side * share)) for side in image.size)
            scaled = image.resize((width, height), Image.Resampling.BILINEAR)
            image = Image.new(image.mode, (self.width, self.height), (self.fill,) * self.channels)
            image.paste(scaled, (round((self.width - width) / 2), round((self.height - height) / 2)))
        return np.asarray(image).reshape(self.shape)

    def prepare(self, arrays: "torch.Tensor") -> "torch.Tensor":
        """Return uint8 arrays (n, height, width, channels) as float (n, channels, height, width) in [0, 1]."""
        return arrays.permute(0, 3, 1, 2).float().div_(255)


def upright(file: Path) -> Image.Image:
    """Return an image as its file has it, turned as its EXIF says. Raises ValueError, see `Images.read`."""
    if not file.is_file():
        raise ValueError("is a folder; name a file in it" if file.is_dir() else "is missing; add it or delete the row")
    try:
        with Image.open(file, formats=["PNG", "JPEG"]) as image:
            if image.width * image.height > MOST:
                raise Image.DecompressionBombError
            if "transparency" in image.info and image.mode != "P" and image.tile[0].args != image.mode:
                raise OSError("its transparent colour is not of 8 bits: save it with an alpha channel")
            return ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise ValueError(f"is {_other(file)}; replace or convert it") from None
    except Image.DecompressionBombError:
        raise ValueError(f"has over {MOST:,} pixels; scale it down") from None
    except Exception as error:  # what is damaged fails in as many ways as there are bytes
        said = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot be decoded ({said}); replace the file") from None


def _other(file: Path) -> str:
    if not file.stat().st_size:
        return "empty"
    try:
        with Image.open(file, formats=NAMED) as image:
            return f"{image.format}, neither PNG nor JPEG"
    except Exception:
        return "neither PNG nor JPEG, or damaged at its start"


class Augment:
    """Shifts, turns, scales and mirrors training images a little, each differently; the border fills what comes in.

    Args:
        shift: most pixels, each way.
        rotate: most degrees, each way.
        scale: most that an image grows or shrinks, as a share.
        flip: mirror half of the images left to right.
    """

    def __init__(self, shift: float = 0, rotate: float = 0, scale: float = 0, flip: bool = False) -> None:
        if min(shift, rotate, scale) < 0 or scale >= 1:
            raise ValueError("shift, rotate and scale are 0 or more, and scale is under 1")
        self.shift, self.rotate, self.scale, self.flip = shift, rotate, scale, flip

    def __call__(self, batch: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
        """Return prepared images (n, channels, height, width) changed by the generator's random numbers, and by no other.

        Each image's change must depend on its place in the batch alone: the others may be dropped ones.
        """
        import torch

        height, width = batch.shape[2:]
        right, down, turn, size, mirror = 2 * torch.rand(5, len(batch), generator=generator) - 1
        angle, zoom = turn * math.radians(self.rotate), 1 + size * self.scale
        cos, sin = zoom * angle.cos(), zoom * angle.sin()
        side = torch.where(mirror < 0, -1, 1) if self.flip else 1
        x = [cos * side, -sin * height / width, 2 * self.shift * right / width]
        y = [sin * side * width / height, cos, 2 * self.shift * down / height]
        where = torch.stack([*x, *y], dim=1).view(-1, 2, 3)
        grid = torch.nn.functional.affine_grid(where, list(batch.shape), align_corners=False)
        return torch.nn.functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)
