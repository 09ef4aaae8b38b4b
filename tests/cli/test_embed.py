"""Parts found by meaning, with a tiny embedding model that knows nothing."""
import json
import os
import signal
import stat
import time

from support import (READER, check_answer, contract, expect, filler, need_tiny, ok,
                     one_sentence, supervisor)

QUESTION = "How long is the notice period?"
SMALL = ["--chunk-tokens", "64", "--threads", "1"]

# No words to search for, but for the model a text like no other.
SIGNS = "= + = + = + = + = +"


def vectors(case):
    return sorted((case.home / ".cache" / "legwork" / "kv").rglob("*.kv"))


def ask(case, *args, question=QUESTION, status=0):
    """By a server, which keeps nothing: what is on disk are vectors."""
    result = case.legwork("ask", "--json", "--local", case.server(READER).url, *SMALL, *args,
                          question, "a.txt")
    answer = check_answer(expect(result, status).json)
    return answer, case.servers[-1].bodies()


def text_of(body):
    return "\n".join(message["content"] for message in body["messages"])


def same_answer(one, other):
    for key in ("status", "answer", "citations"):
        assert one[key] == other[key], (key, one[key], other[key])


def test_a_server_reads_what_is_near(case):
    case.write("a.txt", "%s\n\n%s\n\n%s" % (filler(3), SIGNS * 12, filler(3, 3)))
    args = {"question": SIGNS + "?", "status": 3}
    _, without = ask(case, "--read", "1", **args)
    _, near = ask(case, "--read", "1", "--embed", need_tiny("bert"), **args)
    assert SIGNS * 2 not in text_of(without[0]), without[0]
    assert SIGNS * 2 in text_of(near[0]), near[0]


def test_vectors_are_kept_like_states(case):
    case.write("a.txt", contract(8))
    bert = need_tiny("bert")
    answer, _ = ask(case, "--embed", bert, "--no-kv-cache", "--read", "all")
    assert not os.path.exists(case.home / ".cache"), "something was written"
    for _ in range(2):
        again, _ = ask(case, "--embed", bert, "--read", "all")
        same_answer(answer, again)
        assert not again["warnings"], again["warnings"]
        assert len(vectors(case)) == 1
        assert stat.S_IMODE(vectors(case)[0].stat().st_mode) == 0o600
    assert b"\nlibllama " in vectors(case)[0].read_bytes()
    ask(case, "--embed", bert, "--read", "all", "--chunk-tokens", "96")
    assert len(vectors(case)) == 2, "parts that are cut elsewhere have vectors of their own"
    assert "1 document," in ok(case.legwork("forget", "a.txt")).out
    assert not vectors(case)


def test_damaged_vectors_are_made_again(case):
    case.write("a.txt", contract(8))
    bert = need_tiny("bert")
    answer, _ = ask(case, "--embed", bert, "--read", "all")
    good = vectors(case)[0].read_bytes()
    vectors(case)[0].write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    again, _ = ask(case, "--embed", bert, "--read", "all")
    same_answer(answer, again)
    assert any("kept state" in warning for warning in again["warnings"]), again["warnings"]
    assert vectors(case)[0].read_bytes() == good


def test_index_makes_them_too(case):
    case.write("a.txt", contract(4))
    args = ["--local", need_tiny("qwen2"), "--embed", need_tiny("bert"), *SMALL, "a.txt"]
    report = ok(case.legwork("index", "--json", *args)).json
    assert report["kept"] == report["parts"], report
    assert len(vectors(case)) == report["parts"] + 1
    report = ok(case.legwork("index", "--json", *args)).json
    assert report["there"] == report["parts"] and report["kept"] == 0, report
    assert len(vectors(case)) == report["parts"] + 1


def test_a_protocol_without_a_worker(case):
    case.write("a.txt", contract(4))
    remote = case.server(supervisor(json.dumps({"answer": "It is ninety days."})))
    result = case.legwork("ask", "--protocol", "remote", "--remote", remote.url, "--embed",
                          "./missing.gguf", QUESTION, "a.txt")
    assert "no use for --embed" in result.err and result.status != 4, result


def test_models_that_cannot_serve(case):
    case.write("a.txt", contract(4))

    def refused(model, status, *parts):
        result = case.legwork("ask", "--local", case.server(READER).url, "--embed", model,
                              QUESTION, "a.txt")
        one_sentence(expect(result, status, *parts))
        assert not case.servers[-1].bodies(), "the worker was asked"

    refused(need_tiny("qwen2"), 4, "makes no embeddings")
    refused(need_tiny("vocab"), 4, "vocab")
    refused("./missing.gguf", 4, "missing.gguf")
    case.write("broken.gguf", b"GGUF and nothing more")
    refused("./broken.gguf", 4, "broken.gguf")
    refused("openai/text-embedding-3-small", 2, "in this process")
    refused("http://127.0.0.1:1/v1#e", 2, "in this process")


def test_interrupted_and_late(case):
    case.write("a.txt", contract(6000))
    command = ["ask", "-v", "--local", case.server(READER).url, *SMALL, "--embed",
               need_tiny("bert"), "--no-kv-cache", QUESTION, "a.txt"]
    child = case.start(*command)
    said = b""
    while b"embedding" not in said:
        piece = os.read(child.stderr.fileno(), 4096)
        assert piece, said
        said += piece
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    assert case.finish(child).status == 130
    expect(case.legwork(*command[:-2], "--timeout", "1", *command[-2:]), 124, "time limit")
    assert not case.servers[-1].bodies(), "the worker was asked"
