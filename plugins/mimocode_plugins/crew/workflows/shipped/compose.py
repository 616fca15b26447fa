"""From a request to a verified change: design, plan, tasks side by side, verification, review, report."""

META = {
    "description": "Takes a request from design to a verified and reviewed change, with agents in parallel.",
    "phases": ["design", "plan", "implement", "verify", "review", "report"],
    "arguments": "text: the request",
}
PLAN = {
    "type": "object",
    "properties": {
        "tasks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "needs": {"type": "array", "items": {"type": "string"}},
                    "task": {"type": "string"},
                },
                "required": ["id", "task"],
            },
        },
        "check": {"type": "string"},
    },
    "required": ["tasks", "check"],
}
CHECKED = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "why": {"type": "string"}},
    "required": ["ok", "why"],
}


def implemented(node, design, apart):
    """One task, test first, in at most three tries; in a worktree if it is one of several that begin at once."""
    why = ""
    isolation = "worktree" if apart and not node.get("needs") else ""
    for number in range(3):
        prompt = "Do this part of the design below, test first: see the test fail, then pass.\n" + node["task"] + why
        prompt += "\n\nDesign:\n" + design
        label = node["id"] + " " + str(number + 1)
        said = agent(prompt, agent="coder", label=label, isolation=isolation, merge=bool(isolation))
        if said is not None:
            return said
        why = "\nAn earlier try brought no result: look at what it left behind first."
        isolation = ""
    return None


def run(args):
    """The path."""
    phase("design")
    ask = "Design this change to the repository: what, where, what not, how it is tested. Change nothing.\n"
    design = agent(ask + args["text"], agent="explore", label="design", retries=1)
    if design is None:
        return {"state": "failed", "why": "no design"}
    phase("plan")
    ask = "Split this design into tasks that touch different files where possible, with what each needs; `check` is the"
    plan = agent(
        ask + " command that runs the tests.\n\n" + design, agent="explore", schema=PLAN, label="plan", retries=1
    )
    if plan is None:
        return {"state": "failed", "why": "no plan", "design": design}
    phase("implement")
    apart = exists(".git") and len([task for task in plan["tasks"] if not task.get("needs")]) > 1
    done = dag(plan["tasks"], lambda node, before: implemented(node, design, apart))
    rounds = []
    for number in range(3):
        phase("verify")
        ask = "Run `" + plan["check"] + "` and whatever else shows whether this was done:\n" + args["text"]
        verified = agent(ask, agent="verifier", schema=CHECKED, label="verify " + str(number + 1), retries=1)
        phase("review")
        ask = "Review all uncommitted changes against this design:\n" + design
        reviewed = agent(ask, agent="reviewer", schema=CHECKED, label="review " + str(number + 1), retries=1)
        both = [each or {"ok": False, "why": "no result"} for each in (verified, reviewed)]
        rounds.append(both)
        if all(each["ok"] for each in both) or number == 2:
            break
        phase("implement")
        ask = "Fix what was found in this change:\n" + to_json([each["why"] for each in both if not each["ok"]])
        agent(ask, agent="coder", label="fix " + str(number + 1))
    phase("report")
    agreed = all(each["ok"] for each in rounds[-1])
    return {"state": "agreed" if agreed else "unresolved", "tasks": done, "rounds": rounds}
