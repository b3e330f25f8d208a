"""Files that hold what cases and money are about: whoever makes them is the only one who reads them."""

import os
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def make_private_folder(folder: Path) -> None:
    """Make a folder for its owner alone; one that is there keeps its permissions, which somebody may have set."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def make_private_file(file: Path) -> None:
    """Make an empty file likewise, and its folder; SQLite gives what it lays beside a database the same permissions."""
    make_private_folder(file.parent)
    os.close(os.open(file, os.O_CREAT | os.O_RDONLY, FILE_MODE))
