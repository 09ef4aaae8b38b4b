"""What was read is kept on disk: ask, index, cache and forget with a real, small model."""
import os
import signal
import stat
import time

import support
from support import FACT, READER, alone, check_answer, contract, expect, filler, ok, skip

QUESTION = "How long is the notice period?"
LIGHT = ["--context", "1024", "--chunk-tokens", "64", "--threads", "1"]


def need_model():
    return support.shared["model"] or skip("no SmolLM2-135M in the model folder")


def folder(case):
    return case.home / ".cache" / "legwork" / "kv"


def states(case):
    return sorted(folder(case).rglob("*.kv"))


def ask(case, *args):
    result = case.legwork("ask", "--json", "--local", need_model(), *LIGHT, *args, QUESTION,
                          "a.txt", timeout=600)
    assert result.status in (0, 3), result
    return check_answer(expect(result, result.status).json)


def index(case, *args, files=("a.txt",), status=0):
    result = case.legwork("index", "--json", "--local", need_model(), *LIGHT, *args, *files,
                          timeout=600)
    return expect(result, status).json


def same_answer(one, other):
    for key in ("status", "answer", "citations", "coverage"):
        assert one[key] == other[key], (key, one[key], other[key])


def cached(answer):
    return answer["usage"]["local"]["cached_tokens"]


def computed(answer):
    usage = answer["usage"]["local"]
    return usage["prompt_tokens"] - usage["cached_tokens"]


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return bytes(content)


@alone
def test_the_next_process_finds_what_was_read(case):
    case.write("a.txt", contract(2))
    without = ask(case, "--no-kv-cache")
    assert not os.path.exists(case.home / ".cache"), "something was written"
    first, second = ask(case), ask(case)
    same_answer(without, first)
    same_answer(first, second)
    assert cached(first) == cached(without)
    assert cached(second) > cached(first) and computed(second) < computed(first)
    # A bit that is not as it was: computed again, and said.
    damaged = {path: damage(path) for path in states(case)}
    third = ask(case)
    same_answer(first, third)
    assert damaged and cached(third) == cached(first)
    assert any("kept state" in warning for warning in third["warnings"]), third["warnings"]
    assert set(states(case)) == set(damaged)
    assert all(path.read_bytes() != content for path, content in damaged.items())


@alone
def test_index_reads_what_ask_will_ask(case):
    case.write("a.txt", contract(2))
    first = index(case)
    assert first["schema"] == "legwork.index/1"
    assert first["kept"] == first["parts"] > 1 and first["there"] == 0, first
    assert first["bytes"] > 0 and first["tokens"] > 0, first
    for path in [folder(case), *folder(case).rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))
    n = len(states(case))
    answer = ask(case, "--read", "all")
    assert answer["coverage"]["chunks"] == first["parts"] == n, answer
    assert len(states(case)) == n, "ask read a part that index had not"
    shown = ok(case.legwork("index", "--local", need_model(), *LIGHT, "a.txt")).out
    assert "%d of them were already; 0 tokens read" % n in shown, shown


@alone
def test_another_model_has_its_own(case):
    with open(need_model(), "rb") as file:
        content = file.read()
    name = content.index(b"apache-2.0", content.index(b"general.license"))
    case.write("other.gguf", content[:name] + b"A" + content[name + 1:])
    case.write("a.txt", FACT)
    assert index(case)["kept"] == 1
    assert index(case, "--local", "./other.gguf")["kept"] == 1
    assert len(states(case)) == 2


def wait_for_states(case, child):
    deadline = time.monotonic() + 300
    while not states(case) and child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@alone
def test_index_killed_goes_on(case):
    case.write("a.txt", contract(6))
    child = case.start("index", "--local", need_model(), *LIGHT, "a.txt")
    wait_for_states(case, child)
    child.kill()
    child.wait()
    there = len(states(case))
    rest = index(case)
    assert there > 0 and rest["there"] == there, (there, rest)
    assert rest["there"] + rest["kept"] == rest["parts"] == len(states(case)), rest


@alone
def test_index_interrupted_goes_on(case):
    case.write("a.txt", contract(6))
    child = case.start("index", "--json", "--local", need_model(), *LIGHT, "a.txt")
    wait_for_states(case, child)
    child.send_signal(signal.SIGINT)
    result = case.finish(child, timeout=120)
    if result.status == 0:
        skip("it was done before it could be interrupted")
    part = expect(result, 130, "goes on").json
    there = len(states(case))
    assert 0 < part["kept"] <= there, (part, there)
    assert index(case)["there"] == there


@alone
def test_two_at_once(case):
    case.write("a.txt", contract(2))
    args = ["index", "--json", "--local", need_model(), *LIGHT, "a.txt"]
    both = [case.finish(child, timeout=600) for child in (case.start(*args), case.start(*args))]
    for result in both:
        report = ok(result).json
        assert report["there"] + report["kept"] == report["parts"], result
    listed = ok(case.legwork("cache", "--json")).json
    assert listed["parts"] == len(states(case)) == both[0].json["parts"], listed
    assert not ask(case)["warnings"]


@alone
def test_index_keeps_what_there_is_room_for(case):
    case.write("a.txt", filler(6))
    part = index(case, "--kv-cache", "7M", status=10)
    assert 0 < part["kept"] < part["parts"], part
    assert sum(path.stat().st_size for path in states(case)) <= 7 << 20
    again = case.legwork("index", "--local", need_model(), *LIGHT, "--kv-cache", "7M", "a.txt",
                         timeout=600)
    expect(again, 10, "kv-cache allows 7.0 MiB", "parts")
    expect(case.legwork("index", "--local", need_model(), *LIGHT, "--kv-cache", "1M", "a.txt"),
           1, "0 of %d parts" % part["parts"])
    expect(case.legwork("index", "-q", "--local", need_model(), *LIGHT, "--kv-cache", "2K",
                        "a.txt"), 1, "kv-cache allows 2.0 KiB")


@alone
def test_index_says_why_nothing_is_kept(case):
    """A file where the document's folder should be: the disk is not full at all."""
    case.write("a.txt", FACT)
    index(case)
    (document,) = [path for path in folder(case).iterdir() if path.is_dir()]
    ok(case.legwork("forget", "--all"))
    document.write_text("")
    result = case.legwork("index", "-q", "--local", need_model(), *LIGHT, "a.txt")
    expect(result, 1, "0 of 1 parts", "Not a directory")
    assert "room" not in result.err, result


@alone
def test_cache_and_forget(case):
    texts = {name: FACT + " " + name for name in ("a.txt", "b.txt", "c.txt", "d.txt")}
    for name, text in texts.items():
        case.write(name, text)
    index(case, files=tuple(texts))
    listed = ok(case.legwork("cache", "--json")).json
    assert listed["schema"] == "legwork.cache/1" and listed["folder"] == str(folder(case))
    assert {d["name"] for d in listed["documents"]} == set(texts), listed
    assert listed["parts"] == sum(d["parts"] for d in listed["documents"]) == len(states(case))
    assert all(d["tokens"] > 0 and d["bytes"] > 0 for d in listed["documents"]), listed
    assert 0 < listed["bytes"] <= listed["room"] <= 4 << 30, listed
    shown = ok(case.legwork("cache")).out
    assert "a.txt" in shown and "4 documents" in shown, shown

    os.remove(case.folder / "a.txt")
    assert "1 document," in ok(case.legwork("forget", "a.txt")).out          # by its name
    case.write("renamed.txt", texts["b.txt"])
    assert "1 document," in ok(case.legwork("forget", "renamed.txt")).out    # by its text
    left = ok(case.legwork("cache", "--json")).json
    assert {d["name"] for d in left["documents"]} == {"c.txt", "d.txt"}, left
    ok(case.legwork("cache", "--prune", str(left["bytes"] * 3 // 4)))
    assert len(states(case)) == 1
    assert "1 document," in ok(case.legwork("forget", "--all")).out
    assert not [path for path in folder(case).rglob("*") if path.is_file()]


def test_forget_what_the_killed_left(case):
    """Of a first write that was killed there is half a state, in clear, and a name."""
    part, bare = folder(case) / ("ab" * 16), folder(case) / ("cd" * 16)
    for path in (part, bare):
        path.mkdir(parents=True)
        path.chmod(0o700)
    for path in (folder(case), folder(case).parent, folder(case).parent.parent):
        path.chmod(0o700)
    (part / ("0" * 32 + ".7.tmp")).write_bytes(b"half a state")
    (part / "name").write_text("a.txt\n")
    (bare / "name").write_text("b.txt\n")
    listed = ok(case.legwork("cache", "--json")).json["documents"]
    assert {d["name"]: (d["parts"], d["bytes"]) for d in listed} == {
        "a.txt": (0, 12), "b.txt": (0, 0)}, listed
    assert "1 document," in ok(case.legwork("forget", "a.txt")).out
    assert not part.exists() and bare.exists()
    assert "1 document," in ok(case.legwork("forget", "--all")).out
    assert not list(folder(case).iterdir())


@alone
def test_forget_what_has_changed_or_is_gone(case):
    """Then no text tells what is meant, and the name does, however it is spelt."""
    for word in ("docs", "docs/", "./docs/a.txt", "docs/a.txt"):
        case.write("docs/a.txt", FACT)
        case.write("docs.txt", "Not in that folder.")
        index(case, files=("docs", "docs.txt"))
        case.write("docs/a.txt", "Another text.")
        assert "1 document," in ok(case.legwork("forget", word)).out, word
        left = ok(case.legwork("cache", "--json")).json["documents"]
        assert [d["name"] for d in left] == ["docs.txt"], left
    os.remove(case.folder / "docs/a.txt")
    expect(case.legwork("forget", "docs.txt", "docs"), 1, "nothing is kept of docs")
    assert ok(case.legwork("cache", "--json")).json["documents"] == []


def test_index_refuses(case):
    case.write("a.txt", contract(2))
    worker = case.server(READER)
    expect(case.legwork("index", "--local", worker.url, "a.txt"), 2, "in this process")
    expect(case.legwork("index", "--local", "openai/m", "a.txt"), 2, "in this process")
    assert worker.stats()["requests"] == 0
    expect(case.legwork("index", "--no-kv-cache", "a.txt"), 2, "kv-cache is 0")
    expect(case.legwork("index"), 2, "name at least one")
    expect(case.legwork("index", "none.txt"), 9, "none.txt")


def test_cache_of_nothing(case):
    assert "0 documents" in ok(case.legwork("cache")).out
    assert ok(case.legwork("cache", "--json")).json["documents"] == []
    ok(case.legwork("cache", "--prune", "1M"))
    expect(case.legwork("forget", "report.pdf"), 1, "nothing is kept of report.pdf")
    ok(case.legwork("forget", "--all"))
    expect(case.legwork("forget"), 2, "--all")
    expect(case.legwork("forget", "--all", "a.txt"), 2, "--all")
    expect(case.legwork("cache", "a.txt"), 2)
    assert not os.path.exists(case.home / ".cache")


def test_all_and_prune_are_no_settings(case):
    case.config("all = yes\n")
    expect(case.legwork("forget", "--all"), 2, "command line only")
    os.remove(case.home / ".config" / "legwork" / "config.ini")
    result = case.legwork("cache", env={"LEGWORK_PRUNE": "0", "LEGWORK_ALL": "1"})
    assert "0 documents" in ok(result).out


def test_sizes(case):
    for size in ("4X", "-1", "G", "1.5G", "99999999999T"):
        expect(case.legwork("cache", "--prune", size), 2, "size")
    ok(case.legwork("cache", "--prune", "10k"))
    case.config("kv-cache = 300M\n")
    room = ok(case.legwork("cache", "--json")).json["room"]
    assert room <= 300 << 20, room
    case.config("no-kv-cache = yes\n")
    assert ok(case.legwork("cache", "--json")).json["room"] == 0
    assert ok(case.legwork("cache", "--kv-cache", "1M", "--json")).json["room"] == 1 << 20
