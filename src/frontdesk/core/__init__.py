"""What every domain stands on and what knows no domain word: database, errors, ids, jobs, live events, http, files."""
