"""The SQL of the nouns that have much of it; `audit`, `directory` and `throttle` have their own."""
