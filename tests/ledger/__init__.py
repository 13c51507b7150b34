"""What belongs to one engine of the ledger, or to a part of it."""
