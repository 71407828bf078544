"""Circuits in MIB's JSON: read, written, refused, and put to the ladder."""

import json
import math
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from rung import cli
from rung.config import ModelConfig
from rung.errors import ClaimError, RecordError
from rung.evidence.claim import INDUCTION, parse_heads
from rung.evidence.mib import (
    MibNode,
    circuit_of,
    fill_roles,
    from_dict,
    parse_node,
    read_mib,
    to_dict,
    write_mib,
)
from rung.planted import plant

CONFIG = ModelConfig(n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=20, n_ctx=16, d_mlp=8, act_fn="relu")
ATTENTION = replace(CONFIG, d_mlp=None, act_fn=None)
CLAIM = INDUCTION.with_heads({"previous_token": [(0, 1)], "induction": [(1, 0)]})


def minimal() -> dict:
    """What the EAP-IG package writes, of two heads that are joined."""
    return {
        "cfg": {"n_layers": 2, "n_heads": 2, "parallel_attn_mlp": False, "d_model": 8},
        "nodes": {
            "input": {"in_graph": True},
            "a0.h1": {"in_graph": True, "score": 0.5},
            "m0": {"in_graph": False, "score": math.nan},
            "a1.h0": {"in_graph": True},
            "logits": {"in_graph": True},
        },
        "edges": {
            "input->a0.h1<v>": {"score": 0.1, "in_graph": True},
            "a0.h1->a1.h0<k>": {"score": 2, "in_graph": True},
            "a0.h1->m0": {"score": -0.25, "in_graph": False},
            "a1.h0->logits": {"score": 1.5, "in_graph": True},
        },
    }


def test_a_circuit_is_read():
    found = from_dict(minimal())
    assert found.heads == ((0, 1), (1, 0))
    assert found.edges["a0.h1->a1.h0<k>"].score == 2.0 and found.has_edge("a0.h1->a1.h0<k>")
    assert not found.has_edge("a0.h1->m0") and not found.has_edge("a0.h0->logits")
    assert found.nodes["a0.h1"].score == 0.5 and found.nodes["m0"].score is None


def test_what_is_written_is_read_back(tmp_path):
    values = minimal()
    values["cfg"]["model_name"] = "two-layer"
    values["nodes"]["a1.h0"] |= {"neurons": [True] * 7 + [False], "neurons_scores": [0.5] * 8}
    circuit = from_dict(values)
    write_mib(circuit, tmp_path / "circuit.json")
    assert read_mib(tmp_path / "circuit.json") == circuit
    del values["nodes"]["m0"]["score"]  # NaN: not scored
    assert to_dict(circuit) == values


def test_nodes_may_be_plain_truth_values():
    values = minimal()
    values["nodes"] = {name: node["in_graph"] for name, node in values["nodes"].items()}
    assert from_dict(values).nodes["a0.h1"] == MibNode(in_graph=True)


@pytest.mark.parametrize("config", [CONFIG, ATTENTION, replace(CONFIG, parallel_attn_mlp=True)])
def test_a_claim_is_written_as_a_circuit_and_found_in_it_again(config, tmp_path):
    circuit = circuit_of(CLAIM, config)
    write_mib(circuit, tmp_path / "circuit.json")
    again = read_mib(tmp_path / "circuit.json")
    assert again == circuit
    again.check_model(config)
    assert fill_roles(INDUCTION, again) == CLAIM


def test_the_graph_has_the_edges_that_such_a_model_has():
    """Counted by hand: a node reads what is written before it; a head has three inputs."""
    serial, beside = (circuit_of(CLAIM, replace(CONFIG, parallel_attn_mlp=flag)).edges for flag in (False, True))
    assert len(serial) == 2 * 3 * 1 + 3 + 2 * 3 * 4 + 6 + 7
    assert len(beside) == 2 * 3 * 1 + 1 + 2 * 3 * 4 + 4 + 7
    assert "a0.h0->m0" in serial and "a0.h0->m0" not in beside
    assert not any(name.startswith("a0.h1->a0") for name in serial)


def test_a_claims_circuit_holds_its_edges_and_no_other_between_heads():
    edges = circuit_of(CLAIM, ATTENTION).edges
    held = {name for name, edge in edges.items() if edge.in_graph}
    inputs = {f"input->{head}<{into}>" for head in ("a0.h1", "a1.h0") for into in "qkv"}
    assert held == {*inputs, "input->logits", "a0.h1->a1.h0<k>", "a1.h0->logits"}
    with_mlps = circuit_of(CLAIM, CONFIG)
    assert with_mlps.has_edge("a0.h1->m0") and with_mlps.has_edge("m0->a1.h0<k>") and with_mlps.has_edge("m1->logits")
    assert not with_mlps.has_edge("a0.h1->a1.h0<q>") and not with_mlps.has_edge("a0.h1->logits")


def test_roles_that_are_given_are_kept_and_narrow_the_others():
    values = minimal()
    values["nodes"]["a0.h0"] = True
    values["edges"]["a0.h0->a1.h0<k>"] = {"score": 1.0, "in_graph": True}
    circuit = from_dict(values)
    assert fill_roles(INDUCTION, circuit).role("previous_token").heads == ((0, 0), (0, 1))
    given = INDUCTION.with_heads({"previous_token": [(0, 1)]})
    assert fill_roles(given, circuit) == CLAIM


def without(name):
    def change(values):
        values["edges"][name]["in_graph"] = False

    return change


@pytest.mark.parametrize("change", [without("a0.h1->a1.h0<k>"), without("a1.h0->logits")])
def test_a_circuit_without_the_claims_edges_fills_no_role(change):
    values = minimal()
    change(values)
    with pytest.raises(ClaimError, match="no head of the circuit has the edges of"):
        fill_roles(INDUCTION, from_dict(values))


def test_an_edge_whose_head_is_out_is_no_edge():
    values = minimal()
    values["nodes"]["a0.h1"]["in_graph"] = False
    assert not from_dict(values).has_edge("a0.h1->a1.h0<k>")
    with pytest.raises(ClaimError, match="the edges of previous_token"):
        fill_roles(INDUCTION.with_heads({"induction": [(1, 0)]}), from_dict(values))


def test_a_head_that_is_not_in_the_circuit_and_parts_of_heads_are_refused():
    circuit = from_dict(minimal())
    with pytest.raises(ClaimError, match=r"a0\.h0 is claimed for previous_token, and is not in the circuit"):
        fill_roles(INDUCTION.with_heads({"previous_token": [(0, 0)]}), circuit)
    values = minimal()
    values["nodes"]["a0.h1"]["neurons"] = [True] * 4 + [False] * 4
    with pytest.raises(ClaimError, match=r"parts of a0\.h1"):
        fill_roles(INDUCTION, from_dict(values))


def test_a_circuit_of_another_model_is_refused():
    with pytest.raises(ClaimError, match="d_model 8; unnamed has 16"):
        from_dict(minimal()).check_model(replace(CONFIG, d_model=16))
    with pytest.raises(ClaimError, match="no heads"):
        circuit_of(INDUCTION, CONFIG)


def put(*path):
    *outer, last, value = path

    def change(values):
        for key in outer:
            values = values[key]
        values[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("edges"), "the file lacks edges"),
        (put("extra", 1), "the file has extra, which are not known"),
        (put("nodes", []), "nodes is no JSON object"),
        (put("cfg", "n_layers", 0), "n_layers 0; it must be a whole number"),
        (put("cfg", "n_heads", True), "n_heads True"),
        (lambda v: v["cfg"].pop("d_model"), "cfg lacks d_model"),
        (put("cfg", "parallel_attn_mlp", 0), "parallel_attn_mlp is 0; it must be true or false"),
        (put("nodes", "a2.h0", True), r"a2\.h0 is not there: cfg says 2 layers of 2 heads"),
        (put("nodes", "a0.h2", True), r"a0\.h2 is not there"),
        (put("nodes", "m2", True), "m2 is not there"),
        (put("nodes", "a0h1", True), "a circuit's node is called 'a0h1'"),
        (put("nodes", "m0", {"score": 1.0}), "node m0 lacks in_graph"),
        (put("nodes", "m0", {"in_graph": 1}), "node m0's in_graph is 1"),
        (put("nodes", "m0", {"in_graph": True, "weight": 1}), "node m0 has weight"),
        (put("nodes", "m0", {"in_graph": True, "score": "high"}), "score is 'high'; it must be a finite number"),
        (put("nodes", "m0", {"in_graph": True, "score": math.inf}), "score is inf"),
        (put("nodes", "m0", {"in_graph": True, "neurons": [True]}), "neurons are no list of 8"),
        (put("edges", "a0.h1->a1.h0<k>", {"score": math.nan, "in_graph": True}), "score is nan"),
        (put("edges", "a0.h1->a1.h0<k>", {"score": 1.0}), "lacks in_graph"),
        (put("edges", "a0.h1->a1.h0", {"score": 1.0, "in_graph": True}), "ends in its <q>, <k> or <v>"),
        (put("edges", "a0.h1->m0<k>", {"score": 1.0, "in_graph": True}), "ends in its <q>, <k> or <v>"),
        (put("edges", "a0.h1->a1.h0<x>", {"score": 1.0, "in_graph": True}), "a circuit's edge is called"),
        (put("edges", "a0.h1-a1.h0<k>", {"score": 1.0, "in_graph": True}), "a circuit's edge is called"),
        (put("edges", "a0.h1->a0.h0<k>", {"score": 1.0, "in_graph": True}), "does not read what a0.h1 writes"),
        (put("edges", "a1.h1->a0.h0<k>", {"score": 1.0, "in_graph": True}), "does not read what a1.h1 writes"),
        (put("edges", "logits->m0", {"score": 1.0, "in_graph": True}), "does not read what logits writes"),
        (put("edges", "m0->input", {"score": 1.0, "in_graph": True}), "input does not read"),
    ],
)
def test_what_is_no_circuit_is_named(change, message):
    values = minimal()
    change(values)
    with pytest.raises(RecordError, match=message):
        from_dict(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "the file is no JSON object"),
        ('{"cfg": {}, "cfg": {}}', "cfg is there twice"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_damaged_files_are_refused_by_name(tmp_path, text, message):
    (tmp_path / "circuit.json").write_text(text)
    with pytest.raises(RecordError, match=message) as error:
        read_mib(tmp_path / "circuit.json")
    assert "circuit.json" in str(error.value)


def test_a_file_that_is_not_there_and_one_that_cannot_be_written(tmp_path):
    with pytest.raises(RecordError, match="No such file"):
        read_mib(tmp_path / "none.json")
    with pytest.raises(RecordError, match="Is a directory"):
        write_mib(from_dict(minimal()), tmp_path)


def test_names_of_nodes():
    assert [parse_node(name) for name in ("a1.h4", "m3", "input", "logits")] == [(1, 4), "m3", "input", "logits"]


def test_heads_may_be_given_by_their_names_in_a_circuit():
    assert parse_heads("induction=a1.h4, 1.10") == ("induction", ((1, 4), (1, 10)))
    with pytest.raises(ClaimError, match="heads are given as"):
        parse_heads("induction=a1.4")


def test_anothers_circuit_is_put_to_the_ladder(tmp_path):
    planted = plant("circuit", 0)
    planted.model.save_pretrained(tmp_path / "model")
    claim = INDUCTION.with_heads(planted.heads)
    write_mib(circuit_of(claim, planted.model.config), tmp_path / "circuit.json")
    command = ["prove", "induction", "--model", str(tmp_path / "model"), "--json", "--sequences", "24"]
    found = CliRunner().invoke(cli.app, [*command, "--circuit", str(tmp_path / "circuit.json")])
    assert found.exit_code == 0, found.output
    heads = {role["name"]: role["heads"] for role in json.loads(found.stdout)["claim"]["roles"]}
    assert heads == {name: [f"{layer}.{head}" for layer, head in some] for name, some in planted.heads.items()}
    (tmp_path / "other.json").write_text(json.dumps(minimal()))
    refused = CliRunner().invoke(cli.app, [*command, "--circuit", str(tmp_path / "other.json")])
    assert refused.exit_code == 2 and "the circuit is of a model with n_heads 2" in refused.stderr
