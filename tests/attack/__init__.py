"""An agent that is wholly an attacker's, and one that is honest: what each of them gets sent."""
