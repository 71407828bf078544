import sys
from pathlib import Path

import torch

from rung.engine import transformer
from rung.engine.sites import sites_of
from rung.engine.transformer import forward
from rung.methods.source_lines import hook_source

SOURCE = Path(transformer.__file__).read_text(encoding="utf-8").splitlines()


class Caller:
    """Watches every site, and notes the line of the forward pass that called it."""

    def __init__(self, config):
        self.sites, self.lines, self.stacks = frozenset(sites_of(config)), {}, {}

    def __call__(self, name, layer, x):
        stack, frame = [], sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == transformer.__file__ and frame.f_code.co_name != "tap_watching":
                stack.append((frame.f_code.co_name, frame.f_lineno))
            frame = frame.f_back
        self.lines[name, layer], self.stacks[name, layer] = stack[0], stack
        return x


def test_every_site_is_called_from_the_line_that_is_named(any_kind):
    model = any_kind
    caller = Caller(model.config)
    with torch.no_grad():
        forward(model.config, model.weights, torch.randint(1, model.config.d_vocab, (1, 5)), caller)
    assert set(caller.lines) == {(site.name, site.layer) for site in sites_of(model.config)}
    for site in sites_of(model.config):
        found = hook_source(model.config, site)
        assert (found.tap.function, found.tap.number) == caller.lines[site.name, site.layer], site
        assert SOURCE[found.tap.number - 1].strip() == found.tap.code
        if found.caller is not None:
            lines = [number for _, number in caller.stacks[site.name, site.layer]]
            assert found.caller.number in lines and f'"{found.caller.passes}"' in found.caller.code, site
            assert found.caller.passes == site.name.partition(".")[0]
        shown = found.lines
        assert (found.tap.number, SOURCE[found.tap.number - 1]) in shown and len(shown) <= 7
        assert [number for number, _ in shown] == list(range(shown[0][0], shown[-1][0] + 1))
        assert all(SOURCE[number - 1] == text for number, text in shown)


def test_a_line_that_several_sites_share_comes_with_the_one_that_says_which(build):
    config = build("LN, learned positions, MLP, biases").config
    found = hook_source(config, next(site for site in sites_of(config) if site.name == "ln2.scale"))
    assert found.tap.function == "norm" and "scale" in found.tap.code
    assert found.caller.function == "mlp" and '"ln2"' in found.caller.code
