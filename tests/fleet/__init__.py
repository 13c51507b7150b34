"""Several machines: replicas on one PostgreSQL, agents behind a balancer, and what dies."""
