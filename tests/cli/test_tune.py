"""legwork tune: what is measured, what is kept of it, and models compared by answers.

How fast anything is is not judged, nor whether the machine was quiet meanwhile."""
import json
import os
import signal
import stat
import time

import support
from support import READER, alone, contract, expect, ok, one_sentence, skip

LINES = [
    {"excerpt": support.FACT, "question": "How long is the notice period?",
     "answer": "ninety days"},
    {"excerpt": support.FACT + " It is signed.", "question": "How long is the notice?",
     "answer": "two years and a day"},
    {"excerpt": "The harvest was poor.", "question": "How long is the notice?", "answer": None},
    {"excerpt": support.FACT + " Good.", "question": "Who signed?", "answer": None},
]


def small_model(case):
    folder = case.folder / "models"
    folder.mkdir()
    (folder / "small.gguf").symlink_to(support.shared["model"] or
                                       skip("no SmolLM2-135M in the model folder"))


def kept(case):
    return sorted((case.home / ".local/share/legwork/tune").glob("*"))


def tune(case, *args):
    """One model, measured for a moment with one thread."""
    result = case.legwork("tune", "small", "--seconds", "1", "--threads", "1", "--json", *args,
                          timeout=600)
    if "too busy" in result.err:
        skip("the machine is too busy to measure anything")
    return ok(result).json


def check_tuned(result):
    assert result["schema"] == "legwork.tuning/1" and len(result["models"]) == 1
    model = result["models"][0]
    assert model["schema"] == "legwork.tune/2"
    assert model["model"]["name"] == "small.gguf" and model["model"]["quantisation"] == "Q4_1"
    assert model["machine"]["cores"] >= 1 and model["machine"]["libllama"]
    assert model["threads"] == 1 and model["reads"] > 0 and model["writes"] > 0
    assert [s["threads"] for s in model["speeds"]] == [1]
    assert [b["replies"] for b in model["batches"]] == [1, 2, 4, 8]
    assert [c["tokens"] for c in model["checks"]] == [1, 2, 3, 4, 5, 8, 16, 24, 32]
    assert all(c["cost"] > 0 for c in model["checks"])
    return model


def speeds_of_models(case):
    model = ok(case.legwork("models", "--json")).json["models"][0]
    return model["reads"], model["writes"]


@alone
def test_a_model_with_an_encoder(case):
    """It reads one prompt at a time: no batches."""
    path = support.need_tiny("t5")
    result = case.legwork("tune", path, "--seconds", "1", "--threads", "1", "--json", "--force")
    if "too busy" in result.err:
        skip("the machine is too busy to measure anything")
    model = ok(result).json["models"][0]
    assert model["reads"] > 0 and model["writes"] > 0
    assert [b["replies"] for b in model["batches"]] == [1]
    assert [c["tokens"] for c in model["checks"]] == [1, 2, 3, 4, 5, 8, 16, 24, 32]
    shown = ok(case.legwork("tune", path, "--seconds", "1", "--threads", "1"))
    assert "at a time" not in shown.out and "tokens in a step" in shown.out, shown


@alone
def test_a_recurrent_model(case):
    """Its context gives fewer logits a step; that it has no template is nothing to tell."""
    result = case.legwork("tune", support.need_tiny("mamba"), "--seconds", "1", "--threads",
                          "1", "--json", "--force")
    if "too busy" in result.err:
        skip("the machine is too busy to measure anything")
    model = ok(result).json["models"][0]
    assert [b["replies"] for b in model["batches"]] == [1, 2, 4, 8]
    assert [c["tokens"] for c in model["checks"]] == [1, 2, 3, 4, 5, 8, 16, 24, 32]
    assert result.err == "", result


@alone
def test_kept_and_used(case):
    small_model(case)
    assert speeds_of_models(case) == (None, None)
    model = check_tuned(tune(case, "--force"))
    assert model["kept"] and len(kept(case)) == 1
    path = kept(case)[0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(path.read_text())
    assert written == {key: value for key, value in model.items() if key != "kept"}
    assert speeds_of_models(case) == (model["reads"], model["writes"])
    assert "%.1f" % model["reads"] in ok(case.legwork("models")).out
    # As if fewer threads than cores had been tried and found better.
    written["speeds"].insert(0, {"threads": written["machine"]["cores"], "reads": 1, "writes": 1})
    # What a step costs here may be anything, beside other tests: as if each token as much.
    written.update(checks=[{"tokens": n, "cost": n} for n in (1, 2, 16)], disturbed=False)
    path.write_text(json.dumps(written))
    case.write("a.txt", contract(2))
    asked = case.legwork("ask", "--local", "small", "--verbose", "--read", "1", "--context",
                         "1024", "How long?", "a.txt", timeout=600)
    assert "1 thread, as legwork tune measured" in asked.err, asked
    said = case.legwork("ask", "--local", "small", "--verbose", "--read", "1", "--context",
                        "1024", "--threads", "1", "How long?", "a.txt", timeout=600)
    assert "as legwork tune measured" not in said.err, said
    assert "Drafts" not in asked.err + said.err, (asked, said)
    # As if a step of many tokens took no longer than one of one.
    written.update(checks=[{"tokens": n, "cost": 1} for n in (1, 2, 16)])
    path.write_text(json.dumps(written))
    asked = case.legwork("ask", "--local", "small", "--verbose", "--context", "1024",
                         "Name all amounts.", "a.txt", timeout=600)
    assert "Drafts: " in asked.err, asked
    assert speeds_of_models(case) == (model["reads"], model["writes"])
    path.write_text(path.read_text()[:200])
    assert speeds_of_models(case) == (None, None)


@alone
def test_disturbed_is_not_kept(case):
    small_model(case)
    model = check_tuned(tune(case))
    assert model["kept"] == (not model["disturbed"]), model
    assert len(kept(case)) == model["kept"]


@alone
def test_table(case):
    small_model(case)
    case.write("models/text.gguf", "no model")
    result = case.legwork("tune", "--seconds", "1", "--threads", "1", timeout=600)
    if "too busy" in result.out:
        skip("the machine is too busy to measure anything")
    ok(result)
    assert "small.gguf" in result.out and "replies at a time" in result.out, result
    assert "kept" in result.out and "text.gguf" not in result.out, result


@alone
def test_interrupted(case):
    small_model(case)
    child = case.start("tune", "small", "--seconds", "600", "--force")
    time.sleep(2)
    child.send_signal(signal.SIGINT)
    expect(case.finish(child, timeout=60), 130)
    assert not kept(case)


def test_no_model(case):
    one_sentence(expect(case.legwork("tune"), 4, "no model"))
    one_sentence(expect(case.legwork("tune", "nosuch"), 4, "nosuch"))
    case.write("models/text.gguf", "no model")
    one_sentence(expect(case.legwork("tune", "text"), 4, "not a GGUF file"))


def test_quality(case):
    """Two found of two, one of them right; of two that are missing, one falsely found."""
    worker = case.server(READER)
    path = case.write("q.jsonl", "\n\n".join(map(json.dumps, LINES)) + "\n")
    result = ok(case.legwork("tune", "--json", "--quality", path, worker.url)).json
    assert result["schema"] == "legwork.quality/1"
    model = result["models"][0]
    assert model["name"] == worker.url and model["problem"] is None
    assert [model[key] for key in ("lines", "failed", "present", "found", "missing", "absent",
                                   "right")] == [4, 0, 2, 2, 2, 1, 1], model
    table = ok(case.legwork("tune", "--quality", path, worker.url))
    assert " ".join(table.out.splitlines()[1].split()[1:5]) == "2/2 1/2 1/2 0/4", table


def test_quality_with_a_failing_model(case):
    path = case.write("q.jsonl", json.dumps(LINES[0]))
    worker = case.server("status 400\nsay no\n")
    model = ok(case.legwork("tune", "--json", "--quality", path, worker.url)).json["models"][0]
    assert model["failed"] == 1 and model["found"] == 0 and model["right"] == 0, model


def test_quality_files(case):
    for text, why in (("", "holds no line"), ("{", "line 1"), ("\n[]\n", "line 2"),
                      ('{"excerpt": "a", "question": "b"}', "answer must be"),
                      ('{"excerpt": "a", "question": "b", "answer": 3}', "answer must be"),
                      ('{"excerpt": "", "question": "b", "answer": null}', "excerpt and question"),
                      ('{"question": "b", "answer": null}', "excerpt and question"),
                      ("a\0b", "not a text file")):
        path = case.write("q.jsonl", text)
        one_sentence(expect(case.legwork("tune", "--quality", path, "nosuch"), 9, why))
    one_sentence(expect(case.legwork("tune", "--quality", "nosuch.jsonl"), 9, "nosuch.jsonl"))


def test_example_file(case):
    with open("examples/quality.jsonl", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    assert len(found) >= 12 and any(line["answer"] is None for line in found)
    for line in found:
        answer = line["answer"]
        assert answer is None or answer in line["excerpt"], line
    worker = case.server("say not stated\n")
    model = ok(case.legwork("tune", "--json", "--quality", os.path.abspath(
        "examples/quality.jsonl"), worker.url)).json["models"][0]
    assert model["absent"] == model["missing"] and model["failed"] == 0, model
