"""Supervisors that misbehave: what was found is returned all the same."""
import json

from support import (CONCLUSION, PLAN, READER, check_answer, contract, expect, ok,
                     one_sentence, supervisor)

QUESTION = "How long is the notice period?"


def run(case, script, *args):
    case.write("a.txt", contract(20))
    worker, remote = case.server(READER), case.server(script)
    return case.legwork("ask", "--json", "--chunk-tokens", "100", "--local", worker.url,
                        "--remote", remote.url, *args, QUESTION, "a.txt")


def has_best_answer(result, *statuses):
    assert result.status in (statuses or (10,)), result
    answer = check_answer(result.json)
    assert "ninety days" in answer["answer"], answer
    assert answer["citations"] and answer["citations"][0]["match"] == "exact", answer
    if result.status == 10:
        assert answer["status"] == "partial" and answer["warnings"], answer
        assert "partial" in result.err, result
    return answer


def test_prose(case):
    has_best_answer(run(case, supervisor("I would love to help you with that!")))


def test_half_json(case):
    has_best_answer(run(case, supervisor(PLAN[:len(PLAN) // 2])))


def test_nothing(case):
    has_best_answer(run(case, supervisor("")))


def test_empty_object(case):
    has_best_answer(run(case, supervisor("{}")))


def test_schema_echo(case):
    has_best_answer(run(case, "echo schema\n"))


def test_ten_thousand_tasks(case):
    plan = json.dumps({"tasks": [{"id": "t%d" % i, "ask": "How long is the notice period?"}
                                 for i in range(10000)]})
    reply = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": plan}}]})
    path = case.write("plan.json", reply)
    script = 'when path contains "/chat"\ntimes 1\nfile %s\ntype application/json\n\n' % path
    result = run(case, script + supervisor(CONCLUSION), "--tasks", "4")
    answer = has_best_answer(result, 0)
    assert any("task" in w for w in answer["warnings"]), answer["warnings"]
    assert len(case.servers[0].bodies()) <= 4 * answer["coverage"]["chunks"]


def test_repair_of_a_broken_plan(case):
    bad = json.dumps({"tasks": [{"id": "t1", "ask": "How long?", "reduce": "average"}]})
    result = run(case, supervisor(bad, PLAN, CONCLUSION))
    has_best_answer(result, 0)
    assert "average" in json.dumps(case.servers[1].bodies()[1])


def test_plan_in_prose_and_fences(case):
    fenced = "Here is the plan:\n```json\n%s\n```\nGood luck!" % PLAN
    has_best_answer(run(case, supervisor(fenced, CONCLUSION)), 0)


def test_plan_with_the_slips_of_small_models(case):
    slips = PLAN[:-1] + ",}"
    answer = '{"rests_on": ["f1",], "answer": "It is\nninety days [f1].",}'
    result = run(case, supervisor(slips, answer))
    assert "It is\nninety days [1]." == has_best_answer(result, 0)["answer"]
    assert case.servers[1].stats()["requests"] == 2, "no repair was needed"


def test_conclusion_rests_on_what_is_not_there(case):
    made_up = json.dumps({"rests_on": ["f99"], "answer": "It is two years [f99]."})
    result = run(case, supervisor(PLAN, made_up), "--rounds", "1")
    answer = check_answer(result.json)
    assert all(c["match"] == "exact" for c in answer["citations"])
    assert "f99" not in answer["answer"], answer


def test_key_is_refused(case):
    one_sentence(expect(run(case, "status 401\n"), 6, "key"))
    assert case.servers[1].stats()["requests"] == 1, "401 is never tried again"


def test_quota_is_spent(case):
    one_sentence(expect(run(case, "quota\n"), 7, "quota"))
    assert case.servers[1].stats()["requests"] == 1, "insufficient quota is final"


def test_dies_after_the_plan(case):
    has_best_answer(run(case, supervisor(PLAN).replace("say", "times 1\nsay") +
                        "\nstatus 400\n"), 10)


def test_error_page(case):
    result = expect(run(case, "html\nstatus 403\n"), 6)
    assert "<" not in one_sentence(result).err


def test_key_is_refused_half_way(case):
    has_best_answer(run(case, supervisor(PLAN).replace("say", "times 1\nsay") +
                        "\nstatus 401\n"), 10)


def test_retry_after_is_obeyed(case):
    script = "when path contains \"/chat\"\ntimes 1\nstatus 429\nheader Retry-After: 1\n\n"
    has_best_answer(run(case, script + supervisor(PLAN, CONCLUSION)), 0)


def test_hangs_until_the_time_limit(case):
    result = run(case, "hang before\n", "--timeout", "2")
    assert result.status == 124, result
    if result.out:
        check_answer(result.json)


def test_refused_parameter_is_dropped(case):
    script = "when path contains \"/chat\"\nrefuse temperature\n\n"
    has_best_answer(run(case, script + supervisor(PLAN, CONCLUSION)), 0)


def test_egress_is_said(case):
    case.write("a.txt", contract(20))
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    result = ok(case.legwork("ask", "--local", worker.url, "--remote", remote.url, QUESTION,
                             "a.txt"))
    assert "2 requests" in result.err and "characters of the documents" in result.err, result
