"""stdout and stderr in one connection, however it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workloads.runtimes.outputframes import STDERR, STDOUT, OutputFrames, output_frame

Said = list[tuple[int, bytes]]


@given(
    said=st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=50))),
    size=st.integers(1, 40),
)
def test_each_stream_is_whole_however_the_frames_are_cut(said: Said, size: int) -> None:
    wire = b"".join(output_frame(stream, data) for stream, data in said)
    frames = OutputFrames()
    pieces = [piece for at in range(0, len(wire), size) for piece in frames.receive(wire[at : at + size])]
    for stream in (STDOUT, STDERR):
        assert b"".join(data for name, data in pieces if name == stream) == b"".join(
            data for name, data in said if name == stream
        )


def test_a_long_frame_is_passed_on_before_it_is_whole() -> None:
    frames = OutputFrames()
    assert list(frames.receive(output_frame(STDERR, b"abcdef")[:10])) == [(STDERR, b"ab")]
