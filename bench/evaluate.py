#!/usr/bin/env python3
"""Measure answers on the evaluation pack: right, cited, falsely answered, seconds, tokens.

    bench/evaluate.py [--pack ../shared/evalpack] [--sets longhealth,covidqa,nq,haystack]
                      [--max-chars 60000] [--documents NAME,...] [--per-document 4]
                      [--moved N] [--out FILE.jsonl]
                      [option=value ...]            options of legwork, e.g. local=qwen2.5-1.5b remote=self

kv-cache=8G among the options uses the store of kept states, so that documents that
`legwork index` has read cost only the questions; else nothing is kept.

Each document's questions are asked in one session (build/bench/ask_many), then
the same number of questions that belong to another document of the same set
("moved"): those have no answer here. A result line a question goes to --out,
the table to standard output. Without the pack it says so and exits 0.

Grading is by text, stricter than a judge would be: an answer is right when a
reference (case, punctuation, articles and number words folded) occurs in it, or it in a
reference of at most eight words, or their token F1 is at least 0.5; a list when it names
all and nothing else, a number when it is the first one of the answer. A citation overlaps
when its bytes and those of a gold evidence string share at least half of the shorter
one's words.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import time

# What legwork adds to an answer that rests on nothing verified (src/proto/prompts.c).
NO_QUOTE = "No verified quote supports this answer."
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NUMBERS = {word: str(n) for n, word in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve".split())}


def fold(text):
    text = re.sub(r"[^\w\s%.]", " ", text.lower())
    text = re.sub(r"(?<!\d)\.|\.(?!\d)", " ", text)
    return [NUMBERS.get(w, w) for w in text.split() if w not in ("a", "an", "the")]


def token_f1(a, b):
    common = sum((collections.Counter(a) & collections.Counter(b)).values())
    return 2 * common / (len(a) + len(b)) if common else 0.0


def occurs(inner, outer):
    return bool(inner) and f" {' '.join(inner)} " in f" {' '.join(outer)} "


def is_right(question, answer):
    plain = re.sub(r"\s*\[\d+\]", "", answer.replace(NO_QUOTE, ""))
    answer = fold(plain)
    if question["scoring"] == "all_of":
        wanted = [fold(p) for p in question["answer"].split(",")]
        items = [fold(i) for i in plain.split(";")]
        return (all(occurs(w, answer) for w in wanted) and
                all(any(occurs(w, i) for w in wanted) for i in items))
    if question["kind"] == "numeric":
        numbers = [w for w in answer if w[0].isdigit()]
        return bool(numbers) and numbers[0] == " ".join(fold(question["answer"]))
    references = question["answers"] or [question["answer"]]
    if question["options"]:
        references = [question["options"][question["correct"]]]
    for reference in map(fold, references):
        if occurs(reference, answer):
            return True
        if question["scoring"] in ("numeric", "contains", "choice"):
            continue
        if len(reference) <= 8 and occurs(answer, reference):
            return True
        if token_f1(reference, answer) >= 0.5:
            return True
    return False


def overlaps(question, citations):
    for citation in citations:
        quote = fold(citation["quote"])
        for evidence in question["evidence"]:
            gold = fold(evidence["text"])
            shorter = min(len(quote), len(gold))
            common = sum((collections.Counter(quote) & collections.Counter(gold)).values())
            if shorter and common / shorter >= 0.5:
                return True
    return False


def check_result(result, text):
    """What every run must satisfy; returns the faults."""
    faults = []
    for citation in result["citations"]:
        if citation["match"] == "exact":
            piece = text[citation["start"]:citation["end"]]
            if piece != citation["quote"].encode():
                faults.append(f"citation {citation['n']} is not the text at its offsets")
    cover = result["coverage"]
    if cover["found"] + cover["absent"] + cover["failed"] + cover["skipped"] != cover["chunks"]:
        faults.append("coverage does not sum")
    return faults


def load_questions(pack, sets):
    by_doc = collections.OrderedDict()
    for name in sets:
        with open(os.path.join(pack, "open", name + ".jsonl"), encoding="utf-8") as lines:
            for line in lines:
                question = json.loads(line)
                if len(question["documents"]) == 1:
                    by_doc.setdefault(question["documents"][0], []).append(question)
    return by_doc


def answers_it(text, question):
    """Does a document that a question is moved to answer it as well (in other words or
    with another value: the generated sets use the same phrases over and over)?"""
    for evidence in question["evidence"]:
        phrase = evidence["text"].split(question["answer"])[0].strip()
        if len(phrase) >= 20 and phrase in text:
            return True
    return False


def choose(by_doc, args):
    """For each document: its own questions and as many moved ones, the same every time."""
    docs = [d for d in by_doc
            if os.path.getsize(os.path.join(args.pack, "open", d)) <= args.max_chars
            and any(name in d for name in args.documents.split(","))]
    plan = []
    for doc in docs:
        own = by_doc[doc][args.skip:args.skip + args.per_document]
        family = doc.split("/")[1]
        with open(os.path.join(args.pack, "open", doc), encoding="utf-8") as file:
            text = file.read()
        foreign = [(d.split("/")[1] == family, q) for d in by_doc if d != doc
                   for q in by_doc[d]
                   if q["kind"] != "unanswerable" and not answers_it(text, q)]
        others = [q for same, q in foreign if same] or [q for _, q in foreign]
        count = min(len(own), args.moved if args.moved >= 0 else len(own), len(others))
        step = max(1, len(others) // max(1, count))
        moved = others[len(doc) % step::step][:count]
        plan.append((doc, [("own", q) for q in own] + [("moved", q) for q in moved]))
    return plan


def ask(args, doc, questions):
    # Nothing that an earlier evaluation read may count as speed of this one.
    command = [os.path.join(ROOT, "build", "bench", "ask_many"), "kv-cache=0",
               *args.options, "--",
               os.path.join(args.pack, "open", doc)]
    lines = "".join(" ".join(q["task"].split()) + "\n" for _, q in questions)
    out = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if out.returncode != 0:
        sys.exit(f"{' '.join(command)}: {out.stderr.strip()}")
    return [json.loads(line) for line in out.stdout.splitlines()]


def grade(kind, question, result, text):
    row = {"id": question["id"], "set": question["set"], "kind": kind,
           "expect": question["answer"]}
    if "error" in result:
        return {**row, "status": "error", "answer": result["message"], "faults": []}
    unanswerable = kind == "moved" or question["kind"] == "unanswerable"
    answered = result["status"] != "not_found"
    return {**row, "status": result["status"], "answer": result["answer"],
            "answerable": not unanswerable,
            "right": (not answered) if unanswerable else
                     (answered and is_right(question, result["answer"])),
            "cited": answered and overlaps(question, result["citations"]),
            "has_gold": bool(question["evidence"]),
            "exact": sum(c["match"] == "exact" for c in result["citations"]),
            "citations": len(result["citations"]),
            "seconds": result["seconds"], "coverage": result["coverage"],
            "tokens": result["usage"]["local"], "remote": result["usage"]["remote"],
            "faults": check_result(result, text)}


def share(rows, key):
    return f"{sum(bool(r[key]) for r in rows)}/{len(rows)}"


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else float("nan")


def table(rows):
    print("| set | right | citation on gold evidence | not found where it is | "
          "false answers on moved questions | parts read | seconds (median) | "
          "computed tokens (median) |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    sets = list(dict.fromkeys(r["set"] for r in rows))
    for name in sets + ["all"]:
        part = [r for r in rows if name in ("all", r["set"]) and r["status"] != "error"]
        own = [r for r in part if r["answerable"]]
        moved = [r for r in part if not r["answerable"]]
        gold = [r for r in own if r["has_gold"]]
        missed = [r for r in own if r["status"] == "not_found"]
        false = [r for r in moved if r["status"] != "not_found"]
        read = sum(r["coverage"]["read"] for r in part)
        parts = sum(r["coverage"]["chunks"] for r in part)
        computed = [r["tokens"]["prompt_tokens"] - r["tokens"]["cached_tokens"] for r in part]
        print(f"| {name} | {share(own, 'right')} | {share(gold, 'cited')} | "
              f"{len(missed)}/{len(own)} | {len(false)}/{len(moved)} | "
              f"{100 * read / max(1, parts):.0f} % | "
              f"{median([r['seconds'] for r in part]):.1f} | {median(computed)} |")
    errors = [r for r in rows if r["status"] == "error"]
    faults = [r for r in rows if r["faults"]]
    print(f"\n{len(rows)} questions, {len(errors)} errors, {len(faults)} with faults "
          "(citations not at their offsets, coverage that does not sum)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pack", default=os.path.join(ROOT, "..", "shared", "evalpack"))
    parser.add_argument("--sets", default="longhealth,covidqa,nq,haystack")
    parser.add_argument("--max-chars", type=int, default=60000)
    parser.add_argument("--documents", default="", help="only those with one of these in the name")
    parser.add_argument("--per-document", type=int, default=4)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--moved", type=int, default=-1, help="moved questions a document")
    parser.add_argument("--out")
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    if not os.path.isdir(args.pack):
        print(f"skip: no evaluation pack at {args.pack}")
        return
    rows = []
    out = open(args.out, "w", encoding="utf-8") if args.out else None
    for doc, questions in choose(load_questions(args.pack, args.sets.split(",")), args):
        begin = time.time()
        with open(os.path.join(args.pack, "open", doc), "rb") as file:
            text = file.read()
        results = ask(args, doc, questions)
        for (kind, question), result in zip(questions, results):
            rows.append(grade(kind, question, result, text))
            if out:
                out.write(json.dumps(rows[-1]) + "\n")
                out.flush()
        print(f"{doc}: {len(questions)} questions, {time.time() - begin:.0f} s",
              file=sys.stderr)
    table(rows)


if __name__ == "__main__":
    main()
