"""The approval page: a small web page on which the owner reads held sends and decides."""
