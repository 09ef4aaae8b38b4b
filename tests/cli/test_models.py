"""Model names and model files that are wrong, and the list of those on disk."""
import os
import shutil

import support
from support import contract, expect, need_tiny, ok, one_sentence, skip

QUESTION = "How long is the notice period?"


def ask(case, *args):
    case.write("a.txt", contract(4))
    return case.legwork("ask", *args, QUESTION, "a.txt")


def need_model():
    return support.shared["model"] or skip("no SmolLM2-135M in the model folder")


def test_no_model_at_all(case):
    one_sentence(expect(ask(case), 4, "model"))


def test_unknown_name_names_the_near_ones(case):
    os.makedirs(case.folder / "models")
    shutil.copy(need_model(), case.folder / "models" / "Reader-1B-Q4.gguf")
    one_sentence(expect(ask(case, "--local", "Raeder-1B-Q4"), 4, "Raeder-1B-Q4",
                        "Reader-1B-Q4"))


def test_unknown_provider_names_the_known_ones(case):
    for side in ("--local", "--remote"):
        server = case.server(support.READER)
        first = [] if side == "--local" else ["--local", server.url]
        result = ask(case, *first, side, "nobody/large")
        one_sentence(expect(result, 2, "nobody", "openai", "ollama"))


def test_file_that_is_missing(case):
    one_sentence(expect(ask(case, "--local", "/none/model.gguf"), 4, "/none/model.gguf"))


def test_gguf_of_random_bytes(case):
    case.write("random.gguf", b"GGUF\x03\0\0\0" + os.urandom(100000))
    one_sentence(expect(ask(case, "--local", "./random.gguf"), 4, "random.gguf"))


def test_gguf_that_is_none(case):
    case.write("text.gguf", contract(10))
    one_sentence(expect(ask(case, "--local", "./text.gguf"), 4, "text.gguf", "GGUF"))
    case.write("empty.gguf", "")
    one_sentence(expect(ask(case, "--local", "./empty.gguf"), 4, "empty.gguf"))


def test_gguf_that_is_truncated(case):
    with open(need_model(), "rb") as model:
        head = model.read(8 * 1000 * 1000)
    for length in (20, 5000, len(head)):
        case.write("cut.gguf", head[:length])
        one_sentence(expect(ask(case, "--local", "./cut.gguf"), 4, "cut.gguf"))


def test_list_without_models(case):
    expect(case.legwork("models"), 0, "no model", "models")
    answer = ok(case.legwork("models", "--json")).json
    assert answer["schema"] == "legwork.models/1" and answer["models"] == []


def test_list(case):
    os.makedirs(case.folder / "models")
    shutil.copy(need_model(), case.folder / "models" / "small.gguf")
    case.write("models/broken.gguf", b"GGUF")
    shown = ok(case.legwork("models")).out
    assert "small" in shown and "llama" in shown and "unusable" in shown, shown
    listed = {m["name"]: m for m in ok(case.legwork("models", "--json")).json["models"]}
    good = next(m for name, m in listed.items() if name.startswith("small"))
    bad = next(m for name, m in listed.items() if name.startswith("broken"))
    assert good["problem"] is None and good["architecture"] == "llama", good
    assert good["bytes"] == os.path.getsize(need_model()) and good["context"] == 8192, good
    assert bad["problem"], bad


def test_servers_that_are_not_there(case):
    nobody = "http://127.0.0.1:1/v1#m"
    one_sentence(expect(ask(case, "--local", nobody), 4, "127.0.0.1"))
    worker = case.server(support.READER)
    one_sentence(expect(ask(case, "--local", worker.url, "--remote", nobody), 5, "127.0.0.1"))


def test_malformed_urls(case):
    for url in ("http://", "http://:x/v1", "ftp://127.0.0.1/v1#m"):
        expect(ask(case, "--local", url), 2)


def test_several_servers(case):
    expect(ask(case, "--local", "http://127.0.0.1:1/v1,http://127.0.0.1:2/v1"), 2, "several")


# --- Tiny random models (tests/models/make_tiny.py) -----------------------------

def test_files_that_cannot_serve(case):
    for kind, why in (("bert", "embeddings"), ("vocab", "vocabulary"),
                      ("clip", "pictures")):
        path = need_tiny(kind)
        one_sentence(expect(ask(case, "--local", path), 4, path, why))


def test_other_kinds_read_a_document(case):
    for kind in ("llama", "gemma2", "mamba", "t5"):
        result = ask(case, "--local", need_tiny(kind), "--threads", "1", "--json")
        assert result.status in (0, 3), result      # what it finds is chance
        coverage = result.json["coverage"]
        support.check_answer(result.json)
        assert coverage["failed"] == 0, (kind, coverage)
        assert coverage["read"] == coverage["chunks"] > 0, (kind, coverage)


def test_idle_model_leaves_and_comes_back(case):
    """While the supervisor takes its time to plan, the worker is out of memory."""
    slow = support.supervisor(support.PLAN, support.CONCLUSION)
    server = case.server(slow.replace("say ", "delay 2500\nsay "))
    result = ask(case, "--local", need_tiny("llama"), "--threads", "1", "--remote", server.url,
                 "--unload-after", "1", "--verbose")
    assert result.status in (0, 3), result
    assert "llama.gguf was not used for a while and is out of memory" in result.err, result
    assert "llama.gguf is loaded again" in result.err, result
