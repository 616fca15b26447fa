"""Looks into a question from several sides, reflects on what is missing, and has the citations checked cold."""

META = {
    "description": "Researches a question from several angles, fills gaps, and checks its own citations.",
    "phases": ["angles", "search", "reflect", "write", "check"],
    "arguments": "text: the question; depth: quick, standard or deep",
}
DEPTHS = {"quick": (3, 0), "standard": (5, 3), "deep": (8, 4)}
ANGLES = {
    "type": "object",
    "properties": {"angles": {"type": "array", "items": {"type": "string"}}},
    "required": ["angles"],
}
NOTES = {
    "type": "object",
    "properties": {
        "notes": {"type": "string"},
        "sources": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["notes", "sources"],
}
CITATIONS = {
    "type": "object",
    "properties": {"wrong": {"type": "array", "items": {"type": "string"}}},
    "required": ["wrong"],
}


def search(question, angle):
    """One angle."""
    ask = "Research this for the question below; take nothing from memory, name a source for every statement.\n"
    return agent(ask + angle + "\nQuestion: " + question, agent="explore", schema=NOTES, label=angle[:40], retries=1)


def run(args):
    """Angles, search, reflection, text, check."""
    question = args["text"]
    count, rounds = DEPTHS.get(args.get("depth", "standard"), (5, 3))
    phase("angles")
    ask = "Name " + str(count) + " angles from which this question should be researched, a sentence each: " + question
    angles = (agent(ask, schema=ANGLES, retries=1) or {"angles": [question]})["angles"][:count]
    phase("search")
    notes = [each for each in parallel([lambda angle=angle: search(question, angle) for angle in angles]) if each]
    for number in range(rounds):
        phase("reflect")
        ask = "What is still missing to answer this? At most 2 angles, none if nothing is.\n" + question + "\n"
        more = agent(ask + to_json(notes), schema=ANGLES, label="reflect " + str(number + 1))
        missing = (more or {"angles": []})["angles"][:2]
        if not missing:
            break
        phase("search")
        notes += [each for each in parallel([lambda angle=angle: search(question, angle) for angle in missing]) if each]
    if not notes:
        return None
    phase("write")
    ask = "Answer the question from these notes alone, with a source in brackets after each statement.\n"
    text = agent(ask + question + "\n" + to_json(notes), label="write", retries=1)
    phase("check")
    ask = "Check each citation in this text against its source. Which statements are not in their source?\n\n"
    checked = agent(ask + str(text), agent="explore", schema=CITATIONS, label="citations")
    return {"answer": text, "doubtful": (checked or {"wrong": ["citations were not checked"]})["wrong"]}
