"""The official OpenAI client for Python, unmodified, against a real satchel.

OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom, as that client expects.
"""

import math

import openai

client = openai.OpenAI(max_retries=0)
CHAT = "Tiny llama"
EMBEDDER = "all-MiniLM-L6-v2"
QUESTION = [{"role": "user", "content": "Who was the first keeper of the lighthouse?"}]
PLAIN = {
    "model": CHAT,
    "messages": [{"role": "user", "content": "Say something."}],
    "temperature": 0,
    "max_tokens": 24,
}


def models_are_listed_and_read():
    ids = [model.id for model in client.models.list()]
    assert ids == ["satchel", CHAT, EMBEDDER], ids
    assert client.models.retrieve(CHAT).object == "model"


def chat_answers():
    answer = client.chat.completions.create(**PLAIN)
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason == "length"
    assert answer.usage.completion_tokens == 24
    assert answer.usage.prompt_tokens_details.cached_tokens >= 0


def stream_adds_up_to_the_answer():
    whole = client.chat.completions.create(**PLAIN).choices[0].message.content
    stream = client.chat.completions.create(
        **PLAIN, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole, (text, whole)
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 24
    assert chunks[-2].choices[0].finish_reason == "length"


def stop_text_ends_the_answer():
    whole = client.chat.completions.create(**PLAIN).choices[0].message.content
    answer = client.chat.completions.create(**PLAIN, stop=[whole[8:11]])
    text = answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert whole.startswith(text) and len(text) < len(whole), text


def stream_can_be_left():
    request = dict(PLAIN, max_tokens=1900)
    with client.chat.completions.create(**request, stream=True) as stream:
        for number, _ in enumerate(stream):
            if number == 3:
                break
    # The model is free again at once.
    client.with_options(timeout=10).chat.completions.create(**dict(PLAIN, max_tokens=1))


def documents_answer_with_annotations():
    # What the tiny model writes rests on nothing; quotes do.
    ask = {"model": "satchel", "messages": QUESTION, "extra_body": {"answer_mode": "quotes"}}
    answer = client.chat.completions.create(**ask)
    message = answer.choices[0].message
    places = [one.url_citation for one in message.annotations]
    assert places, answer
    for place in places:
        assert message.content[place.start_index : place.end_index].startswith("[")
        assert place.url.startswith("http") and place.title
    assert "keeper" in places[0].citation["text"], places[0]
    stream = client.chat.completions.create(**ask, stream=True)
    assert any(getattr(c.choices[0].delta, "annotations", None) for c in stream)


def texts_are_embedded_in_both_encodings():
    texts = ["The lamp burns colza oil.", "colza oil"]
    # Unless told otherwise this client asks for base64 and decodes it.
    coded = client.embeddings.create(model=EMBEDDER, input=texts)
    plain = client.embeddings.create(model=EMBEDDER, input=texts, encoding_format="float")
    assert len(coded.data) == len(plain.data) == 2
    for one, other in zip(coded.data, plain.data):
        assert len(one.embedding) == 384
        assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(one.embedding, other.embedding))
    assert coded.usage.total_tokens > 4


def errors_are_the_clients_own():
    for kind, call in [
        (openai.NotFoundError, lambda: client.chat.completions.create(**dict(PLAIN, model="gpt-4o"))),
        (openai.BadRequestError, lambda: client.chat.completions.create(**PLAIN, n=2)),
        (openai.AuthenticationError, lambda: client.with_options(api_key="sk-wrong").models.list()),
        (openai.BadRequestError, lambda: client.embeddings.create(model=EMBEDDER, input=[1, 2, 3])),
    ]:
        try:
            call()
        except kind as error:
            assert error.message and error.body["message"], error
        else:
            raise AssertionError(f"no {kind.__name__}")


TESTS = [
    models_are_listed_and_read,
    chat_answers,
    stream_adds_up_to_the_answer,
    stop_text_ends_the_answer,
    stream_can_be_left,
    documents_answer_with_annotations,
    texts_are_embedded_in_both_encodings,
    errors_are_the_clients_own,
]
for test in TESTS:
    test()
    print(f"ok {test.__name__}")
print(f"openai {openai.__version__} for Python: {len(TESTS)} passed")
