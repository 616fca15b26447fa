"""The environment variables of the product (surface.md 4.2): what each does, or why it does nothing here.

A variable that somebody brings along from the original is known by name, so that nobody wonders in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

EFFECTS: dict[str, str] = {
    "MIMOCODE_HOME": "all our directories below this one",
    "MIMOCODE_CONFIG": "one more settings file, over the user's",
    "MIMOCODE_CONFIG_DIR": "one more directory of settings, agents and commands",
    "MIMOCODE_CONFIG_CONTENT": "settings as text, over all files but the administrator's",
    "MIMOCODE_TUI_CONFIG": "one more file of the terminal's settings, over tui.json",
    "MIMOCODE_PERMISSION": "permission rules as JSON, over all others",
    "MIMOCODE_DB": "the file of the log; relative to the data directory",
    "MIMOCODE_MODELS_URL": "where `mimo models --refresh` gets the public list",
    "MIMOCODE_MODELS_PATH": "a file in place of the public list",
    "MIMOCODE_DISABLE_MODELS_FETCH": "never fetch the public list",
    "MIMOCODE_ENABLE_EXPERIMENTAL_MODELS": "also models that are marked as alpha",
    "MIMOCODE_AUTH_CONTENT": "all credentials, as the text of auth.json",
    "MIMOCODE_AUTH_STORE": '"file" keeps new keys out of the keyring',
    "MIMOCODE_PURE": "leave out plugins that are not built in",
    "MIMOCODE_AUTO_SHARE": "as the setting share: auto",
    "MIMOCODE_DISABLE_SHARE": "as the setting share: disabled",
    "MIMOCODE_DISABLE_AUTOUPDATE": "as the setting autoupdate: false",
    "MIMOCODE_ALWAYS_NOTIFY_UPDATE": "as the setting autoupdate: notify",
    "MIMOCODE_DISABLE_AUTOCOMPACT": "as the setting compaction.auto: false",
    "MIMOCODE_DISABLE_PRUNE": "as the setting compaction.prune: false",
    "MIMOCODE_DISABLE_CHECKPOINT": "write no checkpoints",
    "MIMOCODE_DISABLE_PROJECT_CONFIG": "leave the project's settings alone",
    "MIMOCODE_MIMO_ONLY": "no keys of other providers from the environment",
    "MIMOCODE_DISABLE_PROVIDER_ENV": "no keys from the environment at all",
    "MIMOCODE_DISABLE_CLAUDE_CODE": "nothing that is Claude Code's",
    "MIMOCODE_DISABLE_CLAUDE_CODE_PROMPT": "not its CLAUDE.md",
    "MIMOCODE_DISABLE_CLAUDE_CODE_MCP": "not its MCP servers",
    "MIMOCODE_DISABLE_CLAUDE_CODE_COMMANDS": "not its commands",
    "MIMOCODE_DISABLE_EXTERNAL_SKILLS": "only shipped skills and our own",
    "MIMOCODE_DISABLE_AGENTS_SKILLS": "not the skills in .agents",
    "MIMOCODE_ENABLE_CLAUDE_CODE_SKILLS": "also the skills in .claude",
    "MIMOCODE_ENABLE_CODEX_SKILLS": "also the skills in .codex",
    "MIMOCODE_ENABLE_OPENCODE_SKILLS": "also the skills in .opencode",
    "MIMOCODE_DISABLE_BUILTIN_SKILLS": "not the shipped skills",
    "MIMOCODE_EXPERIMENTAL_ORCHESTRATOR": "also the agent orchestrator, which leads several sessions",
    "MIMOCODE_DISABLE_CLAUDE_CODE_SKILLS": "not the skills in .claude, also where they are switched on",
    "MIMOCODE_DISABLE_CODEX_SKILLS": "not the skills in .codex, also where they are switched on",
    "MIMOCODE_DISABLE_OPENCODE_SKILLS": "not the skills in .opencode, also where they are switched on",
    "MIMOCODE_DISABLE_COMPOSE_SKILLS": "not the skills of the agent compose",
    "MIMOCODE_DISABLE_SLASH_SKILLS": "skills are no slash commands",
    "MIMOCODE_DISABLE_CRON": "no schedules: no tool, and nothing falls due",
    "MIMOCODE_EXPERIMENTAL_CRON": "0 is the same as MIMOCODE_DISABLE_CRON",
    "MIMOCODE_EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS": "the time limit of a command that names none",
    "MIMOCODE_DISABLE_CLAUDE_IMPORT": "`mimo auth import claude` leaves sessions and memory alone",
    "MIMOCODE_DANGEROUSLY_SKIP_PERMISSIONS": "allow what no rule speaks about",
    "MIMOCODE_AUTO_APPROVE_DELETE": "deleting asks as anything else does",
    "MIMOCODE_OUTPUT_LENGTH_CONTINUATION_LIMIT": "how often an answer that was cut off is continued",
    "MIMOCODE_INVALID_OUTPUT_CONTINUATION_LIMIT": "how often an answer that makes no sense is asked for again",
    "MIMOCODE_TEXT_TOOL_CALL_RETRY_LIMIT": "how often a tool call written as text is asked for again",
    "MIMOCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX": "tokens of an answer that are asked for at most",
    "MIMOCODE_CHATGPT_ISSUER": "another place for logins with ChatGPT",
    "MIMOCODE_CHATGPT_URL": "another place for the models of such a login",
    "MIMOCODE_XAI_ISSUER": "another place for logins with xAI",
    "MIMO_PLATFORM_URL": "another place for logins at the MiMo platform",
    "MIMO_FREE_BASE_URL": "another place for MiMo Auto",
    "MIMOCODE_ENABLE_EXA": "search the web through Exa, without a key too",
    "MIMOCODE_EXPERIMENTAL_EXA": "the same",
    "EXA_API_KEY": "the key of the search service Exa",
    "EDITOR": "the editor of `mimo config edit`",
    "VISUAL": "the same, and wins",
    "SHELL": "the shell that completions are made for",
    "HTTP_PROXY": "the proxy for addresses that are not on this machine, with HTTPS_PROXY and NO_PROXY",
    "OLLAMA_HOST": "where `mimo setup` looks for Ollama",
}
_NONE = "there is no such thing here"
_ALWAYS = "it is so anyway"
_NOT_YET = "this part is not there yet"
WITHOUT: dict[str, str] = {
    "MIMOCODE_DISABLE_DEFAULT_PLUGINS": "the original does not read it either",
    "MIMOCODE_DISABLE_TERMINAL_TITLE": "the title of the terminal is left alone",
    "MIMOCODE_DISABLE_MOUSE": "the mouse is left to the terminal",
    "MIMOCODE_TUI_PLAIN": "the terminal prints plain scrollback",
    "MIMOCODE_DISABLE_LSP_DOWNLOAD": "nothing is downloaded without being asked for",
    "MIMOCODE_EXPERIMENTAL_LSP_TY": "name the server under lsp in the settings",
    "MIMOCODE_EXPERIMENTAL_LSP_TOOL": "the tool lsp is there when lsp is switched on",
    "MIMOCODE_EXPERIMENTAL_OXFMT": "name the formatter under formatter in the settings",
    "MIMOCODE_GIT_BASH_PATH": "it is for Windows, which is not supported yet",
    "MIMOCODE_DISABLE_GIT": "nothing needs git; where it is missing nothing is lost",
    "MIMOCODE_FAKE_VCS": "it is for tests of the original",
    "MIMOCODE_DISABLE_OFFICIAL_SKILLS": "there is no second set of shipped skills",
    "MIMOCODE_SKIP_ALL_FORCED_ASK_TIMEOUT_MS": "permission_timeout in the settings does it",
    "MIMOCODE_SERVER_PASSWORD": _NOT_YET,
    "MIMOCODE_SERVER_USERNAME": _NOT_YET,
    "MIMOCODE_CLIENT": "front ends are told apart by what they can do",
    "MIMOCODE_ENABLE_QUESTION_TOOL": "the tool is there wherever somebody can answer",
    "MIMOCODE_ENABLE_FUZZY_EDIT": "edits find their place within narrow bounds anyway",
    "MIMOCODE_ENABLE_DYNAMIC_SYSTEM_PROMPT": _ALWAYS,
    "MIMOCODE_ENABLE_EXEC_TOOL": _NONE,
    "MIMOCODE_CODEX_MODE": _NONE,
    "MIMOCODE_EXPERIMENTAL_MCP_TOOL_SEARCH": "many tools are put behind a search by themselves",
    "MIMOCODE_EXPERIMENTAL": "what is there is not hidden behind a switch",
    "MIMOCODE_EXPERIMENTAL_WORKFLOW_TOOL": "workflows are there anyway",
    "MIMOCODE_EXPERIMENTAL_WORKSPACES": _NONE,
    "MIMOCODE_LOOP_KEEPALIVE_BUDGET": "a loop goes on as long as its session is open",
    "MIMOCODE_LOOP_KEEPALIVE_DELAY_S": "a loop goes on as long as its session is open",
    "MIMOCODE_EXPERIMENTAL_TOKEN_EFFICIENCY": "outputs are shortened anyway and kept whole on disk",
    "MIMOCODE_EXPERIMENTAL_TOKEN_EFFICIENCY_HEURISTIC": "outputs are shortened anyway and kept whole on disk",
    "MIMOCODE_EXPERIMENTAL_TOKEN_EFFICIENCY_MAX_LINE_CHARS": "outputs are shortened anyway",
    "MIMOCODE_EXPERIMENTAL_TOKEN_EFFICIENCY_LINE_HEAD_KEEP": "outputs are shortened anyway",
    "MIMOCODE_EXPERIMENTAL_TOKEN_EFFICIENCY_NEVER_WORSE_MARGIN": "outputs are shortened anyway",
    "MIMOCODE_TEXT_NGRAM_N": "repetition is found in another way",
    "MIMOCODE_TEXT_REPEAT_THRESHOLD": "repetition is found in another way",
    "MIMOCODE_TEXT_WINDOW_TOKENS": "repetition is found in another way",
    "MIMOCODE_MAX_PROMPT_IMAGES": "the provider says how many it takes",
    "MIMOCODE_MAX_PROMPT_IMAGE_SIZE": "the provider says how large they may be",
    "MIMOCODE_ENABLE_ANALYSIS": "nothing is ever reported to anybody",
    "MIMOCODE_ENABLE_TRY_BEST_HANDOFF": "repetition is found in another way",
    "MIMOCODE_SHOW_TTFD": "`mimo plugins` shows what each plugin costs",
    "MIMOCODE_DISABLE_CHANNEL_DB": "there is one log for all versions",
    "MIMOCODE_SKIP_MIGRATIONS": "a log of an older version is read as it is",
    "MIMOCODE_AUTO_HEAP_SNAPSHOT": _NONE,
    "MIMOCODE_DISABLE_EMBEDDED_WEB_UI": _NOT_YET,
    "MIMOCODE_EXPERIMENTAL_DISABLE_COPY_ON_SELECT": "copying is left to the terminal",
    "MIMOCODE_EXPERIMENTAL_FILEWATCHER": "files are looked at when they are used",
    "MIMOCODE_EXPERIMENTAL_DISABLE_FILEWATCHER": "files are looked at when they are used",
    "MIMOCODE_EXPERIMENTAL_MARKDOWN": _ALWAYS,
    "MIMOCODE_DISABLE_LOG_ROTATION": "logs go to stderr with --print-logs, and to no file",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "nothing is ever reported to anybody",
}


def lines(environ: Mapping[str, str], *, everything: bool = False) -> Iterator[str]:
    """A line for each known variable that is set (or for all): its name and what it does; never its value."""
    for name, does in sorted(EFFECTS.items()):
        if everything or environ.get(name):
            yield f"{'*' if environ.get(name) else ' '} {name}: {does}"
    for name, why in sorted(WITHOUT.items()):
        if everything or environ.get(name):
            yield f"{'*' if environ.get(name) else ' '} {name}: without effect, {why}"
    for name in sorted(unknown(environ)):
        yield f"* {name}: unknown"


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and are none."""
    ours = {*EFFECTS, *WITHOUT, "MIMOCODE_PID"}
    return [
        name for name in environ if name.startswith(("MIMOCODE_", "MIMO_")) and name not in ours and "__" not in name
    ]
