"""The team's inputs as the template ships them: any PNG or JPEG becomes an array of one shape."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from digits.inputs import Augment, Images
from PIL import Image

SMALL = Images(height=8, width=6, channels=1)


def picture(path: Path, mode: str, size: tuple[int, int] = (6, 8), color: Any = 200) -> None:
    Image.new(mode, size, color).save(path)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(depth: int, kind: int, pixels: bytes, *more: bytes, width: int = 2, height: int = 1) -> bytes:
    """Return a PNG file of one row, bit for bit as its standard says; Pillow writes few of the kinds that it reads.

    Args:
        depth: bits a channel.
        kind: colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
        more: chunks before the pixels.
    """
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    rows = (b"\0" + pixels) * height
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def saved(image: Image.Image, form: str, **how: Any) -> bytes:
    with io.BytesIO() as out:
        image.save(out, form, **how)
        return out.getvalue()


def jpeg(mode: str, color: Any) -> bytes:
    return saved(Image.new(mode, (2, 1), color), "JPEG", quality=100, subsampling=0)


def ycck(*ink: int) -> bytes:
    """Return a JPEG with the colour transform of Photoshop: R, G, B as the inks' levels make Y, Cb, Cr; all inverted."""
    r, g, b = ink[:3]
    y = 0.299 * r + 0.587 * g + 0.114 * b
    made = bytearray(
        jpeg("CMYK", tuple(255 - round(v) for v in (y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402, 255 - ink[3])))
    )
    made[made.index(b"Adobe") + 11] = 2  # what the marker says of the transform
    return bytes(made)


def unmarked(content: bytes) -> bytes:
    """Return a JPEG without its Adobe marker, which Pillow writes first."""
    return content[:2] + content[18:]


PALETTE = chunk(b"PLTE", bytes([255, 0, 0, 0, 0, 255]))
RED, BLUE, GREY = (255, 0, 0), (0, 0, 255), (9, 9, 9)
# Files of two pixels, and the pixels that they are over a background of 9.
FILES: dict[str, tuple[bytes, tuple[int, ...], tuple[int, ...]]] = {
    "1 bit": (png(1, 0, b"\x40"), (0, 0, 0), (255, 255, 255)),
    "2 bit grey": (png(2, 0, b"\x10"), (0, 0, 0), (85, 85, 85)),
    "4 bit grey": (png(4, 0, b"\xf4"), (255, 255, 255), (68, 68, 68)),
    "8 bit grey": (png(8, 0, b"\x07\xc8"), (7, 7, 7), (200, 200, 200)),
    "16 bit grey": (png(16, 0, words(200 * 257, 0x1234)), (200, 200, 200), (18, 18, 18)),
    "16 bit grey, high range": (png(16, 0, words(65535, 32768)), (255, 255, 255), (127, 127, 127)),
    "16 bit grey, low range": (png(16, 0, words(0, 256)), (0, 0, 0), (0, 0, 0)),
    "8 bit RGB": (png(8, 2, bytes([255, 0, 0, 1, 2, 3])), RED, (1, 2, 3)),
    "16 bit RGB": (png(16, 2, words(65535, 0, 255, 0x1234, 0x8000, 257)), RED, (18, 128, 1)),
    "RGBA": (png(8, 6, bytes([255, 0, 0, 255, 255, 255, 255, 0])), RED, GREY),
    "RGBA half": (png(8, 6, bytes([255, 9, 9, 128, 0, 0, 255, 255])), (132, 9, 9), BLUE),
    "16 bit RGBA": (png(16, 6, words(65535, 0, 0, 65535, 1, 2, 3, 0)), RED, GREY),
    "grey and alpha": (png(8, 4, bytes([200, 255, 200, 0])), (200, 200, 200), GREY),
    "16 bit grey and alpha": (png(16, 4, words(200 * 257, 65535, 65535, 0)), (200, 200, 200), GREY),
    "palette": (png(8, 3, b"\0\1", PALETTE), RED, BLUE),
    "1 bit palette": (png(1, 3, b"\x40", PALETTE), RED, BLUE),
    "palette, tRNS of one index": (png(8, 3, b"\0\1", PALETTE, chunk(b"tRNS", b"\0")), GREY, BLUE),
    "palette, tRNS of levels": (png(8, 3, b"\0\1", PALETTE, chunk(b"tRNS", b"\xff\x80")), RED, (4, 4, 132)),
    "1 bit, one transparent": (png(1, 0, b"\x40", chunk(b"tRNS", words(1))), (0, 0, 0), GREY),
    "8 bit grey, one transparent": (png(8, 0, b"\x07\xc8", chunk(b"tRNS", words(7))), GREY, (200, 200, 200)),
    "8 bit RGB, one transparent": (png(8, 2, bytes([255, 0, 0, 1, 2, 3]), chunk(b"tRNS", words(1, 2, 3))), RED, GREY),
    "grey JPEG": (jpeg("L", 77), (77, 77, 77), (77, 77, 77)),
    "CMYK JPEG: yellow and magenta": (jpeg("CMYK", (0, 255, 255, 0)), RED, RED),
    "CMYK JPEG: black": (jpeg("CMYK", (0, 0, 0, 255)), (0, 0, 0), (0, 0, 0)),
    "CMYK JPEG: paper": (jpeg("CMYK", (0, 0, 0, 0)), (255, 255, 255), (255, 255, 255)),
    "CMYK JPEG: half": (jpeg("CMYK", (55, 155, 205, 127)), (100, 50, 25), (100, 50, 25)),
    "CMYK JPEG, no Adobe marker": (unmarked(jpeg("CMYK", (0, 255, 255, 0))), RED, RED),
    "YCCK JPEG": (ycck(0, 255, 255, 0), RED, RED),
    "YCCK JPEG: half": (ycck(55, 155, 205, 127), (100, 50, 25), (100, 50, 25)),
    "animated PNG: the first picture": (
        saved(Image.new("RGB", (2, 1), RED), "PNG", save_all=True, append_images=[Image.new("RGB", (2, 1), BLUE)]),
        RED,
        RED,
    ),
    "JPEG of two pictures: the first": (
        saved(Image.new("RGB", (2, 1), RED), "MPO", save_all=True, append_images=[Image.new("RGB", (2, 1), BLUE)]),
        RED,
        RED,
    ),
}


@pytest.mark.parametrize(("content", "left", "right"), FILES.values(), ids=FILES.keys())
def test_any_png_or_jpeg_is_right(
    tmp_path: Path, content: bytes, left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    """To a level, as JPEG rounds; in grey by the weights of ITU-R 601."""
    file = tmp_path / "x.png"
    file.write_bytes(content)
    found = Images(1, 2, channels=3, fill=9).read(file)
    assert (found.shape, found.dtype) == ((1, 2, 3), np.uint8)
    assert np.abs(found.astype(int) - [[left, right]]).max() <= (0 if content.startswith(b"\x89") else 1)
    grey = Images(1, 2, channels=1, fill=9).read(file)
    wanted = found @ np.array([0.299, 0.587, 0.114])
    assert grey.shape == (1, 2, 1) and np.abs(grey[:, :, 0] - wanted).max() <= 1


def noise(form: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return saved(Image.fromarray(pixels), form)


KEY = "transparent colour is not of 8 bits: save it with an alpha channel"
REFUSED: dict[str, tuple[bytes, str]] = {
    "16 bit grey, one transparent": (png(16, 0, words(7, 8), chunk(b"tRNS", words(7))), KEY),
    "16 bit RGB, one transparent": (png(16, 2, words(1, 2, 3, 4, 5, 6), chunk(b"tRNS", words(1, 2, 3))), KEY),
    "2 bit grey, one transparent": (png(2, 0, b"\x10", chunk(b"tRNS", words(1))), KEY),
    "GIF": (noise("GIF"), "is GIF, neither PNG nor JPEG; replace or convert it"),
    "WebP": (noise("WEBP"), "is WEBP, neither PNG nor JPEG"),
    "TIFF": (noise("TIFF"), "is TIFF, neither PNG nor JPEG"),
    "BMP": (noise("BMP"), "is BMP, neither PNG nor JPEG"),
    "text": (b"id,label\n", "is neither PNG nor JPEG"),
    "no byte": (b"", "is empty; replace"),
    "half a JPEG": (noise("JPEG")[:1000], "cannot be decoded"),
    "half a PNG": (noise("PNG")[:1000], "cannot be decoded"),
    "start of a PNG": (noise("PNG")[:20], "cannot be decoded"),
    "PNG without its pixels": (png(8, 0, b"")[:33] + chunk(b"IEND", b""), "cannot be decoded"),
    "turned bytes": (noise("PNG")[:200] + bytes(100) + noise("PNG")[300:], "cannot be decoded"),
    "100 million pixels": (png(1, 0, bytes(1250), width=10_000, height=10_000), "has over 89,478,485 pixels; scale it"),
    "10 billion pixels": (png(1, 0, b"", width=100_000, height=100_000), "has over 89,478,485 pixels; scale it"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # pytest takes the module's own filter off
@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=said) as refused:
        Images(8, 6, channels=1).read(file)
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize(("path", "said"), [("", "is a folder; name a file in it"), ("no.png", "is missing; add it")])
def test_no_file(tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Images(8, 6, channels=1).read(tmp_path / path)


@pytest.mark.filterwarnings("ignore")  # Pillow's, of the EXIF
def test_whatever_is_damaged_is_read_or_refused(tmp_path: Path) -> None:
    """Bytes changed in the headers, the EXIF and the pixels: never another exception than the one that names the file."""
    rng, file = np.random.default_rng(0), tmp_path / "x.png"
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a title"
    image = Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    whole = [saved(image, form, exif=exif) for form in ("PNG", "JPEG")] + [saved(image.quantize(8), "PNG")]
    read = 0
    for number in range(1500):
        content = bytearray(whole[number % len(whole)])
        places = np.abs(rng.normal(0, 120, 3)).astype(int) % len(content)
        for place in places:
            content[place] = rng.integers(256)
        file.write_bytes(content)
        try:
            read += Images(8, 6, channels=3).read(file).shape == (8, 6, 3)
        except ValueError as error:
            assert str(error).startswith(("is ", "has ", "cannot be decoded"))
    assert 100 < read < 1400


def test_any_shape_is_scaled_and_padded(tmp_path: Path) -> None:
    picture(tmp_path / "wide.jpg", "RGB", (60, 20), (255, 255, 255))
    found = Images(8, 6, channels=3, fill=7).read(tmp_path / "wide.jpg")
    assert found.shape == (8, 6, 3)
    assert set(np.unique(found[3:5])) == {255}
    assert set(np.unique(found[[0, 1, 6, 7]])) == {7}


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((5000, 1), 1, 6), ((1, 5000), 8, 1), ((100_000, 1), 1, 6), ((1, 1), 6, 6), ((3, 4), 8, 6), ((600, 801), 8, 6)],
    ids=str,
)
def test_no_shape_vanishes(tmp_path: Path, size: tuple[int, int], rows: int, columns: int) -> None:
    picture(tmp_path / "x.png", "L", size, 255)
    found = SMALL.read(tmp_path / "x.png")[:, :, 0]
    assert ((found == 255).any(axis=1).sum(), (found == 255).any(axis=0).sum()) == (rows, columns)
    assert (found == 255).sum() == rows * columns


# Where the first pixel and the second one of the stored row are, once the picture is upright: (row, column).
TURNED = {
    1: ((0, 0), (0, 1)),
    2: ((0, 5), (0, 4)),
    3: ((7, 5), (7, 4)),
    4: ((7, 0), (7, 1)),
    5: ((0, 0), (1, 0)),
    6: ((0, 5), (1, 5)),
    7: ((7, 5), (6, 5)),
    8: ((7, 0), (6, 0)),
}


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", TURNED.keys())
def test_exif_orientation_is_obeyed(tmp_path: Path, orientation: int, form: str) -> None:
    size = (6, 8) if orientation < 5 else (8, 6)
    image = Image.new("L", size)
    image.putpixel((0, 0), 255)
    image.putpixel((1, 0), 128)
    exif = image.getexif()
    exif[0x0112] = orientation
    (tmp_path / "x.png").write_bytes(saved(image, form, exif=exif, **({"quality": 100} if form == "JPEG" else {})))
    found = SMALL.read(tmp_path / "x.png")[:, :, 0]
    first, second = TURNED[orientation]
    assert abs(int(found[first]) - 255) <= 2 and abs(int(found[second]) - 128) <= 2
    assert (found > 9).sum() == 2


def test_a_batch_is_prepared_for_the_network() -> None:
    arrays = torch.full((2, 8, 6, 1), 255, dtype=torch.uint8)
    found = SMALL.prepare(arrays)
    assert found.shape == (2, 1, 8, 6)
    assert found.dtype == torch.float32
    assert (found == 1).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (png(8, 2, bytes(6)), "2x1 colour"),
        (png(16, 0, bytes(4)), "2x1 grey"),
        (png(8, 4, bytes(4)), "2x1 grey"),
        (png(1, 0, bytes(1)), "2x1 grey"),
        (jpeg("CMYK", (0, 0, 0, 0)), "2x1 colour"),
    ],
    ids=["RGB", "16 bit", "grey and alpha", "1 bit", "CMYK"],
)
def test_what_a_file_is_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    assert (str(SMALL), SMALL.describe(tmp_path / "x.png")) == ("6x8 grey", said)


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
