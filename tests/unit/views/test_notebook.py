"""What results show of themselves in a notebook, held against their numbers."""

import contextlib
import pkgutil
import re
from dataclasses import is_dataclass
from html import unescape
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from typing import get_type_hints

import nbformat
import pytest
from nbclient import NotebookClient

import rung
from rung.circuits.composition import composition
from rung.circuits.heads import ov_copying
from rung.circuits.positional import looks_back
from rung.circuits.survey import Ask, survey
from rung.display import Shown
from rung.engine.sites import find_site
from rung.evidence.soundness import rate
from rung.methods.attribution import attribute_logits
from rung.methods.behaviour import loss_by_position
from rung.methods.diagnosis import diagnose
from rung.methods.grids import ablate_each_head
from rung.methods.inspection import inspect
from rung.methods.interventions import Zero
from rung.methods.paths import patch_all_senders
from rung.methods.patterns import head_scores
from rung.methods.scores import why_attend
from rung.methods.source_lines import hook_source
from rung.methods.steps import pattern_reach
from rung.methods.sweep import ablate_heads
from rung.model.model import HookedTransformer
from rung.planted import plant
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss
from rung.views.wording import check_name, number

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer-tiny")


@pytest.fixture(scope="module")
def task(model):
    return repeated_tokens(model, period=6, sequences=4, seed=1)


@pytest.fixture(scope="module")
def results(model, task):
    metric = next_token_loss(task.predictable)
    other = repeated_tokens(model, period=6, sequences=4, seed=2).tokens
    grid = ablate_each_head(model, task, metric, Zero())
    return {
        "attribution": attribute_logits(model, task.tokens, task.targets, task.others, task.queries),
        "heads": head_scores(model, task),
        "board": loss_by_position(model, task),
        "grid": grid,
        "sweep": grid.result,
        "effect": ablate_heads(model, task.tokens, [(0, 0)], Zero(), metric),
        "paths": patch_all_senders(model, task.tokens, other, ((1, 0), "K"), metric),
        "why": why_attend(model, task.tokens[:1], (1, 0), 8, 3),
        "survey": survey(model, Ask("ov")),
        "composition": composition(model),
        "inspection": inspect(model),
        "doctor": diagnose(),
        "rate": rate(3, 40),
        "copying": ov_copying(model, (1, 0)),
        "positional": looks_back(model, (0, 0)),
        "planted": plant("circuit", 0),
        "task": task,
        "reach": pattern_reach(model, task.tokens, other),
        "proof": (proof := rung.prove("induction", model)),
        "claim": proof.claim,
        "verdict": proof.verdict,
        "measurement": proof.find("clue.signature", "1.0"),
        "hook": hook_source(model.config, find_site(model.config, "blocks.0.attn.hook_pattern")),
    }


NAMES = (
    "attribution", "heads", "board", "grid", "sweep", "effect", "paths", "why", "survey", "composition", "inspection",
    "doctor", "rate", "copying", "positional", "planted", "task", "reach", "proof", "claim", "verdict", "measurement",
    "hook",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_result_has_a_line_a_text_and_a_page(results, name):
    result = results[name]
    assert (
        repr(result).startswith(f"{type(result).__name__}(") and "\n" not in repr(result) and len(repr(result)) < 2000
    )
    shown = result._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html"}
    assert shown["text/plain"].strip() and "<pre" in shown["text/html"]
    # The page says what the text says.
    words = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", shown["text/html"]))).strip()
    assert words.replace("\u00a0", " ") == re.sub(r"\s+", " ", shown["text/plain"]).strip()


def test_the_numbers_are_the_results_own(results, model):
    def text(name):
        return results[name]._repr_mimebundle_()["text/plain"]

    found = results["attribution"]
    means = {label: float(found.of(label).double().mean()) for label in found.labels}
    best = max(means, key=lambda label: abs(means[label]))
    assert re.search(rf"{re.escape(best)} +{re.escape(f'{means[best]:+.3f}')}", text("attribution"))
    effect = results["effect"]
    assert f"{float((effect.edited - effect.clean).double().mean()):+.3f} nats" in text("effect")
    change = results["paths"].of("0.0").double().mean()
    assert re.search(rf"0\.0 +{re.escape(f'{float(change):+.3f}')}", text("paths"))
    sender, receiver, into, score = results["composition"].ranked()[0]
    assert re.search(rf"{sender} → {receiver}\.{into} +{score:.2f}", text("composition"))
    assert f"share={results['copying'].share}" not in text("copying") and "tensor" not in text("rate")
    assert "4 of 4 cells are measured" in text("sweep")


@pytest.mark.slow
def test_results_in_a_notebook_are_shown_once():
    """Rich shows what it prints a second time, where it finds itself in a notebook's kernel."""
    record = str(ROOT / "examples" / "records" / "two-layer-tiny.json")
    cells = [
        f"from rung import load_record\nload_record({record!r})",
        "from rung.evidence.soundness import rate\nrate(3, 40)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    for cell, said in zip(notebook.cells, ("Verdict: Mechanism", "3 of 40"), strict=True):
        (shown,) = cell.outputs
        assert set(shown.data) == {"text/plain", "text/html"} and said in shown.data["text/plain"]


def test_a_measurement_shows_each_of_its_numbers_and_controls(results):
    found = results["measurement"]
    text = found._repr_mimebundle_()["text/plain"]
    for check in found.checks:
        low, high = (number(end) for end in (check.low, check.high))
        assert re.search(
            rf"{re.escape(check_name(check.name))} +{number(check.value)} +{low} +{high} +{check.n}\n", text
        )
    best = found.controls["best unclaimed head"]
    assert re.search(rf"best unclaimed head +{number(best)}", text)
    assert "1.0, attention: holds" in text


def test_a_claim_shows_its_roles_its_edges_and_whether_heads_are_named(results):
    text = results["claim"]._repr_mimebundle_()["text/plain"]
    assert re.search(r"previous_token +writes .*: 0\.0\n", text) and "previous_token → induction.K" in text
    assert "no head named yet" in rung.claims.INDUCTION._repr_mimebundle_()["text/plain"]


VALUES = {"Check", "Confirmation", "Intervention", "Metric", "Words"}
"""What a caller passes on, or a line of a result: not results by themselves."""


@pytest.mark.parametrize("package", ["methods", "circuits", "tasks", "evidence"])
def test_whatever_a_function_returns_shows_itself(package):
    """Every dataclass that a public function of these packages returns."""
    home, missing, seen = import_module(f"rung.{package}"), set(), 0
    for found in pkgutil.iter_modules(home.__path__, f"{home.__name__}."):
        module = import_module(found.name)
        for name, function in vars(module).items():
            if name.startswith("_") or not isfunction(function) or function.__module__ != found.name:
                continue
            with contextlib.suppress(NameError):
                kind = get_type_hints(function).get("return")
                if is_dataclass(kind) and kind.__name__ not in VALUES:
                    seen += 1
                    missing |= set() if issubclass(kind, Shown) else {f"{found.name}.{name} returns {kind.__name__}"}
    assert seen > 3 and not missing
