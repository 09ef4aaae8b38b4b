"""legwork quantize: a new file that reads, or none at all."""
import glob
import os
import resource
import signal
import time

import support
from support import alone, contract, expect, ok, one_sentence, skip


def model_folder(case):
    """The test model alone in the case's model folder."""
    folder = case.folder / "models"
    folder.mkdir()
    (folder / "small.gguf").symlink_to(support.shared["model"] or
                                       skip("no SmolLM2-135M in the model folder"))
    return folder


def files(folder):
    return sorted(os.listdir(folder))


def child_of(child, deadline=60):
    """The process in which libllama works."""
    end = time.monotonic() + deadline
    while time.monotonic() < end and child.poll() is None:
        for path in glob.glob("/proc/%d/task/*/children" % child.pid):
            with open(path, encoding="ascii") as pids:
                found = pids.read().split()
            if found:
                return int(found[0])
        time.sleep(0.005)
    return skip("no child process was seen")


def started(case, *args):
    """Quantising under way, to a file that takes a while to write."""
    folder = model_folder(case)
    child = case.start("quantize", "small", "new", "--type", "Q6_K", "--force", "--threads", "1",
                       *args)
    worker = child_of(child)
    return folder, child, worker


@alone
def test_quantised_model_reads(case):
    folder = model_folder(case)
    result = ok(case.legwork("quantize", "small", "new", "--type", "q4_0", "--force",
                             timeout=600))
    assert "quantised already" in result.err, result
    assert str(folder / "new.gguf") in result.out and "q4_0" in result.out, result
    assert files(folder) == ["new.gguf", "small.gguf"]
    listed = ok(case.legwork("models", "--json")).json["models"]
    assert [m["quantisation"] for m in listed] == ["Q4_0", "Q4_1"], listed
    case.write("a.txt", contract(2))
    answer = case.legwork("ask", "--local", "new", "--read", "1", "--context", "1024",
                          "--threads", "1", "How long is the notice period?", "a.txt",
                          timeout=600)
    assert answer.status in (0, 3), answer


def test_nothing_is_replaced_unasked(case):
    folder = model_folder(case)
    case.write("models/new.gguf", "mine")
    refused = case.legwork("quantize", "small", "new")
    one_sentence(expect(refused, 2, "is there already", "--force"))
    assert (folder / "new.gguf").read_text() == "mine"
    assert files(folder) == ["new.gguf", "small.gguf"]


def test_quantised_already(case):
    folder = model_folder(case)
    one_sentence(expect(case.legwork("quantize", "small", "new"), 2, "quantised already",
                        "--force"))
    assert files(folder) == ["small.gguf"]


def test_onto_itself(case):
    folder = model_folder(case)
    refused = case.legwork("quantize", "small", "small.gguf", "--force")
    one_sentence(expect(refused, 2, "the model itself"))
    assert (folder / "small.gguf").is_symlink()


def test_types(case):
    model_folder(case)
    expect(case.legwork("quantize", "small", "new", "--type", "Q4_O"), 2, "did you mean Q4_0?")
    expect(case.legwork("quantize", "small", "new", "--type", "zebra"), 2, "Q4_K_M")


@alone
def test_type_that_needs_more_than_a_model(case):
    folder = model_folder(case)
    result = case.legwork("quantize", "small", "new", "--type", "IQ1_S", "--force", "--quiet")
    one_sentence(expect(result, 4, "importance matrix"))
    assert files(folder) == ["small.gguf"]


def test_no_model(case):
    folder = model_folder(case)
    with open(folder / "small.gguf", "rb") as whole:
        case.write("models/cut.gguf", whole.read(5000000))
    case.write("models/text.gguf", "This is a letter, not a model.\n" * 100)
    for name, why in (("cut", "cut short"), ("text", "not a GGUF file"), ("nosuch", "nosuch"),
                      ("/no/such.gguf", "/no/such.gguf")):
        one_sentence(expect(case.legwork("quantize", name, "new", "--force"), 4, why))
    assert files(folder) == ["cut.gguf", "small.gguf", "text.gguf"]


def test_arguments(case):
    expect(case.legwork("quantize", "small"), 2, "legwork help quantize")
    model_folder(case)
    expect(case.legwork("quantize", "small", "sub/", "--force"), 2, "needs a name")
    one_sentence(expect(case.legwork("quantize", "small", "no/such/new", "--force", "--quiet"),
                        1, "no/such/new.gguf"))


@alone
def test_interrupted(case):
    folder, child, _ = started(case)
    child.send_signal(signal.SIGINT)
    expect(case.finish(child, timeout=30), 130, "stopped")
    assert files(folder) == ["small.gguf"]


@alone
def test_libllama_ends_its_process(case):
    folder, child, worker = started(case, "--quiet")
    os.kill(worker, signal.SIGABRT)
    one_sentence(expect(case.finish(child, timeout=60), 4, "gave up", "signal 6"))
    assert files(folder) == ["small.gguf"]


@alone
def test_killed_leaves_nothing(case):
    folder, child, _ = started(case)
    child.kill()
    child.wait()
    end = time.monotonic() + 60
    while files(folder) != ["small.gguf"] and time.monotonic() < end:
        time.sleep(0.05)
    assert files(folder) == ["small.gguf"]


@alone
def test_no_room(case):
    folder = model_folder(case)
    most = 20 * 1000 * 1000
    result = case.legwork("quantize", "small", "new", "--force", "--quiet",
                          before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    one_sentence(expect(result, 1, "could not be written whole"))
    assert files(folder) == ["small.gguf"]
