"""An OpenAI-compatible server: many texts from one model at the same time.

    places, answer         keys and values of rows that come and go; one answer
    scheduler, engine      one step of the batch; the thread that makes the steps
    limits, errors, metrics
    schemas, requests, chat, replies    OpenAI's JSON in, jobs; updates, JSON out
    connection, body, events, app       HTTP
    command_line           python -m llm_notes.inference.serve --help

FastAPI, uvicorn and pydantic are imported when a server is made, not before.
"""
