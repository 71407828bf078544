"""`rung notebook`."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from rung import cli
from rung.course.notebooks import copy_notebooks, notebook_files
from rung.errors import RungError


def invoke(*arguments):
    return CliRunner().invoke(cli.app, ["notebook", *arguments])


def test_it_copies_every_part(tmp_path):
    done = invoke(str(tmp_path / "course"), "--no-open")
    assert done.exit_code == 0 and "begin with part1.ipynb" in done.output
    copied = sorted((tmp_path / "course").iterdir())
    assert [path.name for path in copied] == [path.name for path in notebook_files()]
    assert json.loads(copied[0].read_text(encoding="utf-8"))["nbformat"] == 4


def test_it_overwrites_nothing_unless_it_is_forced(tmp_path):
    answered = tmp_path / "part1.ipynb"
    answered.write_text("my answers", encoding="utf-8")
    done = invoke(str(tmp_path), "--no-open")
    assert done.exit_code == 2 and answered.read_text(encoding="utf-8") == "my answers"
    assert "already holds part1.ipynb" in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["part1.ipynb"]
    assert invoke(str(tmp_path), "--no-open", "--force").exit_code == 0
    assert answered.read_bytes() == notebook_files()[0].read_bytes()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RungError, match="is a file"):
        copy_notebooks(tmp_path / "file")


def test_it_opens_jupyterlab_where_there_is_one(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr("rung.cli.notebook.find_spec", lambda name: name == "jupyterlab" or None)
    monkeypatch.setattr(
        subprocess, "run", lambda command, check: ran.append(command) or subprocess.CompletedProcess([], 0)
    )
    assert invoke(str(tmp_path)).exit_code == 0
    assert ran == [[sys.executable, "-m", "jupyterlab", str(tmp_path / "part1.ipynb")]]


def test_it_says_how_to_get_jupyterlab(tmp_path, monkeypatch):
    monkeypatch.setattr("rung.cli.notebook.find_spec", lambda name: None)
    done = invoke(str(tmp_path))
    assert done.exit_code == 0 and "pip install jupyterlab" in done.stderr


def test_it_needs_nothing_that_rung_does_not_bring(tmp_path):
    """What renders the notebooks is for developers: the copies are made without it."""
    code = (
        "import sys\n"
        "for name in ('jupytext', 'nbformat', 'nbclient', 'IPython', 'anywidget'): sys.modules[name] = None\n"
        "from rung.cli import app\n"
        "app(['notebook', sys.argv[1], '--no-open'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("part*.ipynb"))) == len(notebook_files()) == 5
