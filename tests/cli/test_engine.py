"""The real engine with a very small model, whose answers are not judged."""
import signal
import time

import support
from support import alone, check_answer, check_quotes, contract, expect, skip

QUESTION = "How long is the notice period?"


def need_model():
    return support.shared["model"] or skip("no SmolLM2-135M in the model folder")


def ask(case, *args, files=("a.txt",)):
    result = case.legwork("ask", "--json", "--local", need_model(), "--context", "1024",
                          "--chunk-tokens", "128", "--threads", "1", *args, QUESTION, *files,
                          timeout=600)
    assert result.status in (0, 3, 10), result
    expect(result, result.status)
    answer = check_answer(result.json)
    check_quotes(case, answer)
    assert answer["egress"]["calls"] == 0
    return answer


@alone
def test_local(case):
    case.write("a.txt", contract(4))
    answer = ask(case)
    assert answer["usage"]["local"]["prompt_tokens"] > 0
    assert answer["coverage"]["chunks"] > 1


@alone
def test_same_twice(case):
    case.write("a.txt", contract(2))
    first, second = ask(case), ask(case)
    for key in ("status", "answer", "citations", "coverage"):
        assert first[key] == second[key], key


@alone
def test_minions_by_itself(case):
    case.write("a.txt", contract(4))
    answer = ask(case, "--remote", "self", "--rounds", "1", "--tasks", "1")
    assert answer["protocol"] == "minions"
    assert answer["usage"]["remote"]["requests"] >= 1


@alone
def test_interrupted(case):
    case.write("a.txt", contract(400))
    child = case.start("ask", "--json", "--read", "all", "--local", need_model(), "--context",
                       "1024", QUESTION, "a.txt")
    time.sleep(3)
    child.send_signal(signal.SIGINT)
    result = case.finish(child, timeout=30)
    assert result.status in (10, 130), result
