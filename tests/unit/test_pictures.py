"""Pictures for pages: the original or the packed input, which form it takes, and where there is none."""

import base64
import hashlib
import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFile

from datapass.data.pack import file_digest
from datapass.files.paths import ARRAYS, INDEX, RAW
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


# The originals: a file of data/raw/, and what a page shows of it.


def delivered(tmp: dict[str, bytes], *shape: int) -> pd.DataFrame:
    """Write files of data/raw/, pack arrays that are nothing like them, and return the table that names these."""
    for name, content in tmp.items():
        (RAW / name).parent.mkdir(parents=True, exist_ok=True)
        (RAW / name).write_bytes(content)
    table = packed(len(tmp), *(shape or (8, 8, 1)))[1]
    columns = {"id": list(tmp), "input": table["input"], "path": list(tmp)}
    columns["file"] = [file_digest(RAW / name) for name in tmp]
    pd.DataFrame(columns, dtype="str").to_parquet(INDEX, index=False)
    return table


def saved(image: Image.Image, form: str = "PNG", **how: object) -> bytes:
    with io.BytesIO() as out:
        image.save(out, form, **how)
        return out.getvalue()


def turned(orientation: int) -> bytes:
    """Return a JPEG, wide as stored, that stands upright: its left third is dark as stored."""
    image = Image.new("RGB", (300, 100), (240, 240, 240))
    image.paste((10, 10, 10), (0, 0, 100, 100))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, "JPEG", exif=exif)


def two(mode: str, left: object, right: object, size: tuple[int, int] = (40, 40)) -> Image.Image:
    """Return an image with a left and a right half."""
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def levels(number: int) -> Image.Image:
    return Image.fromarray(np.full((40, 40), number, np.uint16))


def palette() -> Image.Image:
    image = two("P", 0, 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    return image


RED, BLUE = (255, 0, 0), (0, 0, 255)
SHOWN = {
    "grey": (saved(two("L", 10, 200)), (10,) * 3, (200,) * 3),
    "1 bit": (saved(two("1", 0, 1)), (0,) * 3, (255,) * 3),
    "16 bit": (saved(levels(200 * 257)), (200,) * 3, (200,) * 3),
    "16 bit, high": (saved(levels(65535)), (255,) * 3, (255,) * 3),
    "palette": (saved(palette()), RED, BLUE),
    "palette, one transparent": (saved(palette(), transparency=0), (128,) * 3, BLUE),
    "alpha": (saved(two("RGBA", (*RED, 0), (*BLUE, 255))), (128,) * 3, BLUE),
    "CMYK": (saved(two("CMYK", (0, 255, 255, 0), (255, 255, 0, 0)), "JPEG", quality=100), RED, BLUE),
    "WebP, which the team's inputs may read": (saved(two("RGB", RED, BLUE), "WEBP", lossless=True), RED, BLUE),
    "TIFF": (saved(two("RGB", RED, BLUE), "TIFF"), RED, BLUE),
    "GIF of two": (saved(palette(), "GIF", save_all=True, append_images=[Image.new("L", (40, 40))]), RED, BLUE),
}


@pytest.mark.parametrize(("content", "left", "right"), SHOWN.values(), ids=SHOWN.keys())
@pytest.mark.parametrize("side", [40, 320])
def test_the_original_is_shown(content: bytes, left: object, right: object, side: int) -> None:
    """Not the packed pixels, which are noise here; a name says nothing of the format."""
    (uri,) = pictures(delivered({"images/x.png": content}), side, ROOM, strict=True)
    shown = opened(uri)
    assert (shown.format, shown.size) == ("PNG", (40, 40))
    pixels = np.asarray(shown.convert("RGB")).astype(int)
    for half, color in ((pixels[:, :19], left), (pixels[:, 21:], right)):
        assert np.abs(half - color).max() <= 2


FORMS = {
    "a large JPEG": (saved(two("RGB", RED, BLUE, (4000, 3000)), "JPEG"), 320, "JPEG", (320, 240)),
    "a large JPEG in a report": (saved(two("L", 1, 200, (3000, 4000)), "JPEG"), 96, "PNG", (72, 96)),
    "a large PNG": (saved(two("L", 1, 200, (1000, 500))), 320, "JPEG", (320, 160)),
    "a small one": (saved(two("L", 1, 200, (20, 10))), 96, "PNG", (80, 40)),
    "a small one on the page": (saved(two("L", 1, 200, (20, 10))), 320, "PNG", (20, 10)),
    "a line": (saved(two("L", 1, 200, (5000, 2))), 320, "JPEG", (320, 1)),
    "upright": (turned(1), 96, "PNG", (96, 32)),
    "turned to the right": (turned(6), 96, "PNG", (32, 96)),
}


@pytest.mark.parametrize(("content", "side", "form", "size"), FORMS.values(), ids=FORMS.keys())
def test_form_of_an_original(content: bytes, side: int, form: str, size: tuple[int, int]) -> None:
    (uri,) = pictures(delivered({"x.jpg": content}), side, ROOM)
    assert (opened(uri).format, opened(uri).size) == (form, size)


@pytest.mark.parametrize(
    ("orientation", "dark"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")], ids=["1", "3", "6", "8"]
)
def test_an_original_stands_upright(orientation: int, dark: str) -> None:
    (uri,) = pictures(delivered({"x.jpg": turned(orientation)}), 96, ROOM)
    pixels = np.asarray(opened(uri).convert("L")).astype(int)
    height, width = pixels.shape
    ends = {
        "left": pixels[:, : width // 4],
        "right": pixels[:, -(width // 4) :],
        "top": pixels[: height // 4],
        "bottom": pixels[-(height // 4) :],
    }
    assert {name: bool(end.mean() < 40) for name, end in ends.items()}[dark]
    assert sum(end.mean() < 40 for end in ends.values()) == 1


def test_a_small_original_stays_crisp() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 24), dtype=np.uint8)
    (uri,) = pictures(delivered({"x.png": saved(Image.fromarray(pixels))}), 96, ROOM)
    assert (np.asarray(opened(uri).convert("L"))[::4, ::4] == pixels).all()


def changed() -> None:
    (RAW / "x.png").write_bytes(saved(Image.new("L", (30, 30))))


def gone() -> None:
    (RAW / "x.png").unlink()


def other_index() -> None:
    pd.concat([pd.read_parquet(INDEX)] * 2).to_parquet(INDEX)


def no_index() -> None:
    INDEX.unlink()


def index_without_files() -> None:
    pd.read_parquet(INDEX)[["id", "input"]].to_parquet(INDEX)


def damaged_index() -> None:
    INDEX.write_bytes(INDEX.read_bytes()[:100])


def outside() -> None:
    (RAW / "x.png").rename("x.png")
    pd.read_parquet(INDEX).assign(path="../../x.png").to_parquet(INDEX)


CHANGES = (changed, gone, other_index, no_index, index_without_files, damaged_index, outside)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_the_packed_pixels_where_the_original_is_not_here(change: Callable[[], None]) -> None:
    table = delivered({"x.png": saved(Image.new("L", (50, 50), 9))}, 8, 8, 1)
    assert opened(pictures(table, 320, ROOM)[0]).size == (50, 50)
    change()
    (uri,) = pictures(table, 320, ROOM, strict=True)
    assert (np.asarray(opened(uri)) == np.load(ARRAYS)[0, :, :, 0]).all()


NO_PICTURES = {
    "text": b"hello",
    "nothing": b"",
    "half a PNG": saved(Image.effect_noise((64, 64), 90))[:1000],
    "PostScript, which a program would draw": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    "numbers that are no levels": saved(Image.new("F", (9, 9), 0.5), "TIFF"),
    "100 million pixels": saved(Image.new("1", (10_000, 10_000))),
    "400 million pixels": saved(Image.new("1", (20_000, 20_000))),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("content", NO_PICTURES.values(), ids=NO_PICTURES.keys())
def test_the_packed_pixels_where_the_original_cannot_be_shown(content: bytes) -> None:
    table = delivered({"x.png": content}, 8, 8, 1)
    assert opened(pictures(table, 320, ROOM)[0]).size == (8, 8)


def test_originals_are_for_the_very_inputs_of_the_table() -> None:
    table = delivered({f"{n}.png": saved(Image.new("L", (9 + n, 9))) for n in range(3)})
    table.loc[1, "input"] = "0" * 16
    shown = pictures(table, 320, ROOM)
    assert [uri and opened(uri).size for uri in shown] == [(9, 9), "", (11, 9)]
    with pytest.raises(Refusal, match="holds other inputs"):
        pictures(table, 320, ROOM, strict=True)


def test_originals_of_inputs_that_are_no_pixels() -> None:
    """Such as spectra that the team's `inputs` make of images."""
    table = delivered({"a.png": saved(Image.new("L", (9, 9)))}, 30)
    assert opened(pictures(table, 320, ROOM)[0]).size == (9, 9)


def test_many_originals_and_room_for_few() -> None:
    """In the order of the table, whichever is made first."""
    table = delivered({f"{n:03}.png": saved(Image.new("L", (20 + n, 5), 9)) for n in range(200)})
    table = table.iloc[::-1]
    shown = pictures(table, 320, ROOM)
    assert [opened(uri).width for uri in shown] == [20 + n for n in reversed(range(200))]
    room = sum(len(uri) for uri in shown[:100])
    assert pictures(table, 320, room) == shown[:100] + [""] * 100


@pytest.mark.parametrize(("size", "decoded"), [((4000, 3000), (500, 375)), ((4000, 40), (500, 5))], ids=str)
def test_a_large_jpeg_is_not_decoded_whole(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], decoded: tuple[int, int]
) -> None:
    sizes = []
    load = ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: (sizes.append(self.size), load(self))[1])
    (uri,) = pictures(delivered({"x.jpg": saved(two("RGB", RED, BLUE, size), "JPEG")}), 320, ROOM)
    assert set(sizes) == {decoded}
    assert np.abs(np.asarray(opened(uri)).astype(int)[0, [2, -2]] - [RED, BLUE]).max() <= 4
