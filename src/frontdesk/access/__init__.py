"""Who may read what: query metadata (JSON that members, enterprises and pages write) becomes one scope per message.

Tables: access_profiles, profile_assignments, profile_rules, rule_assignments. Start at `model.py` (the algebra), then
`parse.py` (from JSON), `layers.py` (how the layers join) and `sql.py` (to a condition on documents).
"""
