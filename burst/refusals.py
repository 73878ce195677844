"""Why a pod of the cluster does not run in CCI: a word for programs and a sentence for people."""

from __future__ import annotations


class Refused(Exception):
    """The pod as it is written cannot run in CCI. Nothing is tried again until it is another pod."""

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        self.sentence = sentence
        super().__init__(f"{reason}: {sentence}")
