"""Ctrl-C, SIGTERM and the time limit."""
import signal
import time

from support import READER, check_answer, contract, expect

QUESTION = "How long is the notice period?"

# The part with the answer, which search ranks first, is answered; the others never are.
STUCK_LATER = """
when body contains "is ninety days"
say ninety days

hang before
"""


def start(case, script, *args):
    case.write("a.txt", contract(40))
    worker = case.server(script)
    child = case.start("ask", "--json", "--read", "all", "--chunk-tokens", "100", "--local",
                       worker.url, *args, QUESTION, "a.txt")
    worker.wait_for_requests(2)
    time.sleep(0.5)
    return child


def test_once_with_something_found(case):
    child = start(case, STUCK_LATER)
    child.send_signal(signal.SIGINT)
    answer = check_answer(expect(case.finish(child), 10, "partial").json)
    assert answer["status"] == "partial" and "ninety days" in answer["answer"]
    assert answer["coverage"]["skipped"] > 0 and answer["coverage"]["found"] == 1


def test_once_with_nothing_found(case):
    child = start(case, "hang before\n")
    child.send_signal(signal.SIGINT)
    result = expect(case.finish(child), 130, "interrupted")
    assert result.out == ""


def test_twice(case):
    child = start(case, STUCK_LATER)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    result = case.finish(child)
    # The second may come when the first has already ended the run.
    assert result.status in (10, 130), result


def test_terminate_is_the_same(case):
    child = start(case, STUCK_LATER)
    child.send_signal(signal.SIGTERM)
    expect(case.finish(child), 10)


def test_time_limit_with_something_found(case):
    child = start(case, STUCK_LATER, "--timeout", "2")
    answer = check_answer(expect(case.finish(child), 124).json)
    assert answer["status"] == "partial" and "ninety days" in answer["answer"]


def test_time_limit_with_nothing_found(case):
    child = start(case, "hang before\n", "--timeout", "2")
    result = expect(case.finish(child), 124, "time limit")
    assert result.out == ""


def test_while_standard_input_is_read(case):
    worker = case.server(READER)
    child = case.start_reading("ask", "--local", worker.url, QUESTION, "-")
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    expect(case.finish(child), 130)


def nameless(server):
    """Its URL without a model: the server is asked which one it has."""
    return server.url.partition("#")[0]


def test_time_limit_while_a_server_is_asked_about_itself(case):
    case.write("a.txt", contract(10))
    silent, remote = case.server("hang before\n"), case.server(READER)
    for more in (["--local", nameless(silent)],
                 ["--local", remote.url, "--remote", nameless(silent)]):
        before, asked = time.monotonic(), silent.stats()["requests"]
        result = case.legwork("ask", "--timeout", "2", *more, QUESTION, "a.txt")
        expect(result, 124, "within the time limit of 2 seconds")
        assert time.monotonic() - before < 8, result
        assert silent.stats()["requests"] == asked + 1
    assert not remote.bodies(), "nothing is read for a supervisor that is not there"


def test_interrupt_while_a_server_is_asked_about_itself(case):
    case.write("a.txt", contract(10))
    silent = case.server("hang before\n")
    child = case.start("ask", "--local", nameless(silent), QUESTION, "a.txt")
    silent.wait_for_requests(1)
    child.send_signal(signal.SIGINT)
    before = time.monotonic()
    expect(case.finish(child), 130, "interrupted")
    assert time.monotonic() - before < 8


def test_a_server_that_says_nothing_of_itself_is_asked_once(case):
    case.write("a.txt", contract(10))
    worker = case.server("status 500\n")
    expect(case.legwork("ask", "--local", nameless(worker), QUESTION, "a.txt"), 4, "in trouble")
    assert worker.stats()["requests"] == 1
