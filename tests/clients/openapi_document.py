"""The OpenAPI document is valid as such, and every schema is one.

OPENAI_BASE_URL says where, as for OpenAI's clients.
"""

import os

import httpx
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

ORIGIN = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")


def main():
    with httpx.Client(base_url=ORIGIN, timeout=60) as client:
        document = client.get("/openapi.json").raise_for_status().json()
        assert document["openapi"].startswith("3.1."), document["openapi"]
        OpenAPIV31SpecValidator(document).validate()
        operations = sum(len(methods) for methods in document["paths"].values())
        named = client.get("/v1/schemas").raise_for_status().json()["schemas"]
        for entry in named:
            schema = client.get(entry["path"]).raise_for_status().json()
            Draft202012Validator.check_schema(schema)
            # Fails where a reference leads nowhere.
            list(Draft202012Validator(schema).iter_errors({}))
        assert len({entry["name"] for entry in named}) == len(named)
    print(f"openapi: {operations} operations and {len(named)} schemas, passed")


main()
