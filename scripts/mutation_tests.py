"""Runs the tests of the safety gate again and again, each time in a fork of one warm process.

scripts/mutation_tests.py serve SOCKET   starts the process; words for pytest follow, in groups
                                         with a "then" between them: one after the other
scripts/mutation_tests.py SOCKET         one run: its exit code is pytest's

`scripts/mutation` calls it for each mutant: a fresh interpreter would spend most of its time on
imports. A run that takes CPU_S of the processor is ended: a mutant that loops is noticed, and a
busy machine is not taken for one.
"""

import os
import resource
import signal
import socket
import sys

CPU_S = 20


def serve(path: str, words: list[str]) -> None:
    """Answers each connection with the exit code of one run, until it is ended."""
    import hypothesis.internal.conjecture.engine
    import pytest

    import acquisition.stream  # noqa: F401  what no mutant changes and every test needs

    del hypothesis
    sys.dont_write_bytecode = True  # a mutant is as old and as long as the next one
    groups = [group.split() for group in " ".join(words).split(" then ")]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        caller, _ = listener.accept()
        child = os.fork()
        if child == 0:
            listener.close()
            caller.close()
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
            os._exit(next(filter(None, (int(pytest.main(group)) for group in groups)), 0))
        _, status = os.waitpid(child, 0)
        caller.sendall(bytes([min(255, abs(os.waitstatus_to_exitcode(status)))]))
        caller.close()


def ask(path: str) -> int:
    """The exit code of one run. Where nobody answers, what called it is ended: any code would
    pass for a mutant that was noticed."""
    try:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(path)
            return caller.recv(1)[0]
    except (OSError, IndexError):
        os.kill(os.getppid(), signal.SIGTERM)
        return 1


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        sys.path.insert(0, "")
        serve(sys.argv[2], sys.argv[3:])
    sys.exit(ask(sys.argv[1]))
