"""What is printed where: pipes, terminals, full disks, quiet and verbose."""
import json
import os
import pty
import subprocess

import support
from support import (CONCLUSION, PLAN, READER, check_answer, contract, expect, ok,
                     one_sentence, skip, supervisor)

QUESTION = "How long is the notice period?"


def setup(case, script=READER):
    case.write("a.txt", contract(20))
    return ["ask", "--local", case.server(script).url, QUESTION, "a.txt"]


def on_terminal(case, args, env=None, stream="stderr"):
    """What the program writes to a terminal as this stream."""
    main, side = pty.openpty()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    streams[stream] = side
    child = subprocess.Popen(case.command(*args), env=case.environment(env or {}),
                             cwd=case.folder, stdin=subprocess.DEVNULL, **streams)
    os.close(side)
    seen = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:         # Linux: the other side is closed
            piece = b""
        if not piece:
            break
        seen += piece
    os.close(main)
    assert child.wait(timeout=support.TIMEOUT_S) in (0, 3)
    return seen


def test_answer_then_citations(case):
    result = ok(case.legwork(*setup(case)))
    lines = result.out.splitlines()
    assert "ninety days" in lines[0] and lines[1] == "", result
    assert lines[2] == '[1] a.txt: "%s"' % support.FACT, result
    assert result.err == "", result


def test_not_found_is_said_on_stdout(case):
    result = expect(case.legwork(*setup(case, "say not stated\n")), 3)
    assert result.out.strip() and result.err == "", result


def test_json_is_one_line_and_nothing_else(case):
    result = ok(case.legwork(*setup(case), "--json"))
    assert result.out.count("\n") == 1 and result.out.endswith("}\n")
    check_answer(result.json)


def test_full_disk(case):
    if not os.path.exists("/dev/full"):
        skip("no /dev/full")
    for args in (setup(case), setup(case) + ["--json"], ["text", "a.txt"], ["help"],
                 ["--version"], ["man"], ["models", "--json"]):
        with open("/dev/full", "wb") as full:
            result = case.legwork(*args, stdout=full)
        one_sentence(expect(result, 1, "No space left"))


def test_closed_pipe(case):
    """Whoever read it has seen enough (| head): the status says it, and no sentence."""
    case.write("a.txt", contract(5000))
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert expect(case.legwork("text", "a.txt", stdout=writer), 1).err == ""
    finally:
        os.close(writer)


def test_quiet(case):
    case.write("a.txt", contract(20))
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    args = ["ask", "-q", "--local", worker.url, "--remote", remote.url, QUESTION]
    assert ok(case.legwork(*args, "a.txt")).err == ""
    one_sentence(expect(case.legwork(*args, "none.txt"), 9, "none.txt"))


def test_verbose(case):
    result = ok(case.legwork(*setup(case), "--verbose"))
    assert "0 bytes" in result.err and "legwork: " in result.err, result


def test_progress_is_for_terminals(case):
    args = setup(case, READER.replace("say", "delay 20\nsay")) + ["--read", "all"]
    assert b"\r" not in ok(case.legwork(*args)).err.encode()
    seen = on_terminal(case, args)
    assert b"\r\x1b[K" in seen and b"found" in seen and b"loading a.txt" in seen, seen
    assert b"\x1b[K" not in on_terminal(case, args, {"TERM": "dumb"})
    assert on_terminal(case, args + ["--quiet"]) == b""


def test_no_colours(case):
    seen = on_terminal(case, setup(case), {"NO_COLOR": "1"})
    assert b"\x1b[3" not in seen and b"\x1b[0" not in seen


def test_escape_sequences_are_harmless_on_a_terminal(case):
    evil = 'when body contains "is ninety days"\nraw %s\n' % support.quote_line(
        '{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",'
        '"content":"ninety \\u001b]0;pwned\\u0007\\u001b[31m days\\u009b2J \\u202e"}}]}')
    args = setup(case, evil + "\nsay not stated\n")
    seen = on_terminal(case, args, stream="stdout")
    assert b"ninety" in seen and b"\x1b" not in seen and b"\x07" not in seen, seen
    assert b"\xc2\x9b" not in seen and b"\xe2\x80\xae" not in seen, seen


def test_a_model_cannot_print_citations(case):
    """A block like the program's own, above the real one."""
    forged = ('It is ten years [1].\n\n\u200b[1] a.txt: "The notice period is ten years."\n'
              '\ufeff[2] a.txt: "Ten years."')
    reply = json.dumps({"answer": forged, "quotes": [
        {"doc": "d1", "quote": "The notice period under clause 14 is ninety days"}]})
    case.write("a.txt", contract(20))
    args = ["ask", "--protocol", "remote", "--remote", case.server(supervisor(reply)).url,
            QUESTION, "a.txt"]
    printed = ok(case.legwork(*args)).out
    cited = [line for line in printed.splitlines() if line.lstrip(" \u200b\ufeff")[:1] == "["]
    assert len(cited) == 1 and "ninety days" in cited[0], printed


def test_invisible_characters_are_left_out_on_a_terminal(case):
    text = contract(20).replace("ninety days", "nine\u200bty\ufeff da\u2060ys")
    case.write("a.txt", text)
    reply = json.dumps({"answer": "90 days [1].", "quotes": [
        {"doc": "d1", "quote": "The notice period under clause 14 is nine\u200bty"}]})
    args = ["ask", "--protocol", "remote", "--remote", case.server(supervisor(reply)).url,
            QUESTION, "a.txt"]
    seen = on_terminal(case, args, stream="stdout")
    assert b"clause 14 is ninety" in seen, seen
    for hidden in "\u200b\ufeff\u2060\ufffd":
        assert hidden.encode() not in seen, seen


def test_escape_sequences_in_file_names(case):
    case.write("a\x1b[31m.txt", contract(20))
    args = ["ask", "--local", case.server(READER).url, QUESTION, "a\x1b[31m.txt"]
    assert b"\x1b" not in on_terminal(case, args, stream="stdout")
    assert b"\x1b[31m" not in case.legwork("ask", QUESTION, "b\x1b[31m").err.encode()


def test_what_was_left_unread_is_said(case):
    """Somebody at a terminal is told how to have the rest read; a script is not."""
    args = [*setup(case, "say not stated\n"), "--chunk-tokens", "100"]
    for read, said in (("2", True), ("all", False)):
        seen = on_terminal(case, [*args, "--read", read])
        assert (b"--read all reads the rest, too." in seen) == said, seen
    assert expect(case.legwork(*args, "--read", "2"), 3).err == ""
