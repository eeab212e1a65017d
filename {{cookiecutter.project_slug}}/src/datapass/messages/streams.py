"""What is printed where the terminal, or the file that it goes into, does not hold every letter, as on Windows."""

import codecs
import io
import sys

PLAIN = str.maketrans({"→": "->", "…": "...", "–": "-", "−": "-"})


def in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    """Return letters that every encoding holds for those that cannot be encoded, so that no two read the same (PEP 293)."""
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end].translate(PLAIN)
    return letters.encode("ascii", "backslashreplace").decode("ascii"), error.end


codecs.register_error("datapass.plain", in_plain_letters)


def never_fail_on_a_letter() -> None:
    """Have stdout and stderr show what they cannot encode in plain letters; in a pipe of Windows that is a good deal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="datapass.plain")
