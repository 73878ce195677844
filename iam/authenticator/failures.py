"""What can go wrong, and what to do about it. Scripts go by the exit code, people by the sentence.

Failure               1  something this program did not foresee
├── Usage             2  the command line is not right
├── WrongCredentials  3  wrong password, unknown or disabled access key, wrong secret
├── LockedOut         4  too many wrong passwords: the sentence says when to try again
├── Unreachable       5  nobody answers at the endpoint
├── Untrusted         6  its certificate is not trusted
├── ClockOff          7  this machine's clock is wrong
├── Refused           8  the endpoint answered something else
└── FileTrouble       9  a file cannot be read, written or merged
"""

from __future__ import annotations


class Failure(Exception):
    exit_code = 1


class Usage(Failure):
    exit_code = 2


class WrongCredentials(Failure):
    exit_code = 3


class LockedOut(Failure):
    exit_code = 4


class Unreachable(Failure):
    exit_code = 5


class Untrusted(Failure):
    exit_code = 6


class ClockOff(Failure):
    exit_code = 7


class Refused(Failure):
    exit_code = 8


class FileTrouble(Failure):
    exit_code = 9
