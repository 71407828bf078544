"""What checks the shapes in every other test checks them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import beartype
import pytest
import torch
from jaxtyping import Float, Int, TypeCheckError
from torch import Tensor

from rung.config import ModelConfig
from rung.tasks.metrics import logit_difference

from ..shapes import jaxtyped, whole

checked = jaxtyped(typechecker=beartype.beartype)


@checked
def add(one: Float[Tensor, "a b"], other: Float[Tensor, "a b"], times: int = 1) -> Float[Tensor, "a b"]:
    return (one + times * other)[:, : 3 if times == 1 else 2]


def test_a_wrong_argument_is_refused_after_right_ones():
    good = torch.zeros(2, 3)
    for _ in range(2):
        add(good, good)
        for bad in (torch.zeros(3, 2), torch.zeros(2, 3, dtype=torch.int64), torch.zeros(6), "text"):
            with pytest.raises(TypeCheckError, match="other"):
                add(good, bad)
        with pytest.raises(TypeCheckError, match="times"):
            add(good, good, times=1.5)


def test_a_wrong_result_is_refused_after_right_ones():
    two = torch.zeros(2, 3)
    for _ in range(2):
        add(two, two)
        with pytest.raises(TypeCheckError, match="return value"):
            add(two, two, times=2)


def test_a_result_is_compared_with_the_arguments_though_they_were_seen_before():
    drawn = iter([3, 4, 3])

    @checked
    def draw(tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos"]:
        return torch.zeros(1, next(drawn))

    tokens = torch.zeros(1, 3, dtype=torch.int64)
    draw(tokens)
    with pytest.raises(TypeCheckError, match="return value"):
        draw(tokens)
    draw(tokens)


def test_what_is_inside_containers_is_checked():
    @checked
    def total(parts: dict[str, Float[Tensor, " n"]], pair: tuple[Float[Tensor, " n"], int], name: Literal["a"]) -> int:
        return len(parts)

    row = torch.zeros(3)
    assert total({"x": row}, (row, 1), "a") == 1
    for bad in (({"x": row[:2]}, (row, 1), "a"), ({"x": row}, (row, 1.0), "a"), ({"x": row}, (row, 1), "b")):
        with pytest.raises(TypeCheckError):
            total(*bad)


def test_functions_without_shapes_are_checked_by_type():
    @checked
    def double(x: int) -> int:
        return x * 2 if x < 5 else "much"

    assert double(1) == double(2) - 2 == 2
    with pytest.raises(TypeCheckError):
        double("1")
    with pytest.raises(TypeCheckError):
        double(7)


def test_methods_properties_and_dataclasses_are_checked():
    @checked
    @dataclass
    class Row:
        values: Float[Tensor, " n"]

    class Rows:
        @property
        @checked
        def first(self) -> Float[Tensor, " n"]:
            return torch.zeros(2, 2)

        @checked
        def each(self) -> Iterator[int]:
            yield 1

    Row(torch.zeros(2))
    with pytest.raises(TypeCheckError):
        Row(torch.zeros(2, 2))
    with pytest.raises(TypeCheckError):
        _ = Rows().first
    assert list(Rows().each()) == [1]


def test_dataclasses_with_fields_of_the_same_names_are_told_apart():
    @checked
    @dataclass
    class Words:
        values: list[str]

    @checked
    @dataclass
    class Numbers:
        values: list[int]

    Words(["a"])
    Numbers([1])
    with pytest.raises(TypeCheckError):
        Numbers(["a"])


def test_closures_of_one_function_are_each_called():
    def scaled(by: float):
        @checked
        def scale(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
            return x * by

        return scale

    one = torch.ones(2)
    assert [scaled(by)(one).tolist() for by in (2.0, 3.0)] == [[2, 2], [3, 3]]


def test_rung_is_checked():
    with pytest.raises(TypeCheckError, match="n_layers"):
        ModelConfig(n_layers="2", d_model=8, n_heads=2, d_head=4, d_vocab=5, n_ctx=6)
    with pytest.raises(TypeCheckError):
        logit_difference(torch.zeros(3), torch.zeros(3))
    assert whole is not jaxtyped


Row = Float[Tensor, " n"]


def test_an_annotation_that_is_a_string_is_read():
    def same(one: "Row", other: "Row") -> "int":
        return 1

    found = checked(same)
    found(torch.zeros(2), torch.zeros(2))
    with pytest.raises(TypeCheckError):
        found(torch.zeros(2), torch.zeros(3))
