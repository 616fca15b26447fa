"""Four reviewers look at the same change from different sides; what they find is checked before it is reported."""

META = {
    "description": "Reviews a change from four sides at once and reports only what a second look confirms.",
    "phases": ["look", "confirm", "report"],
    "arguments": "text: what to review; empty for all uncommitted changes",
}
SIDES = {
    "behaviour": "mistakes in behaviour: wrong results, unhandled cases, races, broken callers",
    "security": "security: input that is trusted, secrets, permissions, injection",
    "performance": "performance: work that grows, blocking calls, memory",
    "design": "what makes the code harder to change: duplication, unclear names, missing tests",
}
FOUND = {
    "type": "object",
    "properties": {
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}, "how": {"type": "string"}},
                "required": ["where", "what", "how"],
            },
        }
    },
    "required": ["findings"],
}
VERDICT = {
    "type": "object",
    "properties": {"real": {"type": "boolean"}, "why": {"type": "string"}},
    "required": ["real", "why"],
}


def run(args):
    """Look, confirm, report."""
    what = args["text"] or "all uncommitted changes (git diff HEAD and untracked files)"
    phase("look")
    ask = "Review " + what + ". Report only this kind: "
    looked = parallel(
        [
            lambda side=side: agent(ask + SIDES[side], agent="reviewer", schema=FOUND, label=side, retries=1)
            for side in SIDES
        ]
    )
    found = [each for seen in looked if seen for each in seen["findings"]]
    phase("confirm")
    doubt = "Try to refute this finding about " + what + " by reading the code. Is it real?\n"
    verdicts = parallel(
        [
            lambda each=each: agent(doubt + to_json(each), agent="explore", schema=VERDICT, label="check")
            for each in found
        ]
    )
    real = [each for each, verdict in zip(found, verdicts) if verdict and verdict["real"]]
    log(str(len(found)) + " findings, " + str(len(real)) + " confirmed")
    phase("report")
    if not real:
        return "Nothing to find." if all(looked) else "Nothing was confirmed, but not every reviewer came back."
    return agent("Write a review, worst first, path:line each, from these findings:\n" + to_json(real), label="report")
