"""console: the screens of the members. One module per screen; templates in `templates/<screen>/`.

A screen is thin: it calls the same actions and queries as the API. Start reading at `members.py` (who is signed in),
`pages.py` (how a page is rendered) and `contacts.py` (a screen).
"""
