"""Training of open-weight models, in a separate process: `python -m pulumi_openai_ft.trainer JOB_FOLDER`.

This is the only package that imports torch, transformers, peft and trl. It imports nothing else of the project: the server
and the trainer communicate through the files of a job folder (`job_folder.py`).
"""
