"""What assistants know: knowledge bases with files, FAQs and labels, their passages, and search within a scope.

Tables: knowledge_bases, labels, documents, document_labels, document_files, file_versions, file_readings, faqs,
chunks, chunk_terms, embeddings.
Start at `model.py`, then `search.py` (what may have influence on an answer) and `handlers.py` (how files are read).
"""
