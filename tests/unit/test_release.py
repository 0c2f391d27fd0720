"""What `make release` does to archives, so that two builds are the same."""

import gzip
import io
import tarfile

from dev.release import normalized


def packed(names: list[str], when: int, owner: str) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.uname, entry.mode = len(name), when, owner, 0o600 + when % 64
            archive.addfile(entry, io.BytesIO(name.encode()))
    return gzip.compress(whole.getvalue(), mtime=when)


def test_archives_of_the_same_files_are_the_same() -> None:
    first = normalized(packed(["a", "b"], 1, "jenny"), 7)
    assert first == normalized(packed(["b", "a"], 2, "root"), 7)
    assert first != normalized(packed(["a", "c"], 1, "jenny"), 7)
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        told = [(it.name, it.mtime, it.uname, it.mode) for it in archive]
    assert told == [("a", 7, "", 0o644), ("b", 7, "", 0o644)]
