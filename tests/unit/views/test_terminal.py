import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from rung.views import terminal
from rung.views.heatmap import HeatMap, heat_map
from rung.views.terminal import LABEL, STAND_INS, bars, binned, cividis, nats, printable, show, to_ascii


def test_every_sign_has_a_stand_in_as_wide_as_itself():
    for sign, plain in STAND_INS.items():
        assert cell_len(sign) == len(plain) == 1
        assert plain.isascii()


def test_our_drawings_use_no_sign_without_a_stand_in():
    drawn = (
        heat_map(HeatMap.of_heads([[0.0, 0.5, 1.0]]), 60).plain + bars([1.0, 2.5], {"ln V": 3.0}, 4.0, faint=(1,)).plain
    )
    assert to_ascii(drawn).isascii()


def test_colours_keep_their_ink_readable():
    def luminance(rgb):
        linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for step in range(101):
        style = cividis(step / 100)
        back = luminance(style.bgcolor.triplet)
        contrast = 1.05 / (back + 0.05) if style.color.name == "#ffffff" else (back + 0.05) / 0.05
        assert contrast >= 4.5


def test_bars_are_as_high_as_their_values():
    lines = bars([0.0, 2.0, 4.0], {"ln n": 3.0}, 4.0, height=4).plain.splitlines()
    assert [line[LABEL:] for line in lines] == ["╌╌▓", "  █", " ██", " ██", "───"]
    assert lines[0].startswith("ln n  3.0")
    assert lines[-1].startswith("      0.0")


def test_lines_that_fall_together_are_both_named():
    assert bars([1.0], {"ln V": 2.0, "ln n": 2.1}, 4.0, height=4).plain.splitlines()[1].startswith("ln V, ln")


@given(values=st.lists(st.floats(0, 10), min_size=1, max_size=60), columns=st.integers(1, 80))
def test_groups_keep_the_order_and_the_whole(values, columns):
    groups = binned(values, columns)
    assert len(groups) == min(len(values), columns)
    assert min(values) - 1e-9 <= min(groups)
    assert max(groups) <= max(values) + 1e-9
    if columns >= len(values):
        assert groups == pytest.approx(values)


def test_tokens_stay_on_one_line():
    assert printable(" a\n\x1b[31m") == "·a\\n\\x1b[31m"
    assert printable("") == "(empty)"
    assert printable("[bold]é") == "[bold]é"


def test_no_minus_stands_before_a_zero():
    assert [nats(value) for value in (-0.004, 0.0, -0.006, 1.005)] == ["0.00", "0.00", "-0.01", "1.00"]


def test_what_is_shown_is_text_and_never_markup(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    out = io.StringIO()
    show(lambda width: Text(f"{width} [bold]:smile:[/bold]   "), out)
    assert out.getvalue() == "40 [bold]:smile:[/bold]\n"


def test_a_closed_pipe_ends_quietly(tmp_path):
    with (tmp_path / "out").open("w") as real:

        class Closed(io.StringIO):
            def write(self, text):
                raise BrokenPipeError

            def fileno(self):
                return real.fileno()

        with pytest.raises(SystemExit) as end:
            terminal.write("text", Closed())
    assert end.value.code == 141
