"""Install the lowest versions that pyproject.toml allows, and run Rung on them: `make lowest`.

A fresh environment of Python 3.11, the oldest that Rung supports, gets every direct dependency at its floor and Rung
itself, and then `rung prove induction` and some unit tests must pass in it. What those dependencies need in turn is as
new as pip finds it: that is what a user with one old package in place has.

torch alone is kept at the version of constraints.txt. Its floor exists for Linux only as a build for CUDA, with several
gigabytes of libraries beside it; where an index has it for the CPU, `--torch floor` checks it too.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = (3, 11)
TESTS = (  # at least one for each dependency; none that needs more than these, pytest and hypothesis
    "cli/test_train.py",  # typer
    "cli/test_verify.py::test_what_is_not_there_is_bad_input",  # typer
    "engine/test_factored.py",  # torch, jaxtyping
    "engine/test_slicing.py",  # numpy
    "engine/test_transformer.py",  # torch
    "evidence/test_statistics.py",  # scipy.special
    "families/test_rules.py",  # einops
    "model/test_fetch.py",  # filelock, gguf, safetensors
    "model/test_hooks.py",  # torch
    "model/test_hub.py::test_what_is_no_repository_name_is_not_asked_for",  # huggingface_hub
    "model/test_tokenizer.py",  # tokenizers
    "planted/test_architectures.py::test_a_rotary_head_prefers_its_distance_to_every_other",  # scipy.optimize
    "views/test_results.py",  # rich
    "views/test_terminal.py",  # rich
)


def floors() -> dict[str, str]:
    """Each direct dependency's lowest version, by its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {}
    for line in project["dependencies"]:
        parts = re.fullmatch(r"([\w.-]+)>=([\w.]+)(?:,<[\w.]+)?", line)
        if parts is None:
            raise SystemExit(f"check_lowest: {line!r} is no floor of the form NAME>=VERSION")
        found[parts[1]] = parts[2]
    return found


def tested(name: str) -> str:
    """The version in constraints.txt."""
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M))
    return pins[name]


def run(*command: str | Path, cwd: Path, home: Path) -> None:
    """Run a command to its end; the check fails with its exit code if that is not 0."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment | {"RUNG_HOME": str(home)})
    if done.returncode:
        line = " ".join(str(part) for part in command)
        print(f"check_lowest: exit code {done.returncode} from: {line}", file=sys.stderr)
        raise SystemExit(1)


def main() -> None:
    """Makes the environment, and runs Rung in it."""
    parser = argparse.ArgumentParser(description="The lowest versions that pyproject.toml allows, installed and run.")
    parser.add_argument("--torch", default=tested("torch"), metavar="VERSION", help="or 'floor' (default: %(default)s)")
    args = parser.parse_args()
    if sys.version_info[:2] != PYTHON:
        raise SystemExit(
            f"check_lowest: floors are for Python {PYTHON[0]}.{PYTHON[1]}, the oldest supported; this is "
            f"{sys.version_info[0]}.{sys.version_info[1]}: make lowest PYTHON=python{PYTHON[0]}.{PYTHON[1]}"
        )
    lowest = floors()
    if args.torch != "floor":
        print(f"torch stays at {args.torch}: its floor, {lowest['torch']}, is not checked")
        lowest["torch"] = args.torch
    with tempfile.TemporaryDirectory(prefix="rung-lowest-") as name:
        folder = Path(name)
        run(sys.executable, "-m", "venv", folder / "venv", cwd=folder, home=folder)
        python = folder / "venv" / "bin" / "python"
        install = (python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
        run(*install, ROOT, *(f"{each}=={version}" for each, version in lowest.items()), cwd=folder, home=folder)
        tools = [f"{tool}=={tested(tool)}" for tool in ("pytest", "hypothesis")]
        run(*install, *tools, cwd=folder, home=folder)
        run(python, "-m", "pip", "list", "--format", "freeze", cwd=folder, home=folder)
        run(folder / "venv" / "bin" / "rung", "prove", "induction", "--no-record", cwd=folder, home=folder)
        # Shapes are checked, and warnings errors, with the versions of constraints.txt: `make test`.
        quiet = ("-o", "addopts=--import-mode=importlib", "-W", "default", "-p", "no:cacheprovider")
        paths = [ROOT / "tests" / "unit" / test for test in TESTS]
        run(python, "-m", "pytest", "-q", *quiet, *paths, "-k", "not transformers", cwd=ROOT, home=folder)


if __name__ == "__main__":
    main()
