"""Charts of the move to a second factor: what they show, and how each is drawn, written and tabulated."""
