"""Reading answer keys and the outputs of de-identification tools, and judging them."""
