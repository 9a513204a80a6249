"""Jobs as they are asked for and stored: checked, kept before they are acknowledged, removed."""
