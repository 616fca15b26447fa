"""Takes a text apart into statements and lets three judges look for evidence for each."""

META = {
    "description": "Checks the statements of a text: three judges each, two rejections refute one.",
    "phases": ["collect", "judge", "report"],
    "arguments": "text: the text, or the path of a file; facts: at most so many, 25",
}
FACTS = {
    "type": "object",
    "properties": {"facts": {"type": "array", "items": {"type": "string"}}},
    "required": ["facts"],
}
VERDICT = {
    "type": "object",
    "properties": {
        "holds": {"enum": ["yes", "no", "unknown"]},
        "evidence": {"type": "string"},
        "source": {"type": "string"},
    },
    "required": ["holds", "evidence"],
}
ANGLES = (
    "Look for evidence that supports it, then say what the evidence says.",
    "Look for evidence against it, then say what the evidence says.",
    "Look for the original source, and say whether it says so.",
)


def run(args):
    """Collect, judge, report."""
    text = args["text"]
    phase("collect")
    if len(text) < 300 and "\n" not in text and find_files(text):
        text = read_file(text) or text
    most = int(args.get("facts", 25))
    found = agent("List the checkable statements in this text, one sentence each:\n\n" + text, schema=FACTS, retries=1)
    facts = (found or {"facts": []})["facts"][:most]
    phase("judge")
    pairs = [(fact, angle) for fact in facts for angle in ANGLES]
    verdicts = parallel(
        [
            lambda fact=fact, angle=angle: agent(
                "Is this true? " + fact + "\n" + angle, agent="explore", schema=VERDICT, label="judge", retries=1
            )
            for fact, angle in pairs
        ]
    )
    phase("report")
    rows = []
    for at, fact in enumerate(facts):
        three = [each for each in verdicts[at * 3 : at * 3 + 3] if each]
        against = len([each for each in three if each["holds"] == "no"])
        support = len([each for each in three if each["holds"] == "yes"])
        state = "refuted" if against >= 2 else "holds" if support >= 2 else "open"
        rows.append({"fact": fact, "state": state, "evidence": [each["evidence"] for each in three]})
    return rows
