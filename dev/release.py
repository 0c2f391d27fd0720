"""`python -m dev.release`: what a release is made of, built twice from the commit, with checksums.

Everything is built from `git archive` of HEAD, so nothing of the working tree gets in, and with the commit's time as the
only time (SOURCE_DATE_EPOCH). Two builds must be the same, byte for byte; then one of them stands in dist/release.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from dev import sbom

PROJECT = Path(__file__).resolve().parents[1]
RELEASE = PROJECT / "dist" / "release"
UV = Path(sys.executable).with_name("uv")
PYTHON_PACKAGES = (".", "clients/python", "sandbox")
NODE_PACKAGE = "clients/typescript"
SUMS = "SHA256SUMS"


class ReleaseError(RuntimeError):
    """Something that a release cannot be made with. The message says what."""


def _said(*command: str | Path, cwd: Path = PROJECT) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))}:\n{(done.stdout + done.stderr).strip()}")
    return done.stdout.strip()


def checkout(folder: Path) -> None:
    """Write the files of HEAD to `folder`."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=PROJECT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="tar")


def build(source: Path, into: Path) -> None:
    """Build every package of `source`."""
    for package in PYTHON_PACKAGES:
        _said(
            UV,
            "build",
            "--quiet",
            "--no-build-isolation",
            "--python",
            sys.executable,
            "--out-dir",
            into,
            source / package,
        )
    (into / ".gitignore").unlink(missing_ok=True)
    for archive in into.glob("*.tar.gz"):
        archive.write_bytes(normalized(archive.read_bytes(), int(os.environ["SOURCE_DATE_EPOCH"])))
    node = source / NODE_PACKAGE
    (node / "node_modules").symlink_to(PROJECT / NODE_PACKAGE / "node_modules")
    _said("npm", "run", "--silent", "build", cwd=node)
    _said("npm", "pack", "--silent", "--pack-destination", into, cwd=node)
    shutil.copy(source / "openapi" / "openapi.json", into)
    (into / "sbom.cdx.json").write_text(sbom.bill())


def normalized(archive: bytes, moment: int) -> bytes:
    """A .tar.gz with the same files, in order, without who packed them and when: setuptools writes both."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for entry in sorted(old.getmembers(), key=lambda it: it.name):
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname, entry.pax_headers = moment, 0, 0, "", "", {}
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            new.addfile(entry, old.extractfile(entry))
    return gzip.compress(packed.getvalue(), mtime=moment)


def sums(folder: Path) -> str:
    """The lines of SHA256SUMS, as `sha256sum --check` reads them."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)


def _image(version: str) -> str:
    """Build the image where there is an engine. Returns what became of it."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        return "No image: no container engine answers here."
    revision = _said("git", "rev-parse", "HEAD")
    _said("docker", "build", "--build-arg", f"REVISION={revision}", "--tag", f"invoicing:{version}", PROJECT)
    return f"The image is invoicing:{version}."


def made_twice(place: Path) -> Path:
    """Build twice below `place`. Returns the folder with the release; raises ReleaseError where the two differ."""
    built, into = [], place
    for name in ("first", "second"):
        source, into = place / name / "source", place / name / "release"
        source.mkdir(parents=True)
        into.mkdir()
        checkout(source)
        build(source, into)
        built.append(sums(into))
    first, second = built
    if first != second:
        raise ReleaseError(
            "two builds differ:\n" + "\n".join(sorted(set(first.splitlines()) ^ set(second.splitlines())))
        )
    (into / SUMS).write_text(first)
    return into


def main() -> int:
    os.umask(0o022)
    try:
        os.environ["SOURCE_DATE_EPOCH"] = _said("git", "log", "-1", "--format=%ct")
        if _said("git", "status", "--porcelain"):
            print("The working tree has changes. They are not in the release: it is made of HEAD.", file=sys.stderr)
        with tempfile.TemporaryDirectory() as place:
            found = made_twice(Path(place))
            shutil.rmtree(RELEASE, ignore_errors=True)
            shutil.copytree(found, RELEASE)
        told = _image(_said(sys.executable, "-m", "app.cli", "--version"))
    except ReleaseError as problem:
        print(f"No release: {problem}", file=sys.stderr)
        return 1
    print((RELEASE / SUMS).read_text(), end="")
    print(f"Built twice, and the same: {RELEASE.relative_to(PROJECT)}. {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
