"""What every ledger promises, whatever its engine."""
