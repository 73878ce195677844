"""The pod specification: on the grid, or refused with the nearest ones, or rounded up and explained."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.kinds import grids, podspecs
from workloads.kinds.podspecs import DEFAULT, GPUS, T4, V100_16, ContainerRule, Grid, OffGrid, Row, Size, Specification
from workloads.meta.quantity import GIB

GENERAL, GPU = "general-computing", "gpu-accelerated"
ROWS = DEFAULT.of(GENERAL)


def pod(
    *sizes: dict[str, Any] | None, chosen: str | None = None, inits: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    """A pod whose containers have these limits."""
    made: dict[str, Any] = {"metadata": {}, "spec": {"containers": [_container(size) for size in sizes]}}
    if chosen is not None:
        made["metadata"]["annotations"] = {podspecs.ANNOTATION: chosen}
    if inits:
        made["spec"]["initContainers"] = [_container(size) for size in inits]
    return made


def _container(size: dict[str, Any] | None) -> dict[str, Any]:
    return {"name": "c", "resources": {"limits": size}} if size else {"name": "c"}


def asks(cpu: str, memory: str, **more: str) -> dict[str, Any]:
    return {"cpu": cpu, "memory": memory, **more}


def fitted(made: dict[str, Any], **options: Any) -> str:
    return str(podspecs.fit(made, flavor=options.pop("flavor", GENERAL), **options).specification)


def refusal(made: dict[str, Any], **options: Any) -> OffGrid:
    with pytest.raises(OffGrid) as caught:
        podspecs.fit(made, flavor=options.pop("flavor", GENERAL), **options)
    return caught.value


# --- the grid -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [
        ("0.25", "1Gi"),
        ("250m", "2Gi"),
        ("2", "4Gi"),
        ("32", "256Gi"),
        ("48", "96Gi"),
        ("64", "512Gi"),
        ("0.5", "1024Mi"),
    ],
)
def test_a_size_on_the_grid_is_taken_as_it_is(cpu: str, memory: str) -> None:
    fit = podspecs.fit(pod(asks(cpu, memory)), flavor=GENERAL)
    assert fit.specification.size() == fit.requested
    assert not fit.rules
    assert not fit.changed


@pytest.mark.parametrize(
    ("cpu", "memory", "rule", "nearest"),
    [
        ("1", "1Gi", "a pod must have 2 to 8 GiB of memory per core", ["1 core, 2 GiB", "0.5 cores, 1 GiB"]),
        ("1", "10Gi", "a pod must have 2 to 8 GiB of memory per core", ["1.25 cores, 10 GiB", "1 core, 8 GiB"]),
        ("1", "2.5Gi", "memory of a pod must be a whole number of GiB, 1-512", ["1 core, 3 GiB", "1 core, 2 GiB"]),
        ("33", "66Gi", "in steps of 0.25, or exactly 48 or 64", ["48 cores, 96 GiB", "32 cores, 66 GiB"]),
        ("65", "130Gi", "CPU of a pod must be 0.25-32 cores", ["64 cores, 130 GiB"]),
        ("64", "600Gi", "memory of a pod must be a whole number of GiB, 1-512", ["64 cores, 512 GiB"]),
    ],
)
def test_a_size_off_the_grid_is_refused_with_the_nearest(cpu: str, memory: str, rule: str, nearest: list[str]) -> None:
    error = refusal(pod(asks(cpu, memory)))
    (problem,) = error.problems
    assert problem.field == "spec.containers[0].resources"
    assert rule in problem.rule
    assert [str(specification) for specification in error.nearest] == nearest


def test_a_refusal_becomes_causes_with_prices() -> None:
    error = refusal(pod(asks("1", "1Gi")), at="spec.template")
    (cause,) = error.causes(priced=lambda specification: f"{specification} (0.0001 CNY/s)")
    assert cause.field == "spec.template.spec.containers[0].resources"
    assert cause.message == (
        "Invalid value: 1 core, 1 GiB: a pod must have 2 to 8 GiB of memory per core; nearest valid specifications: "
        "1 core, 2 GiB (0.0001 CNY/s) or 0.5 cores, 1 GiB (0.0001 CNY/s)"
    )


def test_several_containers_add_up() -> None:
    assert fitted(pod(asks("0.5", "1Gi"), asks("0.5", "1Gi"))) == "1 core, 2 GiB"
    assert refusal(pod(asks("0.5", "1Gi"), asks("0.5", "0.5Gi"))).problems[0].field == "spec.containers"


def test_an_init_container_counts_by_its_largest() -> None:
    assert fitted(pod(asks("0.5", "1Gi"), inits=(asks("2", "4Gi"), asks("1", "2Gi")))) == "2 cores, 4 GiB"
    assert fitted(pod(asks("2", "4Gi"), inits=(asks("0.25", "1Gi"),))) == "2 cores, 4 GiB"


def test_requests_alone_are_as_good_as_limits() -> None:
    made = pod(None)
    made["spec"]["containers"][0]["resources"] = {"requests": asks("2", "4Gi")}
    assert fitted(made) == "2 cores, 4 GiB"


@pytest.mark.parametrize("rounding", [False, True])
def test_containers_without_resources_get_the_smallest(rounding: bool) -> None:
    fit = podspecs.fit(pod(None, None), flavor=GENERAL, rounding=rounding)
    assert str(fit.specification) == "0.25 cores, 1 GiB"
    assert fit.changed
    assert fit.rules == ("containers without resources get the smallest specification",)


def test_a_container_without_resources_beside_one_with_some_counts_as_nothing() -> None:
    assert fitted(pod(asks("2", "4Gi"), None)) == "2 cores, 4 GiB"


# --- containers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "field", "rule"),
    [
        (asks("0.3", "1Gi"), "limits.cpu", "CPU of a container must be a multiple of 0.25 cores, at least 0.25"),
        (asks("0", "1Gi"), "limits.cpu", "CPU of a container must be a multiple of 0.25 cores, at least 0.25"),
        (asks("0.25", "0.1Gi"), "limits.memory", "memory of a container must be at least 0.2 GiB"),
    ],
)
def test_a_container_out_of_rule_is_refused_at_its_field(size: dict[str, Any], field: str, rule: str) -> None:
    (problem,) = refusal(pod(size)).problems
    assert (problem.field, problem.rule) == (f"spec.containers[0].resources.{field}", rule)


def test_a_fifth_of_a_gib_is_enough() -> None:
    assert not podspecs.container_problems(pod(asks("0.25", "0.2Gi"))["spec"])


def test_the_field_is_in_requests_when_only_those_are_given() -> None:
    made = pod(None)
    made["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "0.3"}}
    assert refusal(made).problems[0].field == "spec.containers[0].resources.requests.cpu"


def test_requests_and_limits_must_be_equal() -> None:
    made = pod(asks("1", "2Gi"))
    made["spec"]["containers"][0]["resources"]["requests"] = {"cpu": "0.5", "memory": "2048Mi"}
    (problem,) = refusal(made).problems
    assert problem.field == "spec.containers[0].resources.requests.cpu"
    assert problem.rule == "requests and limits must be equal; give cpu once, and it fills the other"
    assert problem.asked == '"0.5"'


def test_a_sixth_container_is_refused_under_either_policy() -> None:
    six = pod(*[asks("0.25", "1Gi")] * 6)
    for rounding in (False, True):
        (problem,) = refusal(six, rounding=rounding).problems
        assert problem.field == "spec.containers"
        assert problem.rule.startswith("a pod may have at most 5 containers")
        assert problem.asked == "6 containers"


# --- rounding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cpu", "memory", "billed"),
    [
        ("0.1", "0.1Gi", "0.25 cores, 1 GiB"),
        ("1", "1Gi", "1 core, 2 GiB"),
        ("0.25", "3Gi", "0.5 cores, 3 GiB"),
        ("1", "10Gi", "1.25 cores, 10 GiB"),
        ("3.1", "10.5Gi", "3.25 cores, 11 GiB"),
        ("33", "66Gi", "48 cores, 96 GiB"),
    ],
)
def test_rounding_goes_up_to_the_smallest_that_holds_it(cpu: str, memory: str, billed: str) -> None:
    fit = podspecs.fit(pod(asks(cpu, memory)), flavor=GENERAL, rounding=True)
    assert str(fit.specification) == billed
    assert fit.changed
    assert fit.rules


def test_rounding_accepts_requests_below_limits() -> None:
    made = pod(asks("1", "2Gi"))
    made["spec"]["containers"][0]["resources"]["requests"] = asks("0.1", "100Mi")
    assert fitted(made, rounding=True) == "1 core, 2 GiB"


def test_what_nothing_holds_is_refused_though_rounding() -> None:
    assert [str(each) for each in refusal(pod(asks("65", "130Gi")), rounding=True).nearest] == ["64 cores, 130 GiB"]


sizes = st.tuples(st.integers(1, 70_000), st.integers(1, 600 * 1024)).map(
    lambda pair: asks(f"{pair[0]}m", f"{pair[1]}Mi")
)


@given(st.lists(sizes, min_size=1, max_size=5), st.booleans())
def test_a_fit_is_on_the_grid_and_never_smaller_than_asked(asked: list[dict[str, Any]], rounding: bool) -> None:
    try:
        fit = podspecs.fit(pod(*asked), flavor=GENERAL, rounding=rounding)
    except OffGrid as error:
        assert error.problems
        assert all(podspecs.on_grid(specification, ROWS) for specification in error.nearest)
        return
    assert podspecs.on_grid(fit.specification, ROWS)
    assert fit.specification.cpu_millis >= fit.requested.cpu_millis
    assert fit.specification.memory_bytes >= fit.requested.memory_bytes
    assert bool(fit.rules) == (fit.specification.size() != fit.requested)


valid = st.sampled_from(
    [
        Specification(millis, gib)
        for millis in (*range(250, 32_001, 250), 48_000, 64_000)
        for gib in range(1, 513)
        if 2 * millis <= gib * 1000 <= 8 * millis
    ]
)


@given(valid)
def test_every_valid_specification_fits_itself(specification: Specification) -> None:
    assert podspecs.on_grid(specification, ROWS)
    assert podspecs.broken_rules(specification.size(), ROWS) == ()
    assert podspecs.nearest(specification.size(), ROWS) == (specification, specification)
    assert podspecs.parse(specification.annotation()) == specification
    made = pod(None, chosen=specification.annotation())
    assert podspecs.fit(made, flavor=GENERAL).specification == specification


@given(sizes, valid)
def test_no_smaller_specification_would_hold_what_was_rounded(asked: dict[str, Any], other: Specification) -> None:
    made = pod(asked)
    size = podspecs.effective_size(made["spec"])
    try:
        found = podspecs.fit(made, flavor=GENERAL, rounding=True).specification
    except OffGrid:
        assert other.cpu_millis < size.cpu_millis or other.memory_bytes < size.memory_bytes
        return
    holds = other.cpu_millis >= size.cpu_millis and other.memory_bytes >= size.memory_bytes
    assert not holds or other >= found


# --- the chosen specification -------------------------------------------------------------------------------------


def test_the_chosen_specification_is_what_is_billed() -> None:
    fit = podspecs.fit(pod(asks("1", "2Gi"), chosen="2.00_4.0"), flavor=GENERAL)
    assert fit.specification == Specification(2000, 4)
    assert fit.chosen
    assert not fit.changed


def test_choosing_what_is_asked_breaks_no_rule() -> None:
    assert podspecs.fit(pod(asks("2", "4Gi"), chosen="2.00_4.0"), flavor=GENERAL).rules == ()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must be <cores>_<GiB>, such as 2.00_4.0"),
        ("2", "must be <cores>_<GiB>"),
        ("2.00_4.5", "must be <cores>_<GiB>"),
        ("2c4g", "must be <cores>_<GiB>"),
        ("2.1_4.0", "CPU of a pod must be"),
        ("2.00_3.0", "2 to 8 GiB of memory per core"),
        ("0.50_1.0", "the containers ask for 1 core, 2 GiB together and do not fit into 0.5 cores, 1 GiB"),
    ],
)
@pytest.mark.parametrize("rounding", [False, True])
def test_a_wrong_choice_is_refused_under_either_policy(text: str, rule: str, rounding: bool) -> None:
    error = refusal(pod(asks("1", "2Gi"), chosen=text), rounding=rounding, at="spec.template")
    assert error.problems[0].field == "spec.template.metadata.annotations[resource.cci.io/pod-size-specs]"
    assert rule in error.problems[0].rule


def test_a_specification_writes_and_reads_its_annotation() -> None:
    assert Specification(2000, 4).annotation() == "2.00_4.0"
    assert Specification(250, 1).annotation() == "0.25_1.0"
    assert podspecs.parse("2_4") == podspecs.parse("2.000_4.00") == Specification(2000, 4)
    assert podspecs.parse("2.00_4.0\n") is None
    assert podspecs.chosen(pod(None)) is None
    assert Specification(2000, 4).memory_mib == 4096


# --- GPU ----------------------------------------------------------------------------------------------------------


def test_a_gpu_pod_is_exactly_one_of_the_sizes() -> None:
    made = pod(asks("8", "64Gi", **{V100_16: "2"}))
    assert fitted(made, flavor=GPU) == "8 cores, 64 GiB, 2 x nvidia.com/gpu-tesla-v100-16GB"
    assert fitted(pod({T4: "1"}), flavor=GPU) == "8 cores, 32 GiB, 1 x nvidia.com/gpu-tesla-t4"


def test_a_gpu_pod_of_another_size_is_told_the_one_for_its_cards() -> None:
    error = refusal(pod(asks("4", "16Gi", **{V100_16: "1"})), flavor=GPU)
    assert error.problems[0].rule == (
        "a pod here must be exactly one of: 4 cores, 32 GiB, 1 x nvidia.com/gpu-tesla-v100-16GB"
    )
    assert [each.memory_gib for each in error.nearest] == [32]


def test_a_gpu_namespace_has_no_pods_without_a_card() -> None:
    error = refusal(pod(asks("4", "32Gi")), flavor=GPU)
    assert len(error.nearest) == 3
    assert all(each.gpu in GPUS for each in error.nearest)


def test_a_general_namespace_has_no_cards() -> None:
    error = refusal(pod(asks("4", "32Gi", **{T4: "1"})))
    assert "no graphics cards in this namespace: run the pod in one of flavor gpu-accelerated" in error.problems[0].rule
    assert error.nearest == (Specification(4000, 32),)


def test_a_gpu_choice_is_read_with_the_cards_that_are_asked() -> None:
    made = pod({T4: "1"}, chosen="8.00_32.0")
    assert fitted(made, flavor=GPU) == "8 cores, 32 GiB, 1 x nvidia.com/gpu-tesla-t4"


def test_every_gpu_row_is_a_size_of_its_own() -> None:
    for row in DEFAULT.of(GPU):
        size = Size(row.min_cpu_millis, row.min_memory_gib * GIB, row.gpu, row.gpus)
        assert podspecs.broken_rules(size, DEFAULT.of(GPU)) == ()


# --- another grid -------------------------------------------------------------------------------------------------


def test_an_operators_grid_speaks_in_its_own_numbers() -> None:
    small = Grid((Row("tiny", 100, 100, 1, 2), Row("tiny", 200, 200, 1, 2)), ContainerRule(step_cpu_millis=100))
    error = refusal(pod(asks("0.3", "3Gi")), flavor="tiny", grid=small)
    assert error.problems[0].rule == (
        "CPU of a pod must be exactly 0.1 or 0.2 cores; memory of a pod must be a whole number of GiB, 1-2"
    )
    assert error.nearest == (Specification(200, 2),)


def test_a_flavor_without_rows_has_no_specifications() -> None:
    (cause,) = refusal(pod(None), flavor="unheard-of").causes()
    assert cause.message == "Invalid value: no resources: there are no pod specifications here"


def test_nearest_below_is_left_out_when_there_is_none() -> None:
    grid = Grid((Row("big", 4000, 8000, 8, 16, step_cpu_millis=4000, min_ratio=1, max_ratio=2),))
    rows = grid.of("big")
    assert podspecs.broken_rules(Size(1000, GIB), rows)[0] == "CPU of a pod must be 4-8 cores in steps of 4"
    assert podspecs.nearest(Size(1000, GIB), rows) == (Specification(4000, 8),)
    assert podspecs.nearest(Size(9000, 4 * GIB), rows) == (Specification(4000, 8),)
    assert podspecs.nearest(Size(9000, 17 * GIB), rows) == (Specification(8000, 16),)


# --- explained ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "requested", "billed", "rule"),
    [
        (pod(asks("2", "4Gi"), chosen="2.00_4.0"), "2 cores, 4 GiB", "2 cores, 4 GiB", "billed as requested"),
        (pod(asks("1", "1Gi"), chosen="1.00_2.0"), "1 core, 1 GiB", "1 core, 2 GiB", "2 to 8 GiB of memory per core"),
        (pod(asks("1", "1Gi"), chosen="4.00_8.0"), "1 core, 1 GiB", "4 cores, 8 GiB", "specification that was chosen"),
        (pod(asks("1", "2Gi"), chosen="4.00_8.0"), "1 core, 2 GiB", "4 cores, 8 GiB", "specification that was chosen"),
        (
            pod(None, chosen="0.25_1.0"),
            "no resources",
            "0.25 cores, 1 GiB",
            "containers without resources get the smallest",
        ),
        (pod(None, chosen="1.00_2.0"), "no resources", "1 core, 2 GiB", "specification that was chosen"),
        (pod(asks("1", "1Gi")), "1 core, 1 GiB", "", "not sized yet"),
    ],
)
def test_a_billed_size_is_explained(made: dict[str, Any], requested: str, billed: str, rule: str) -> None:
    explanation = podspecs.explain(made, flavor=GENERAL)
    assert (explanation.requested, explanation.billed) == (requested, billed)
    assert rule in explanation.rule


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (Size(1000, GIB), "1 core, 1 GiB"),
        (Size(250, GIB // 5 + 1), "0.25 cores, 0.2 GiB"),
        (Size(500, 100 * 1024**2), "0.5 cores, 100 MiB"),
        (Size(0, 1000), "0 cores, 1000 bytes"),
        (Size(10_000, 20 * GIB), "10 cores, 20 GiB"),
        (Size(0, 0), "0 cores, 0 GiB"),
    ],
)
def test_sizes_are_said_in_plain_numbers(size: Size, words: str) -> None:
    assert str(size) == words


# --- cards, one by one --------------------------------------------------------------------------------------------


def cards(*asked: dict[str, str], **more: Any) -> dict[str, Any]:
    return pod(*(asks("4", "16Gi", **each) for each in asked), **more)


def test_a_pod_without_a_card_is_told_the_smallest_of_each_model_that_would_hold_it() -> None:
    error = refusal(pod(asks("10", "40Gi")), flavor=GPU)
    assert "a pod here needs a graphics card: give a container limits of one of" in error.problems[0].rule
    assert [str(each) for each in error.nearest] == [
        "16 cores, 64 GiB, 2 x nvidia.com/gpu-tesla-t4",
        "16 cores, 128 GiB, 4 x nvidia.com/gpu-tesla-v100-16GB",
        "16 cores, 128 GiB, 4 x nvidia.com/gpu-tesla-v100-32GB",
    ]


def test_cards_of_several_containers_add_up_and_an_init_container_counts_by_its_own() -> None:
    assert fitted(cards({T4: "1"}, {T4: "1"}), flavor=GPU, rounding=True) == (
        "16 cores, 64 GiB, 2 x nvidia.com/gpu-tesla-t4"
    )
    made = pod(asks("8", "32Gi", **{T4: "1"}), inits=(asks("16", "64Gi", **{T4: "2"}),))
    assert fitted(made, flavor=GPU) == "16 cores, 64 GiB, 2 x nvidia.com/gpu-tesla-t4"


def test_the_number_of_cards_is_rounded_up_only_where_sizes_are() -> None:
    made = pod({T4: "3"})
    assert refusal(made, flavor=GPU).nearest[0].gpus == 4
    fit = podspecs.fit(made, flavor=GPU, rounding=True)
    assert (fit.specification.gpus, fit.requested.gpus) == (4, 3)


@pytest.mark.parametrize("rounding", [False, True])
def test_a_pod_has_cards_of_one_model(rounding: bool) -> None:
    error = refusal(cards({T4: "1"}, {V100_16: "1"}), flavor=GPU, rounding=rounding)
    assert error.problems[0].field == "spec.containers[1].resources.limits[nvidia.com/gpu-tesla-v100-16GB]"
    assert "of one model" in error.problems[0].rule


def test_a_card_that_nobody_has_is_told_which_there_are() -> None:
    error = refusal(pod({"nvidia.com/gpu-mx-1": "1"}), flavor=GPU)
    assert error.problems[0].rule.startswith("there is no nvidia.com/gpu-mx-1 here; there are nvidia.com/gpu-tesla-t4,")


def test_cards_stand_in_an_annotation_of_their_own_and_are_read_from_it() -> None:
    size = Specification(8000, 32, T4, 1)
    made = pod({T4: "1"}, chosen=size.annotation())
    made["metadata"]["annotations"][podspecs.GPU_ANNOTATION] = size.gpu_annotation()
    assert size.gpu_annotation() == "nvidia.com/gpu-tesla-t4_1"
    assert podspecs.chosen(made) == size
    assert podspecs.fit(made, flavor=GPU).specification == size
    assert podspecs.explain(made).billed == "8 cores, 32 GiB, 1 x nvidia.com/gpu-tesla-t4"


@pytest.mark.parametrize(
    ("asked", "text", "rule"),
    [
        ({T4: "1"}, "t4", "must be <model>_<cards>, such as nvidia.com/gpu-tesla-t4_1"),
        ({}, f"{T4}_1", "no container asks for the card"),
        ({T4: "2"}, f"{T4}_1", "do not fit into 8 cores, 32 GiB, 1 x"),
    ],
)
def test_a_wrong_choice_of_cards_is_refused(asked: dict[str, str], text: str, rule: str) -> None:
    made = pod({"cpu": "8", **asked}, chosen="8.00_32.0")
    made["metadata"]["annotations"][podspecs.GPU_ANNOTATION] = text
    assert rule in refusal(made, flavor=GPU).problems[0].rule


def test_what_was_said_when_a_pod_was_made_outlives_the_grid() -> None:
    fit = podspecs.fit(pod(asks("1", "1Gi")), flavor=GENERAL, rounding=True)
    made = pod(asks("1", "1Gi"), chosen="1.00_2.0")
    made["metadata"]["annotations"][podspecs.REASON_ANNOTATION] = str(fit.explanation())
    assert podspecs.explain(made, grid=Grid(())) == fit.explanation()


# --- what an operator may write -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (Row("fast", 250, 250, 1, 1), "flavor must be one of general-computing, gpu-accelerated, not 'fast'"),
        (Row(GENERAL, 0, 250, 1, 1), "CPU must be from above 0"),
        (Row(GENERAL, 500, 250, 1, 1), "the least first"),
        (Row(GENERAL, 250, 500, 1, 1, step_cpu_millis=0), "the step of CPU must be above 0"),
        (Row(GENERAL, 250, 600, 1, 1), "reached in whole steps"),
        (Row(GENERAL, 250, 500, 0, 1), "memory must be whole GiB from 1"),
        (Row(GENERAL, 250, 500, 1, 4, min_ratio=8, max_ratio=2), "GiB per core must be"),
        (Row(GENERAL, 4000, 4000, 1, 4, min_ratio=2), "nothing between these bounds"),
        (Row(GENERAL, 250, 250, 1, 1, gpu=T4, gpus=1), "only rows of gpu-accelerated have cards"),
        (Row(GPU, 250, 250, 1, 1), "a row of gpu-accelerated has cards"),
        (Row(GPU, 250, 250, 1, 1, gpu="amd.com/gpu", gpus=1), "gpu must be nvidia.com/gpu-<model>"),
        (Row(GPU, 250, 250, 1, 1, gpu=T4, gpus=65), "gpus must be from 1 to 64"),
    ],
)
def test_a_row_out_of_rule_is_said_with_its_field(row: Row, problem: str) -> None:
    assert problem in "; ".join(one.said for one in grids.row_problems(row))


def test_the_default_grid_is_in_rule() -> None:
    assert [grids.row_problems(row) for row in DEFAULT.rows] == [[]] * len(DEFAULT.rows)
    assert grids.rule_problems(DEFAULT.containers) == []


def test_rows_with_different_ratios_are_all_said() -> None:
    rows = (Row(GENERAL, 1000, 1000, 1, 9, max_ratio=2), Row(GENERAL, 2000, 2000, 1, 9, min_ratio=4))
    assert podspecs.broken_rules(Size(1000, 3 * GIB), rows) == (
        "a pod must have at most 2 GiB, or at least 4 GiB of memory per core",
    )
