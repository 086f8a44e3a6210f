"""Every event stream, read by httpx-sse, a standard client of server-sent events.

OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom, as for OpenAI's clients.
"""

import json
import os

import httpx
from httpx_sse import connect_sse

ORIGIN = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")
SIGNED_IN = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
QUESTION = "Who was the first keeper of the lighthouse?"


def read(path, body, method="POST", **more):
    """All events of a stream that ends by itself."""
    with httpx.Client(base_url=ORIGIN, timeout=60) as client:
        if method == "POST":
            more["json"] = body
        with connect_sse(client, method, path, headers=SIGNED_IN, **more) as source:
            source.response.raise_for_status()
            return list(source.iter_sse())


def rag_chat():
    ask = {"message": QUESTION, "answer_mode": "quotes"}
    for events in (
        read("/chat/send", ask),
        read("/chat/send", None, method="GET", params=ask),
    ):
        assert events[-1].event == "done", events[-1]
        assert any(event.event == "citation" for event in events)
        assert [event.id for event in events] == [str(n + 1) for n in range(len(events))]
        tokens = [event.json() for event in events if event.event == "message"]
        text = "".join(token.get("token", "") for token in tokens)
        assert "Tobias Grenn" in text, text


def orchestration():
    events = read_orchestration("/chat/query", {"question": QUESTION})
    assert events[-2]["type"] == "citations", events[-2]
    text = "The first keeper was Ewan Rae, who came from Durness."
    read_orchestration("/chat/selected-text", {"question": QUESTION, "selected_text": text})


def read_orchestration(path, body):
    events = [
        json.loads(event.data)
        for event in read(path, {**body, "session_id": "python"}) if event.event == "message"
    ]
    assert (events[0]["type"], events[-1]["type"]) == ("start", "end"), events
    return events


def chat_module():
    with httpx.Client(base_url=ORIGIN, timeout=60) as client:
        session = client.post("/api/chats/sessions/", json={}).json()["session_id"]
        body = {"message": QUESTION, "session_id": session}
        path = "/api/chats/messages/chat/stream"
        with connect_sse(client, "POST", path, json=body) as source:
            chunks = [event.json() for event in source.iter_sse()]
    assert chunks[-1]["done"] and chunks[-1]["response_id"], chunks[-1]
    assert "".join(chunk["chunk"] for chunk in chunks), chunks


def openai():
    body = {
        "model": "satchel",
        "stream": True,
        "messages": [{"role": "user", "content": QUESTION}],
        "answer_mode": "quotes",
    }
    events = read("/v1/chat/completions", body)
    assert events[-1].data == "[DONE]", events[-1]


tests = [rag_chat, orchestration, chat_module, openai]
for test in tests:
    test()
    print(f"httpx-sse: {test.__name__} passed")
print(f"httpx-sse: all {len(tests)} dialects passed")
