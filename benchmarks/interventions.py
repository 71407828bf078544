"""What interventions cost: Rung's `sweep` beside a loop of its own `run_with_hooks`, and beside the loops of its peers.

One cell is one edited run: a head's output zeroed, or the residual stream before a layer patched at one position. All
candidates (`peers.py`) have the same random weights of GPT-2 small's shape and the same 8 × 101 tokens, each in a
process of its own. Each round times each of them once, in turn. Seconds a cell are compared, because a sweep makes its
clean run once for all cells while a loop does the same for each: the sweep takes every `--cells`-th head and every
`--patches`-th (layer, position), the loops every `--loops`-th of these. Then direct logit attribution and composition
scores where a candidate has them. Memory is the growth of the process's peak beyond what it held before (Linux).

Last: the sweep's matrix products counted, beside the least (`least_work.py`), and how its time grows.
`python benchmarks/interventions.py`.
"""

import argparse
import statistics
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from peers import CLOCKS, ENVIRONMENTS, Candidate, build, find_python, machine, peak_memory, prepare, serve

N_LAYERS, N_HEADS, D_HEAD, D_VOCAB, LENGTH, BATCH = 12, 12, 64, 50257, 101, 8
READ = slice(LENGTH // 2, LENGTH - 1)
"""The queries whose loss is read: the second half."""
TOLERANCE = 2e-3
"""Largest difference in float32 between ways to the same number: losses near 11 and logits summed over 768."""
LOOPS = {
    "rung loop": "rung",
    "transformers loop": "transformers",
    "HookedTransformer 3.9": "HookedTransformer 3.9",
    "TransformerBridge 4": "TransformerBridge 4",
    "nnsight": "nnsight",
    "interp-engine, eager": "interp-engine",
}
"""Each loop, and the candidate that runs it."""
WORK = {
    "loss": ("head", "zero-ablation of a head, loss on the second half"),
    "difference": ("head", "zero-ablation of a head, logit difference at the last position"),
    "patch": ("position", "residual stream patched at a layer and position, logit difference at the last position"),
}
Cells = Sequence[tuple[int, int]]
Run = Callable[[str, Cells], Any]
"""From the kind of work and its cells to the metric, [cell, batch]."""


def make_task(folder: str, device: str) -> dict[str, Any]:
    """Tokens, those of the corrupted run, and the answers."""
    import safetensors.torch

    return {name: x.to(device) for name, x in safetensors.torch.load_file(Path(folder) / "task.safetensors").items()}


def write_task(folder: Path) -> None:
    import safetensors.torch
    import torch

    generator = torch.Generator().manual_seed(0)
    tokens, corrupted = torch.randint(D_VOCAB, (2, BATCH, LENGTH), generator=generator).unbind()
    right, wrong = torch.randint(D_VOCAB, (2, BATCH), generator=generator).unbind()
    task = {"tokens": tokens, "corrupted": corrupted, "right": right, "wrong": wrong}
    safetensors.torch.save_file({name: x.clone() for name, x in task.items()}, folder / "task.safetensors")


def measure(work: str, logits: Any, task: Mapping[str, Any]) -> Any:
    """The metric of each example, from all logits, as a user of a peer writes it."""
    import torch.nn.functional as F

    if work == "loss":
        rows, targets = logits[:, READ], task["tokens"].roll(-1, 1)[:, READ]
        return F.cross_entropy(rows.transpose(1, 2), targets, reduction="none").mean(1)
    last = logits[:, -1]
    return (last.gather(1, task["right"][:, None]) - last.gather(1, task["wrong"][:, None]))[:, 0]


def of_sweep(model: Any, task: Mapping[str, Any]) -> Run:
    """Rung's sweep."""
    from rung.methods.interventions import Intervention, Patch, Zero, on_head
    from rung.methods.sweep import sweep
    from rung.tasks.metrics import logit_difference, next_token_loss

    def run(work: str, cells: Cells) -> Any:
        metric = next_token_loss(READ) if work == "loss" else logit_difference(task["right"], task["wrong"])
        put = Patch(task["corrupted"])
        made = [
            Intervention(("resid_pre", layer), put, None, (at,)) if work == "patch" else on_head((layer, at), Zero())
            for layer, at in cells
        ]
        return sweep(model, task["tokens"], made, metric).edited

    return run


def loop(edited: Callable[[str, int, int, Any], Any], streams: Callable[[], Any], task: Mapping[str, Any]) -> Run:
    """One whole run for each cell: `edited` gives its logits, `streams` those of the corrupted run before each layer,
    which are made once, before the clock starts.
    """
    import torch

    patches = streams()

    def run(work: str, cells: Cells) -> Any:
        return torch.stack([measure(work, edited(work, layer, at, patches[layer][:, at]), task) for layer, at in cells])

    return run


def of_hooks(model: Any, task: Mapping[str, Any]) -> Run:
    """`run_with_hooks`, of Rung or TransformerLens: they have the same interface."""

    def edited(work: str, layer: int, at: int, stream: Any) -> Any:
        def zero(z: Any, hook: Any) -> Any:
            z[:, :, at] = 0
            return z

        def patch(x: Any, hook: Any) -> Any:
            x[:, at] = stream
            return x

        name = f"blocks.{layer}.hook_resid_pre" if work == "patch" else f"blocks.{layer}.attn.hook_z"
        return model.run_with_hooks(task["tokens"], fwd_hooks=[(name, patch if work == "patch" else zero)])

    def streams() -> Any:
        names = [f"blocks.{layer}.hook_resid_pre" for layer in range(N_LAYERS)]
        _, cache = model.run_with_cache(task["corrupted"], names_filter=lambda name: name in names)
        return [cache[name] for name in names]

    return loop(edited, streams, task)


def of_transformers(model: Any, task: Mapping[str, Any]) -> Run:
    """PyTorch hooks on a model of transformers."""

    def edited(work: str, layer: int, at: int, stream: Any) -> Any:
        def edit(module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
            x = args[0].clone()
            if work == "patch":
                x[:, at] = stream
            else:
                x[..., at * D_HEAD : (at + 1) * D_HEAD] = 0
            return (x, *args[1:])

        block = model.transformer.h[layer]
        handle = (block if work == "patch" else block.attn.c_proj).register_forward_pre_hook(edit)
        logits = model(task["tokens"], use_cache=False).logits
        handle.remove()
        return logits

    return loop(edited, lambda: model(task["corrupted"], output_hidden_states=True).hidden_states, task)


def of_nnsight(model: Any, task: Mapping[str, Any]) -> Run:
    """One nnsight trace for each cell."""

    def edited(work: str, layer: int, at: int, stream: Any) -> Any:
        if work == "patch":
            with model.trace(task["tokens"], use_cache=False):
                model.transformer.h[layer].input[:, at] = stream
                logits = model.lm_head.output.save()
        else:
            with model.trace(task["tokens"], use_cache=False):
                model.transformer.h[layer].attn.c_proj.input[..., at * D_HEAD : (at + 1) * D_HEAD] = 0
                logits = model.lm_head.output.save()
        return logits

    def streams() -> Any:
        return model._module(task["corrupted"], output_hidden_states=True).hidden_states

    return loop(edited, streams, task)


def of_interp_engine(model: Any, task: Mapping[str, Any]) -> Run:
    """interp-engine's eager backend: one forward pass inside its `HookManager` for each cell."""
    from interp_engine import capture
    from interp_engine.hooks import HookManager

    def edited(work: str, layer: int, at: int, stream: Any) -> Any:
        def zero(z: Any) -> Any:
            z = z.clone()
            z[..., at * D_HEAD : (at + 1) * D_HEAD] = 0
            return z

        def patch(x: Any) -> Any:
            x = x.clone()
            x[:, at] = stream
            return x

        module, side = model.resolve_point("resid_pre" if work == "patch" else "z", layer)
        with HookManager() as hooks:
            hooks.write(module, patch if work == "patch" else zero, point=side)
            return model.hf_model(task["tokens"], use_cache=False).logits

    def streams() -> Any:
        names = [f"resid_pre.{layer}" for layer in range(N_LAYERS)]
        cache = capture(model, task["corrupted"], names)
        return [cache[name] for name in names]

    return loop(edited, streams, task)


def attribute(name: str, model: Any, task: Mapping[str, Any]) -> Any:
    """Direct logit attribution of every head at every position, [head, batch, pos], for the next token."""
    tokens = task["tokens"]
    if name == "rung":
        from rung.methods.attribution import attribute_logits

        found = attribute_logits(model, tokens, tokens.roll(-1, 1))
        heads = [at for at, label in enumerate(found.labels) if label.replace(".", "").isdecimal()]
        return found.values[heads]
    keep = {"ln_final.hook_scale", *(f"blocks.{layer}.attn.hook_z" for layer in range(N_LAYERS))}
    _, cache = model.run_with_cache(tokens, names_filter=lambda one: one in keep)
    return cache.logit_attrs(cache.stack_head_results(), tokens.roll(-1, 1))


def compose(name: str, model: Any, task: Mapping[str, Any]) -> Any:
    """Composition scores of all pairs of heads, one kind, [layer, head, layer, head]."""
    found = model.all_composition_scores("K")
    return found[0] if isinstance(found, tuple) else found


WHOLE: dict[str, Callable[[str, Any, Mapping[str, Any]], Any]] = {"attribution": attribute, "composition": compose}
LIBRARIES = ("rung", "HookedTransformer 3.9", "TransformerBridge 4")
"""Those that attribute and compose; nnsight and interp-engine have no such functions."""


def start(
    name: str, folder: str, device: str, clock: str
) -> tuple[dict[str, Any], Callable[[Mapping[str, Any]], dict[str, Any]]]:
    """What a candidate's process does: answers {"way", "work", "cells"} with seconds, MB and a file of values."""
    import safetensors.torch
    import torch

    ways = {"sweep": of_sweep, "transformers loop": of_transformers, "nnsight": of_nnsight}
    ways |= {"interp-engine, eager": of_interp_engine}
    model, task, made = build(name, folder, device), make_task(folder, device), {}

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    def run(asked: Mapping[str, Any]) -> dict[str, Any]:
        way, work = asked["way"], asked["work"]
        if work not in WHOLE and way not in made:
            made[way] = ways.get(way, of_hooks)(model, task)

        def timed() -> tuple[Any, float]:
            wait()
            begun = CLOCKS[clock]()
            found = WHOLE[work](name, model, task) if work in WHOLE else made[way](work, asked["cells"])
            wait()
            return found, CLOCKS[clock]() - begun

        try:
            (found, seconds), memory = peak_memory(timed)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        target = Path(folder) / f"{name} {way} {work}.safetensors"
        safetensors.torch.save_file({"found": found.detach().float().cpu().contiguous()}, target)
        return {"seconds": seconds, "memory": memory, "values": str(target)}

    return {}, run


def read(answer: Mapping[str, Any]) -> Any:
    import safetensors.torch

    return safetensors.torch.load_file(answer["values"])["found"]


def line(name: str, seconds: float, base: float, unit: str, memory: Sequence[float | None], off: float) -> str:
    known = [one for one in memory if one is not None]
    held = f"{max(known):7.0f} MB" if known else "      – MB"
    return f"  {name:<22} {seconds:9.3f} {unit:<6} {seconds / base:7.2f} ×   {held}   largest difference {off:.1e}"


def compare_cells(candidates: Mapping[str, Candidate], work: str, cells: Cells, loops: int, rounds: int) -> None:
    """One block of the table: seconds a cell."""
    fewer = cells[::loops]
    ways = {"sweep": "rung"} | {way: name for way, name in LOOPS.items() if name in candidates}
    answers: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for way, name in ways.items():  # what warms up is not counted
        first = candidates[name].ask(way=way, work=work, cells=cells[:1])
        if "error" in first:
            answers[way].append(first)
    for _ in range(rounds):
        for way, name in ways.items():
            if not (answers[way] and "error" in answers[way][-1]):
                some = cells if way == "sweep" else fewer
                answers[way].append(candidates[name].ask(way=way, work=work, cells=some))
    exact = read(answers["sweep"][-1])
    base = statistics.median(one["seconds"] for one in answers["sweep"]) / len(cells)
    print(f"\n{WORK[work][1]}: {len(cells)} cells, of which the loops take {len(fewer)}")
    for way, found in answers.items():
        if "error" in found[-1]:
            print(f"  {way:<22} does not run: {found[-1]['error']}")
            continue
        count, true = (len(cells), exact) if way == "sweep" else (len(fewer), exact[::loops])
        off = float((read(found[-1]) - true).abs().max())
        seconds = statistics.median(one["seconds"] for one in found) / count
        print(line(way, seconds, base, "s/cell", [one["memory"] for one in found], off), flush=True)
        if not off < TOLERANCE:
            raise SystemExit(f"{way} differs from the sweep by {off:g}")


def compare_whole(candidates: Mapping[str, Candidate], work: str, title: str, rounds: int) -> None:
    """One block of the table: seconds of one call."""
    names = [name for name in LIBRARIES if name in candidates]
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            if not (answers[name] and "error" in answers[name][-1]):
                answers[name].append(candidates[name].ask(way="", work=work))
    exact = read(answers["rung"][-1])
    base = statistics.median(one["seconds"] for one in answers["rung"])
    print(f"\n{title}")
    for name, found in answers.items():
        if "error" in found[-1]:
            print(f"  {name:<22} does not run: {found[-1]['error']}")
            continue
        theirs = read(found[-1])
        if work == "composition" and theirs.shape == exact.shape:  # only pairs of an earlier and a later head
            later = exact.new_ones(N_LAYERS, N_LAYERS).triu(1).bool()[:, None, :, None]
            theirs, true = theirs * later, exact * later
        else:
            true = exact
        off = float((theirs.reshape(true.shape) - true).abs().max())
        seconds = statistics.median(one["seconds"] for one in found)
        # The first call's memory: later ones find what it has freed.
        print(line(name, seconds, base, "s", [found[0]["memory"]], off), flush=True)
        if not off < TOLERANCE:
            raise SystemExit(f"{name} differs from rung by {off:g}")


def main() -> None:
    """Times everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cells", type=int, default=1, help="the sweep takes every n-th head")
    parser.add_argument("--patches", type=int, default=5, help="the sweep takes every n-th (layer, position)")
    parser.add_argument("--loops", type=int, default=12, help="the loops take every n-th cell of the sweep")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these candidates beside rung, by a part")
    parser.add_argument("--work", nargs="+", default=[*WORK, *WHOLE, "counts", "growth"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve(lambda: start(args.serve, args.folder, args.device, args.clock), args.threads)
    warnings.filterwarnings("ignore")
    print(f"{machine(args.threads)} · {BATCH} × {LENGTH} tokens, float32, {args.device}, {args.clock} seconds")
    heads = [(layer, head) for layer in range(N_LAYERS) for head in range(N_HEADS)][:: args.cells]
    grid = [(layer, at) for layer in range(N_LAYERS) for at in range(LENGTH)][:: args.patches]
    of = {work: grid if kind == "position" else heads for work, (kind, _) in WORK.items()}
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        write_task(Path(folder))
        options = ("--threads", str(args.threads), "--device", args.device, "--clock", args.clock)
        wanted = [*(args.only or [""]), "rung"]
        named = [name for name in ENVIRONMENTS if any(part in name for part in wanted)]
        for name in named:
            if not find_python(name):
                print(f"{name} is left out: its environment was not made")
        candidates = {name: Candidate(__file__, name, folder, *options) for name in named if find_python(name)}
        for work in WORK:
            if work in args.work:
                compare_cells(candidates, work, of[work], args.loops, args.rounds)
        if "attribution" in args.work:
            title = "direct logit attribution of every head at every position (not in nnsight, interp-engine)"
            compare_whole(candidates, "attribution", title, args.rounds)
        if "composition" in args.work:
            title = "composition scores of all pairs, kind K (not in nnsight, interp-engine)"
            compare_whole(candidates, "composition", title, args.rounds)
        for one in candidates.values():
            one.close()
        if "counts" in args.work or "growth" in args.work:
            from least_work import print_counts, print_growth

            if "counts" in args.work:
                print_counts(folder, of_sweep, make_task, of, READ)
            if "growth" in args.work:
                print_growth(args.threads, CLOCKS[args.clock], args.rounds)


if __name__ == "__main__":
    main()
