import json
import subprocess
import sys

import pytest

from rung.errors import RungError
from rung.lab.computation import Cancelled
from rung.lab.computations import moves
from rung.lab.moves import MOVES, find_move, notebook, run_move

NAMES = [move.name for move in MOVES]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_page_shows_is_what_the_code_prints_by_itself(lab, job, name, tmp_path):
    """The code that is shown, as a script of its own in another process, prints the same lines."""
    shown = next(one for one in moves.shown.run(lab, moves.AskMoves(), job).moves if one.name == name)
    script = tmp_path / "move.py"
    script.write_text("\n\n".join(cell.code for cell in shown.cells))
    done = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    printed = moves.run.run(lab, moves.AskRun(move=name), job).printed
    assert "".join(printed) == done.stdout
    assert len(printed) == len(shown.cells)
    assert sum(bool(one) for one in printed) >= len(printed) - 1


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_made_of_the_same_code(name):
    move = find_move(name)
    found = json.loads(notebook(move))
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    code = ["".join(cell["source"]) for cell in found["cells"] if cell["cell_type"] == "code"]
    assert code == [code for _, code in move.cells]
    assert len({cell["id"] for cell in found["cells"]}) == len(found["cells"])
    for cell in found["cells"]:
        keys = {"cell_type", "id", "metadata", "source"}
        keys |= {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == keys
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        assert 1 <= len(cell["id"]) <= 64


def test_one_kind_of_head_each_is_found():
    printed = run_move(find_move("find"))
    assert printed[-1] == "previous_token: 0.0\ninduction: 1.0\n"


def test_the_reader_cancels_between_cells(lab):
    class Impatient:
        def progress(self, step, done, total):
            if done:
                raise Cancelled

    with pytest.raises(Cancelled):
        moves.run.run(lab, moves.AskRun(move="cache"), Impatient())


def test_the_code_s_own_print_is_not_the_process_s(capsys):
    run_move(find_move("load"))
    assert capsys.readouterr().out == ""


def test_a_page_names_a_move_and_sends_no_code(lab, job):
    with pytest.raises(RungError, match=r"no notebook move 'print\(1\)'; there are load, cache"):
        moves.run.run(lab, moves.AskRun(move="print(1)"), job)
