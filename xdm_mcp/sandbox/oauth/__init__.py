"""X's authorization server as of OAuth 2.0 (docs.x.com, 2026-08), for rehearsing a login."""
