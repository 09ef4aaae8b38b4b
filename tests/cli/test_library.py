"""examples/ask.c, built as a stranger would build it."""
import os
import subprocess

import support
from support import READER, contract, skip

QUESTION = "How long is the notice period?"


def run_example(case, *args):
    program = os.path.abspath("build/examples/ask")
    if not os.path.exists(program):
        skip("build/examples/ask is not built")
    return subprocess.run([program] + [str(arg) for arg in args], cwd=case.folder,
                          env=case.environment({}), capture_output=True, text=True,
                          timeout=support.TIMEOUT_S, check=False)


def test_example_answers(case):
    case.write("a.txt", contract(10))
    run = run_example(case, case.server(READER).url, QUESTION, "a.txt")
    assert run.returncode == 0 and "ninety days" in run.stdout, run
    assert "[1] a.txt, bytes " in run.stdout and "parts read" in run.stderr, run


def test_example_reports_errors(case):
    run = run_example(case, "http://127.0.0.1:1/v1#m", QUESTION, "none.txt")
    assert run.returncode == 9 and "none.txt" in run.stderr, run
    assert run_example(case).returncode == 2


def test_example_is_short(case):
    with open("examples/ask.c") as source:
        assert len(source.readlines()) < 60
    assert case
