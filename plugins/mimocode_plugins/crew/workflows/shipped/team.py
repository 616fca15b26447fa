"""A change goes from coder to tester to reviewer to verifier and back, until all agree or the rounds are used up."""

META = {
    "description": "Has a change written, tested, reviewed and verified by four agents, in at most three rounds.",
    "when": "a change that is worth four pairs of eyes",
    "phases": ["code", "test", "review", "verify"],
    "arguments": "text: the change; rounds: at most so many, 3",
}
FINDINGS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "severity": {"enum": ["critical", "major", "minor"]},
            "where": {"type": "string"},
            "what": {"type": "string"},
        },
        "required": ["id", "severity", "what"],
    },
}
CODED = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "files": {"type": "array", "items": {"type": "string"}},
        "disagreements": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "why": {"type": "string"}},
                "required": ["id", "why"],
            },
        },
    },
    "required": ["summary", "files"],
}
CHECKED = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "evidence": {"type": "string"}, "findings": FINDINGS},
    "required": ["ok", "evidence", "findings"],
}


def asked(role, task, coded, disputes):
    """What each of those who check is asked."""
    question = {
        "tester": "Test this change: run the suite, and write and run the tests that are missing for it.",
        "reviewer": "Review this change: security, performance, what makes the code harder to change, mistakes.",
        "verifier": "Find out by running things whether this change does what was asked for and breaks nothing.",
    }[role]
    text = question + "\n\nWhat was asked for:\n" + task + "\n\nWhat the coder says was done:\n" + to_json(coded)
    if disputes:
        text += "\n\nThe coder disagreed with these findings; judge the reasons, do not repeat what they refute:\n"
        text += to_json(disputes)
    return text + "\n\nok is true only if nothing critical or major is left. Give every finding an id of your own."


def run(args):
    """Rounds of code, test, review, verify."""
    task, rounds = args["text"], int(args.get("rounds", 3))
    findings, disputes, history = [], [], []
    for number in range(1, rounds + 1):
        phase("code")
        prompt = "Make this change:\n" + task
        if findings:
            prompt += "\n\nIt was made before, and this was found in round " + str(number - 1) + ". Fix each, or put it"
            prompt += " into disagreements with your reason if it is wrong:\n" + to_json(findings)
        coded = agent(prompt, agent="coder", schema=CODED, label="coder " + str(number), retries=1)
        if coded is None:
            return {"state": "failed", "rounds": number, "why": "the coder brought no result", "history": history}
        for each in coded.get("disagreements", []):
            log("disagreement in round " + str(number) + ": " + each["id"] + ": " + each["why"])
            disputes.append({"round": number, "id": each["id"], "why": each["why"]})
        findings = []
        for role in ("tester", "reviewer", "verifier"):
            phase({"tester": "test", "reviewer": "review", "verifier": "verify"}[role])
            label = role + " " + str(number)
            seen = agent(asked(role, task, coded, disputes), agent=role, schema=CHECKED, label=label, retries=1)
            if seen is None:
                seen = {
                    "ok": False,
                    "evidence": "",
                    "findings": [{"id": label, "severity": "major", "what": "no result"}],
                }
            history.append({"round": number, "role": role, "ok": seen["ok"], "evidence": seen["evidence"]})
            serious = [each for each in seen["findings"] if each["severity"] != "minor"]
            if not seen["ok"] or serious:
                findings = seen["findings"] or [{"id": label, "severity": "major", "what": seen["evidence"]}]
                break
        if not findings:
            return {"state": "agreed", "rounds": number, "disagreements": disputes, "history": history}
    return {"state": "unresolved", "rounds": rounds, "open": findings, "disagreements": disputes, "history": history}
