"""Options that commands share, and functions that read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..errors import RungError, StoreError

if TYPE_CHECKING:
    import torch

    from ..methods.sweep import SweepOptions
    from ..methods.workers import Progress
    from ..model.model import HookedTransformer

DTYPES = ("float32", "float64", "bfloat16", "float16")


MODEL_HELP = "A folder or GGUF file, a bundled or fetched model's name, ORG/NAME on the hub, or its short name."
Model = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP)]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of the random tokens; the same seed gives the same result.")]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="The device: cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[str, typer.Option(metavar="DTYPE", help=f"Precision of the weights: {', '.join(DTYPES)}.")]
Threads = Annotated[int | None, typer.Option(metavar="N", min=1, help="CPU threads.  [default: as torch chooses]")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress on stderr.")]
Json = Annotated[bool, typer.Option("--json", help="Print only the result, as JSON.")]
Period = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Tokens in a copy.  [default: 50, or the most that the model allows]", show_default=False
    ),
]
Sequences = Annotated[int, typer.Option(metavar="N", min=1, help="Number of sequences to average over.")]
Store = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER", help="Keep what is finished here; the same command resumes it, and rung worker helps."
    ),
]
Workers = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Processes that share the work.  [default: this one]")
]

Shard = Annotated[
    str | None,
    typer.Option(metavar="I/N", help="Run a fixed share of the cells, from 1/N to N/N; needs --store.  [default: all]"),
]
Dask = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Run on a Dask cluster; “local” starts one of --workers here.")
]
Ray = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Run on a Ray cluster; “local” starts one of --workers here.")
]
Slurm = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Run as --workers jobs of Slurm, with this option of sbatch, as in timeout_min=60; may be repeated.",
    ),
]


class Sharing(NamedTuple):
    """Where a sweep is kept, and who runs it."""

    store: str | None
    shard: str | None
    workers: int | None
    dask: str | None
    ray: str | None
    slurm: list[str] | None

    def check(self) -> None:
        """Raises StoreError for options that do not fit together, before anything is loaded."""
        from ..methods.executors import LOCAL
        from ..methods.workers import parse_shard

        clusters = {"--dask": self.dask, "--ray": self.ray, "--slurm": self.slurm}
        named = [name for name, value in clusters.items() if value]
        if len(named) > 1:
            raise StoreError(f"{' and '.join(named)} were given; a sweep runs on one of them")
        if self.shard is not None:
            parse_shard(self.shard)
            others = [*named, *(["--workers"] if self.workers is not None else [])]
            if others or self.store is None:
                beside = f"beside {others[0]}" if others else "without --store"
                raise StoreError(
                    f"--shard {self.shard} was given {beside}; a shard is run by this process, and kept with --store "
                    "in a folder that the other shards share"
                )
        if named and self.store is None and clusters[named[0]] != LOCAL:
            raise StoreError(f"{named[0]} was given without --store; its workers need a folder that they all reach")
        self._slurm_options()

    def check_unused(self, reason: str) -> None:
        """Raises StoreError if any of these options was given."""
        given = [f"--{name}" for name, value in self._asdict().items() if value is not None]
        if given:
            raise StoreError(f"{given[0]} was given, but {reason}")

    @contextmanager
    def options(self, progress: Progress | None) -> Iterator[SweepOptions]:
        """The options of `sweep`, with the cluster open until the end of the block."""
        from ..methods.executors import open_executor

        if self.dask is None and self.ray is None and not self.slurm:
            yield {"progress": progress, "store": self.store, "workers": self.workers, "shard": self.shard}
            return
        with open_executor(self.workers, self.dask, self.ray, self._slurm_options()) as executor:
            yield {"progress": progress, "store": self.store, "executor": executor}

    def _slurm_options(self) -> dict[str, str | int] | None:
        found: dict[str, str | int] = {}
        for given in self.slurm or ():
            name, equals, value = given.partition("=")
            if not (name.isidentifier() and equals and value):
                raise StoreError(f"--slurm was given {given!r}; write NAME=VALUE, as in slurm_partition=cpu")
            found[name] = int(value) if value.isdecimal() else value
        return found or None


def open_model(name: str, device: str = "cpu", dtype: str = "float32", threads: int | None = None) -> HookedTransformer:
    """Loads the model of that name. Raises RungError for an unknown dtype or device."""
    import torch

    from ..model.model import HookedTransformer

    if dtype not in DTYPES:
        raise RungError(f"dtype is {dtype!r}; known are {', '.join(DTYPES)}")
    set_threads(threads)
    on = find_device(device)
    return HookedTransformer.from_pretrained(name, device=on, dtype=getattr(torch, dtype))


def set_threads(threads: int | None) -> None:
    """Sets the number of CPU threads; None keeps torch's default."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def find_device(name: str) -> torch.device:
    """The device of that name. Raises RungError, which lists the devices, if there is none."""
    import torch

    available = ["cpu", *(f"cuda:{n}" for n in range(torch.cuda.device_count()))]
    available += ["mps"] if torch.backends.mps.is_available() else []
    full = f"{name}:0" if name == "cuda" else name
    if full not in available:
        raise RungError(f"there is no device {name!r} here; there is {', '.join(available)}")
    return torch.device(full)


def parse_head(model: HookedTransformer, spelled: str) -> tuple[int, int]:
    """Reads "1.4" as (layer, head). Raises RungError if the model has no such head."""
    from ..engine.sites import check_head

    layer, dot, head = spelled.partition(".")
    if not (dot and layer.isdecimal() and head.isdecimal()):
        raise RungError(f"{spelled!r} names no head; write layer.head, as in 1.4")
    return check_head(model.config, int(layer), int(head))


def check_finite(dtype: str, *values: torch.Tensor) -> None:
    """Raises RungError unless every number is finite."""
    if not all(bool(value.isfinite().all()) for value in values):
        raise RungError(f"the model's output is not finite in {dtype}; try --dtype float32, or float64")


def read_text(path: str) -> str:
    """The text of a file. Raises RungError if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RungError(f"the text {path} cannot be read: {error}") from None


def print_json(name: str, value: Mapping[str, Any]) -> None:
    """Prints the value as JSON on stdout, in the format of this name."""
    from .formats import FORMATS

    write_json({"format": f"rung {name}", "version": FORMATS[name].version, **value})


def write_json(value: Mapping[str, Any]) -> None:
    """Prints JSON that says itself what it is: a record, a recipe, a schema."""
    from ..views.terminal import write

    write(json.dumps(value, indent=2, allow_nan=False) + "\n")
