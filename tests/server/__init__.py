"""What agents and their hosts see of us."""
