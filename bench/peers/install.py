"""Installs the peers below .data, by pip and npm as anybody would, and says what could not be had and why."""

import shutil
import subprocess
import sys
from pathlib import Path

from bench.stage import PROJECT

HERE = Path(__file__).parent
FOLDER = PROJECT / ".data" / "peers"
MADE_FROM = {"pip": HERE / "requirements.txt", "npm": HERE / "package-lock.json"}
"""By whom what is installed; a copy in FOLDER says that it was, and from which lock."""
WITHIN_S = 600


def python() -> Path:
    """The interpreter that the peers run with."""
    return FOLDER / "venv" / "bin" / "python"


def installed() -> bool:
    """Whether all of them are there."""
    return all(_is_there(lock) for lock in MADE_FROM.values())


def install() -> dict[str, str]:
    """Install what is not there. Why not, of `pip` and `npm`, where it did not work."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanting = {}
    for program, lock in MADE_FROM.items():
        if not _is_there(lock):
            try:
                _by_pip(lock) if program == "pip" else _by_npm(lock)
            except (OSError, subprocess.SubprocessError) as error:
                wanting[program] = _said(error)
            else:
                shutil.copy(lock, FOLDER)
    return wanting


def _is_there(lock: Path) -> bool:
    copy = FOLDER / lock.name
    return copy.exists() and copy.read_bytes() == lock.read_bytes()


def _by_pip(lock: Path) -> None:
    _run(sys.executable, "-m", "venv", "--clear", str(FOLDER / "venv"))
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes"]
    _run(str(python()), "-m", "pip", "install", *options, "-r", str(lock))


def _by_npm(lock: Path) -> None:
    if shutil.which("node") is None:
        raise FileNotFoundError("there is no node here")
    # A folder of its own: npm wants the lock in it beforehand, and a lock in FOLDER itself says that it worked.
    folder = FOLDER / "npm"
    folder.mkdir(exist_ok=True)
    shutil.copy(lock, folder)
    shutil.copy(HERE / "package.json", folder)
    _run("npm", "ci", "--loglevel", "error", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=WITHIN_S)


def _said(error: Exception) -> str:
    """The first line that says what went wrong."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr + error.stdout).splitlines()
        return next((line.strip() for line in lines if "error" in line.lower()), str(error))
    return str(error)
