"""Every protocol, with fake servers in both roles."""
import json

import support
from support import (CONCLUSION, PLAN, READER, SUPERVISOR, WORKER, check_answer, check_quotes,
                     contract, expect, need_tiny, ok, one_sentence, quote_line, supervisor)

QUESTION = "How long is the notice period?"


def run(case, *args, doc="a.txt", paragraphs=40):
    if not (case.folder / "a.txt").exists():
        case.write("a.txt", contract(paragraphs))
    return case.legwork("ask", "--json", "--chunk-tokens", "100", *args, QUESTION, doc)


def test_local(case):
    worker = case.server(READER)
    answer = check_answer(ok(run(case, "--local", worker.url)).json)
    assert "ninety days" in answer["answer"] and answer["protocol"] == "local"
    assert answer["citations"][0]["match"] == "exact"
    assert "ninety days" in answer["citations"][0]["quote"]
    assert answer["egress"] == {"calls": 0, "bytes": 0, "document_chars": 0, "to": []}
    assert answer["usage"]["remote"]["requests"] == 0
    check_quotes(case, answer)


def test_local_not_found(case):
    worker = case.server("say not stated\n")
    result = run(case, "--local", worker.url)
    answer = check_answer(expect(result, 3).json)
    assert answer["status"] == "not_found" and answer["citations"] == []
    assert answer["coverage"]["found"] == 0


def test_read_all_reads_everything(case):
    worker = case.server(READER)
    answer = check_answer(ok(run(case, "--read", "all", "--local", worker.url)).json)
    assert answer["coverage"]["read"] == answer["coverage"]["chunks"] > 10
    assert answer["coverage"]["skipped"] == 0


def test_read_a_few(case):
    worker = case.server("say not stated\n")
    answer = check_answer(expect(run(case, "--read", "3", "--local", worker.url), 3).json)
    assert answer["coverage"]["read"] == 3 and answer["coverage"]["skipped"] > 3


def test_a_list_without_a_part_that_failed_is_partial(case):
    """Another exit status than that of a list of all there is."""
    case.write("a.txt", "The pelican was fed.\n")
    case.write("b.txt", "The heron was fed.\n")
    worker = case.server("""
when body contains "heron"
status 400

say {"items": ["pelican"]}
""")
    result = case.legwork("ask", "--json", "--local", worker.url, "Name all birds.", "a.txt", "b.txt")
    answer = check_answer(expect(result, 10, "1 of 2 parts could not be read").json)
    assert answer["status"] == "partial" and "pelican" in answer["answer"]
    assert answer["coverage"]["failed"] == 1


def test_one_request_a_job(case):
    """Never one conversation for many jobs: the bug that loses five jobs of six."""
    worker = case.server(READER)
    answer = check_answer(ok(run(case, "--read", "all", "--local", worker.url)).json)
    bodies = worker.bodies()
    jobs = answer["coverage"]["chunks"]
    assert len(bodies) == jobs == answer["usage"]["local"]["requests"]
    assert worker.stats()["requests"] == jobs
    for body in bodies:
        said = json.dumps(body["messages"])
        assert said.count("Excerpt:") == 1 and said.count("Question:") == 1
        assert [m["role"] for m in body["messages"]].count("user") == 1


def test_minions(case):
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    answer = check_answer(ok(run(case, "--local", worker.url, "--remote", remote.url)).json)
    assert answer["protocol"] == "minions"
    assert answer["answer"] == "It is ninety days [1].", answer["answer"]
    assert answer["citations"][0]["match"] == "exact"
    assert answer["usage"]["remote"]["requests"] == remote.stats()["requests"] == 2
    assert answer["usage"]["local"]["requests"] == worker.stats()["requests"]
    assert answer["egress"]["calls"] == 2
    sent = sum(len(json.dumps(body)) for body in remote.bodies())
    assert sent / 2 < answer["egress"]["bytes"] <= sent, (sent, answer["egress"])
    assert 0 < answer["egress"]["document_chars"] < 300
    check_quotes(case, answer)


def test_minions_two_rounds_carry_findings_and_note(case):
    again = json.dumps({"rests_on": [], "answer": "", "missing": "more",
                        "tasks": [{"id": "t1", "ask": "Which ferry was painted blue?"}],
                        "note": "remember the pelican"})
    worker = case.server(READER)
    remote = case.server(supervisor(PLAN, again, CONCLUSION))
    answer = check_answer(ok(run(case, "--local", worker.url, "--remote", remote.url)).json)
    last = json.dumps(remote.bodies()[-1])
    assert len(remote.bodies()) == 3 and answer["usage"]["remote"]["requests"] == 3
    assert "remember the pelican" in last and "ninety days" in last


def test_rounds_run_out_with_a_best_answer(case):
    again = json.dumps({"rests_on": [], "answer": "", "missing": "more",
                        "tasks": [{"id": "t1", "ask": "What else is said of the notice?"}]})
    worker, remote = case.server(READER), case.server(supervisor(PLAN, again))
    result = run(case, "--rounds", "2", "--local", worker.url, "--remote", remote.url)
    answer = check_answer(expect(result, 10).json)
    assert answer["status"] == "partial" and "ninety days" in answer["answer"]


def test_minion(case):
    ask = json.dumps({"message": "How long is the notice period?"})
    worker = case.server("""
when body contains "is ninety days"
say The notice period is ninety days.

say not stated
""")
    remote = case.server(supervisor(ask, CONCLUSION))
    result = run(case, "--protocol", "minion", "--local", worker.url, "--remote", remote.url)
    answer = check_answer(ok(result).json)
    assert answer["protocol"] == "minion" and "ninety days" in answer["answer"]
    assert answer["citations"][0]["match"] == "exact"
    assert len(remote.bodies()) == 2, "one call of the supervisor a round"


def test_remote_sends_the_documents_whole(case):
    reply = json.dumps({"answer": "Ninety days [1].", "quotes": [
        {"doc": "d1", "quote": "The notice period of the contract is ninety days."}]})
    remote = case.server(supervisor(reply))
    result = run(case, "--protocol", "remote", "--remote", remote.url)
    answer = check_answer(ok(result).json)
    assert answer["citations"][0]["match"] == "exact"
    assert len(remote.bodies()) == 1 and answer["usage"]["local"]["requests"] == 0
    assert answer["egress"]["document_chars"] > 0.95 * len(contract(40))


def test_invented_quotes_are_not_verified(case):
    reply = json.dumps({"answer": "A year [1].", "quotes": [
        {"doc": "d1", "quote": "The notice period of the contract is one whole year, alas."}]})
    remote = case.server(supervisor(reply))
    answer = check_answer(run(case, "--protocol", "remote", "--remote", remote.url).json)
    assert all(c["match"] != "exact" or "alas" not in c["quote"] for c in answer["citations"])


def test_self_is_the_worker_too(case):
    both = case.server("""
when body contains "%s"
when body contains "Asked and found"
say %s

when body contains "%s"
say %s
""" % (SUPERVISOR, quote_line(CONCLUSION), SUPERVISOR, quote_line(PLAN)) + READER)
    answer = check_answer(ok(run(case, "--local", both.url, "--remote", "self")).json)
    assert answer["protocol"] == "minions" and "ninety days" in answer["answer"]
    assert answer["usage"]["remote"]["requests"] == 2


def test_samples_are_each_a_request(case):
    plan = json.dumps({"tasks": [{"id": "t1", "ask": "How long is the notice period?",
                                  "samples": 3, "where": {"top": 1, "terms": ["notice"]}}]})
    worker, remote = case.server(READER), case.server(supervisor(plan, CONCLUSION))
    result = run(case, "--samples", "3", "--local", worker.url, "--remote", remote.url)
    answer = check_answer(ok(result).json)
    assert answer["usage"]["local"]["requests"] == worker.stats()["requests"] == 3 * (
        answer["coverage"]["read"])


def test_list_tasks_are_reduced_here(case):
    plan = json.dumps({"tasks": [{"id": "t1", "ask": "In which year was it painted?",
                                  "answer": "number", "reduce": "max"}]})
    worker = case.server("""
when body contains "year 1507"
say 1507

when body contains "year 1533"
say 1533

say not stated
""")
    remote = case.server(supervisor(plan, CONCLUSION))
    run(case, "--local", worker.url, "--remote", remote.url)
    assert "1533" in json.dumps(remote.bodies()[-1])


def test_server_with_log_probabilities(case):
    worker = case.server("""
when body contains "is ninety days"
say ninety days
logprob " ninety" -0.05
logprob " not" -5.0

say not stated
logprob " not" -0.01
""")
    answer = check_answer(ok(run(case, "--read", "all", "--local", worker.url)).json)
    assert "ninety days" in answer["answer"]
    assert worker.stats()["requests"] == answer["coverage"]["chunks"]


def test_some_requests_fail_and_the_rest_counts(case):
    worker = case.server("""
when body contains "Paragraph 3 tells"
status 400

""" + READER)
    answer = check_answer(run(case, "--read", "all", "--local", worker.url).json)
    assert "ninety days" in answer["answer"]
    assert answer["coverage"]["failed"] >= 1, answer["coverage"]


def test_worker_that_repeats_for_ever(case):
    worker = case.server("say %s\nfinish length\n" % ("blue " * 400))
    one_sentence(expect(run(case, "--local", worker.url), 4, "cut off", "choose a worker"))


def test_worker_whose_server_cuts_every_reply(case):
    worker = case.server("say ninety\nusage 100 2\nfinish length\n")
    one_sentence(expect(run(case, "--local", worker.url), 4, "2 of 48 tokens", "num_predict"))


def test_worker_that_only_reasons(case):
    worker = case.server("think Let me see\nsay \nfinish length\n")
    one_sentence(expect(run(case, "--local", worker.url), 4, "switch its reasoning off"))


def test_worker_that_repeats_in_one_place(case):
    worker = case.server("when body contains \"Paragraph 3 tells\"\nsay %s\nfinish length\n%s"
                         % ("blue " * 400, READER))
    answer = check_answer(ok(run(case, "--read", "all", "--local", worker.url)).json)
    assert "ninety days" in answer["answer"] and answer["coverage"]["failed"] == 1


def test_worker_that_says_nothing(case):
    worker = case.server("say \n")
    check_answer(expect(run(case, "--local", worker.url), 3).json)


def test_schema_shapes_the_answer(case):
    case.write("schema.json", json.dumps({
        "type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}))
    remote = case.server("""
when body contains "Put this answer into JSON"
say {\\"days\\": 90}

""" + supervisor(PLAN, CONCLUSION))
    worker = case.server(READER)
    args = ["--local", worker.url, "--remote", remote.url, "--schema", "schema.json"]
    answer = check_answer(ok(run(case, *args)).json)
    assert json.loads(answer["answer"]) == {"days": 90} == answer["structured"]
    plain = ok(case.legwork("ask", *args, QUESTION, "a.txt"))
    assert json.loads(plain.out) == {"days": 90}, plain
    assert "[1] a.txt" in plain.err


def test_structured_is_null_without_a_value(case):
    case.write("schema.json", json.dumps({"type": "object", "properties": {
        "days": {"type": "integer"}}, "required": ["days"]}))
    worker = case.server(READER)
    # An answer that looks like JSON is still text where no schema was given.
    looks = json.dumps({"rests_on": [], "answer": json.dumps({"days": 90})})
    remote = case.server(supervisor(PLAN, looks))
    answer = check_answer(run(case, "--local", worker.url, "--remote", remote.url).json)
    assert answer["structured"] is None and "days" in answer["answer"], answer
    silent = case.server("say not stated\n")
    absent = run(case, "--local", silent.url, "--schema", "schema.json")
    assert check_answer(expect(absent, 3).json)["structured"] is None
    stubborn = case.server('when body contains "Put this answer into JSON"\nsay no\n\n' +
                           supervisor(PLAN, CONCLUSION))
    unshaped = run(case, "--local", worker.url, "--remote", stubborn.url, "--schema",
                   "schema.json")
    assert check_answer(expect(unshaped, 10).json)["structured"] is None


def test_many_requests_in_flight_with_a_limit(case):
    worker = case.server("delay 30\nsay not stated\n")
    args = ["--read", "all", "--parallel", "5", "--local", worker.url]
    expect(run(case, *args), 3)
    assert 2 <= worker.stats()["max_concurrent"] <= 5


def test_several_documents(case):
    case.write("one.txt", contract(8))
    case.write("two.txt", support.filler(8, 100))
    worker = case.server(READER)
    result = case.legwork("ask", "--json", "--local", worker.url, QUESTION, "two.txt", "one.txt")
    answer = check_answer(ok(result).json)
    assert [c["doc"] for c in answer["citations"]] == ["one.txt"]
    check_quotes(case, answer)
    assert WORKER in json.dumps(worker.bodies()[0])


def test_questions_too_long_for_the_worker(case):
    """They are turned away, or fail; they do not end the run as if no document were there."""
    case.write("a.txt", contract(10))
    long = "What is qzxjvkwy? " * 210
    plan = json.dumps({"tasks": [{"id": "t1", "ask": long}]})
    message = json.dumps({"message": long})
    absent = json.dumps({"rests_on": [], "answer": "not stated"})
    for protocol, reply in (("minions", plan), ("minion", message)):
        remote = case.server(supervisor(reply, reply, absent))
        args = ["--protocol", protocol, "--local", need_tiny("qwen2"), "--context", "2048",
                "--no-kv-cache", "--remote", remote.url]
        expect(case.legwork("ask", *args, QUESTION, "a.txt"), 3, "the question itself is")
        assert b"That cannot be used" in remote.received(), "no complaint"
