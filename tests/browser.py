"""Make sure that a Chromium is there for the browser tests: install Debian's where apt can, else say what to do."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Where macOS and Windows have it, on nobody's PATH.
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


def find() -> str | None:
    """Return the path of an installed browser of the Chromium family."""
    return next((path for name in (*NAMES, *PLACES) if (path := shutil.which(name))), None)


if __name__ == "__main__":
    if find() is None and shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "chromium", "fonts-noto-color-emoji"],
        ):
            print("+", *command, flush=True)
            subprocess.run([*sudo, *command], check=False, stdout=subprocess.DEVNULL)
    if find() is None:
        sys.exit(
            "The browser tests need Chromium or Chrome: install it (Debian: apt-get install chromium) and try again."
        )
