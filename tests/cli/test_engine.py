"""The real engine with a very small model, whose answers are not judged."""
import pathlib
import re
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


@alone
def test_options_of_the_machine(case):
    """They change memory and speed; what is computed with equal weights stays equal."""
    case.write("a.txt", contract(2))
    first = ask(case)
    other = ask(case, "--mmap", "yes", "--repack", "no", "--numa", "isolate",
                "--gpu-layers", "0")
    for key in ("status", "answer", "citations", "coverage"):
        assert first[key] == other[key], key


def peak_memory(child):
    """Bytes, seen from outside until the process is over."""
    peak = 0
    while child.poll() is None:
        try:
            status = pathlib.Path("/proc/%d/status" % child.pid).read_text()
        except OSError:
            skip("no /proc to see the memory of a process in")
        seen = re.search(r"VmHWM:\s+(\d+) kB", status)
        peak = max(peak, int(seen.group(1)) * 1024 if seen else 0)
        time.sleep(0.05)
    return peak


@alone
def test_memory(case):
    """Eight requests in flight in less than 300 MB, 92 MB of weights among them."""
    if support.shared["asan"]:
        skip("a sanitizer's memory is not ours")
    case.write("a.txt", contract(30))
    child = case.start("ask", "--json", "--read", "all", "--local", need_model(), QUESTION,
                       "a.txt")
    peak = peak_memory(child)
    result = case.finish(child)
    assert result.status in (0, 3), result
    assert 0 < peak < 300e6, peak
