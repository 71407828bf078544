"""Proves induction on every bundled model, other claims on some; writes examples/records/*.json and docs/records.md.

`python scripts/records.py` proves again; `python scripts/records.py --page` writes the page from the records.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rung import HookedTransformer, prove
from rung.evidence.observation import RUNGS, Outcome
from rung.evidence.proof import Proof
from rung.evidence.record import record, write_record
from rung.evidence.validity import validity
from rung.views.wording import read_record, result, results, validity_words, verdict_sentence

ROOT = Path(__file__).resolve().parents[1]
RECORDS, PAGE = ROOT / "examples" / "records", ROOT / "docs" / "records.md"
MODELS = {
    "zero-layer": "No attention at all, so nothing that could repeat a sequence. The right verdict is that there is "
    "nothing to explain, and nothing above the behaviour is run.",
    "one-layer": "One layer of attention. Induction needs a head that reads what an earlier layer wrote, so one layer "
    "cannot hold the circuit; heads that look right would still be no evidence.",
    "two-layer-tiny": "The smallest model in which the circuit forms.",
    "two-layer": "The model of the lesson: a previous-token head feeds an induction head through its keys.",
    "two-layer-redundant": "Trained so that all heads of layer 1 do the same job, each a backup of the others. "
    "Ablating one of them shows little, so each part is tested alone as well as together.",
    "two-layer-full": "The same job beside MLPs, with RMSNorm, rotary positions and grouped queries, where weights can "
    "only approximate what a head reads.",
    "smollm2-135m-q4": "A language model that people use, 30 layers deep.",
    "skip_trigram-one-layer": "What one layer can do instead: an earlier token calls for an output. The search read a "
    "table off the weights of one head and kept the pairs that the model tells apart.",
    "ioi-smollm2-135m-q4": "Of two names in a sentence, the one that does not return follows. Three roles are claimed, "
    "with three edges; the search looked among 270 heads.",
}
"""Each record, and why it is worth reading: of induction in that model, or of another claim."""
OTHER_CLAIMS = ("skip_trigram", "ioi")
FRAME = """# The records, read aloud

Each record under `examples/records/` is what `rung prove` wrote about one model: of induction where its name is the
model's, else of the claim that its name begins with. This page is made from them by `scripts/records.py`: it says of
each what holds, what does not, and why. Every sentence after “Verdict” is derived from the record's numbers and floors,
so it cannot say more than they do.

To check one: `rung verify examples/records/two-layer.json` executes every test again on the same weights and compares.
To see one: `rung report examples/records/two-layer.json` writes it as a page. To compare two:
`rung diff examples/records/two-layer.json examples/records/two-layer-tiny.json`.
"""


def claim_and_model(name: str) -> tuple[str, str]:
    """What a record is about, from its name."""
    claim = next((one for one in OTHER_CLAIMS if name.startswith(f"{one}-")), "induction")
    return claim, name.removeprefix(f"{claim}-")


def page(proofs: dict[str, Proof]) -> str:
    """The page of these proofs."""
    return FRAME + "".join(map(section, proofs, proofs.values()))


def section(name: str, proof: Proof) -> str:
    """One record: its verdict, then what did not hold, then what held, rung by rung."""
    lines = [f"\n## {name}\n", MODELS[name] + "\n", f"**Verdict.** {verdict_sentence(proof)}\n"]
    lines.append(f"{'. '.join(one[:1].upper() + one[1:] for one in validity_words(validity(proof)))}.\n")
    required = [m for m in proof.measurements if m.required]
    open_tests = [m for m in required if m.outcome is not Outcome.HOLDS]
    if open_tests:
        lines.append("What did not hold:\n")
        lines += [f"- {m.outcome}, {RUNGS[m.rung]}: {result(m, proof.claim, proof.floors)}" for m in open_tests]
        lines.append("")
    if held := [m for m in required if m.outcome is Outcome.HOLDS]:
        lines.append("What holds:\n")
        for rung, called in enumerate(RUNGS):
            if found := results([m for m in held if m.rung == rung], proof.claim, proof.floors):
                lines.append(f"- **{called}**: {'; '.join(found)}.")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="only the page, from the records that are there")
    made = () if parser.parse_args().page else MODELS
    RECORDS.mkdir(parents=True, exist_ok=True)
    for name in made:
        if not name.endswith("smollm2-135m-q4"):  # minutes to hours: rung prove CLAIM --model smollm2-135m-q4
            claim, model = claim_and_model(name)
            proof = prove(claim, HookedTransformer.from_pretrained(model))
            write_record(record(proof, verdict_sentence(proof)), RECORDS / f"{name}.json")
            print(f"{name}: {proof.verdict.name}")
    found = {name: RECORDS / f"{name}.json" for name in MODELS}
    PAGE.write_text(page({name: read_record(str(at)).proof for name, at in found.items() if at.exists()}), "utf-8")


if __name__ == "__main__":
    main()
