"""What each command is called and does, as the help lists it."""

from __future__ import annotations

ABOUT = """X direct messages for AI agents: they read and draft, a person approves what leaves.
Without a command it serves MCP on stdio."""

LATER = """`xdm-mcp COMMAND --help` tells more. Everything is written under XDM_HOME; every setting
is also an environment variable, XDM_<SECTION>__<KEY>."""

COMMANDS = {
    "serve": "serve MCP on stdio (the default) or over HTTP",
    "demo": "watch an agent's session against the built-in pretend X",
    "login": "log in as the account that the server is to speak for",
    "logout": "end a login and forget it",
    "whoami": "show whom the stored logins speak for",
    "approvals": "list the sends that wait for a person; approve or reject one",
    "outbox": "list the latest sends; settle one of unknown outcome",
    "audit": "list every decision; check the record of them",
    "status": "show windows, money, held sends and halts",
    "costs": "compare what sends and reads cost at each service",
    "doctor": "check the installation and name the next step",
    "tokens": "make, list and end the tokens of remote agents",
    "sandbox": "serve the pretend X, look into it, speak in it",
    "clear": "lift a halt or an opt-out",
    "forget": "erase kept messages from this machine",
}
APPROVALS = {
    "approve ID": "show one in full, ask for the PIN, send it",
    "reject ID": "end one for good",
    "serve": "serve the approval page on this machine",
    "open": "let a browser into the page that runs",
    "pin": "set the PIN, or change it with the old one",
    "rules": "list what may pass without you; add or withdraw a rule",
    "passkeys": "list passkeys; forget one",
}
PASSKEYS = {"remove ID": "forget one, with the PIN"}
RULES = {
    "list": "list those in force",
    "add": "show one, ask for the PIN, make it",
    "withdraw ID": "end one at once",
}
RULE_EXTRAS = {
    "--unsolicited": "also where they wrote long ago, or were answered enough",
    "--links": "texts with links too; for one person only",
    "--in-quiet-hours": "in quiet hours too; for one person only",
    "--even-first": "though they never wrote: they agreed elsewhere; for one person only",
}
TOKENS = {
    "add NAME": "make one, show it once",
    "list": "list them, never what they are",
    "remove NAME": "end one at once",
}
OUTBOX = {"resolve ENTRY": "write down whether it was sent"}
SANDBOX = {
    "serve": "serve its world over HTTP",
    "deliveries": "list what was really delivered",
    "say WHO TEXT": "have somebody write to the account",
    "reset": "begin the home's world anew",
}
CLEAR = {
    "halt [CODE]": "let sends go again after trouble",
    "opt-out USER": "forget that somebody asked for silence",
}
