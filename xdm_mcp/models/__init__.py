"""The values that the layers hand to each other: frozen, without behaviour beyond what follows
from them."""
